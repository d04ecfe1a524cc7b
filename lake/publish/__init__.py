"""gold -> stores: the same snapshot to MongoDB, ClickHouse and Neo4j; each stages, compares, then shows it to its readers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from types import ModuleType

from py4j.protocol import Py4JJavaError

from lake.errors import BadEnvironment, LakeError
from lake.ledger import Run, say
from lake.publish import clickhouse, mongodb, neo4j
from lake.publish.snapshot import Snapshot, newest_snapshot
from lake.session import Lake

STORES: dict[str, ModuleType] = {module.NAME: module for module in (mongodb, clickhouse, neo4j)}
# Seconds to wait before a store that failed is tried again.
BACK_OFF = (2.0, 10.0)


def publish(lake: Lake, run: Run, stores: Iterable[str] = STORES, again: bool = False) -> None:
    """Bring stores to the newest snapshot of gold. One that fails does not stop the others, and is caught up next time.

    Args:
        again: publish to a store even if it holds the snapshot already.

    Raises:
        BadEnvironment: raised after all stores, names those that could not be brought up.
    """
    snapshot = newest_snapshot(lake)
    say(f"  snapshot {snapshot.id}")
    failed = [error for store in stores if (error := _bring_up(lake, run, store, snapshot, again))]
    if failed:
        raise BadEnvironment(f"{len(failed)} store(s) do not hold snapshot {snapshot.id}:\n    " + "\n    ".join(failed), "publish again")


def restore(run: Run, stores: Iterable[str] = STORES) -> None:
    """Bring the previous snapshot back in stores; a second time brings back the one that it replaced."""
    for store in stores:
        began = time.perf_counter()
        snapshot = STORES[store].restore()
        _note(run, store, snapshot, "restored", began, {})


def _bring_up(lake: Lake, run: Run, store: str, snapshot: Snapshot, again: bool) -> str | None:
    """Publish to one store, trying again after a while; the last error as text, None if it holds the snapshot now."""
    began, error = time.perf_counter(), None
    for wait in (*BACK_OFF, None):
        try:
            if not again and STORES[store].held() == snapshot:
                _note(run, store, snapshot, "unchanged", began, {})
                return None
            rows = {name: found.rows for name, found in STORES[store].publish(lake, snapshot).items()}
            _note(run, store, snapshot, "done", began, rows)
            return None
        except Exception as problem:
            # Whatever a connector throws: the other stores must get their turn.
            error = _reason(store, problem)
            if wait is not None:
                say(f"  {error}; again in {wait:.0f} s")
                time.sleep(wait)
    _note(run, store, snapshot, "failed", began, {}, str(error))
    return str(error)


def _reason(store: str, problem: Exception) -> str:
    if isinstance(problem, LakeError):
        return problem.args[0]
    # What Python says first of an error of the JVM is only which call it was.
    said = problem.java_exception.toString() if isinstance(problem, Py4JJavaError) else str(problem)
    return f"{store}: {said.splitlines()[0] if said else type(problem).__name__}"


def _note(run: Run, store: str, snapshot: Snapshot, status: str, began: float, rows: dict[str, int], message: str | None = None) -> None:
    seconds = round(time.perf_counter() - began, 3)
    run.append(
        "ops.publications",
        [
            {
                "run_id": run.run_id, "store": store, "snapshot": snapshot.id, "status": status, "seconds": seconds,
                "versions": json.dumps(dict(snapshot.versions), sort_keys=True), "rows": json.dumps(rows, sort_keys=True),
                "message": message, "published_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" "),
            }
        ],
    )  # fmt: skip
    say(f"  publish   {store:<32} {sum(rows.values()):>10,} rows {seconds:>7.1f} s  {status}")
