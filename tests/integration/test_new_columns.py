"""A contract that gets a new column: the tables get it with the next run, and nothing that was there is lost."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import gold, tables
from lake.backfill import backfill
from lake.contracts import Column, Contract, contract, contracts
from tests.marketplace import marketplace, order


@pytest.fixture
def add_column(monkeypatch):
    """Add a column, which may be null, to a table's contract."""

    def add(table: str, name: str, type_: str = "string") -> None:
        before = contract(table)
        column = Column(type=type_, about="what wasn't there", nullable=before.layer != "bronze")
        monkeypatch.setitem(contracts(), table, Contract(**{**before.model_dump(), "columns": {**before.columns, name: column}}))

    return add


def test_a_column_that_the_source_begins_to_deliver_goes_to_silver(world, add_column):
    world.deliver("1", marketplace(3))
    world.run()
    add_column("bronze.orders", "sales_channel")
    add_column("silver.orders", "sales_channel")
    later = "2017-11-20 00:00:00"
    world.deliver("2", {"orders": [order(1, order_delivered_customer_date=later, sales_channel="app"), order(7, sales_channel="web")]})
    world.run()
    told = "select sales_channel, count(*), count(order_purchase_timestamp) from silver_orders group by 1 order by 1 nulls first"
    assert world.sql(told) == [(None, 2, 2), ("app", 1, 1), ("web", 1, 1)]
    assert world.sql("select count(*), count(sales_channel) from bronze_orders") == [(5, 2)]
    assert tables.read(world.lake, "silver.orders").schema["sales_channel"].metadata["comment"] == "what wasn't there"
    before = world.versions("silver")
    world.run()
    assert world.versions("silver") == before


def test_what_bronze_has_of_a_column_comes_to_silver_by_a_backfill(world, add_column):
    add_column("bronze.orders", "sales_channel")
    world.deliver("", marketplace(3) | {"orders": [order(number, sales_channel="app") for number in range(3)]})
    world.run()
    add_column("silver.orders", "sales_channel")
    world.run()
    world.ask(lambda lake, run: backfill(lake, run, "silver.orders", None, None, "a new column"))
    assert world.sql("select sales_channel, count(*) from silver_orders group by 1") == [("app", 3)]


def test_a_gold_table_with_a_new_column_is_computed_again(world, add_column, monkeypatch):
    world.deliver("", marketplace(6))
    world.run()
    builder = gold.BUILDERS["gold.sales_by_state"]

    def wider(fact_orders: DataFrame) -> DataFrame:
        return builder(fact_orders).withColumn("twice", F.col("orders") * 2)

    monkeypatch.setitem(gold.BUILDERS, "gold.sales_by_state", wider)
    add_column("gold.sales_by_state", "twice", "bigint")
    world.run()
    assert world.sql("select sum(twice), sum(orders), count(*) = count(twice) from gold_sales_by_state") == [(12, 6, True)]
