"""ops.quarantine as a table: rows that broke rules enter once, are marked by what becomes of them, and are given again as corrected."""

from __future__ import annotations

from threading import Lock

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake import commits, tables
from lake.contracts import Contract, contract
from lake.ledger import Run
from lake.session import Lake
from lake.versions import typed

TABLE = "ops.quarantine"
# Which row of bronze it is: the same bytes may have come in two drops.
PLACE = ("file_id", "file", "line")
# Tables are conformed side by side, and each commit follows the one before.
_ONE_WRITER = Lock()


def withhold(lake: Lake, run: Run, silver: Contract, rows: DataFrame) -> None:
    """Add typed rows that broke rules, those that are not there yet."""
    keys = [c.source or n for n, c in silver.columns.items() if n in silver.key]
    frame = rows.select(
        F.lit(silver.name).alias("table"), F.col("_file_id").alias("file_id"), F.col("_line").alias("line"),
        F.col("_file").alias("file"), F.col("_batch").alias("batch"), F.col("_broken").alias("rules"),
        F.to_json(F.struct(*[F.col(f"_given.{k}").alias(k) for k in keys]), {"ignoreNullFields": "false"}).alias("row_key"),
        F.coalesce("_raw", F.to_json("_given", {"ignoreNullFields": "false"})).alias("raw"),
        F.lit("open").alias("status"), F.lit(None).cast("string").alias("fix"), F.lit(None).cast("string").alias("reason"),
        F.lit(run.run_id).alias("run_id"),
    )  # fmt: skip
    with _ONE_WRITER:
        if tables.exists(lake, TABLE):
            frame = frame.join(tables.read(lake, TABLE).select("table", *PLACE), ["table", *PLACE], "left_anti")
        commits.append(lake, contract(TABLE), frame.coalesce(1), _next_note(lake, run, "conform"))


def mark(lake: Lake, run: Run, rows: DataFrame) -> None:
    """Put rows of the quarantine in the place of those that are there."""
    with _ONE_WRITER:
        commits.upsert(lake, contract(TABLE), rows.withColumn("_action", F.lit("update")), _next_note(lake, run, "replay"))


def _replayed(lake: Lake, silver: Contract) -> DataFrame | None:
    """Rows of a silver table that have left the quarantine; None where nothing ever was in it."""
    if not tables.exists(lake, TABLE):
        return None
    return tables.read(lake, TABLE).where((F.col("table") == silver.name) & (F.col("status") == "replayed"))


def reopen(lake: Lake, run: Run, silver: Contract) -> int:
    """Offer rows again that had entered a silver table which is made anew: bronze has them as they came; how many there are."""
    if (entered := _replayed(lake, silver)) is None:
        return 0
    # Without a reason it was the suite that had changed, and may have changed back.
    before = F.when(F.col("fix").isNotNull(), "fixed").when(F.col("reason").isNotNull(), "released").otherwise("open")
    with tables.cached(entered.withColumn("status", before)) as rows:
        if number := rows.count():
            mark(lake, run, rows)
        return number


def given_again(lake: Lake, silver: Contract, quarantined: DataFrame) -> DataFrame:
    """Typed rows of what is in quarantine, with corrected values, released from the rules that can be let go."""
    bronze = contract(silver.source)
    q = quarantined.select(*[F.col(name).alias(f"_{name}") for name in PLACE], "fix", (F.col("status") == "released").alias("_released"))
    place = [f"_{name}" for name in PLACE]
    rows = tables.read(lake, bronze.name).join(F.broadcast(q), place, "inner")
    corrected = {name: F.coalesce(F.get_json_object("fix", f"$.{name}"), F.col(name)) for name in bronze.columns}
    # Once somebody has said what the values are, the shape of the line no longer matters.
    rows = rows.withColumns({**corrected, "_raw": F.when(F.col("fix").isNull(), F.col("_raw"))})
    frame = typed(silver, rows).join(F.broadcast(q.select(*place, "_released")), place, "inner")
    return frame.withColumn("_broken", _unreleased(silver))


def _unreleased(silver: Contract) -> Column:
    """Broken rules of a row without those it is released from: a value that has to be there, or can't be read, is not to be had by
    that."""
    needed = [f"not_null:{name}" for name, column in silver.columns.items() if not column.nullable]
    kept = F.filter("_broken", lambda rule: rule.startswith("type:") | rule.isin("row_shape", *needed))
    return F.when(~F.col("_released"), F.col("_broken")).when(F.size(kept) > 0, kept)


def entered(lake: Lake, silver: Contract) -> DataFrame | None:
    """Typed rows of the quarantine as they entered silver, corrected or released; None if there are none."""
    rows = _replayed(lake, silver)
    if rows is None or rows.isEmpty():
        return None
    return given_again(lake, silver, rows).withColumn("_broken", F.lit(None).cast("array<string>"))


def _next_note(lake: Lake, run: Run, step: str) -> tables.Note:
    before = tables.note(lake, TABLE)
    return tables.Note(run.run_id, step, before.sequence + 1 if before else 1, {}, before.rows if before else 0)
