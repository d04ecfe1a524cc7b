"""From rows of gold back to files and lines: each table by its best link, on tables that hold little but keys."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from lake.errors import BadInput
from lake.sql import open_sql
from lake.trace import trace
from tests.unit.tiny_lake import write_lake

ITEMS = [("o1", 1, "p1", "s1"), ("o1", 2, "p2", "s1"), ("o2", 1, "p3", "s2")]
TABLES = {
    "gold.fact_order_items": ("order_id, order_item_id, product_id, seller_id", ITEMS),
    "gold.fact_orders": ("order_id, customer_id, customer_unique_id", [("o1", "c1", "ana"), ("o2", "c2", "bia")]),
    "gold.cohort_retention": ("cohort_month, months_since", [("2018-01", 0), ("2018-02", 0)]),
    "gold.dim_customer": ("customer_unique_id, cohort_month", [("ana", "2018-01"), ("bia", "2018-02")]),
    "gold.dim_seller": ("seller_id, seller_zip_code_prefix", [("s1", "01310"), ("s2", "20040")]),
    "gold.dim_location": ("zip_code_prefix, city, state", [("01310", "sao paulo", "SP"), ("20040", "rio de janeiro", "RJ")]),
    "gold.model_runs": ("model_run, method", [("m1", "als")]),
    "silver.orders": ("order_id, customer_id", [("o1", "c1"), ("o2", "c2")]),
    "silver.customers": ("customer_id, customer_unique_id", [("c1", "ana"), ("c2", "bia")]),
    "silver.order_items": ("order_id, order_item_id, product_id, seller_id", ITEMS),
    "silver.order_payments": ("order_id, payment_sequential", [("o1", 1), ("o2", 1)]),
    "silver.order_reviews": ("review_id, order_id", [("r1", "o1")]),
    "silver.products": ("product_id", [("p1",), ("p2",), ("p3",)]),
    "silver.products_history": ("product_id, valid_from", [("p1", "1900-01-01"), ("p2", "1900-01-01"), ("p2", "2018-01-02")]),
    "bronze.products": (
        "product_id, _drop_date",
        [("p1", ""), ("p2", ""), ("p2", "2018-01-02"), ("p2", "2018-01-02"), ("p2", "2018-03-04")],
    ),
    "silver.sellers": ("seller_id, seller_zip_code_prefix", [("s1", "01310"), ("s2", "20040")]),
    "silver.geolocation": ("geolocation_zip_code_prefix, geolocation_city", [("01310", "SAO PAULO"), ("01310", "sp"), ("20040", "rio")]),
}


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    """The tables; a row of bronze or silver is of the file of its table's name, in the line of its place."""
    connection = duckdb.connect()
    connection.execute("create schema gold; create schema silver; create schema bronze")
    for name, (columns, rows) in TABLES.items():
        place = not name.startswith("gold.") and not name.endswith("_history")
        values = [(*row, f"{name.split('.')[1]}.csv", line) if place else row for line, row in enumerate(rows, 2)]
        listed = ", ".join(f"({', '.join(map(repr, row))})" for row in values)
        connection.execute(f"create table {name} as from (values {listed}) as t({columns}{', _file, _line' if place else ''})")
    connection.execute("alter table bronze.products alter _drop_date type date using nullif(_drop_date, '')::date")
    connection.execute("alter table silver.products_history alter valid_from type date")
    return connection


@pytest.mark.parametrize(("day", "rows", "lines"), [("1900-01-01", 1, "3"), ("2018-01-02", 2, "4, 5")])
def test_a_version_of_a_product_is_traced_to_the_drop_that_said_it(db, day, rows, lines):
    assert trace(db, "silver.products_history", {"product_id": "p2", "valid_from": day}, 10) == [
        "silver.products_history: 1 rows",
        f"  bronze.products: {rows} rows (by product_id and the drop of valid_from)",
        f"    products.csv: line {lines}",
    ]


def test_a_row_of_bronze_says_its_own_place(db):
    assert trace(db, "bronze.products", {"product_id": "p1"}, 10) == ["bronze.products: 1 rows", "  products.csv: line 2"]


def test_an_item_is_traced_to_its_own_product_and_to_nothing_of_other_orders(db):
    assert trace(db, "gold.fact_order_items", {"order_id": "o1", "order_item_id": "2"}, 10) == [
        "gold.fact_order_items: 1 rows",
        "  silver.order_items: 1 rows (by order_id, order_item_id)",
        "    order_items.csv: line 3",
        "  gold.fact_orders: 1 rows (by order_id)",
        "    silver.orders: 1 rows (by order_id)",
        "      orders.csv: line 2",
        "    silver.customers: 1 rows (by customer_id)",
        "      customers.csv: line 2",
        "    silver.order_payments: 1 rows (by order_id)",
        "      order_payments.csv: line 2",
        "    silver.order_reviews: 1 rows (by order_id)",
        "      order_reviews.csv: line 2",
        "  silver.products: 1 rows (by product_id)",
        "    products.csv: line 3",
        "  silver.sellers: 1 rows (by seller_id)",
        "    sellers.csv: line 2",
    ]


def test_a_source_without_a_common_column_is_found_through_one_that_has(db):
    told = trace(db, "gold.fact_orders", {"order_id": "o1"}, 1)
    at = told.index("  silver.products: 2 rows (by product_id of silver.order_items)")
    assert told[at + 1] == "    products.csv: line 2 ..."
    cohort = trace(db, "gold.cohort_retention", {"cohort_month": "2018-02"}, 10)
    assert cohort[1] == "  gold.dim_customer: 1 rows (by cohort_month)"
    assert "  gold.fact_orders: 1 rows (by customer_unique_id of gold.dim_customer)" in cohort


def test_a_key_with_a_prefix_before_its_name_is_the_same_key(db):
    assert trace(db, "gold.dim_seller", {"seller_id": "s1"}, 10) == [
        "gold.dim_seller: 1 rows",
        "  silver.sellers: 1 rows (by seller_id)",
        "    sellers.csv: line 2",
        "  gold.dim_location: 1 rows (by seller_zip_code_prefix)",
        "    silver.geolocation: 2 rows (by zip_code_prefix)",
        "      geolocation.csv: line 2, 3",
    ]


def test_all_of_a_table_is_named_only_where_nothing_says_which_rows(db):
    assert trace(db, "gold.model_runs", {}, 10)[1] == "  gold.fact_order_items: 3 rows (all of it)"


def test_rows_and_columns_that_are_not_there_are_said(db):
    with pytest.raises(BadInput, match="has no row with"):
        trace(db, "gold.fact_orders", {"order_id": "o9"}, 10)
    with pytest.raises(BadInput, match="has no column colour"):
        trace(db, "gold.fact_orders", {"colour": "red"}, 10)


def test_a_time_is_found_as_it_is_printed_and_what_is_not_built_is_said(tmp_path: Path):
    write_lake(tmp_path)
    lake = open_sql(str(tmp_path))
    for time in ("2017-10-15 00:30:00", "2017-10-15T00:30:00", "2017-10-15 00:30:00+00"):
        told = trace(lake, "gold.fact_orders", {"order_purchase_timestamp": time}, 10)
        assert told[:2] == ["gold.fact_orders: 1 rows", "  silver.orders: not built yet"]
    assert trace(lake, "gold.recommendations", {"rank": "1"}, 10) == [
        "gold.recommendations: 1 rows",
        "  gold.fact_order_items: not built yet",
    ]
    # A column whose name means something in SQL.
    assert trace(lake, "ops.quarantine", {"table": "silver.customers"}, 10)[0] == "ops.quarantine: 1 rows"
    with pytest.raises(BadInput, match="has no row with"):
        trace(lake, "gold.fact_orders", {"order_purchase_timestamp": "yesterday"}, 10)
    with pytest.raises(BadInput, match="silver.orders is not built yet"):
        trace(lake, "silver.orders", {"order_id": "o1"}, 10)
    with pytest.raises(BadInput, match=r"no table 'gold.sales'\n.*gold.sales_by_month"):
        trace(lake, "gold.sales", {}, 10)
