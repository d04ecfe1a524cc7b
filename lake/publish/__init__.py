"""gold -> stores: the same snapshot to MongoDB, ClickHouse and Neo4j; each stages, compares, then shows it to its readers.

A store module has NAME, views(), held(), shown(), publish_all(), publish_changes(), measured(), restore(), MOST_CHANGES where one
transaction holds only so many, and TAKES_WHOLE where publish_changes() takes all rows of a view as well.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import ModuleType

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame

from lake.errors import BadEnvironment, LakeBusy, LakeError, LawBroken, NotSet
from lake.ledger import Run, say
from lake.publish import clickhouse, mongodb, neo4j
from lake.publish.fingerprint import SIGN, Fingerprint
from lake.publish.snapshot import Held, Snapshot, snapshot_to_publish
from lake.publish.view import View, difference, fingerprints, moved, shape, whole, written_anew
from lake.session import Lake
from lake.tables import SPARK_ERRORS, cached

STORES: dict[str, ModuleType] = {module.NAME: module for module in (mongodb, clickhouse, neo4j)}
# Seconds to wait before a store that failed is tried again.
BACK_OFF = (2.0, 10.0)
FILES_GONE = ("FileNotFound", "FILE_NOT_EXIST", "FILE_NOT_FOUND", "DELTA_FILE_NOT_FOUND")


@dataclass(frozen=True)
class Load:
    """What travels to a store.

    Attributes:
        travelled: `all` or `changes`.
        why: why it is all, where changes were expected.
        frames: rows by view, with `_sign` where they are changes.
        rows: how many rows of each.
        sent: the fingerprints of the frames.
        new: what the store will hold.
    """

    travelled: str
    why: str | None
    frames: Mapping[str, DataFrame]
    rows: Mapping[str, int]
    sent: Mapping[str, Fingerprint]
    new: Held


def publish(lake: Lake, run: Run, stores: Iterable[str] = STORES, again: bool = False) -> None:
    """Bring stores to the newest snapshot of gold, by what changed since the one they hold. One that fails does not stop the
    others, and is caught up next time.

    Args:
        again: send all, even to a store that holds the snapshot already.

    Raises:
        GateFailed, LakeBusy: gold is not whole.
        BadEnvironment: raised after all stores, names those that could not be brought up.
    """
    snapshot = snapshot_to_publish(lake)
    say(f"  snapshot {snapshot.id}")
    with ThreadPoolExecutor() as pool:
        tries = [pool.submit(_bring_up, lake.apart(), run, store, snapshot, again) for store in stores]
    failed = [error for one in tries if (error := one.result())]
    if failed:
        hint = "`make status` shows which stores run, `make up` starts them; then publish again"
        raise BadEnvironment(f"{len(failed)} store(s) do not hold snapshot {snapshot.id}:\n    " + "\n    ".join(failed), hint)


def restore(run: Run, stores: Iterable[str] = STORES) -> None:
    """Bring stores back to the one snapshot before. A store that shows it already is left as it is: a second time changes nothing,
    and brings back those that were away the first time. One that fails does not stop the others.

    Raises:
        BadEnvironment: the stores do not share one snapshot to go back to, and nothing was done; or, raised after all stores, names those
            that could not be brought back.
    """
    held: dict[str, tuple[Held | None, Held | None]] = {}
    failed: dict[str, str] = {}
    for store in stores:
        try:
            held[store] = STORES[store].held(), STORES[store].held("previous")
        except Exception as problem:
            # Whatever a client throws: the other stores must get their turn.
            failed[store] = _reason(store, problem)
    if not held:
        raise BadEnvironment("no store can be asked what it holds:\n    " + "\n    ".join(failed.values()), "`make status` shows which run")
    snapshot = _one_before(held)
    for store in stores:
        began, status = time.perf_counter(), "unchanged"
        try:
            if store in held and held[store][0].snapshot.id != snapshot.id:
                STORES[store].restore()
                status = "restored"
        except Exception as problem:
            failed[store] = _reason(store, problem)
        _note(run, store, snapshot, "failed" if store in failed else status, began, message=failed.get(store))
    if failed:
        said = "\n    ".join(failed.values())
        raise BadEnvironment(f"{len(failed)} store(s) were not brought back to snapshot {snapshot.id}:\n    {said}", "restore again")


def _one_before(held: Mapping[str, tuple[Held | None, Held | None]]) -> Snapshot:
    """The one snapshot that stores showed before (or show, since they were brought back) and that all of them can show."""
    goals = {of.snapshot.id: of.snapshot for now, before in held.values() if (of := now if now and now.restored else before)}
    kept = {store: [of.snapshot.id if of else "nothing" for of in both] for store, both in held.items()}
    found = [snapshot for snapshot in goals.values() if all(snapshot.id in both for both in kept.values())]
    if len(found) != 1:
        said = "\n    ".join(f"{store}: holds {now}, before it {before}" for store, (now, before) in kept.items())
        hint = "`make publish` brings all of them to the newest; --stores names those that are to be brought back alone"
        raise BadEnvironment(f"the stores do not share one snapshot to go back to:\n    {said}", hint)
    return found[0]


def _bring_up(lake: Lake, run: Run, store: str, snapshot: Snapshot, again: bool) -> str | None:
    """Publish to one store, trying again after a while; the last error as text, None if it holds the snapshot now."""
    began, error, why = time.perf_counter(), None, "that was asked for" if again else None
    for wait in (*BACK_OFF, None):
        try:
            held = STORES[store].held()
            why = why or _not_what_it_was(STORES[store], held)
            if held and not why and held.snapshot.id == snapshot.id:
                _note(run, store, snapshot, "unchanged", began)
                return None
            with _loaded(lake, STORES[store], snapshot, held, why) as load:
                if load.travelled == "all":
                    STORES[store].publish_all(lake, load.frames, load.new)
                else:
                    STORES[store].publish_changes(lake, load.frames, load.sent, load.new)
                _note(run, store, snapshot, "done", began, load, load.why)
            return None
        except Exception as problem:
            # Whatever a connector throws: the other stores must get their turn.
            error = _reason(store, problem)
            if isinstance(problem, NotSet | LakeBusy):
                break
            if isinstance(problem, LawBroken):
                # The same changes would fail in the same way for ever.
                why = error
            if wait is not None:
                say(f"  {error}; again in {wait:.0f} s")
                time.sleep(wait)
    _note(run, store, snapshot, "failed", began, message=error)
    return error


def _not_what_it_was(store: ModuleType, held: Held | None) -> str | None:
    """Why changes can't be applied to what a store should hold, if so: it is not there any more, or is to look otherwise."""
    if not held:
        return None
    if held.shape != shape(store.views()):
        return "what the store shows has another shape"
    there = store.shown()
    other = {name: there.get(name, "no") for name, told in held.fingerprints.items() if there.get(name) != told.rows}
    if other:
        return "someone changed the store: " + ", ".join(f"{name} has {rows} rows" for name, rows in other.items())
    return None


@contextmanager
def _loaded(lake: Lake, store: ModuleType, snapshot: Snapshot, held: Held | None, why: str | None) -> Iterator[Load]:
    """What has to travel to a store that holds something or nothing: the changes since, or all where there is a reason why."""
    with ExitStack() as kept:
        load, why = _changes(lake, kept, store, snapshot, held) if held and not why else (None, why)
        if load is None:
            if why:
                say(f"  {store.NAME}: all is sent, since {why}")
            load = _all(lake, kept, store, snapshot, held, why)
        yield load


def _all(lake: Lake, kept: ExitStack, store: ModuleType, snapshot: Snapshot, held: Held | None, why: str | None) -> Load:
    views = store.views()
    frames = {view.name: kept.enter_context(cached(whole(lake, view, snapshot))) for view in views}
    told = {name: found for name, (_, found) in fingerprints(views, frames).items()}
    new = Held(snapshot, shape(views), "all", told, held.snapshot.id if held else None)
    if new.renews(held):
        new = replace(new, travelled=held.travelled)
    return Load("all", why, frames, {name: found.rows for name, found in told.items()}, told, new)


def _changes(lake: Lake, kept: ExitStack, store: ModuleType, snapshot: Snapshot, held: Held) -> tuple[Load | None, str | None]:
    """The changes since what the store holds, or None and why there are none to send."""
    views: list[View] = store.views()
    frames: dict[str, DataFrame] = {}
    for view in (view for view in views if moved(view, held.snapshot, snapshot)):
        if getattr(store, "TAKES_WHOLE", False) and written_anew(lake, view, held.snapshot, snapshot):
            # Its change feed is the whole table twice.
            frame = whole(lake, view, snapshot)
        elif (frame := difference(lake, view, held.snapshot, snapshot)) is None:
            return None, f"the change feed of {', '.join(view.sources)} does not reach back to snapshot {held.snapshot.id}"
        frames[view.name] = kept.enter_context(cached(frame))
    try:
        found = fingerprints(views, frames)
    except SPARK_ERRORS as error:
        # Files that a feed needs were vacuumed; only reading tells.
        if not any(word in str(error) for word in FILES_GONE):
            raise
        return None, f"the change feed does not reach back to snapshot {held.snapshot.id}: its files are gone"
    told, rows, sent = dict(held.fingerprints), {}, {}
    for name, (count, change) in found.items():
        signed = SIGN in frames[name].columns
        new = told[name] + change if signed else change
        if (signed and count) or (not signed and new != told[name]):
            rows[name], sent[name], told[name] = count, change, new
    frames = {name: frames[name] for name in rows}
    total = sum(rows.values())
    if total > getattr(store, "MOST_CHANGES", total):
        return None, f"{total:,} rows changed, too many for one transaction"
    return Load("changes", None, frames, rows, sent, Held(snapshot, held.shape, "changes", told, held.snapshot.id)), None


def _reason(store: str, problem: Exception) -> str:
    if isinstance(problem, LakeError):
        return problem.args[0]
    # What Python says first of an error of the JVM is only which call it was.
    said = problem.java_exception.toString() if isinstance(problem, Py4JJavaError) else str(problem)
    return f"{store}: {said.splitlines()[0] if said else type(problem).__name__}"


def _note(
    run: Run, store: str, snapshot: Snapshot, status: str, began: float, load: Load | None = None, message: str | None = None
) -> None:  # fmt: skip
    seconds, now = round(time.perf_counter() - began, 3), datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = dict(load.rows) if load else {}
    run.append(
        "ops.publications",
        [
            {
                "run_id": run.run_id, "store": store, "snapshot": snapshot.id, "status": status, "seconds": seconds,
                "versions": json.dumps(dict(snapshot.versions), sort_keys=True), "rows": json.dumps(rows, sort_keys=True),
                "travelled": load.travelled if load else None, "message": message, "published_at": now.isoformat(sep=" "),
                "late_seconds": max(0.0, (now - snapshot.written_at(run.lake)).total_seconds()),
            }
        ],
    )  # fmt: skip
    travelled = f" ({load.travelled})" if load else ""
    say(f"  publish   {store:<32} {sum(rows.values()):>10,} rows {seconds:>7.1f} s  {status}{travelled}")
