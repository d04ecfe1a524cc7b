"""What a row of bronze says, typed, and which of the versions of its key it is: pure functions.

One projection types each row and names every rule it breaks. Good rows of the same key are ranked by what is newer; the first is
held against the row that silver has.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake import tables
from lake.contracts import BEGINNING, Contract
from lake.standardise import derive
from lake.suites import broken, suite


def typed(silver: Contract, bronze: DataFrame) -> DataFrame:
    """The silver columns of bronze rows, `_broken` (names of broken rules, null for a good row) and, for a bad row, the
    text it came from in `_given`."""
    delivered = {name: column for name, column in silver.columns.items() if not column.derived and not column.looked_up}
    text = {name: F.nullif(F.col(column.source or name), F.lit("")) for name, column in delivered.items()}
    values = {name: _typed(text[name], column.type) for name, column in delivered.items()}
    frame = bronze.select(
        *[value.alias(name) for name, value in values.items()],
        *silver.technical,
        "_raw",
        F.struct(*[F.col(column.source or name) for name, column in delivered.items()]).alias("_given"),
        *[(text[n].isNotNull() & values[n].isNull()).alias(f"_not_{n}") for n, c in delivered.items() if c.type != "string"],
    )
    frame = frame.withColumns({name: derive(c.derived, {n: F.col(n) for n in values}) for name, c in silver.columns.items() if c.derived})
    # A value that could not be read is null now: only that it has another type is said of it, not that it is missing.
    unread = {name: F.col(f"_not_{name}") if f"_not_{name}" in frame.columns else F.lit(False) for name in delivered}
    breaks = {f"type:{name}": unread[name] for name in delivered if f"_not_{name}" in frame.columns}
    breaks |= {rule.name: broken(rule) & ~unread.get(rule.kwargs.get("column"), F.lit(False)) for rule in suite(silver.name).row_rules()}
    misshapen = F.col("_raw").isNotNull()
    bad = reduce(Column.__or__, [F.coalesce(condition, F.lit(False)) for condition in breaks.values()], misshapen)
    # Which rules it were is worked out for bad rows only: arrays are slow, and nearly all rows are good.
    which = F.array_compact(F.array(*[F.when(condition, F.lit(name)) for name, condition in breaks.items()]))
    frame = frame.withColumn("_broken", F.when(bad, F.when(misshapen, F.array(F.lit("row_shape"))).otherwise(which)))
    return frame.select(*values, *[n for n, c in silver.columns.items() if c.derived], *silver.technical, "_raw", "_broken",
                        F.when(F.col("_broken").isNotNull(), F.col("_given")).alias("_given"))  # fmt: skip


def _typed(text: Column, type_: str) -> Column:
    """Text as a type, null where it is none of it. Exactly: no rounding, no shifting, no blanks or line breaks around it (which Java's
    `$` would let pass at the end)."""
    if type_ == "string":
        return text
    if type_ == "timestamp":
        return F.when(text.rlike(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\z"), F.try_to_timestamp(text))
    if type_ == "date":
        return F.when(text.rlike(r"^\d{4}-\d{2}-\d{2}\z"), text.try_cast("date"))
    if type_ == "int":
        # Whole numbers are sometimes written with a decimal point ("40425.0").
        return F.when(text.rlike(r"^-?\d+(\.0+)?\z"), text.try_cast("double").try_cast("int"))
    if type_.startswith("decimal"):
        digits = type_.rstrip(")").split(",")[1]
        return F.when(text.rlike(rf"^-?\d+(\.\d{{1,{digits}}})?\z"), text.try_cast(type_))
    if type_ == "double":
        return F.when(text.rlike(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?\z"), text.try_cast(type_))
    return text.try_cast(type_)


def drop_day() -> Column:
    """The date of the drop that brought a row; rows of files without one were there from the beginning."""
    return F.coalesce("_drop_date", F.lit(BEGINNING).cast("date"))


def order_of(silver: Contract) -> Column:
    """What makes one version of a key newer than another: the newest event it knows of, the date of its drop, and, where the source
    gives neither, that it came later."""
    newest = [F.coalesce(*(F.col(n) for n in silver.newer))] if len(silver.newer) == 1 else []
    newest = [F.greatest(*(F.col(n) for n in silver.newer))] if len(silver.newer) > 1 else newest
    told = [*newest, drop_day(), F.col("_batch"), F.col("_file"), F.col("_line")]
    return F.struct(*[column.alias(f"o{i}") for i, column in enumerate(told)])


def last_said(silver: Contract, told: DataFrame) -> DataFrame:
    """What is newest of all that was ever `told` (good typed rows) of each key: the key and `_said`, as `_order` has it."""
    return told.groupBy(*silver.key).agg(F.max(order_of(silver)).alias("_said"))


def classified(silver: Contract, rows: DataFrame, current: DataFrame | None, said: DataFrame | None = None) -> DataFrame:
    """Say of each typed row what becomes of it: `_action` is insert, update, duplicate, superseded or quarantine.

    Args:
        rows: what `typed` returned (with looked-up columns, if the contract has any).
        current: the silver table, None before its first write.
        said: `last_said` of the rows' keys, where a row may be older than what repeated silver's version without changing it.
    """
    good = F.col("_broken").isNull()
    content = tables.content(silver, [name for name, c in silver.columns.items() if not c.looked_up])
    rows = rows.withColumn("_content", F.when(good, content))
    rows = rows.withColumn("_order", order_of(silver))
    same_key = Window.partitionBy(*silver.key).orderBy(good.desc(), F.col("_order").desc())
    ranked = rows.withColumns({"_rank": F.row_number().over(same_key), "_best": F.first("_content").over(same_key)})
    action = (
        F.when(~good, F.lit("quarantine"))
        .when((F.col("_rank") > 1) & (F.col("_content") == F.col("_best")), F.lit("duplicate"))
        .when(F.col("_rank") > 1, F.lit("superseded"))
    )
    if current is None:
        return ranked.withColumn("_action", F.coalesce(action, F.lit("insert")))
    newest = order_of(silver)
    if said is not None:
        current = current.join(said, list(silver.key), "left")
        newest = F.when(F.col("_said") > newest, F.col("_said")).otherwise(newest)
    there = current.select(
        *[F.col(name).alias(f"t_{name}") for name in silver.key],
        content.alias("t_content"),
        newest.alias("t_order"),
        *[F.col(name).alias(f"t_{name}") for name, c in silver.columns.items() if c.looked_up],
    )
    same = (F.col("t_content") == F.col("_content")) & F.lit(True)
    for name, column in silver.columns.items():
        same = same & F.col(name).eqNullSafe(F.col(f"t_{name}")) if column.looked_up else same
    against = (
        F.when(F.col("t_content").isNull(), F.lit("insert"))
        .when(same, F.lit("duplicate"))
        # A row that differs in what was looked up alone is silver's own, looked up again.
        .when((F.col("t_content") != F.col("_content")) & (F.col("_order") < F.col("t_order")), F.lit("superseded"))
        .otherwise(F.lit("update"))
    )
    on = [F.col(name) == F.col(f"t_{name}") for name in silver.key]
    joined = ranked.join(there, on, "left")
    return joined.withColumn("_action", F.coalesce(action, against)).drop(*there.columns)
