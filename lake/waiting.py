"""Children whose parent has not come: they wait in silver, are counted, and become a fault when they wait too long."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import commits, tables
from lake.contracts import Contract, Parent, contract, layer
from lake.ledger import Run
from lake.quality import judge, measure, require
from lake.session import Lake
from lake.suites import suite, waived_rules

TABLE = "ops.waiting"


def find_waiting(lake: Lake, run: Run) -> None:
    """Bring ops.waiting up to silver: what waited or came since, and whose parent is still missing.

    A child waits from the newest purchase that the data knew when it came, and is overdue when the newest purchase now is
    more than the contract's `wait_days` later.
    """
    children = [c for c in layer("silver") if c.parents]
    with run.table("conform", TABLE) as outcome:
        involved = sorted({c.name for c in children} | {p.table for c in children for p in c.parents})
        until = {name: tables.version(lake, name) or 0 for name in involved}
        before = tables.note(lake, TABLE)
        # A gate that failed fails again until somebody acts, though nothing has changed.
        if before and before.facts["overdue"] == "0" and tables.is_up_to(lake, before, until):
            outcome.status = "unchanged"
            return
        told = tables.read(lake, TABLE) if before else None
        now = F.lit(run.newest.isoformat(sep=" ")).cast("timestamp")
        frames = []
        for child in children:
            anew = before is None or tables.made_anew(lake, child.name, before)
            changed = anew or until[child.name] != before.inputs[child.name]
            # A parent that was made anew may lack rows that it had.
            other = {parent.table for parent in child.parents if before and tables.made_anew(lake, parent.table, before)}
            if not (changed or other or before.rows):
                # Nothing of it waited and nothing of it came.
                continue
            arrived = tables.changes(lake, child.name, before.inputs[child.name], until[child.name]) if changed and not anew else None
            everything = tables.read(lake, child.name, until[child.name])
            for parent in child.parents:
                mine = None
                # Where the change feed no longer reaches back, the child is looked through from its beginning.
                if told is not None and parent.table not in other and not (changed and arrived is None):
                    mine = told.where((F.col("table") == child.name) & (F.col("parent") == parent.table)) if before.rows else told.limit(0)
                frames.append(_missing(lake, child, parent, everything, arrived, mine, until[parent.table], now))
        if not frames:
            outcome.status, outcome.inputs = "unchanged", until
            note = tables.Note(run.run_id, "conform", before.sequence + 1, until, before.rows, before.facts)
            outcome.output_version = commits.append(lake, contract(TABLE), None, note)
            return
        with tables.cached(reduce(DataFrame.unionByName, frames)) as frame:
            measured = measure(frame, suite(TABLE), extra={"overdue": ("sum", F.col("overdue").cast("int"))})
            waiting = measured.values["table.row_count"]
            overdue = measured.groups[""]["overdue"] if waiting else 0
            outcome.inputs, outcome.rows_read, outcome.rows_written = until, waiting, waiting
            outcome.message = f"{waiting} waiting, {overdue} overdue" if waiting else None
            judged = judge(suite(TABLE), measured.values | {"rows in table": waiting}, waived_rules(TABLE, run.today))
            run.quality(judged)
            note = tables.Note(run.run_id, "conform", before.sequence + 1 if before else 1, until, waiting,
                               {"waiting": str(waiting), "overdue": str(overdue)})  # fmt: skip
            write = commits.replace if before else commits.append
            outcome.output_version = write(lake, contract(TABLE), frame.coalesce(1), note)
        # Written before it is judged: who must act needs to see which rows wait too long.
        require(judged)


def _missing(
    lake: Lake, child: Contract, parent: Parent, everything: DataFrame, arrived: DataFrame | None, told: DataFrame | None, at: int, now
) -> DataFrame:
    """Rows of ops.waiting for one reference."""
    columns = list(parent.columns)
    row_key, parent_key = tables.keys_json(child.key), tables.keys_json(columns)
    if told is None:
        candidates = everything.withColumn("_since", F.lit(None).cast("timestamp"))
    else:
        key = ", ".join(f"{name} string" for name in child.key)
        waited = told.select(F.from_json("row_key", key).alias("k"), F.col("waiting_since").alias("_since")).select("k.*", "_since")
        candidates = everything.join(F.broadcast(waited), list(child.key), "inner")
        if arrived is not None:
            # The feed says which have come; several of its versions of one row may be other than the row is now.
            come = arrived.select(*child.key).distinct().join(F.broadcast(waited), list(child.key), "left_anti")
            new = everything.join(come, list(child.key), "left_semi")
            candidates = candidates.unionByName(new.withColumn("_since", F.lit(None).cast("timestamp")))
    there = tables.read(lake, parent.table, at).select(*[F.col(theirs).alias(mine) for mine, theirs in parent.columns.items()])
    since = F.coalesce("_since", now)
    return candidates.join(there, columns, "left_anti").select(
        F.lit(child.name).alias("table"), row_key.alias("row_key"), F.lit(parent.table).alias("parent"),
        parent_key.alias("parent_key"), F.col("_file").alias("file"), F.col("_line").alias("line"),
        since.alias("waiting_since"), (now > since + F.expr(f"interval {parent.wait_days} days")).alias("overdue"),
    )  # fmt: skip
