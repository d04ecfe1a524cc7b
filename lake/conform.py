"""bronze -> silver: typed, standardised, one row per key; bad rows to quarantine with the reason.

What a row says and what becomes of it is told by lake/versions.py. Whatever happens to a row is counted: read = good +
quarantined + duplicate, where good = inserted + updated + superseded by a newer version, in the same input or in silver.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import commits, tables
from lake.contracts import BEGINNING, Contract, contract, layer
from lake.errors import GateFailed, LawBroken
from lake.history import write_history
from lake.ledger import Outcome, Run, say
from lake.parallel import in_order
from lake.quality import judge, measure, require
from lake.session import Lake
from lake.suites import Rule, Suite, suite, waived_rules
from lake.versions import classified, drop_day, last_said, typed
from lake.withheld import entered, reopen, withhold

CLASSES = ("insert", "update", "duplicate", "superseded", "quarantine")
# In the notes of a silver table: the rows of its source up to the batch that it was read to, and the newest drop among them.
SOURCE_ROWS, NEWEST_DROP = "source_rows", "newest_drop"
# Up to this share of a table's rows the ones that arrive are few: of a large table only what is around their keys is read.
FEW = 0.05


def conform(lake: Lake, run: Run) -> None:
    """Bring every silver table up to bronze, parents and lookups before those that use them.

    Raises:
        GateFailed: a suite did not hold; the tables behind it are not written.
        LawBroken: rows or money got lost on the way.
    """
    conformed = [c for c in layer("silver") if c.source]
    needs = {c.name: {c.lookup.table} if c.lookup else set() for c in conformed}
    in_order(needs, lambda name: conform_table(lake.apart(), run, contract(name)))
    _require_fresh(lake, run)


def conform_table(lake: Lake, run: Run, silver: Contract) -> None:
    """Bring one silver table, and its history, up to its bronze table."""
    _require_history(lake, run, silver)
    with run.table("conform", silver.name) as outcome:
        bronze = tables.note(lake, silver.source)
        before = tables.note(lake, silver.name)
        done = before.inputs if before else {}
        until = {silver.source: bronze.sequence if bronze else 0}
        if silver.lookup:
            until[silver.lookup.table] = tables.version(lake, silver.lookup.table) or 0
        if before and tables.is_up_to(lake, before, until):
            outcome.status = "unchanged"
            return
        if until[silver.source] < done.get(silver.source, 0):
            raise GateFailed(
                f"{silver.source} is gone, or has lost batches of which {silver.name} was made",
                "bring its folder back, or begin a new lake with all raw files",
            )
        if not bronze:
            raise GateFailed(
                f"{silver.source} has no rows: no file of this feed was ever delivered",
                f"deliver {contract(silver.source).feed.files}, then run again",
            )
        if before is None:
            _offer_again(lake, run, silver, silver.name)
        rows = tables.batches(lake, silver.source, done.get(silver.source, 0), until[silver.source])
        write(lake, run, silver, typed(silver, rows), until, outcome, bronze.rows)


def _require_history(lake: Lake, run: Run, silver: Contract) -> None:
    """Make a history that was taken away anew, from all that silver has read."""
    if not silver.history or tables.exists(lake, silver.history):
        return
    if not (before := tables.note(lake, silver.name)):
        return
    say(f"  {silver.history} is gone: it is made anew from all of {silver.source}")
    _offer_again(lake, run, silver, silver.history)
    with run.table("conform", silver.name) as outcome:
        rows = read_so_far(lake, silver, before.inputs)
        write(lake, run, silver, typed(silver, rows), before.inputs, outcome)


def _offer_again(lake: Lake, run: Run, silver: Contract, anew: str) -> None:
    """Say how rows that somebody corrected or released come into a table that is made anew from bronze, which has them as they came."""
    if number := reopen(lake, run, silver):
        say(f"  {anew} is made anew; {number} rows that were corrected or released enter it by `jobs/quarantine.py replay`")


@dataclass(frozen=True)
class _Counts:
    by_action: dict[str, int]
    money: dict[str, Decimal]
    newest: str

    def __getitem__(self, action: str) -> int:
        return self.by_action[action]


def write(
    lake: Lake, run: Run, silver: Contract, rows: DataFrame, inputs: dict[str, int], outcome: Outcome, source_rows: int | None = None
) -> None:
    """Classify typed rows, hold the good ones against the suite, then write quarantine, silver and history.

    Args:
        source_rows: rows in bronze, of which these are the ones that silver has not read. None for rows that were read before (from
            the quarantine, or all again).
    """
    before = tables.note(lake, silver.name)
    replay = source_rows is None
    arrived = None if replay else source_rows - _rows_read(lake, silver, before)
    current = None
    if silver.lookup:
        looked_anew = before is not None and (
            before.inputs[silver.lookup.table] != inputs[silver.lookup.table] or tables.made_anew(lake, silver.lookup.table, before)
        )
        rows = _looked_up(lake, silver, rows, tables.read(lake, silver.name) if looked_anew else None)
    if before:
        few = arrived is not None and arrived <= FEW * before.rows
        current = tables.around(lake, silver.name, rows.select(*silver.key)) if few else tables.read(lake, silver.name)
    drops = [] if replay else _drops(lake, silver, before, inputs[silver.source])
    newest_drop = _newest_drop(lake, silver, before)
    late = before is not None and (replay or min([newest_drop, *drops]) < newest_drop)
    with ExitStack() as kept:
        # Kept before it is filtered: Spark would push the filter down, and all rules of the suite with it into each expression.
        told = kept.enter_context(tables.cached(_told(lake, silver, rows, inputs))).where("_broken is null") if late else None
        frame = classified(silver, rows, current, last_said(silver, told) if late else None).drop("_rank", "_best", "_order", "_content")
        if silver.lookup:
            # Where a newer version came in this input, the one that silver has need not be looked up again, nor counted.
            frame = frame.where("not _again or _action = 'update'").drop("_again")
        frame = kept.enter_context(tables.cached(frame))
        counts, measured = _count(silver, frame)
        total = (before.rows if before else 0) + counts["insert"]
        judged = judge(suite(silver.name), measured | {"rows in table": total}, waived_rules(silver.name, run.today))
        run.quality(judged)
        require(judged)
        if not replay:
            _require_few(silver, frame, counts)
        outcome.inputs = inputs
        outcome.rows_read = sum(counts.by_action.values())
        if arrived not in (None, outcome.rows_read) and not silver.lookup:
            raise LawBroken(f"{silver.name}: {silver.source} got {arrived} rows since it was read last, {outcome.rows_read} were read now")
        outcome.rows_quarantined, outcome.rows_duplicate = counts["quarantine"], counts["duplicate"]
        outcome.rows_superseded = counts["superseded"]
        outcome.rows_written = counts["insert"] + counts["update"]
        if counts["quarantine"]:
            withhold(lake, run, silver, frame.where("_action = 'quarantine'"))
        if silver.history and outcome.rows_read > outcome.rows_quarantined:
            write_history(lake, run, silver, frame.where("_action <> 'quarantine'"), inputs, told, replay)
        facts = {name: str(value) for name, value in counts.money.items()} | {NEWEST_DROP: max([newest_drop, *drops])}
        if source_rows is not None:
            facts[SOURCE_ROWS] = str(source_rows)
        elif SOURCE_ROWS in before.facts:
            facts[SOURCE_ROWS] = before.facts[SOURCE_ROWS]
        if silver.event_time:
            facts["newest"] = max(counts.newest, before.facts["newest"] if before else counts.newest)
        note = tables.Note(run.run_id, "conform", before.sequence + 1 if before else 1, inputs, total, facts)
        winners = frame.where("_action in ('insert', 'update')")
        if counts["update"]:
            outcome.output_version = commits.upsert(lake, silver, winners, note)
        else:
            outcome.output_version = commits.append(lake, silver, winners, note)


def read_so_far(lake: Lake, silver: Contract, inputs: dict[str, int]) -> DataFrame:
    """The rows of bronze that a silver table was made of."""
    return tables.batches(lake, silver.source, 0, inputs[silver.source])


def _told(lake: Lake, silver: Contract, rows: DataFrame, inputs: dict[str, int]) -> DataFrame:
    """All that bronze, up to what is read, and whoever corrected it ever said of the keys of some rows, typed."""
    said = typed(silver, read_so_far(lake, silver, inputs)).drop("_raw", "_given")
    if (corrected := entered(lake, silver)) is not None:
        said = said.unionByName(corrected.select(said.columns))
    # No hint to broadcast the keys: a whole load may come late.
    return said.join(rows.select(*silver.key).distinct(), list(silver.key), "left_semi")


def _looked_up(lake: Lake, silver: Contract, rows: DataFrame, current: DataFrame | None) -> DataFrame:
    """Add looked-up columns. Rows of `current` (silver, if the lookup has changed) whose values are others now come along, marked
    as `_again`."""
    lookup = silver.lookup
    names = list(lookup.columns.values())
    other = tables.read(lake, lookup.table).select(
        *names, *[n for n, c in silver.columns.items() if c.looked_up and n in contract(lookup.table).columns]
    )

    def with_values(frame: DataFrame) -> DataFrame:
        joined = frame.join(F.broadcast(other.withColumnsRenamed({n: f"l_{n}" for n in names})),
                            [F.col(mine) == F.col(f"l_{theirs}") for mine, theirs in lookup.columns.items()], "left")  # fmt: skip
        found = F.col(f"l_{names[0]}").isNotNull()
        flags = {n: found for n, c in silver.columns.items() if c.looked_up and n not in other.columns}
        return joined.withColumns(flags).drop(*[f"l_{n}" for n in names])

    rows = with_values(rows).withColumn("_again", F.lit(False))
    if current is None:
        return rows
    looked = [n for n, c in silver.columns.items() if c.looked_up]
    again = with_values(
        current.drop(*looked).join(current.select(*silver.key, *[F.col(n).alias(f"old_{n}") for n in looked]), list(silver.key), "inner")
    )
    changed = ~F.lit(True)
    for n in looked:
        changed = changed | ~F.col(n).eqNullSafe(F.col(f"old_{n}"))
    again = again.where(changed).select(*silver.columns, *silver.technical)
    return rows.unionByName(again.withColumn("_again", F.lit(True)), allowMissingColumns=True)


def _count(silver: Contract, frame: DataFrame) -> tuple[_Counts, dict[str, Any]]:
    """Count what became of the rows and measure those that enter for their suite, in one job."""
    # A row that somebody released enters although it breaks a rule; the gate judges the others.
    judged = F.col("_action").isin("insert", "update") & (~F.col("_released") if "_released" in frame.columns else F.lit(True))
    extra = {name: ("sum", F.col(name)) for name in silver.money}
    if silver.event_time:
        extra["newest"] = ("max", F.col(silver.event_time))
    measured = measure(frame, suite(silver.name), judged, "_action", extra)
    of = measured.groups
    money = {f"{name} {action}": of[action].get(name, Decimal(0)) for action in of for name in silver.money}
    newest = max((of[a]["newest"] for a in of if a != "quarantine" and "newest" in of[a]), default=None)
    counts = {action: of[action]["rows"] if action in of else 0 for action in CLASSES}
    return _Counts(counts, money, newest.isoformat(sep=" ") if newest else ""), measured.values


def _rows_read(lake: Lake, silver: Contract, before: tables.Note | None) -> int:
    """Rows of its source that a silver table was made of."""
    if before is None:
        return 0
    if SOURCE_ROWS in before.facts:
        return int(before.facts[SOURCE_ROWS])
    # Written by code that did not note it yet.
    return read_so_far(lake, silver, before.inputs).count()


def _drops(lake: Lake, silver: Contract, before: tables.Note | None, until: int) -> list[str]:
    """The dates of the drops that a silver table has not read yet, that of files without a date being the beginning."""
    read = before.inputs[silver.source] if before else 0
    notes = tables.notes_after(lake, silver.source, read)
    dates = [file["drop_date"] or BEGINNING for note in notes.values() for file in json.loads(note.facts["files"])]
    # A log that was cleaned does not say all any more: it may have been anything.
    return dates if len(notes) == until - read else [BEGINNING, *dates]


def _newest_drop(lake: Lake, silver: Contract, before: tables.Note | None) -> str:
    """The date of the newest drop that a silver table was made of."""
    if before is None:
        return BEGINNING
    if NEWEST_DROP in before.facts:
        return before.facts[NEWEST_DROP]
    # Written by code that did not note it yet.
    return read_so_far(lake, silver, before.inputs).agg(F.max(drop_day()).cast("string")).first()[0] or BEGINNING


def _require_few(silver: Contract, frame: DataFrame, counts: _Counts) -> None:
    """Hold the share of bad rows against the suite. A file that was bad and has been replaced since does not count."""

    def are_few(bad: int, read: int) -> bool:
        return bad <= max(suite(silver.name).quarantine_max_share * read, suite(silver.name).quarantine_free_rows)

    bad, read = counts["quarantine"], sum(counts.by_action.values())
    if not are_few(bad, read):
        newest = frame.groupBy("_file").agg(F.max("_batch").alias("_batch"))
        standing = frame.join(newest, ["_file", "_batch"], "left_semi")
        bad, read = standing.agg(F.count_if(F.col("_action") == "quarantine"), F.count(F.lit(1))).first()
    if not are_few(bad, read):
        raise GateFailed(
            f"gate of {silver.name}: {bad:,} of {read:,} rows would go to quarantine, more than the suite's "
            f"{suite(silver.name).quarantine_max_share:.1%}",
            "replace the file if it is wrong (by one of the same name); raise quarantine_max_share in the suite if it is right",
        )


def _require_fresh(lake: Lake, run: Run) -> None:
    """When the run is for a day, the newest event must not be older than the contract promises."""
    for silver in layer("silver"):
        if run.as_of and silver.freshness_days is not None:
            oldest = datetime.combine(run.as_of - timedelta(days=silver.freshness_days), time.min)
            rule = Rule("freshness", "expect_column_max_to_be_between", {"column": silver.event_time, "min_value": oldest}, False)
            newest = {f"column.max {silver.event_time}": datetime.fromisoformat(tables.note(lake, silver.name).facts["newest"])}
            judged = judge(Suite(silver.name, (rule,), 0, 0), newest, waived_rules(silver.name, run.today))
            run.quality(judged)
            require(judged)
