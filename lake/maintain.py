"""Maintenance: what a table is about as its contract says, compaction and clustering, then vacuum, with bytes before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from lake import commits, storage, tables
from lake.contracts import contract, contracts
from lake.errors import BadInput
from lake.ledger import Run
from lake.parallel import in_order
from lake.session import Lake

# Fewer files than this are left alone.
FILES_WORTH_COMPACTING = 8
SHORTEST_RETENTION_DAYS = 7
HOUR = 3600
# What the commits of a session say beside what they do.
METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Report:
    """What maintenance did, or would do, to one table. Files and bytes are of data files that lie in the folder."""

    table: str
    live_files: int
    compacted: bool
    clustered_by: str
    retention_hours: float
    held_back_by: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int


def maintain(lake: Lake, run: Run, retention_days: float, dry_run: bool, only: str | None = None) -> list[Report]:
    """Compact and cluster tables of many files, delete files that no version within the retention needs.

    The retention is longer where a table built from this one has not read its change feed up to there.

    Raises:
        BadInput: a retention so short that a running reader could lose its files, or a table that is not there.
    """
    if retention_days < SHORTEST_RETENTION_DAYS:
        raise BadInput(f"a retention of {retention_days} days is too short", f"at least {SHORTEST_RETENTION_DAYS}")
    if only and not tables.exists(lake, contract(only).name):
        raise BadInput(f"the lake has no {only} yet", "`make tables` lists what it has")
    needed = _needed_versions(lake)
    names = [table for table in ([only] if only else contracts()) if tables.exists(lake, table)]
    reports: dict[str, Report] = {}

    def work(table: str) -> None:
        own = lake.apart()
        with run.table("maintain", table) as outcome, _telling(own, tables.note(own, table)):
            report = reports[table] = _maintain_table(own, table, retention_days * 24, needed.get(table), dry_run)
            outcome.status = "unchanged" if dry_run or report.files_before == report.files_after else "done"
            outcome.message = f"{report.bytes_before} -> {report.bytes_after} bytes"

    in_order({name: set() for name in names}, work)
    return [reports[name] for name in names]


@contextmanager
def _telling(lake: Lake, note: tables.Note | None) -> Iterator[None]:
    """Commits say what the table's newest note says. Delta cleans its log of commits a month old but for the newest, which may be
    one of maintenance."""
    if note:
        lake.spark.conf.set(METADATA, note.to_json())
    try:
        yield
    finally:
        lake.spark.conf.unset(METADATA)


def _needed_versions(lake: Lake) -> dict[str, tuple[int, str]]:
    """For each table the oldest version up to which a table built from it has read, and which that is. The recommender reads no
    change feed: what it learned from long ago holds nothing back."""
    found: dict[str, tuple[int, str]] = {}
    for name, built in contracts().items():
        follows = built.layer in ("gold", "ops") and built.table not in ("runs", "files") and built.grain != "model"
        note = tables.note(lake, name) if follows else None
        for source, version in (note.inputs if note else {}).items():
            if source not in found or version < found[source][0]:
                found[source] = (version, name)
    return found


def _maintain_table(lake: Lake, table: str, retention: float, needed: tuple[int, str] | None, dry_run: bool) -> Report:
    path = lake.path(table)
    detail = lake.spark.sql(f"describe detail delta.`{path}`").first()
    files_before, bytes_before = _data(lake, path)
    held_back_by = ""
    if needed and needed[0] < (tables.version(lake, table) or 0):
        age = _age_hours(lake, table, needed[0])
        held_back_by, retention = (needed[1], age) if age > retention else ("", retention)
    # The description is shown by Trino; writing it with the table would be a second commit of every new table, which the first run
    # would wait for. What the table is clustered by needs statistics, which a table has not got that the contract came to later.
    wanted = {"comment": contracts()[table].about, **commits.statistics(contracts()[table])}
    if not wanted.items() <= {**detail["properties"], "comment": detail["description"]}.items() and not dry_run:
        told = ", ".join(f"'{name}' = '{_quoted(value)}'" for name, value in wanted.items())
        lake.spark.sql(f"alter table delta.`{path}` set tblproperties ({told})")
    cluster = ", ".join(contracts()[table].cluster_by)
    compact = detail["numFiles"] >= FILES_WORTH_COMPACTING
    if compact and not dry_run:
        lake.spark.sql(f"optimize delta.`{path}`" + (f" zorder by ({cluster})" if cluster else ""))
    vacuum = f"vacuum delta.`{path}` retain {retention:.4f} hours"
    if dry_run:
        going = defaultdict(int)
        going.update({entry.path: entry.size for entry in storage.files(lake, path)})
        gone = [row[0] for row in lake.spark.sql(f"{vacuum} dry run").collect()]
        sizes = [going[p] for p in gone if p in going]
        files_after, bytes_after = files_before - len(sizes), bytes_before - sum(sizes)
    else:
        lake.spark.sql(vacuum)
        files_after, bytes_after = _data(lake, path)
    return Report(table, detail["numFiles"], compact, cluster if compact else "", round(retention, 2), held_back_by,
                  files_before, files_after, bytes_before, bytes_after)  # fmt: skip


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _data(lake: Lake, path: str) -> tuple[int, int]:
    sizes = [entry.size for entry in storage.files(lake, path) if "/_delta_log/" not in entry.path]
    return len(sizes), sum(sizes)


def _age_hours(lake: Lake, table: str, version: int) -> float:
    """Age of the version after `version`, whose changes are still to be read; 0 if there is none."""
    path = f"{lake.path(table)}/_delta_log/{version + 1:020d}.json"
    if not storage.exists(lake, path):
        return 0.0
    modified = next(e.modified for e in storage.files(lake, f"{lake.path(table)}/_delta_log") if e.path.endswith(path.rsplit("/", 1)[1]))
    return (datetime.now(UTC).timestamp() - modified / 1000) / HOUR + 1
