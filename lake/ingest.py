"""landing -> bronze: new files only, known by content; every column text; every row knows its file and line.

A delivered file is read by one task, whole, as lines: so line numbers are exact whatever the file's dialect, and more
files, not larger ones, give more parallelism. How many records a file holds was counted from its bytes before; bronze is
held against that count before anything else happens.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import chain
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lake import commits, files, storage, tables
from lake.contracts import Contract, contract, layer
from lake.errors import BadInput, LawBroken
from lake.ledger import Run
from lake.scan import Scan, Unreadable, scan
from lake.session import Lake

# What becomes of a file; what is later here may come after what is earlier.
STATUSES = ("refused", "duplicate", "empty", "loaded")
DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar"}
ROW_OF_PARTITION = (1 << 33) - 1
# How an address of a local file begins: file:/ or file:///.
LOCAL = "^file:/*"
HUGE = 1 << 40
BYTES_OF_A_BRONZE_FILE = 128 << 20


@dataclass(frozen=True)
class Delivered:
    """A file in the landing folder.

    Attributes:
        path: where it is.
        url: the same as Spark spells it in `_metadata.file_path`; both without the scheme of local files.
        file: where it is in the landing folder.
        bytes: its size.
        modified: when it was last changed (milliseconds since 1970).
    """

    path: str
    url: str
    file: str
    bytes: int
    modified: int

    @property
    def place(self) -> tuple[str, int, int]:
        """What need not be read again: the same path, size and time of change."""
        return self.file, self.bytes, self.modified

    @property
    def drop_date(self) -> date | None:
        """The date of the drop that brought it, None where the path says none."""
        return files.drop_date(self.file)


class Told(NamedTuple):
    """A file that was loaded into a feed: the date of its drop, its content, its path."""

    drop: date
    file_id: str
    file: str


@dataclass(frozen=True)
class Arrival:
    """A delivered file, what it is and what becomes of it (a row of ops.files).

    Attributes:
        batch: the commit of bronze that its rows are in.
    """

    delivered: Delivered
    feed: str | None
    status: str
    detail: str | None
    scan: Scan | None
    batch: int | None = None

    def record(self, run: Run) -> dict:
        """The row of ops.files."""
        drop = self.delivered.drop_date
        return {
            "file_id": self.scan.file_id if self.scan else "",
            "file": self.delivered.file,
            "feed": self.feed,
            "status": self.status,
            "detail": self.detail,
            "bytes": self.delivered.bytes,
            "modified": self.delivered.modified,
            "rows": self.scan.records if self.scan else 0,
            "drop_date": drop.isoformat() if drop else None,
            "batch": self.batch,
            "run_id": run.run_id,
            "found_at": run.started_at.isoformat(sep=" "),
        }


def ingest(lake: Lake, run: Run) -> list[str]:
    """Load what is new in the landing folder into bronze.

    Returns:
        One line for each refused file (they stay in the landing folder and are looked at again in the next run).

    Raises:
        BadInput: there is no landing folder, or no file in it and none was ever loaded.
    """
    delivered = _listing(lake)
    known = _known(lake, run)
    if not delivered and not known:
        raise BadInput(f"no files in {lake.landing}", "put the CSV files there, or say LANDING=<folder>; `make demo` makes some")
    fresh = _fresh(lake, delivered, known)
    by_feed: dict[str, list[Arrival]] = {c.name: [] for c in layer("bronze")}
    for arrival in fresh:
        if arrival.status == "loaded":
            by_feed[arrival.feed or ""].append(arrival)
    with ThreadPoolExecutor(max_workers=3) as pool:
        tried = list(pool.map(lambda name: _load(lake, run, contract(name), by_feed[name]), by_feed))
    found = [*(a for a in fresh if a.status != "loaded"), *chain(*tried)]
    records = [a.record(run) for a in found]
    new = [r for r in records if not (r["status"] == "refused" and _same_refusal(r, known))]
    run.append("ops.files", new)
    return [f"{a.delivered.file}: {a.detail}" for a in found if a.status == "refused"]


def _fresh(lake: Lake, delivered: list[Delivered], known: list[dict]) -> list[Arrival]:
    """What is in the landing folder and not in ops.files, and files there that repeat others and now say something."""
    by_place = {(r["file"], r["bytes"], r["modified"]): r for r in sorted(known, key=lambda r: STATUSES.index(r["status"]))}
    told: dict[str, list[Told]] = defaultdict(list)
    for record in known:
        if record["status"] == "loaded":
            drop = date.fromisoformat(record["drop_date"]) if record["drop_date"] else date.min
            told[record["feed"]].append(Told(drop, record["file_id"], record["file"]))
    fresh = []
    for file in sorted(delivered, key=lambda file: file.drop_date or date.min):
        record, drop = by_place.get(file.place), file.drop_date or date.min
        if record and record["status"] == "duplicate":
            if repeated(told[record["feed"]], record["file_id"], drop):
                continue
        # A refused file is looked at in every run until somebody mends it or takes it away.
        elif record and record["status"] != "refused":
            continue
        arrival = _look(lake, file)
        if arrival.status == "loaded":
            if other := repeated(told[arrival.feed], arrival.scan.file_id, drop):
                arrival = replace(arrival, status="duplicate", detail=f"same content as {other}")
            else:
                told[arrival.feed].append(Told(drop, arrival.scan.file_id, file.file))
        fresh.append(arrival)
    return fresh


def repeated(told: list[Told], file_id: str, drop: date) -> str | None:
    """The loaded file that a file repeats, None where it says something: also the same bytes do, in a drop that is older than
    those that brought them, or that follows one with other bytes (a city that was changed and is changed back)."""
    before = max((each for each in told if each.file_id == file_id and each.drop <= drop), default=None)
    if before is None:
        return None
    others = any(each.file_id != file_id and before.drop <= each.drop <= drop for each in told)
    return None if others and before.drop < drop else before.file


def _same_refusal(record: dict, known: list[dict]) -> bool:
    """Whether that is what was said of the file last."""
    last = max((k for k in known if k["file"] == record["file"]), key=lambda k: k["found_at"], default=None)
    return last is not None and all(last[name] == record[name] for name in ("status", "file_id", "detail"))


def _listing(lake: Lake) -> list[Delivered]:
    files.require_bucket(lake.landing)
    if not storage.exists(lake, lake.landing):
        raise BadInput(f"there is no folder {lake.landing}", "say LANDING=<folder>, or run `make demo` to have data made")
    entries = storage.files(lake, lake.landing)
    root = re.sub(LOCAL, "/", lake.landing)
    found = []
    for entry in entries:
        path, url = (re.sub(LOCAL, "/", each) for each in (entry.path, entry.url))
        file = path[len(root) :].lstrip("/")
        if not any(part.startswith(("_", ".")) for part in file.split("/")):
            found.append(Delivered(path, url, file, entry.size, entry.modified))
    return found


def _known(lake: Lake, run: Run) -> list[dict]:
    """ops.files, after adding what a run that died between its two commits left out: bronze's own commits say it."""
    if not tables.exists(lake, "ops.files"):
        records = []
    else:
        frame = tables.read(lake, "ops.files").withColumns({name: F.col(name).cast("string") for name in ("drop_date", "found_at")})
        records = [row.asDict() for row in frame.collect()]
    last = {c.name: max((r["batch"] or 0 for r in records if r["feed"] == c.name), default=0) for c in layer("bronze")}
    lost = []
    for feed, batch in last.items():
        lost += [file for note in tables.notes_after(lake, feed, batch).values() for file in json.loads(note.facts["files"])]
    run.append("ops.files", lost)
    return records + lost


def _look(lake: Lake, delivered: Delivered) -> Arrival:
    """What a file is and whether it can be loaded."""
    name = delivered.file.rsplit("/", 1)[-1]
    feed = next((c for c in layer("bronze") if c.feed.claims(name)), None)
    if feed is None:
        patterns = ", ".join(c.feed.files for c in layer("bronze"))
        return Arrival(delivered, None, "refused", f"no feed claims this name; feeds are {patterns}", None)
    try:
        found = scan(partial(files.opened, delivered.path), name)
    except Unreadable as error:
        return Arrival(delivered, feed.name, "refused", str(error), None)
    if found.records == 0:
        return Arrival(delivered, feed.name, "empty", "no rows", found)
    return Arrival(delivered, feed.name, *_fit(feed, found.header), found)


def _fit(feed: Contract, header: tuple[str, ...]) -> tuple[str, str | None]:
    """Whether a header fits a feed: the status, and what is to be said of it."""
    expected, got = set(feed.columns), set(header)
    if len(header) == 1 and (wrong := next((d for d in DELIMITERS if d in header[0]), None)):
        return "refused", f"the delimiter is a {DELIMITERS[wrong]}, expected a comma"
    if len(got) < len(header):
        return "refused", f"the header names a column twice: {', '.join(header)}"
    if missing := [name for name in feed.feed.required if name not in got]:
        return "refused", f"the header lacks {', '.join(missing)}; it has {', '.join(header)}"
    said = [f"extra columns {', '.join(sorted(got - expected))}"] if got - expected else []
    said += [f"missing columns {', '.join(sorted(expected - got))}"] if expected - got else []
    return "loaded", "; ".join(said) or None


def _load(lake: Lake, run: Run, feed: Contract, arrivals: list[Arrival]) -> list[Arrival]:
    """Append the files of one feed to bronze in one commit; what became of them. A file that somebody wrote to meanwhile is refused,
    and the others are appended without it."""
    if not arrivals:
        return []
    with run.table("ingest", feed.name) as outcome:
        apart = lake.apart()
        apart.spark.conf.set("spark.sql.files.maxPartitionBytes", HUGE)
        apart.spark.conf.set("spark.sql.files.openCostInBytes", HUGE)
        before = tables.note(lake, feed.name)
        batch = before.sequence + 1 if before else 1
        loaded = [replace(a, batch=batch) for a in arrivals]
        expected = sum(a.scan.records for a in arrivals)
        note = tables.Note(
            run.run_id,
            "ingest",
            batch,
            {"landing": batch},
            (before.rows if before else 0) + expected,
            {"files": json.dumps([a.record(run) for a in loaded])},
        )
        try:
            outcome.output_version = commits.append(apart, feed, _rows(apart, feed, arrivals, batch), note, expected)
            outcome.rows_read = outcome.rows_written = expected
            outcome.inputs = {"files": len(arrivals)}
            return loaded
        except LawBroken:
            there = {file.place for file in _listing(lake)}
            changed = [a for a in arrivals if a.delivered.place not in there]
            if not changed:
                raise
            outcome.status = "unchanged"
    refused = [replace(a, status="refused", detail="somebody wrote to it while it was read") for a in changed]
    return refused + _load(lake, run, feed, [a for a in arrivals if a not in changed])


def _rows(lake: Lake, feed: Contract, arrivals: list[Arrival], batch: int) -> DataFrame:
    """The bronze rows of files, read together where they have the same header."""
    groups: dict[tuple[str, ...], list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(arrival.scan.header, []).append(arrival)
    frames = [_read(lake, feed, header, group, batch) for header, group in groups.items()]
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.unionByName(frame)
    most = max(lake.spark.sparkContext.defaultParallelism, sum(a.delivered.bytes for a in arrivals) // BYTES_OF_A_BRONZE_FILE)
    return rows.coalesce(most) if len(arrivals) > most else rows


def _read(lake: Lake, feed: Contract, header: tuple[str, ...], group: list[Arrival], batch: int) -> DataFrame:
    # A name with brackets or a star is a name, not a pattern.
    paths = [re.sub(r"[][{}*?\\]", r"\\\g<0>", a.delivered.path) for a in group]
    text = lake.spark.read.option("lineSep", "\n").text(paths)
    lines = text.select(
        F.regexp_replace(F.col("_metadata.file_path"), LOCAL, "/").alias("_path"),
        (F.monotonically_increasing_id().bitwiseAND(F.lit(ROW_OF_PARTITION)) + 1).alias("_line"),
        "value",
    ).where("_line > 1")
    spanning = [(a.delivered.url, line, start) for a in group for line, start in a.scan.joined.items()]
    if spanning:
        joined = F.broadcast(lake.rows(spanning, T.StructType.fromDDL("_path string, _line bigint, _start bigint")))
        several = (
            lines.join(joined, ["_path", "_line"], "inner")
            .groupBy("_path", "_start")
            .agg(F.array_sort(F.collect_list(F.struct("_line", "value"))).alias("parts"))
            .select("_path", F.col("_start").alias("_line"), F.array_join("parts.value", "\n").alias("value"))
        )
        lines = lines.join(joined, ["_path", "_line"], "left_anti").unionByName(several)
    known = lake.rows(
        [(a.delivered.url, a.scan.file_id, a.delivered.file, a.delivered.drop_date) for a in group],
        T.StructType.fromDDL("_path string, _file_id string, _file string, _drop_date date"),
    )
    names = [f"c{i}" for i in range(len(header))]
    parsed = F.from_csv(
        "record",
        ", ".join([*(f"{name} string" for name in names), "_corrupt string"]),
        {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_corrupt", "escape": '"', "multiLine": "true"},
    )
    fields = dict(zip(header, (F.col(f"r.{name}") for name in names), strict=True))
    fits = F.col("r._corrupt").isNull()
    extra = [name for name in header if name not in feed.columns]
    return (
        lines.where(~F.col("value").isin("", "\r"))
        .select("_path", "_line", F.rtrim("value", F.lit("\r")).alias("record"))
        .withColumn("r", parsed)
        .join(F.broadcast(known), "_path", "inner")
        .select(
            *[F.when(fits, fields[name]).alias(name) if name in fields else F.lit(None).alias(name) for name in feed.columns],
            "_file_id", "_file", "_line", "_drop_date",
            F.lit(batch).cast("bigint").alias("_batch"),
            F.when(~fits, F.col("record")).alias("_raw"),
            _extra(extra, fields, fits).alias("_extra"),
        )
    )  # fmt: skip


def _extra(names: list[str], fields: dict[str, Column], fits: Column) -> Column:
    if not names:
        return F.lit(None).cast("string")
    return F.when(fits, F.to_json(F.struct(*[fields[name].alias(name) for name in names])))
