"""The ledger: one run, what each of its steps read and wrote, and the marker by which a dead run is recognised."""

from __future__ import annotations

import json
import os
import platform
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lake import VERSION, commits, storage, tables
from lake.contracts import contract
from lake.quality import Result
from lake.session import Lake

OPEN_RUNS = "ops/_open"


@dataclass
class Outcome:
    """What a step did to one table (a row of ops.runs); filled in by the step while it works."""

    status: str = "done"
    inputs: dict[str, int] = field(default_factory=dict)
    output_version: int | None = None
    rows_read: int = 0
    rows_written: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    message: str | None = None


def say(text: str) -> None:
    """Progress, on stderr: stdout belongs to results."""
    print(text, file=sys.stderr, flush=True)


def new_run_id() -> str:
    """An identifier that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class Run:
    """One run, or one process's part of it. Rows for the ops tables are held until the end and written in one commit a table; a
    marker file in the lake keeps them meanwhile, so that the next run can write down what a killed one did.

    Attributes:
        run_id: one's own, sorts by time; or that of the scheduler, whose run is made of several jobs that share it.
        started_at: wall clock (UTC, without zone).
        as_of: the day the run is for, if one was given.
    """

    def __init__(self, lake: Lake, run_id: str | None = None, as_of: date | None = None) -> None:
        self.lake = lake
        self.started_at = datetime.now(UTC).replace(tzinfo=None)
        self.run_id = run_id or new_run_id()
        # What this process alone writes: jobs of the same run, and tries of the same job, must not be taken for each other.
        self.part = secrets.token_hex(6)
        self.as_of = as_of
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._lock = Lock()
        self._marker = f"{lake.root}/{OPEN_RUNS}/{self.started_at:%Y%m%dT%H%M%S}-{self.part}.json"

    @property
    def newest(self) -> datetime:
        """The newest purchase in silver; the beginning of time in an empty lake."""
        note = tables.note(self.lake, "silver.orders")
        return datetime.fromisoformat(note.facts["newest"]) if note else datetime(1900, 1, 1)

    @property
    def today(self) -> date:
        """The day that freshness, waivers and waiting are measured against: the one given, else the newest in the data."""
        return self.as_of or self.newest.date()

    @property
    def finished(self) -> list[dict[str, Any]]:
        """Rows of ops.runs of the steps that this run has finished."""
        return self.rows.get("ops.runs", [])

    @contextmanager
    def table(self, step: str, table: str) -> Iterator[Outcome]:
        """Time a step's work on one table and write it down, whatever its end."""
        outcome, began, clock = Outcome(), datetime.now(UTC).replace(tzinfo=None), time.perf_counter()
        try:
            yield outcome
        except BaseException as error:
            outcome.status, outcome.message = "failed", str(error)[:2000]
            raise
        finally:
            seconds = round(time.perf_counter() - clock, 3)
            row = asdict(outcome) | {
                "run_id": self.run_id, "step": step, "table": table, "seconds": seconds,
                "inputs": json.dumps(outcome.inputs, sort_keys=True), "started_at": began.isoformat(sep=" "),
                "code_version": VERSION,
            }  # fmt: skip
            self.append("ops.runs", [row])
            quarantined = f"  {outcome.rows_quarantined:,} quarantined" if outcome.rows_quarantined else ""
            say(f"  {step:<9} {table:<32} {outcome.rows_written:>10,} rows {seconds:>7.1f} s  {outcome.status}{quarantined}")

    def quality(self, results: list[Result]) -> None:
        """Keep what a gate found."""
        at = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
        self.append("ops.quality_results", [asdict(result) | {"run_id": self.run_id, "checked_at": at} for result in results])

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Hold rows for an ops table, and put them into the marker."""
        if not rows:
            return
        with self._lock:
            self.rows.setdefault(table, []).extend(rows)
            storage.write_text(self.lake, self._marker, json.dumps(self._state(), default=str))

    def _state(self) -> dict[str, Any]:
        return {"run_id": self.run_id, "part": self.part, "host": platform.node(), "pid": os.getpid(), "rows": self.rows}

    def take_over(self) -> None:
        """Write down and close what dead runs left open; whoever holds the lake knows that they are dead."""
        for name in storage.names(self.lake, f"{self.lake.root}/{OPEN_RUNS}"):
            self._take_over(f"{self.lake.root}/{OPEN_RUNS}/{name}")

    def open(self) -> None:
        """Begin: leave this run's marker."""
        storage.write_text(self.lake, self._marker, json.dumps(self._state()))

    def _take_over(self, marker: str) -> None:
        try:
            state = json.loads(storage.read_text(self.lake, marker) or "{}")
        except json.JSONDecodeError:
            # Its run died while it wrote it, of a full disk perhaps. The tables' notes, by which steps go on, are whole.
            say(f"  a run died and left half a marker, so what it did is not in ops.runs: {marker}")
            state = {}
        if not state:
            storage.delete(self.lake, marker)
            return
        say(f"  taking over from run {state['run_id']} (process {state['pid']} on {state['host']}), which died")
        dead = {
            **asdict(Outcome(status="died", message=f"process {state['pid']} on {state['host']} ended without closing the run")),
            "run_id": state["run_id"], "step": "run", "table": "-", "seconds": 0.0, "inputs": "{}",
            # When it was found dead, which may be long after the run that finds it began to wait.
            "started_at": datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" "), "code_version": VERSION,
        }  # fmt: skip
        state["rows"].setdefault("ops.runs", []).append(dead)
        part = state.get("part", state["run_id"])
        # It may have died while it wrote them, and others may have written since.
        rows = {table: found for table, found in state["rows"].items() if not _is_written(self.lake, table, part)}
        _write(self.lake, state["run_id"], part, rows)
        storage.delete(self.lake, marker)

    def close(self) -> None:
        """End: write the held rows into the ops tables and take the marker away."""
        _write(self.lake, self.run_id, self.part, self.rows)
        storage.delete(self.lake, self._marker)


def _write(lake: Lake, run_id: str, part: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Append a process's rows to the ops tables."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda table: _write_table(lake, run_id, part, table, rows[table]), rows))


def _is_written(lake: Lake, table: str, part: str) -> bool:
    """Whether a process has appended its rows to an ops table."""
    notes = (tables.note_of(lake, table, at) for at in tables.versions(lake, table))
    return any(note.facts.get("part") == part for note in notes if note)


def _write_table(lake: Lake, run_id: str, part: str, table: str, records: list[dict[str, Any]]) -> None:
    definition = contract(table)
    before = tables.note(lake, table)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in definition.columns])
    values = [
        [None if r.get(n) is None else str(r[n]).lower() if isinstance(r[n], bool) else str(r[n]) for n in definition.columns]
        for r in records
    ]
    typed = (
        lake.rows(values, schema).coalesce(1).select(*[F.col(n).cast(definition.schema[n].dataType).alias(n) for n in definition.columns])
    )
    total = (before.rows if before else 0) + len(records)
    note = tables.Note(run_id, "ledger", before.sequence + 1 if before else 1, {}, total, {"part": part})
    commits.append(lake, definition, typed, note)
