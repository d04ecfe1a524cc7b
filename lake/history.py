"""Versions of a row over time (SCD2): pure functions, and the writing of a silver table's history."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake import commits, tables
from lake.contracts import Contract, contract
from lake.ledger import Run
from lake.quality import judge, measure, require
from lake.session import Lake
from lake.suites import suite, waived_rules
from lake.versions import drop_day, order_of


def spans(versions: DataFrame, key: Sequence[str], says: Sequence[str], at: str, order: Sequence[Column]) -> DataFrame:
    """Versions -> spans of time: key, says, valid_from, valid_to (exclusive, null while current), is_current.

    Args:
        versions: what was known at which time; several rows may say the same or share a time.
        key: whose versions they are.
        says: the columns that make two versions different.
        at: the column of the time.
        order: what wins among rows of the same key and time, first is best; with it the order is total.
    """
    same_time = Window.partitionBy(*key, at).orderBy(*order)
    over_time = Window.partitionBy(*key).orderBy(at)
    said = F.struct(*says)
    return (
        versions.withColumn("_first", F.row_number().over(same_time))
        .where("_first = 1")
        .withColumn("_before", F.lag(said).over(over_time))
        .where(~said.eqNullSafe(F.col("_before")))
        .withColumn("valid_to", F.lead(at).over(over_time))
        .select(*key, *[name for name in says if name not in key], F.col(at).alias("valid_from"), "valid_to",
                F.col("valid_to").isNull().alias("is_current"))
    )  # fmt: skip


def write_history(
    lake: Lake, run: Run, silver: Contract, rows: DataFrame, inputs: dict[str, int], told: DataFrame | None, replay: bool
) -> None:
    """Bring a silver table's history up to the good rows of an input.

    Args:
        told: all good rows that bronze ever had of the keys of an input that comes late, since it may fall between two versions that
            looked equal and were folded into one; None for an input that does not.

    Raises:
        GateFailed: its suite did not hold; it is not written.
    """
    history = contract(silver.history)
    says = [name for name in history.columns if name not in ("valid_from", "valid_to", "is_current")]
    with run.table("conform", history.name) as outcome:
        before = tables.note(lake, history.name)
        if before and before.inputs == inputs and not replay:
            outcome.status = "unchanged"
            return

        def dated(frame: DataFrame) -> DataFrame:
            return frame.select(*says, drop_day().alias("valid_from"), order_of(silver).alias("_order"))

        versions = dated(rows)
        if before:
            keys = rows.select(*silver.key).distinct()
            if told is not None:
                versions = versions.unionByName(dated(told))
            mine = tables.of_keys(lake, history.name, keys)
            versions = versions.unionByName(mine.select(*says, "valid_from"), allowMissingColumns=True)
        new = spans(versions, silver.key, says, "valid_from", [F.col("_order").desc_nulls_last()])
        action = F.col("_action")
        with tables.cached(tables.compared(history, mine, new) if before else new.withColumn("_action", F.lit("insert"))) as frame:
            measured = measure(frame, suite(history.name), action != "delete", "_action")
            count = {name: measured.groups.get(name, {}).get("rows", 0) for name in ("insert", "update", "delete")}
            held = (before.rows if before else 0) + count["insert"] - count["delete"]
            judged = judge(suite(history.name), measured.values | {"rows in table": held}, waived_rules(history.name, run.today))
            run.quality(judged)
            require(judged)
            note = tables.Note(run.run_id, "conform", before.sequence + 1 if before else 1, inputs, held)
            outcome.rows_read, outcome.rows_written, outcome.inputs = measured.values["table.row_count"], sum(count.values()), inputs
            write = commits.upsert if count["update"] or count["delete"] else commits.append
            outcome.output_version = write(lake, history, frame.where(action != "same"), note)
