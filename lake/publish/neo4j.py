"""gold -> Neo4j: what is all new is staged under labels of its own, what changed as nodes that say so; one transaction shows it.

Both are compared with the lake before readers see them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce

from neo4j import Driver, GraphDatabase, ManagedTransaction
from neo4j.exceptions import DriverError, Neo4jError
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.errors import BadEnvironment, LawBroken, NotSet
from lake.publish.fingerprint import FIELD, SIGN, Fingerprint, summed
from lake.publish.graph import CHANGE, KINDS, LABELS, Kind, changed_properties, keep_change, read_changes
from lake.publish.snapshot import Held
from lake.publish.view import View, fingerprints, shape
from lake.session import Lake
from lake.settings import required
from lake.tables import cached

NAME = "neo4j"
# Its client tells each try; what we raise says what to do.
logging.getLogger("neo4j").setLevel(logging.ERROR)
SOURCE = "org.neo4j.spark.DataSource"
ROWS_A_BATCH = 10_000
ROWS_A_READ = 100_000
NODES_A_DELETE = 5000
# One transaction holds so many rows within the heap of `make up`; with more all is sent.
MOST_CHANGES = 100_000
PATIENCE = {"connection_timeout": 5, "connection_acquisition_timeout": 10, "max_transaction_retry_time": 5}


def views() -> list[View]:
    """What Neo4j shows."""
    return [kind.view for kind in KINDS]


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
        with GraphDatabase.driver(url, auth=(user, password), notifications_min_severity="OFF", **PATIENCE) as driver:
            yield driver
    except (DriverError, Neo4jError) as error:
        if "MemoryPoolOutOfMemory" in str(error):
            hint = "set a larger NEO4J_HEAP in .env, then `make down up`; readers still see what they saw"
            raise BadEnvironment("Neo4j: the whole graph does not fit into the memory of one transaction", hint) from error
        raise BadEnvironment(f"Neo4j: {str(error).splitlines()[0]}", "`make status` shows whether it runs; then publish again") from error


def held(state: str = "current") -> Held | None:
    """What readers see, or with state `previous` what they saw before; None if there is nothing."""
    with connected() as driver:
        return _marked(driver, state)


def shown() -> dict[str, int]:
    """How many nodes or relationships readers see of each view."""
    with connected() as driver:
        return {kind.view.name: driver.execute_query(kind.count("")).records[0]["rows"] for kind in KINDS}


def _marked(driver: Driver, state: str) -> Held | None:
    rows = driver.execute_query("MATCH (s:_Snapshot {state: $state}) RETURN s.held AS held", state=state).records
    return Held.from_json(rows[0]["held"]) if rows else None


def _taken_place_of(transaction: ManagedTransaction, new: Held) -> Held | None:
    """What readers see, which must be what `new` is to take the place of. It is written to, so that no other transaction can change it
    until this one ends."""
    rows = list(transaction.run("MATCH (s:_Snapshot {state: 'current'}) SET s.id = s.id RETURN s.held AS held"))
    before = Held.from_json(rows[0]["held"]) if rows else None
    claims = list(transaction.run("MATCH (s:_Snapshot {state: 'claim'}) SET s.id = s.id RETURN s.id AS id"))
    new.require_place("Neo4j", before, claims[0]["id"] if claims else None)
    return before


def _claim(driver: Driver, new: Held) -> None:
    """Say that what is staged from now on is ours."""
    driver.execute_query("MERGE (s:_Snapshot {state: 'claim'}) SET s.id = $claim", claim=new.claim)


def _mark(transaction: ManagedTransaction, new: Held, before: Held | None) -> None:
    states = {"current": new} if new.renews(before) else {"current": new, "previous": before}
    for state, of in states.items():
        transaction.run("MATCH (s:_Snapshot {state: $state}) DELETE s", state=state).consume()
        if of:
            setting = "CREATE (:_Snapshot {state: $state, id: $id, held: $held})"
            transaction.run(setting, state=state, id=of.snapshot.id, held=of.to_json()).consume()


def publish_all(lake: Lake, rows: Mapping[str, DataFrame], new: Held) -> None:
    """Stage the graph anew and show it.

    Args:
        rows: by label or type of relationship.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    _require_connector(lake)
    with connected() as driver:
        _make_constraints(driver)
        _claim(driver, new)
        _clear_aside(driver)
        for kind in KINDS:
            frame = rows[kind.view.name]
            send(frame, kind.merge("event", "__stage"))
            _require(kind, kind.view.fingerprint(_read_kind(lake, driver, kind, frame, "__stage")), new.fingerprints[kind.view.name])
        if not new.renews(_marked(driver, "current")):
            _forget_previous(driver)
        with driver.session() as session:
            session.execute_write(lambda transaction: _relabel(transaction, new, "stage"))
        _clear_aside(driver)


def publish_changes(lake: Lake, changes: Mapping[str, DataFrame], told: Mapping[str, Fingerprint], new: Held) -> None:
    """Send what comes and goes as nodes that say so, and apply it in one transaction.

    Args:
        changes: rows with `_sign`, by label or type of relationship.
        told: their fingerprints.
        new: what the store is to hold after it.

    Raises:
        BadEnvironment, LawBroken: as above.
    """
    _require_connector(lake)
    with connected() as driver:
        _make_constraints(driver)
        _claim(driver, new)
        _clear_aside(driver)
        _forget_previous(driver)
        _send_changes(lake, changes, told)
        with driver.session() as session:
            session.execute_write(lambda transaction: _apply(transaction, new))


def _send_changes(lake: Lake, changes: Mapping[str, DataFrame], told: Mapping[str, Fingerprint]) -> None:
    """Send what changed of all kinds, and compare what arrived."""
    if not changes:
        return
    kinds = [kind for kind in KINDS if kind.view.name in changes]
    rows = reduce(DataFrame.unionAll, [_as_nodes(kind, changes[kind.view.name]) for kind in kinds])
    send(rows, keep_change())
    with cached(_read(lake, read_changes(), rows.drop("row"))) as arrived:
        of_kind = {k.view.name: arrived.where(F.col("kind") == k.view.name).select(*k.view.types, SIGN) for k in kinds}
        found = fingerprints([kind.view for kind in kinds], of_kind)
    for kind in kinds:
        _require(kind, found[kind.view.name][1], told[kind.view.name])


def _as_nodes(kind: Kind, rows: DataFrame) -> DataFrame:
    """Changes of a kind with the columns of all, and `row`, by which a batch that is sent twice is there once."""
    columns = [F.col(n) if n in kind.view.types else F.lit(None).cast(type_).alias(n) for n, type_ in changed_properties().items()]
    name = F.lit(kind.view.name)
    return rows.select(F.concat_ws(FIELD, name, *kind.key, F.col(SIGN)).alias("row"), name.alias("kind"), SIGN, *columns)


def _require_connector(lake: Lake) -> None:
    # The connector carries its own netty: on Spark's class path Spark would not start, so spark-submit has to be given it.
    try:
        lake.spark._jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(SOURCE)
    except Py4JJavaError as error:
        hint = "`make publish`, or spark-submit --jars .venv/jars/neo4j-connector-*.jar jobs/publish.py"
        raise NotSet("Neo4j's connector was not given to spark-submit", hint) from error


def _make_constraints(driver: Driver) -> None:
    for label, key in LABELS:
        for name in (label, f"{label}__stage"):
            driver.execute_query(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{name}) REQUIRE n.{key} IS UNIQUE")
    driver.execute_query(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{CHANGE}) REQUIRE n.row IS UNIQUE")
    for properties in ("n.kind", *(f"n.kind, n.{key}" for _, key in LABELS)):
        driver.execute_query(f"CREATE INDEX IF NOT EXISTS FOR (n:{CHANGE}) ON ({properties})")
    driver.execute_query("CREATE CONSTRAINT IF NOT EXISTS FOR (s:_Snapshot) REQUIRE s.state IS UNIQUE")
    driver.execute_query("CALL db.awaitIndexes(60)")


def _forget_previous(driver: Driver) -> None:
    """Delete what leads back. First the marker: what is half deleted must not be brought back."""
    driver.execute_query("MATCH (s:_Snapshot {state: 'previous'}) DELETE s")
    clear(driver, *(f"{label}__previous" for label, _ in LABELS), CHANGE)


def _clear_aside(driver: Driver) -> None:
    """Delete what was staged and not shown, or shown no more and not kept."""
    clear(driver, *(f"{label}__{aside}" for label, _ in LABELS for aside in ("stage", "renewed")))


def clear(driver: Driver, *labels: str) -> None:
    """Delete all nodes of labels, with their relationships."""
    # Not CALL ... IN TRANSACTIONS: the outer query would see what the inner ones change, which the server does not allow.
    for label in labels:
        statement = f"MATCH (n:{label}) WITH n LIMIT {NODES_A_DELETE} DETACH DELETE n"
        while driver.execute_query(statement).summary.counters.nodes_deleted:
            pass


def _options() -> dict[str, str]:
    url, user, password = _settings()
    return {"url": url, "authentication.basic.username": user, "authentication.basic.password": password}


def send(frame: DataFrame, statement: str) -> None:
    """Run a statement for each row, which it calls `event`."""
    # One partition: two that write relationships of the same node wait for each other's locks, and may do so for ever.
    writer = frame.coalesce(1).write.format(SOURCE).options(**_options()).option("query", statement)
    writer.option("batch.size", ROWS_A_BATCH).mode("Overwrite").save()


def _read(lake: Lake, statement: str, like: DataFrame, **options: str) -> DataFrame:
    return lake.spark.read.format(SOURCE).options(**_options(), **options).schema(like.schema).option("query", statement).load()


def _read_kind(lake: Lake, driver: Driver, kind: Kind, like: DataFrame, suffix: str = "") -> DataFrame:
    """All rows of a kind, in pieces, since the server has the whole result of a query in memory. Nobody writes meanwhile, so each
    piece finds the same order; a row that was missed or read twice would not fit the fingerprint."""
    rows = driver.execute_query(kind.count(suffix)).records[0]["rows"]
    return _read(lake, kind.read(suffix), like, partitions=str(1 + rows // ROWS_A_READ), **{"query.count": str(rows)})


def measured(lake: Lake, view: View, like: DataFrame) -> Fingerprint:
    """The fingerprint of what readers see of a view.

    Args:
        like: a frame of the view's columns.
    """
    _require_connector(lake)
    kind = next(kind for kind in KINDS if kind.view.name == view.name)
    with connected() as driver:
        return view.fingerprint(_read_kind(lake, driver, kind, like))


def _require(kind: Kind, found: Fingerprint, expected: Fingerprint) -> None:
    if found != expected:
        raise LawBroken(f"Neo4j {kind.view.name}: expected {expected}, found {found}")


def _apply(transaction: ManagedTransaction, new: Held) -> None:
    """What was sent goes into the graph, is counted and summed there, and the marker is set."""
    before = _taken_place_of(transaction, new)
    nodes, edges = [kind for kind in KINDS if kind.is_node], [kind for kind in KINDS if not kind.is_node]
    steps = [f"{kind.changes('< 0')} {kind.delete('c')}" for kind in edges]
    steps += [f"{kind.changes('> 0')} {kind.merge('c')}" for kind in nodes]
    steps += [f"{kind.changes('< 0')} AND NOT {kind.comes_again('c')} {kind.delete('c')}" for kind in nodes]
    steps += [f"{kind.changes('> 0')} {kind.merge('c')}" for kind in edges]
    for step in steps:
        transaction.run(step).consume()
    _require_sums(transaction, new)
    _mark(transaction, new, before)


def _require_sums(transaction: ManagedTransaction, new: Held) -> None:
    """Require rows and sums of what readers are to see, which the server itself counts."""
    for kind in KINDS:
        expected = new.fingerprints[kind.view.name]
        sums = summed(kind.view.types)
        what = ", ".join(["count(n) AS rows", *(f"sum(n.{name}) AS {name}" for name in sums)])
        found = transaction.run(f"{kind.all()} RETURN {what}").single(strict=True)
        _require(kind, Fingerprint.of(found["rows"], expected.checksum, {name: found[name] for name in sums}), expected)


def _relabel(transaction: ManagedTransaction, new: Held, shown: str) -> None:
    """What readers see becomes __previous (__renewed, if it is the same snapshot), nodes labelled __`shown` take its place, and the
    marker is set."""
    before = _taken_place_of(transaction, new)
    aside = "renewed" if new.renews(before) else "next" if shown == "previous" else "previous"
    moves = [("", f"__{aside}"), (f"__{shown}", ""), *([("__next", "__previous")] if aside == "next" else [])]
    for label, _ in LABELS:
        for old, to in moves:
            transaction.run(f"MATCH (n:{label}{old}) REMOVE n:{label}{old} SET n:{label}{to}").consume()
    _mark(transaction, new, before)


def restore() -> Held:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, or the server is away.
        LawBroken: someone changed it.
    """
    with connected() as driver:
        now, before = _marked(driver, "current"), _marked(driver, "previous")
        if not now or not before:
            raise BadEnvironment("Neo4j holds no previous snapshot", "publish at least twice")
        before = replace(before, travelled=now.travelled, after=now.snapshot.id, restored=True)
        _claim(driver, before)

        def bring_back(transaction: ManagedTransaction) -> None:
            if now.travelled == "changes":
                transaction.run(f"MATCH (c:{CHANGE}) SET c.{SIGN} = -c.{SIGN}").consume()
                _apply(transaction, before)
            else:
                _relabel(transaction, before, "previous")
                if before.shape == shape(views()):
                    _require_sums(transaction, before)

        with driver.session() as session:
            session.execute_write(bring_back)
    return before
