"""gold -> Neo4j: the graph staged under labels of its own, compared, then relabelled in one transaction.

Neo4j has no decimal: money is written in centavos, as whole numbers. A node that readers see has the label Customer, one that
waits to be shown Customer__stage, one of the snapshot before Customer__previous; relationships go with their nodes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from neo4j import Driver, GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.errors import BadEnvironment, LawBroken
from lake.publish.snapshot import Fingerprint, Snapshot, fingerprint
from lake.session import Lake
from lake.settings import required

NAME = "neo4j"
LABELS = ("Customer", "Product", "Seller", "Category")
SOURCE = "org.neo4j.spark.DataSource"
ROWS_A_BATCH = 10_000


@dataclass(frozen=True)
class Part:
    """Nodes or relationships of one kind: the columns of its frame, and how a row is written and read back."""

    name: str
    types: dict[str, str]
    write: str
    read: str


def _nodes(label: str, key: str, **properties: str) -> Part:
    setting = ", ".join(f"n.{name} = event.{name}" for name in properties)
    returned = ", ".join(f"n.{name} AS {name}" for name in (key, *properties))
    return Part(
        label, {key: "string", **properties},
        f"MERGE (n:{label}__stage {{{key}: event.{key}}})" + (f" SET {setting}" if properties else ""),
        f"MATCH (n:{label}__stage) RETURN {returned}",
    )  # fmt: skip


def _edges(kind: str, start: tuple[str, str], end: tuple[str, str], **properties: str) -> Part:
    setting = ", ".join(f"r.{name} = event.{name}" for name in properties)
    returned = ", ".join(["a." + start[1] + " AS start", "b." + end[1] + " AS end", *(f"r.{name} AS {name}" for name in properties)])
    pattern = f"(a:{start[0]}__stage)-[r:{kind}]->(b:{end[0]}__stage)"
    return Part(
        kind, {"start": "string", "end": "string", **properties},
        f"MATCH (a:{start[0]}__stage {{{start[1]}: event.start}}) MATCH (b:{end[0]}__stage {{{end[1]}: event.end}}) "
        f"MERGE (a)-[r:{kind}]->(b)" + (f" SET {setting}" if properties else ""),
        f"MATCH {pattern} RETURN {returned}",
    )  # fmt: skip


CUSTOMER, PRODUCT = ("Customer", "customer_unique_id"), ("Product", "product_id")
SELLER, CATEGORY = ("Seller", "seller_id"), ("Category", "name")
# Nodes before relationships.
PARTS = (
    _nodes(*CUSTOMER, city="string", state="string", orders="bigint"),
    _nodes(*PRODUCT, category="string"),
    _nodes(*SELLER, city="string", state="string"),
    _nodes(*CATEGORY),
    _edges("IN", PRODUCT, CATEGORY),
    _edges("SELLS", SELLER, PRODUCT, items="bigint"),
    _edges("PURCHASED", CUSTOMER, PRODUCT, orders="bigint", items="bigint", revenue_centavos="bigint"),
    _edges("ALSO_BOUGHT", PRODUCT, PRODUCT, orders="bigint", lift="double"),
    _edges("RECOMMENDED", CUSTOMER, PRODUCT, rank="bigint", score="double"),
)


def frames(lake: Lake, snapshot: Snapshot) -> dict[str, DataFrame]:
    """The rows of each part at a snapshot."""

    def gold(name: str) -> DataFrame:
        return tables.read(lake, f"gold.{name}", snapshot.versions[f"gold.{name}"])

    items, products = gold("fact_order_items"), gold("dim_product")
    pairs = gold("bought_together").select("product_a", "product_b", "orders", "lift")
    centavos = (F.sum("revenue_brl") * 100).cast("bigint").alias("revenue_centavos")
    found = {
        "Customer": gold("dim_customer").select(
            "customer_unique_id", F.col("customer_city").alias("city"), F.col("customer_state").alias("state"), "orders"
        ),
        "Product": products.select("product_id", "category"),
        "Seller": gold("dim_seller").select("seller_id", F.col("seller_city").alias("city"), F.col("seller_state").alias("state")),
        "Category": products.select(F.col("category").alias("name")).distinct(),
        "IN": products.select(F.col("product_id").alias("start"), F.col("category").alias("end")),
        "SELLS": items.groupBy(F.col("seller_id").alias("start"), F.col("product_id").alias("end")).agg(F.count(F.lit(1)).alias("items")),
        "PURCHASED": items.groupBy(F.col("customer_unique_id").alias("start"), F.col("product_id").alias("end")).agg(
            F.countDistinct("order_id").alias("orders"), F.count(F.lit(1)).alias("items"), centavos
        ),
        # Both ways, so that "who bought X" needs no thought about which identifier is smaller.
        "ALSO_BOUGHT": pairs.toDF("start", "end", "orders", "lift").unionByName(pairs.toDF("end", "start", "orders", "lift")),
        "RECOMMENDED": gold("recommendations").select(
            F.col("customer_unique_id").alias("start"), F.col("product_id").alias("end"), "rank", "score"
        ),
    }
    return {part.name: found[part.name].select(*[F.col(n).cast(t).alias(n) for n, t in part.types.items()]) for part in PARTS}


# ----------------------------------------------------------------------------------------------------------- the server


def _settings() -> tuple[str, str, str]:
    port, user, password = required("Neo4j", "NEO4J_BOLT_PORT", "NEO4J_USER", "NEO4J_PASSWORD")
    return f"bolt://{os.environ.get('NEO4J_HOST', '127.0.0.1')}:{port}", user, password


@contextmanager
def connected() -> Iterator[Driver]:
    """A driver; errors of the server become errors that say what to do.

    Raises:
        BadEnvironment: no settings, no server, or it refuses.
    """
    url, user, password = _settings()
    try:
        with GraphDatabase.driver(url, auth=(user, password), connection_timeout=5, max_transaction_retry_time=5) as driver:
            yield driver
    except (DriverError, Neo4jError) as error:
        raise BadEnvironment(f"Neo4j: {str(error).splitlines()[0]}", "`make status` shows whether it runs; then publish again") from error


def _marked(driver: Driver, state: str) -> Snapshot | None:
    rows = driver.execute_query("MATCH (s:_Snapshot {state: $state}) RETURN s.versions AS versions", state=state).records
    return Snapshot.of(json.loads(rows[0]["versions"])) if rows else None


def held() -> Snapshot | None:
    """The snapshot that readers see."""
    with connected() as driver:
        return _marked(driver, "current")


def publish(lake: Lake, snapshot: Snapshot) -> dict[str, Fingerprint]:
    """Stage the graph, compare it, and show it to readers in one transaction; what was staged, by part.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    _require_connector(lake)
    rows = frames(lake, snapshot)
    with connected() as driver:
        _make_constraints(driver)
        _clear(driver, "stage")
        staged = {part.name: _stage(lake, part, rows[part.name]) for part in PARTS}
        # First the marker: what is half deleted must not be brought back.
        driver.execute_query("MATCH (s:_Snapshot {state: 'previous'}) DELETE s")
        _clear(driver, "previous")
        _relabel(driver, snapshot)
    return staged


def _require_connector(lake: Lake) -> None:
    # The connector carries its own netty: on Spark's class path Spark would not start, so spark-submit has to be given it.
    try:
        lake.spark._jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(SOURCE)
    except Py4JJavaError as error:
        hint = "`make publish`, or spark-submit --jars .venv/jars/neo4j-connector-*.jar jobs/publish.py"
        raise BadEnvironment("Neo4j's connector was not given to spark-submit", hint) from error


def _make_constraints(driver: Driver) -> None:
    for label, key in (CUSTOMER, PRODUCT, SELLER, CATEGORY):
        for name in (label, f"{label}__stage"):
            driver.execute_query(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{name}) REQUIRE n.{key} IS UNIQUE")
    driver.execute_query("CREATE CONSTRAINT IF NOT EXISTS FOR (s:_Snapshot) REQUIRE s.state IS UNIQUE")
    driver.execute_query("CALL db.awaitIndexes(60)")


def _clear(driver: Driver, state: str) -> None:
    with driver.session() as session:
        for label in LABELS:
            session.run(f"MATCH (n:{label}__{state}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 5000 ROWS").consume()


def _stage(lake: Lake, part: Part, frame: DataFrame) -> Fingerprint:
    url, user, password = _settings()
    options = {"url": url, "authentication.basic.username": user, "authentication.basic.password": password}
    frame = frame.persist()
    try:
        sent = fingerprint(frame, part.types)
        # One partition: two that write relationships of the same node wait for each other's locks, and may do so for ever.
        writer = frame.coalesce(1).write.format(SOURCE).options(**options).option("query", part.write)
        writer.option("batch.size", ROWS_A_BATCH).mode("Overwrite").save()
    finally:
        frame.unpersist()
    arrived = fingerprint(
        lake.spark.read.format(SOURCE).options(**options).schema(frame.schema).option("query", part.read).load(), part.types
    )
    if arrived != sent:
        raise LawBroken(f"Neo4j {part.name}: sent {sent}, arrived {arrived}")
    return sent


def _relabel(driver: Driver, snapshot: Snapshot, shown: str = "stage") -> None:
    """In one transaction: what readers see becomes __previous, nodes labelled __`shown` take its place, the marker says so."""

    def work(transaction) -> None:
        for label in LABELS:
            for old, new in ((f"{label}__{shown}", f"{label}__next"), (label, f"{label}__previous"), (f"{label}__next", label)):
                transaction.run(f"MATCH (n:{old}) REMOVE n:{old} SET n:{new}").consume()
        transaction.run("MATCH (s:_Snapshot {state: 'previous'}) DELETE s").consume()
        transaction.run("MATCH (s:_Snapshot {state: 'current'}) SET s.state = 'previous'").consume()
        transaction.run(
            "CREATE (:_Snapshot {state: 'current', id: $id, versions: $versions})",
            id=snapshot.id, versions=json.dumps(dict(snapshot.versions)),
        ).consume()  # fmt: skip

    with driver.session() as session:
        session.execute_write(work)


def restore() -> Snapshot:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, or the server is away.
    """
    with connected() as driver:
        snapshot = _marked(driver, "previous")
        if not snapshot:
            raise BadEnvironment("Neo4j holds no previous snapshot", "publish at least twice")
        _relabel(driver, snapshot, shown="previous")
    return snapshot
