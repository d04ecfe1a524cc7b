"""gold -> ClickHouse: each table staged beside the one that readers see, compared with the lake, then exchanged with it.

What changed is applied to a copy of what readers see, which costs nothing: ClickHouse copies a table by linking its files.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.request import urlopen

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from pyspark.sql import DataFrame

from lake.contracts import Contract, layer
from lake.errors import BadEnvironment, LawBroken
from lake.publish.columnar import ddl, finish, name_of, published, sent, view
from lake.publish.fingerprint import FIELD, NULL, SIGN, Fingerprint, summed
from lake.publish.snapshot import Held
from lake.publish.view import WRITERS, View, shape
from lake.session import Lake
from lake.settings import required

NAME = "clickhouse"
# Its client tells errors that it raises as well.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
ROWS_A_BATCH = 50_000
TAKES_WHOLE = True
SECONDS_TO_ANSWER = 5


def views() -> list[View]:
    """What ClickHouse shows: gold tables as they are."""
    return [view(gold) for gold in published()]


def _settings(kind: str = "") -> dict[str, str]:
    names = ("CLICKHOUSE_HTTP_PORT", f"CLICKHOUSE_{kind}USER", f"CLICKHOUSE_{kind}PASSWORD")
    port, user, password = required("ClickHouse", *names)
    return {
        "host": os.environ.get("CLICKHOUSE_HOST", "127.0.0.1"),
        "port": port,
        "user": user,
        "password": password,
        "database": os.environ.get("CLICKHOUSE_DATABASE", "ecommerce"),
    }


@contextmanager
def connected(reader: bool = False) -> Iterator[Client]:
    """A client; errors of the server become errors that say what to do.

    Args:
        reader: as the account that only reads.

    Raises:
        BadEnvironment: no settings, no server, or it refuses.
    """
    given = _settings("READER_" if reader else "")
    try:
        # A query may take minutes; whether anybody is there shows at once.
        with urlopen(f"http://{given['host']}:{given['port']}/ping", timeout=SECONDS_TO_ANSWER):
            pass
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


def held(state: str = "current") -> Held | None:
    """What readers see, or with state `previous` what they saw before; None if there is nothing, or if a switch to another
    snapshot was cut off."""
    with connected() as client:
        return _marked(client, state)


def shown() -> dict[str, int]:
    """How many rows readers see of each view that is there."""
    with connected() as client:
        there = _there(client)
        names = [view.name for view in views() if view.name in there]
        counts = " UNION ALL ".join(f"SELECT '{name}', count() FROM `{name}`" for name in names)
        return dict(client.query(counts).result_rows) if names else {}


def _marker(client: Client, state: str, column: str) -> str | None:
    client.command(
        "CREATE TABLE IF NOT EXISTS _snapshots (state String, id String, held String) ENGINE = MergeTree ORDER BY state "
        "COMMENT 'The snapshot that readers see, the one before, and who is about to show another'"
    )
    rows = client.query(f"SELECT {column} FROM _snapshots WHERE state = {{state:String}}", parameters={"state": state}).result_rows
    return rows[0][0] if rows else None


def _marked(client: Client, state: str) -> Held | None:
    text = _marker(client, state, "held")
    return Held.from_json(text) if text else None


def _claim(client: Client, new: Held) -> None:
    """Say that what is staged from now on is ours."""
    if _marker(client, "claim", "id"):
        client.command("DELETE FROM _snapshots WHERE state = 'claim'")
    client.insert("_snapshots", [["claim", new.claim, ""]], column_names=["state", "id", "held"])


def publish_all(lake: Lake, rows: Mapping[str, DataFrame], new: Held) -> None:
    """Stage the tables anew and show them.

    Args:
        rows: by table.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    with connected() as client:
        _claim(client, new)
        for gold in _of(rows):
            _stage_anew(client, gold, rows[name_of(gold)], new)
        _switch(client, new, list(rows))


def _stage_anew(client: Client, gold: Contract, rows: DataFrame, new: Held) -> None:
    """Stage a table with these rows, in as few parts as can be."""
    stage = f"{name_of(gold)}__stage"
    fill(client, gold, stage, rows)
    client.command(f"OPTIMIZE TABLE `{stage}` FINAL")
    _require(client, gold, stage, new.fingerprints[name_of(gold)])


def publish_changes(lake: Lake, changes: Mapping[str, DataFrame], told: Mapping[str, Fingerprint], new: Held) -> None:
    """Send what comes and goes, apply it to copies of the tables that readers see, and show these.

    Args:
        changes: rows with `_sign`, or without it all rows, by table.
        told: their fingerprints, of which this store needs none: it measures whole tables.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment, LawBroken: as above.
    """
    with connected() as client:
        _claim(client, new)
        for gold in _of(changes):
            name = name_of(gold)
            if SIGN not in changes[name].columns:
                _stage_anew(client, gold, changes[name], new)
                continue
            stage, moved = f"{name}__stage", f"{name}__changes"
            fill(client, gold, moved, changes[name])
            _create(client, stage, f"CREATE TABLE `{stage}` CLONE AS `{name}`")
            key, columns = ", ".join(f"`{k}`" for k in gold.key), ", ".join(f"`{c}`" for c in gold.columns)
            client.command(f"DELETE FROM `{stage}` WHERE ({key}) IN (SELECT {key} FROM `{moved}` WHERE {SIGN} < 0)")
            client.command(f"INSERT INTO `{stage}` ({columns}) SELECT {columns} FROM `{moved}` WHERE {SIGN} > 0")
            _require(client, gold, stage, new.fingerprints[name])
            client.command(f"DROP TABLE `{moved}` SYNC")
        _switch(client, new, list(changes))


def _of(names: Mapping[str, DataFrame]) -> list[Contract]:
    return [gold for gold in published() if name_of(gold) in names]


def _create(client: Client, table: str, statement: str) -> None:
    client.command(f"DROP TABLE IF EXISTS `{table}` SYNC")
    client.command(statement)


def fill(client: Client, gold: Contract, table: str, frame: DataFrame) -> None:
    """Make a table anew and send it rows of a contract (or changes of such rows, with `_sign`)."""
    signed = SIGN in frame.columns
    _create(client, table, ddl(gold, table, signed))
    rows = frame.select(*sent(gold), *([SIGN] if signed else [])).coalesce(WRITERS)
    options = _jdbc(table) | {"batchsize": str(ROWS_A_BATCH), "isolationLevel": "NONE", "beta.row_binary_for_simple_insert": "true"}
    rows.write.format("jdbc").options(**options).mode("append").save()
    for statement in finish(gold, table):
        client.command(statement)


def _jdbc(table: str) -> dict[str, str]:
    given = _settings()
    return {
        "url": f"jdbc:ch://{given['host']}:{given['port']}/{given['database']}",
        "driver": "com.clickhouse.jdbc.ClickHouseDriver",
        "user": given["user"],
        "password": given["password"],
        "dbtable": table,
    }


def _require(client: Client, gold: Contract, table: str, expected: Fingerprint) -> None:
    arrived = _measured(client, gold, table)
    if arrived != expected:
        raise LawBroken(f"ClickHouse {table}: expected {expected}, found {arrived}")


def measured(lake: Lake, view: View, like: DataFrame) -> Fingerprint:
    """The fingerprint of what readers see of a view, which the server makes itself, without a frame."""
    with connected() as client:
        return _measured(client, next(gold for gold in published() if name_of(gold) == view.name), view.name)


def _measured(client: Client, gold: Contract, table: str) -> Fingerprint:
    """The fingerprint that lake/publish/fingerprint.py defines, by the server itself."""
    types = {name: column.type for name, column in gold.columns.items()}
    sums = summed(types)
    values = ", ".join(f"ifNull({_canonical(name, type_)}, '{NULL}')" for name, type_ in types.items())
    what = ", ".join(["count()", f"sum(CRC32(arrayStringConcat([{values}], '{FIELD}')))", *(f"sum(`{name}`)" for name in sums)])
    rows, checksum, *found = client.query(f"SELECT {what} FROM `{table}`").result_rows[0]
    return Fingerprint.of(rows, checksum, dict(zip(sums, found, strict=True)))


def _canonical(name: str, type_: str) -> str:
    if type_ == "timestamp":
        return f"toString(toUnixTimestamp64Micro(`{name}`))"
    if type_ == "double":
        return f"toString(toInt64(floor(`{name}` * 1e6 + 0.5)))"
    if type_.startswith("decimal"):
        return f"toDecimalString(`{name}`, {type_.rstrip(')').split(',')[1]})"
    return f"toString(`{name}`)"


@contextmanager
def _switching(client: Client, new: Held) -> Iterator[None]:
    """Around the exchange of the tables: no marker meanwhile, so that what is cut off halfway is neither held nor brought back."""
    before = _marked(client, "current")
    new.require_place("ClickHouse", before, _marker(client, "claim", "id"))
    if new.renews(before):
        before = _marked(client, "previous")
    client.command("TRUNCATE TABLE _snapshots")
    yield
    states = {"current": new} | ({"previous": before} if before else {})
    rows = [[state, of.snapshot.id, of.to_json()] for state, of in states.items()]
    client.insert("_snapshots", rows, column_names=["state", "id", "held"])


def _switch(client: Client, new: Held, names: list[str]) -> None:
    """Exchange the staged tables with those that readers see, which become __previous: one statement for all. A table that is
    published no longer becomes __previous as well. Where the same snapshot is shown again, what was __previous stays."""
    there, before = _there(client), _marked(client, "current")
    # By the contracts too: there is no marker where a switch was cut off.
    known = {*map(name_of, layer("gold")), *(before.fingerprints if before else ())}
    old, unpublished = [name for name in names if name in there], known - new.fingerprints.keys()
    with _switching(client, new):
        _exchange(client, old, "__stage")
        _rename(client, {f"{name}__stage": name for name in names if name not in there})
        if new.renews(before):
            _drop(client, [f"{name}__stage" for name in old])
        else:
            _drop(client, [f"{name}__previous" for name in (*names, *unpublished)])
            _rename(client, {f"{name}__stage": f"{name}__previous" for name in old})
            _rename(client, {name: f"{name}__previous" for name in unpublished & there})


def _there(client: Client) -> set[str]:
    return {row[0] for row in client.query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows}


def _exchange(client: Client, names: list[str], suffix: str) -> None:
    if names:
        client.command("EXCHANGE TABLES " + ", ".join(f"`{name}` AND `{name}{suffix}`" for name in names))


def _drop(client: Client, names: list[str]) -> None:
    if names:
        client.command("DROP TABLE IF EXISTS " + ", ".join(f"`{name}`" for name in names) + " SYNC")


def _rename(client: Client, names: Mapping[str, str]) -> None:
    if names:
        client.command("RENAME TABLE " + ", ".join(f"`{name}` TO `{to}`" for name, to in names.items()))


def _require_previous(client: Client, before: Held, names: list[str]) -> None:
    """Require that tables that are to be brought back are there, as they were shown."""
    there = _there(client)
    wrong = {name: "gone" for name in names if f"{name}__previous" not in there}
    if before.shape == shape(views()):
        kept = [gold for gold in published() if name_of(gold) in names and name_of(gold) not in wrong]
        told = {name_of(gold): _measured(client, gold, f"{name_of(gold)}__previous") for gold in kept}
        wrong |= {name: "changed by someone" for name, found in told.items() if found != before.fingerprints[name]}
    if wrong:
        said = ", ".join(f"{name}__previous: {what}" for name, what in sorted(wrong.items()))
        raise BadEnvironment(f"ClickHouse: {said}, so {before.snapshot.id} can't be brought back", "publish again")


def restore() -> Held:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, its tables are gone or are not what they were, or the server is away.
    """
    with connected() as client:
        now, before = _marked(client, "current"), _marked(client, "previous")
        if not now or not before:
            raise BadEnvironment("ClickHouse holds no previous snapshot", "publish at least twice")
        before = replace(before, after=now.snapshot.id, restored=True)
        # A table that is the same in both was perhaps not exchanged then, and need not be now.
        other = [n for n, told in before.fingerprints.items() if now.fingerprints.get(n) != told]
        _require_previous(client, before, other)
        _claim(client, before)
        come = [name for name in now.fingerprints if name not in before.fingerprints]
        with _switching(client, before):
            _exchange(client, [name for name in other if name in now.fingerprints], "__previous")
            _drop(client, [f"{name}__previous" for name in come])
            _rename(client, {name: f"{name}__previous" for name in come})
            _rename(client, {f"{name}__previous": name for name in other if name not in now.fingerprints})
    return before
