"""Every number in the tables of docs/kpis.md is computed here from the page's own example."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.oracle import CONF, SQL, open_oracle

PAGE = CONF.parent / "docs" / "kpis.md"
TABLE = re.compile(r"^\*\*(?P<layer>\w+)\.(?P<name>\w+)\*\*.*\n\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
DUCKDB_TYPES = {"string": "VARCHAR", "int": "INTEGER"}


@dataclass(frozen=True)
class Table:
    """A table of the page: `**layer.name**`, perhaps a remark, a blank line and the rows; an empty cell is null."""

    layer: str
    name: str
    header: list[str]
    rows: list[tuple[str, ...]]


def tables_of(page: str) -> list[Table]:
    found = []
    for match in TABLE.finditer(page):
        cells = [tuple(c.strip() for c in line.strip("|").split("|")) for line in match["rows"].splitlines()]
        found.append(Table(match["layer"], match["name"], list(cells[0]), cells[2:]))
    return found


TABLES = tables_of(PAGE.read_text(encoding="utf-8"))
RESULTS = [table for table in TABLES if table.layer == "gold"]


def the(name: str) -> list[dict[str, str]]:
    """The rows of a table of the recommender's example."""
    (table,) = [table for table in TABLES if table.layer == "model" and table.name == name]
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def written(value: object) -> str:
    """A value as the page writes it."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    landing = tmp_path_factory.mktemp("landing")
    for table in TABLES:
        if table.layer == "bronze":
            contract = yaml.safe_load((CONF / "tables" / "bronze" / f"{table.name}.yml").read_text(encoding="utf-8"))
            file = Path(landing, contract["feed"]["files"].replace("*", "", 1).rstrip("*"))
            with file.open("w", encoding="utf-8", newline="") as out:
                writer = csv.DictWriter(out, list(contract["columns"]), restval="")
                writer.writeheader()
                writer.writerows(dict(zip(table.header, row, strict=True)) for row in table.rows)
    return open_oracle(landing)


@pytest.mark.parametrize("table", RESULTS, ids=lambda table: table.name)
def test_the_page_states_what_the_example_gives(oracle: duckdb.DuckDBPyConnection, table: Table) -> None:
    rows = oracle.execute(f"select {', '.join(table.header)} from gold_{table.name}").fetchall()
    assert sorted(table.rows) == sorted(tuple(written(value) for value in row) for row in rows)


def test_the_page_shows_every_table_that_has_a_formula() -> None:
    described = {table.name for table in RESULTS}
    plain = {"dim_date", "dim_location", "dim_product", "dim_seller"}
    assert described == set(SQL) - plain - {"fact_order_items", "fact_payments", "fact_reviews"}


@pytest.mark.parametrize("name", SQL)
def test_the_oracle_has_the_contracts_columns(oracle: duckdb.DuckDBPyConnection, name: str) -> None:
    contract = yaml.safe_load((CONF / "tables" / "gold" / f"{name}.yml").read_text(encoding="utf-8"))
    wanted = [(c, DUCKDB_TYPES.get(v["type"], v["type"].upper())) for c, v in contract["columns"].items()]
    found = oracle.execute(f"describe gold_{name}").fetchall()
    assert [(column, kind.replace(" ", "")) for column, kind, *_ in found] == wanted


def test_the_rating_is_what_the_page_says() -> None:
    for row in the("rating"):
        rating = int(row["review_score"]) * (1 + math.log1p(float(row["price_brl"])) / 10)
        assert row["rating"] == written(round(rating, 4))


def test_the_recommenders_measures_are_what_the_page_says() -> None:
    (stated,) = the("measures")
    errors = [float(r["rating"]) - float(r["predicted"]) for r in the("held_out") if r["predicted"]]
    held_out: dict[str, set[str]] = {}
    for row in the("held_out"):
        held_out.setdefault(row["person"], set()).add(row["product"])
    top = {row["person"]: set(row["top_5"].split()) for row in the("ranking")}
    hits = {person: len(products & held_out[person]) for person, products in top.items()}
    computed = {
        "rmse": math.sqrt(sum(e * e for e in errors) / len(errors)),
        "precision_at_5": sum(h / 5 for h in hits.values()) / len(hits),
        "recall_at_5": sum(h / len(held_out[p]) for p, h in hits.items()) / len(hits),
        "coverage": len(set().union(*top.values())) / int(stated["training_products"]),
        "test_persons": len(top),
    }
    assert {name: stated[name] for name in computed} == {n: written(round(v, 6)) for n, v in computed.items()}
