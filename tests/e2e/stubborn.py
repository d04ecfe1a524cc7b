"""Publishes under bad luck, by the code that publishes: tasks that fail after their first batch, and one seller in all orders.

spark-submit --master local[2,4] tests/e2e/stubborn.py; with it a task that fails is tried again, as on a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame

from lake.contracts import contract
from lake.publish import clickhouse, mongodb, neo4j
from lake.publish.graph import KINDS
from lake.session import Lake, open_lake
from lake.settings import load_settings

ROWS, BATCH = 1000, 100


def stumbling(frame: DataFrame) -> DataFrame:
    """The same rows from one partition; its first attempt dies after some batches were handed on."""

    def hand_on(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for number, batch in enumerate(batches):
            if number == 5 and TaskContext.get().attemptNumber() == 0:
                raise RuntimeError("this attempt was made to fail")
            yield batch

    return frame.coalesce(1).mapInPandas(hand_on, frame.schema)


def to_clickhouse(lake: Lake) -> None:
    gold = contract("gold.review_trend")
    of_type = {"date": "date_add(date'2000-01-01', cast(id as int))"}
    rows = lake.spark.range(ROWS).selectExpr(*[f"cast({of_type.get(c.type, 'id')} as {c.type}) as {n}" for n, c in gold.columns.items()])
    with clickhouse.connected() as client:
        clickhouse.fill(client, gold, "stubborn", stumbling(rows))
        print("clickhouse", client.query("SELECT count(), uniqExact(*) FROM stubborn").result_rows[0], flush=True)
        client.command("DROP TABLE stubborn SYNC")


def to_mongodb(lake: Lake) -> None:
    mongodb.send(stumbling(lake.spark.range(ROWS).selectExpr("cast(id as string) as _id", "id as value")), "stubborn")
    with mongodb.connected() as database:
        print("mongodb", (database.stubborn.count_documents({}), len(database.stubborn.distinct("_id"))), flush=True)
        database.drop_collection("stubborn")


def to_neo4j(lake: Lake) -> None:
    """A thousand products of one seller from four partitions, whose first attempt fails as well."""
    kinds = {kind.view.name: kind for kind in KINDS}
    products = lake.spark.range(ROWS).selectExpr("concat('stubborn', id) as product_id", "'toys' as category")
    seller = lake.spark.range(1).selectExpr("'stubborn' as seller_id", "'rio' as city", "'RJ' as state")
    sells = products.selectExpr("'stubborn' as start", "product_id as end", "1L as items").repartition(4)
    with neo4j.connected() as driver:
        neo4j._make_constraints(driver)
        neo4j.send(seller, kinds["Seller"].merge("event", "__stage"))
        neo4j.send(stumbling(products), kinds["Product"].merge("event", "__stage"))
        neo4j.send(sells, kinds["SELLS"].merge("event", "__stage"))
        neo4j.send(stumbling(sells), kinds["SELLS"].merge("event", "__stage"))
        found = driver.execute_query("MATCH (s:Seller__stage {seller_id: 'stubborn'})-[r:SELLS]->(p) RETURN count(r), count(DISTINCT p)")
        print("neo4j", tuple(found.records[0].values()), flush=True)
        neo4j.clear(driver, "Seller__stage", "Product__stage")


if __name__ == "__main__":
    lake = open_lake(load_settings("minio"), "stubborn")
    lake.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
    clickhouse.ROWS_A_BATCH = neo4j.ROWS_A_BATCH = BATCH
    for work in (to_clickhouse, to_mongodb, to_neo4j):
        work(lake)
