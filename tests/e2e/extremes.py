"""Writes the values that stores are known to bend into all three, by the code that publishes: spark-submit tests/e2e/extremes.py."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.publish import clickhouse, mongodb, neo4j
from lake.publish.fingerprint import fingerprint
from lake.publish.graph import _nodes
from lake.session import Lake, open_lake
from lake.settings import load_settings

MONEY = ["0.01", "-0.01", "9999999999.99"]
DATES = ["1900-01-01", "2299-12-31", "2017-10-15", "2018-02-18"]
TIMES = ["1900-01-01 00:00:00", "2299-12-31 23:59:59", "2017-10-15 00:30:00", "2018-02-17 23:30:00"]
TEXTS = ["", "ação 🛒👍🏽", ("linha um\nlinha dois\r\n\"aspas\" 'simples' \\ \t; " * 6)[:208], "a\x1fb\x1e1c\x1e"]
TYPES = {
    "key": "string", "money": "decimal(12,2)", "day": "date", "moment": "timestamp", "text": "string", "whole": "bigint",
    "small": "int", "real": "double", "flag": "boolean",
}  # fmt: skip
TABLE = "extremes"


def contract() -> Contract:
    """A contract with a column of each type."""
    columns = {name: {"type": type_, "about": "an extreme", "nullable": name != "key"} for name, type_ in TYPES.items()}
    return Contract(name=f"gold.{TABLE}", about="Extremes", owner="tests", key=("key",), columns=columns, publish=("clickhouse",))


def frame(lake: Lake):
    """Each extreme beside nulls, by key; made of text, so that no zone of Python or of the JVM touches it."""
    rows = [{"key": f"{name}{i}", name: value} for name, values in (("money", MONEY), ("day", DATES), ("moment", TIMES), ("text", TEXTS))
            for i, value in enumerate(values)]  # fmt: skip
    rows += [
        {"key": "whole0", "whole": str(2**63 - 1)},
        {"key": "whole1", "whole": str(-(2**63))},
        {"key": "small0", "small": "-2147483648"},
    ]
    rows += [{"key": "real0", "real": "0.1"}, {"key": "real1", "real": "-1234567.891"}, {"key": "flag0", "flag": "true"}, {"key": "null"}]
    text = lake.spark.createDataFrame([[row.get(n) for n in TYPES] for row in rows], ", ".join(f"{n} string" for n in TYPES))
    return text.select(*[F.col(n).cast(type_).alias(n) for n, type_ in TYPES.items()])


def arrive(lake: Lake, rows: DataFrame, table: str) -> None:
    """Rows in each store are those that were sent."""
    sent = fingerprint(rows, TYPES)
    with clickhouse.connected() as client:
        clickhouse.fill(client, contract(), table, rows)
        assert clickhouse._measured(client, contract(), table) == sent, "ClickHouse"
    # As documents do with dates, which the connector would shift by the zone of the JVM.
    documents = rows.withColumnRenamed("key", "_id").withColumn("day", F.col("day").cast("timestamp"))
    with mongodb.connected() as database:
        database.drop_collection(table)
        # As publishing does: the connector reads a collection that has no documents otherwise than one that does not exist.
        database.create_collection(table)
    mongodb.send(documents, table)
    arrived = mongodb._read(lake, table, documents).withColumnRenamed("_id", "key")
    assert fingerprint(arrived, TYPES) == sent, "MongoDB"
    properties = {name: TYPES[name] for name in ("text", "whole", "real")}
    kind = _nodes(("Extreme", "key"), "none", lambda f: f, **properties)
    told = rows.select("key", *properties)
    with neo4j.connected() as driver:
        driver.execute_query("MATCH (n:Extreme) DELETE n")
        neo4j.send(told, kind.merge("event"))
        assert kind.view.fingerprint(neo4j._read_kind(lake, driver, kind, told)) == kind.view.fingerprint(told), "Neo4j"


if __name__ == "__main__":
    lake = open_lake(load_settings("minio"), "extremes")
    # No rows at all are an extreme too.
    arrive(lake, frame(lake).limit(0), "nothing")
    arrive(lake, frame(lake), TABLE)
