"""gold -> ClickHouse: each table staged beside the one that readers see, compared with the lake, then exchanged with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from pyspark.sql import DataFrame

from lake import tables
from lake.contracts import Column, Contract, layer
from lake.errors import BadEnvironment, LawBroken
from lake.publish.snapshot import Fingerprint, Snapshot, fingerprint
from lake.session import Lake
from lake.settings import required

NAME = "clickhouse"
# The older system's names where it had them.
RENAMED = {"fact_order_items": "sales_fact"}
TYPES = {
    "string": "String", "int": "Int32", "bigint": "Int64", "double": "Float64", "boolean": "Bool", "date": "Date32",
    "timestamp": "DateTime64(6, 'UTC')", "array<string>": "Array(String)",
}  # fmt: skip
ROWS_A_BATCH = 50_000


def published() -> list[Contract]:
    """The gold tables that go to ClickHouse."""
    return [c for c in layer("gold") if NAME in c.publish]


def name_of(gold: Contract) -> str:
    """The name of a gold table in ClickHouse."""
    return RENAMED.get(gold.table, gold.table)


def ddl(gold: Contract, table: str) -> str:
    """CREATE TABLE from a contract: columns with codecs and comments, sorted by what dashboards filter by, then by the key."""
    columns = ",\n  ".join(
        f"`{name}` {_type(column)} COMMENT {_quoted(column.about)} {_codec(column)}" for name, column in gold.columns.items()
    )
    filters = [n for n, c in gold.columns.items() if c.few_values and not c.nullable]
    order = ", ".join(dict.fromkeys([*gold.cluster_by, *filters, *gold.key]))
    return f"CREATE TABLE `{table}` (\n  {columns}\n) ENGINE = MergeTree ORDER BY ({order}) COMMENT {_quoted(gold.about)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _type(column: Column) -> str:
    name = TYPES.get(column.type) or column.type.replace("decimal", "Decimal")
    name = f"Nullable({name})" if column.nullable else name
    return f"LowCardinality({name})" if column.few_values else name


def _codec(column: Column) -> str:
    return "CODEC(Delta, ZSTD)" if column.type in ("date", "timestamp") and not column.nullable else "CODEC(ZSTD)"


def _settings() -> dict[str, str]:
    port, user, password = required("ClickHouse", "CLICKHOUSE_HTTP_PORT", "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD")
    return {
        "host": os.environ.get("CLICKHOUSE_HOST", "127.0.0.1"),
        "port": port,
        "user": user,
        "password": password,
        "database": os.environ.get("CLICKHOUSE_DATABASE", "ecommerce"),
    }


@contextmanager
def connected() -> Iterator[Client]:
    """A client; errors of the server become errors that say what to do.

    Raises:
        BadEnvironment: no settings, no server, or it refuses.
    """
    given = _settings()
    try:
        client = clickhouse_connect.get_client(
            host=given["host"], port=int(given["port"]), username=given["user"], password=given["password"], database=given["database"]
        )
        try:
            yield client
        finally:
            client.close()
    except (ClickHouseError, OSError) as error:
        raise BadEnvironment(
            f"ClickHouse: {str(error).splitlines()[0]}", "`make status` shows whether it runs; then publish again"
        ) from error


def _marked(client: Client, state: str) -> Snapshot | None:
    client.command(
        "CREATE TABLE IF NOT EXISTS _snapshots (state String, id String, versions String) "
        "ENGINE = MergeTree ORDER BY state COMMENT 'The snapshot that readers see, and the one before'"
    )
    rows = client.query("SELECT versions FROM _snapshots WHERE state = {state:String}", parameters={"state": state}).result_rows
    return Snapshot.of(json.loads(rows[0][0])) if rows else None


def held() -> Snapshot | None:
    """The snapshot that readers see; None if there is none, or if a switch to another was cut off."""
    with connected() as client:
        return _marked(client, "current")


def publish(lake: Lake, snapshot: Snapshot) -> dict[str, Fingerprint]:
    """Stage all tables, compare them, and show them to readers; what was staged, by table.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    staged = {}
    with connected() as client:
        for gold in published():
            stage = f"{name_of(gold)}__stage"
            client.command(f"DROP TABLE IF EXISTS `{stage}` SYNC")
            client.command(ddl(gold, stage))
            staged[gold.name] = _stage(lake, gold, stage, snapshot.versions[gold.name])
            client.command(f"OPTIMIZE TABLE `{stage}` FINAL")
        _switch(client, snapshot)
    return staged


def _stage(lake: Lake, gold: Contract, stage: str, at: int) -> Fingerprint:
    types = {name: column.type for name, column in gold.columns.items()}
    frame = tables.read(lake, gold.name, at).select(*types).persist()
    try:
        sent = fingerprint(frame, types)
        options = _jdbc(stage) | {"batchsize": str(ROWS_A_BATCH), "isolationLevel": "NONE"}
        frame.coalesce(1).write.format("jdbc").options(**options).mode("append").save()
    finally:
        frame.unpersist()
    arrived = fingerprint(read(lake, stage), types)
    if arrived != sent:
        raise LawBroken(f"ClickHouse {stage}: sent {sent}, arrived {arrived}")
    return sent


def _jdbc(table: str) -> dict[str, str]:
    given = _settings()
    return {
        "url": f"jdbc:ch://{given['host']}:{given['port']}/{given['database']}",
        "driver": "com.clickhouse.jdbc.ClickHouseDriver",
        "user": given["user"],
        "password": given["password"],
        "dbtable": table,
    }


def read(lake: Lake, table: str) -> DataFrame:
    """A table of ClickHouse as a frame."""
    return lake.spark.read.format("jdbc").options(**_jdbc(table)).load()


@contextmanager
def _switching(client: Client, snapshot: Snapshot) -> Iterator[None]:
    """Around the exchange of the tables: no marker meanwhile, so that what is cut off halfway is neither held nor brought back."""
    before = _marked(client, "current")
    client.command("TRUNCATE TABLE _snapshots")
    yield
    states = {"current": snapshot} | ({"previous": before} if before else {})
    rows = [[state, of.id, json.dumps(dict(of.versions))] for state, of in states.items()]
    client.insert("_snapshots", rows, column_names=["state", "id", "versions"])


def _switch(client: Client, snapshot: Snapshot) -> None:
    """Exchange each staged table with the one that readers see, which becomes __previous. Each exchange is atomic."""
    with _switching(client, snapshot):
        for name in map(name_of, published()):
            if client.command(f"EXISTS TABLE `{name}`"):
                client.command(f"EXCHANGE TABLES `{name}` AND `{name}__stage`")
                client.command(f"DROP TABLE IF EXISTS `{name}__previous` SYNC")
                client.command(f"RENAME TABLE `{name}__stage` TO `{name}__previous`")
            else:
                client.command(f"RENAME TABLE `{name}__stage` TO `{name}`")


def restore() -> Snapshot:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, or the server is away.
    """
    with connected() as client:
        snapshot = _marked(client, "previous")
        if not snapshot:
            raise BadEnvironment("ClickHouse holds no previous snapshot", "publish at least twice")
        with _switching(client, snapshot):
            for name in map(name_of, published()):
                client.command(f"EXCHANGE TABLES `{name}` AND `{name}__previous`")
    return snapshot
