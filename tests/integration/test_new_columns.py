"""A contract that gets a new column: the tables get it with the next run, and nothing that was there is lost."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import gold, tables
from lake.backfill import backfill
from lake.contracts import Column, Contract, contract, contracts
from lake.errors import BadConfiguration
from tests.marketplace import marketplace, order


@pytest.fixture
def add_column(monkeypatch):
    """Add a column, which may be null, to a table's contract."""

    def add(table: str, name: str, type_: str = "string") -> None:
        before = contract(table)
        column = Column(type=type_, about="what wasn't there", nullable=before.layer != "bronze")
        monkeypatch.setitem(contracts(), table, Contract(**{**before.model_dump(), "columns": {**before.columns, name: column}}))

    return add


def test_a_column_that_the_source_begins_to_deliver_goes_to_silver(lake, add_column):
    add_column("bronze.orders", "sales_channel")
    add_column("silver.orders", "sales_channel")
    later = "2017-11-20 00:00:00"
    lake.deliver("2", {"orders": [order(1, order_delivered_customer_date=later, sales_channel="app"), order(20, sales_channel="web")]})
    lake.run()
    told = "select sales_channel, count(*), count(order_purchase_timestamp) from silver_orders group by 1 order by 1 nulls first"
    assert lake.sql(told) == [(None, 11, 11), ("app", 1, 1), ("web", 1, 1)]
    assert lake.sql("select count(*), count(sales_channel) from bronze_orders") == [(14, 2)]
    assert tables.read(lake.lake, "silver.orders").schema["sales_channel"].metadata["comment"] == "what wasn't there"
    before = lake.versions("silver")
    lake.run()
    assert lake.versions("silver") == before


def test_what_bronze_has_of_a_column_comes_to_silver_by_a_backfill(world, add_column):
    add_column("bronze.orders", "sales_channel")
    world.deliver("", marketplace(3) | {"orders": [order(number, sales_channel="app") for number in range(3)]})
    world.run("ingest", "conform")
    add_column("silver.orders", "sales_channel")
    world.run("ingest", "conform")
    world.ask(lambda lake, run: backfill(lake, run, "silver.orders", None, None, "a new column"))
    assert world.sql("select sales_channel, count(*) from silver_orders group by 1") == [("app", 3)]


def test_a_gold_table_with_a_new_column_is_computed_again(lake, add_column, monkeypatch):
    builder = gold.BUILDERS["gold.sales_by_state"]

    def wider(fact_orders: DataFrame) -> DataFrame:
        return builder(fact_orders).withColumn("twice", F.col("orders") * 2)

    monkeypatch.setitem(gold.BUILDERS, "gold.sales_by_state", wider)
    add_column("gold.sales_by_state", "twice", "bigint")
    lake.run("build")
    assert lake.sql("select sum(twice), sum(orders), count(*) = count(twice) from gold_sales_by_state") == [(24, 12, True)]


def test_a_gold_table_whose_column_has_another_type_is_computed_again_and_so_are_those_built_from_it(lake, monkeypatch):
    told = "select sum(items), sum(with_message) from gold_sales_by_state, gold_review_trend"
    before, table = lake.sql(told), contract("gold.fact_orders")
    column = table.columns["items"].model_copy(update={"type": "bigint"})
    monkeypatch.setitem(contracts(), table.name, Contract(**{**table.model_dump(), "columns": {**table.columns, "items": column}}))
    run = lake.run("build")
    assert tables.read(lake.lake, table.name).schema["items"].dataType.simpleString() == "bigint"
    assert lake.sql(told) == before and "failed" not in {row["status"] for row in run.finished}


def test_a_column_that_a_contract_no_longer_names_stays_in_the_rows_that_no_delivery_changes(world, monkeypatch):
    world.deliver("1", marketplace(3))
    world.run("ingest", "conform")
    table = contract("silver.order_reviews")
    columns = {name: column for name, column in table.columns.items() if name != "review_comment_message"}
    monkeypatch.setitem(contracts(), table.name, Contract(**{**table.model_dump(), "columns": columns}))
    feeds = marketplace(3)
    review = feeds["order_reviews"][0]
    world.deliver("2", {"order_reviews": [{**review, "review_score": "1", "review_answer_timestamp": "2018-08-01 00:00:00"}]})
    told = "select count(*), count(review_comment_message) from silver_order_reviews"
    rows, titles = world.sql(told)[0]
    world.run("ingest", "conform")
    assert world.sql(told) == [(rows, titles - 1)]


def test_a_silver_table_whose_column_has_another_type_is_left_alone(world, monkeypatch):
    world.deliver("1", marketplace(3))
    world.run("ingest", "conform")
    table, before = contract("silver.order_payments"), world.versions("silver")
    column = table.columns["payment_installments"].model_copy(update={"type": "bigint"})
    monkeypatch.setitem(
        contracts(), table.name, Contract(**{**table.model_dump(), "columns": {**table.columns, "payment_installments": column}})
    )
    world.deliver("2", {"order_payments": [{**marketplace(3)["order_payments"][0], "payment_sequential": "2"}]})
    with pytest.raises(BadConfiguration, match="contradicts the table, where payment_installments is int"):
        world.run("ingest", "conform")
    assert world.versions("silver")["order_payments"] == before["order_payments"]
