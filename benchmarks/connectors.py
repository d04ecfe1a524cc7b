"""Spark's connectors, as the publication uses them, against each store's own bulk client: the same rows, in turn, in one run.

spark-submit --jars .venv/jars/neo4j-connector-*.jar benchmarks/connectors.py --lake DIR [--rounds 3]

The stores have to run (`make up`); tables, collections and labels named bench_... are made there and dropped. Prints rows a
second of both ways (median of the rounds) and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bson import Decimal128
from pymongo import InsertOne
from pyspark.sql import DataFrame

from lake.contracts import contract
from lake.publish import clickhouse, mongodb, neo4j
from lake.publish.documents import VIEWS
from lake.publish.graph import KINDS, Kind
from lake.publish.snapshot import newest_snapshot
from lake.publish.view import View, whole
from lake.session import Lake, open_lake
from lake.settings import load_settings

NODES = "Customer"


@dataclass(frozen=True)
class Pair:
    """Two ways to write the same rows.

    Attributes:
        what: the store and what is written.
        rows: how many.
        empty: makes place for them; not timed.
        ours: through Spark.
        theirs: through the store's own client, from memory.
    """

    what: str
    rows: int
    empty: Callable[[], object]
    ours: Callable[[], object]
    theirs: Callable[[], object]


def seconds(work: Callable[[], object], before: Callable[[], object]) -> float:
    """How long work takes, once there is place for it."""
    before()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cached(lake: Lake, view: View) -> DataFrame:
    """All rows of a view, in memory."""
    frame = whole(lake, view, newest_snapshot(lake)).persist()
    frame.count()
    return frame


@contextmanager
def sales(lake: Lake) -> Iterator[Pair]:
    """ClickHouse: items of orders, by JDBC and by Arrow."""
    gold = contract("gold.fact_order_items")
    frame = cached(lake, next(view for view in clickhouse.views() if view.name == "sales_fact"))
    table = frame.toArrow()
    with clickhouse.connected() as client:

        def empty() -> None:
            clickhouse.fill(client, gold, "bench_sales", frame.limit(0))

        ours, theirs = (lambda: clickhouse.fill(client, gold, "bench_sales", frame)), (lambda: client.insert_arrow("bench_sales", table))
        yield Pair("ClickHouse sales_fact", table.num_rows, empty, ours, theirs)
        client.command("DROP TABLE bench_sales SYNC")


@contextmanager
def reviews(lake: Lake) -> Iterator[Pair]:
    """MongoDB: reviews, by the connector and by unordered bulk writes."""
    frame = cached(lake, next(view for view in VIEWS if view.name == "reviews"))
    documents = [_document(row.asDict(recursive=True)) for row in frame.toLocalIterator()]
    with mongodb.connected() as database:

        def empty() -> None:
            database.drop_collection("bench_reviews")
            database.create_collection("bench_reviews")

        def theirs() -> None:
            database["bench_reviews"].bulk_write([InsertOne(dict(document)) for document in documents], ordered=False)

        yield Pair("MongoDB reviews", len(documents), empty, lambda: mongodb.send(frame, "bench_reviews"), theirs)
        database.drop_collection("bench_reviews")


def _document(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _document(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_document(each) for each in value]
    return Decimal128(value) if isinstance(value, Decimal) else value


@contextmanager
def nodes(lake: Lake) -> Iterator[Pair]:
    """Neo4j: customers, by the connector and by UNWIND batches of the same size."""
    kind: Kind = next(kind for kind in KINDS if kind.view.name == NODES)
    frame = cached(lake, kind.view)
    rows = [row.asDict() for row in frame.toLocalIterator()]
    suffix = "__bench"
    statement = kind.merge("event", suffix)
    with neo4j.connected() as driver:
        label, key = f"{kind.label[0]}{suffix}", kind.label[1]
        driver.execute_query(f"CREATE CONSTRAINT bench IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE")

        def empty() -> None:
            neo4j.clear(driver, label)

        def theirs() -> None:
            for start in range(0, len(rows), neo4j.ROWS_A_BATCH):
                driver.execute_query(f"UNWIND $rows AS event {statement}", rows=rows[start : start + neo4j.ROWS_A_BATCH])

        yield Pair("Neo4j customers", len(rows), empty, lambda: neo4j.send(frame, statement), theirs)
        empty()
        driver.execute_query("DROP CONSTRAINT bench IF EXISTS")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", help="root of the lake (default: $LAKE_PATH, else the profile's)")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    lake = open_lake(load_settings(None, args.lake), "connectors")
    print(f"{'what':<24}{'rows':>10}{'ours /s':>12}{'theirs /s':>12}{'ratio':>8}")
    for make in (sales, reviews, nodes):
        with make(lake) as pair:
            # The first of ours loads classes; what follows is alternating.
            seconds(pair.ours, pair.empty)
            took = [(seconds(pair.ours, pair.empty), seconds(pair.theirs, pair.empty)) for _ in range(args.rounds)]
        ours, theirs = (pair.rows / statistics.median(each) for each in zip(*took, strict=True))
        print(f"{pair.what:<24}{pair.rows:>10,}{ours:>12,.0f}{theirs:>12,.0f}{ours / theirs:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
