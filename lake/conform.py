"""bronze -> silver: typed, standardised, one row per key; bad rows to quarantine with the reason.

One projection types each row and names every rule it breaks. Good rows of the same key are ranked by what is newer; the
first is held against the row that silver has. Whatever happens to a row is counted: read = good + quarantined + duplicate,
where good = inserted + updated + superseded by a newer version, in the same input or in silver.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake import tables
from lake.contracts import Contract, contract, layer
from lake.errors import GateFailed, LawBroken
from lake.history import write_history
from lake.ledger import Outcome, Run
from lake.parallel import in_order
from lake.quality import Rule, Suite, broken_rules, judge, measure, require, suite, waived_rules
from lake.session import Lake
from lake.standardise import derive

BEGINNING = "1900-01-01"
CLASSES = ("insert", "update", "duplicate", "superseded", "quarantine")


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
    """Bring one silver table up to its bronze table."""
    with run.table("conform", silver.name) as outcome:
        bronze = tables.note(lake, silver.source)
        before = tables.note(lake, silver.name)
        done = before.inputs if before else {}
        until = {silver.source: bronze.sequence if bronze else 0}
        if silver.lookup:
            until[silver.lookup.table] = tables.version(lake, silver.lookup.table) or 0
        if done == until:
            outcome.status = "unchanged"
            return
        if not bronze:
            raise GateFailed(
                f"{silver.source} has no rows: no file of this feed was ever delivered",
                f"deliver {contract(silver.source).feed.files}, then run again",
            )
        rows = tables.read(lake, silver.source)
        rows = rows.where(f"_batch > {done.get(silver.source, 0)} and _batch <= {until[silver.source]}")
        write(lake, run, silver, typed(silver, rows), until, outcome)


# ----------------------------------------------------------------------------------------------------------- pure parts


def typed(silver: Contract, bronze: DataFrame) -> DataFrame:
    """The silver columns of bronze rows, `_broken` (names of broken rules) and the text they came from in `_given`."""
    given = {name: F.nullif(F.col(column.source or name), F.lit("")) for name, column in _delivered(silver).items()}
    values = {name: _typed(given[name], silver.columns[name].type) for name in given}
    untyped = [
        F.when(given[name].isNotNull() & values[name].isNull(), F.lit(f"type:{name}"))
        for name in given
        if silver.columns[name].type != "string"
    ]
    shape = F.when(F.col("_raw").isNotNull(), F.array(F.lit("row_shape")))
    frame = bronze.select(
        *[value.alias(name) for name, value in values.items()],
        *silver.technical,
        F.coalesce(shape, F.array_compact(F.array(*untyped)) if untyped else F.array().cast("array<string>")).alias("_untyped"),
        "_raw",
        F.struct(*[F.col(column.source or name).alias(column.source or name) for name, column in _delivered(silver).items()]).alias("_given"),
    )
    derived = {name: derive(c.derived, {n: F.col(n) for n in values}) for name, c in silver.columns.items() if c.derived}
    rules = [rule for rule in suite(silver.name).row_rules() if _columns_of(rule.kwargs) <= {*values, *derived}]
    # A value that could not be read is null now: only "it has another type" is said of it, not "it is missing".
    broken = F.filter(broken_rules(rules), lambda rule: ~F.array_contains(F.col("_untyped"), F.regexp_replace(rule, "^[a-z_]+:", "type:")))
    broken = F.when(F.array_contains("_untyped", "row_shape"), F.col("_untyped")).otherwise(F.concat("_untyped", broken))
    return frame.withColumns(derived).withColumn("_broken", broken).drop("_untyped")


def _delivered(silver: Contract) -> dict[str, Any]:
    return {name: column for name, column in silver.columns.items() if not column.derived and not column.looked_up}


def _columns_of(kwargs: dict[str, Any]) -> set[str]:
    return {kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs}


def _typed(text: Column, type_: str) -> Column:
    """Text as a type, null where it is none of it. Exactly: no rounding, no shifting, no leading blanks."""
    if type_ == "string":
        return text
    if type_ == "timestamp":
        return F.when(text.rlike(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"), F.try_to_timestamp(text))
    if type_ == "date":
        return F.when(text.rlike(r"^\d{4}-\d{2}-\d{2}$"), text.try_cast("date"))
    if type_ == "int":
        # Whole numbers are sometimes written with a decimal point ("40425.0").
        return F.when(text.rlike(r"^-?\d+(\.0+)?$"), text.try_cast("double").try_cast("int"))
    if type_.startswith("decimal"):
        digits = type_.rstrip(")").split(",")[1]
        return F.when(text.rlike(rf"^-?\d+(\.\d{{1,{digits}}})?$"), text.try_cast(type_))
    return text.try_cast(type_)


def version_order(silver: Contract) -> list[Column]:
    """What makes one version of a key newer than another, a total order: the newest event it knows of, the date of its
    drop, and, where the source gives neither, the one that came later."""
    newest = [F.coalesce(*(F.col(n) for n in silver.newer))] if len(silver.newer) == 1 else []
    newest = [F.greatest(*(F.col(n) for n in silver.newer))] if len(silver.newer) > 1 else newest
    return [*newest, F.coalesce(F.col("_drop_date"), F.lit(BEGINNING).cast("date"))]


def content(silver: Contract) -> Column:
    """A number for what a row says, whoever brought it."""
    return F.xxhash64(*[F.col(name) for name, c in silver.columns.items() if not c.looked_up])


def classified(silver: Contract, rows: DataFrame, current: DataFrame | None) -> DataFrame:
    """Say of each typed row what becomes of it: `_action` is insert, update, duplicate, superseded or quarantine.

    Args:
        rows: what `typed` returned (with looked-up columns, if the contract has any).
        current: the silver table, None before its first write.
    """
    good = F.size("_broken") == 0
    rows = rows.withColumn("_content", F.when(good, content(silver)))
    rows = rows.withColumn("_order", F.struct(*[c.alias(f"o{i}") for i, c in enumerate(version_order(silver))]))
    same_key = Window.partitionBy(*silver.key).orderBy(
        good.desc(), F.col("_order").desc(), F.col("_batch").desc(), F.col("_file").desc(), F.col("_line").desc()
    )
    ranked = rows.withColumns(
        {"_rank": F.row_number().over(same_key), "_best": F.first("_content").over(same_key)}
    )
    action = (
        F.when(~good, F.lit("quarantine"))
        .when((F.col("_rank") > 1) & (F.col("_content") == F.col("_best")), F.lit("duplicate"))
        .when(F.col("_rank") > 1, F.lit("superseded"))
    )
    if current is None:
        return ranked.withColumn("_action", F.coalesce(action, F.lit("insert")))
    there = current.select(
        *[F.col(name).alias(f"t_{name}") for name in silver.key],
        content(silver).alias("t_content"),
        F.struct(*[c.alias(f"o{i}") for i, c in enumerate(version_order(silver))]).alias("t_order"),
        *[F.col(name).alias(f"t_{name}") for name, c in silver.columns.items() if c.looked_up],
    )
    same = (F.col("t_content") == F.col("_content")) & F.lit(True)
    for name, column in silver.columns.items():
        same = same & F.col(name).eqNullSafe(F.col(f"t_{name}")) if column.looked_up else same
    against = (
        F.when(F.col("t_content").isNull(), F.lit("insert"))
        .when(same, F.lit("duplicate"))
        .when(F.col("_order") < F.col("t_order"), F.lit("superseded"))
        .otherwise(F.lit("update"))
    )
    on = [F.col(name) == F.col(f"t_{name}") for name in silver.key]
    joined = ranked.join(there, on, "left")
    return joined.withColumn("_action", F.coalesce(action, against)).drop(*there.columns)


# ------------------------------------------------------------------------------------------------------------- writing


@dataclass(frozen=True)
class _Counts:
    by_action: dict[str, int]
    money: dict[str, Decimal]
    newest: str

    def __getitem__(self, action: str) -> int:
        return self.by_action[action]


def write(lake: Lake, run: Run, silver: Contract, rows: DataFrame, inputs: dict[str, int], outcome: Outcome) -> None:
    """Classify typed rows, hold the good ones against the suite, then write quarantine, silver and history."""
    before = tables.note(lake, silver.name)
    current = tables.read(lake, silver.name) if before else None
    if silver.lookup:
        rows = _looked_up(lake, silver, rows, current)
    frame = classified(silver, rows, current).drop("_rank", "_best", "_order", "_content").persist()
    try:
        counts, measured = _count(silver, frame)
        _conserve(silver, counts, measured)
        total = (before.rows if before else 0) + counts["insert"]
        judged = judge(suite(silver.name), measured | {"rows in table": total}, waived_rules(silver.name, run.today))
        run.quality(judged)
        require(judged)
        _require_few(silver, counts)
        outcome.inputs = inputs
        outcome.rows_read = sum(counts.by_action.values())
        outcome.rows_quarantined, outcome.rows_duplicate = counts["quarantine"], counts["duplicate"]
        outcome.rows_superseded = counts["superseded"]
        outcome.rows_written = counts["insert"] + counts["update"]
        if counts["quarantine"]:
            quarantine(lake, run, silver, frame.where("_action = 'quarantine'"), inputs)
        if silver.history and outcome.rows_read:
            write_history(lake, run, silver, frame.where("_action <> 'quarantine'"), inputs)
        facts = {name: str(value) for name, value in counts.money.items()}
        if silver.event_time:
            facts["newest"] = max(counts.newest, before.facts["newest"] if before else counts.newest)
        note = tables.Note(run.run_id, "conform", before.sequence + 1 if before else 1, inputs, total, facts)
        winners = frame.where("_action in ('insert', 'update')")
        if counts["update"]:
            outcome.output_version = tables.upsert(lake, silver, winners, note)
        else:
            outcome.output_version = tables.append(lake, silver, winners, note)
    finally:
        frame.unpersist()


def _looked_up(lake: Lake, silver: Contract, rows: DataFrame, current: DataFrame | None) -> DataFrame:
    """Add looked-up columns; rows of silver whose looked-up values have changed since come along as new versions."""
    lookup = silver.lookup
    names = list(lookup.columns.values())
    other = tables.read(lake, lookup.table).select(*names, *[n for n, c in silver.columns.items() if c.looked_up and n in contract(lookup.table).columns])

    def with_values(frame: DataFrame) -> DataFrame:
        joined = frame.join(F.broadcast(other.withColumnsRenamed({n: f"l_{n}" for n in names})),
                            [F.col(mine) == F.col(f"l_{theirs}") for mine, theirs in lookup.columns.items()], "left")  # fmt: skip
        found = F.col(f"l_{names[0]}").isNotNull()
        flags = {n: found for n, c in silver.columns.items() if c.looked_up and n not in other.columns}
        return joined.withColumns(flags).drop(*[f"l_{n}" for n in names])

    rows = with_values(rows)
    if current is None:
        return rows
    looked = [n for n, c in silver.columns.items() if c.looked_up]
    again = with_values(current.drop(*looked).join(current.select(*silver.key, *[F.col(n).alias(f"old_{n}") for n in looked]), list(silver.key), "inner"))
    changed = ~F.lit(True)
    for n in looked:
        changed = changed | ~F.col(n).eqNullSafe(F.col(f"old_{n}"))
    again = again.where(changed).select(*silver.columns, *silver.technical)
    given = rows.schema["_given"].dataType.simpleString()
    again = again.withColumns({"_raw": F.lit(None).cast("string"), "_given": F.lit(None).cast(given), "_broken": F.array().cast("array<string>")})
    # A product that came in this input too is judged by its own row; the old one must not be counted beside it.
    return rows.unionByName(again.join(rows.select(*silver.key).distinct(), list(silver.key), "left_anti"))


def _count(silver: Contract, frame: DataFrame) -> tuple[_Counts, dict[str, Any]]:
    """Count what became of the rows, and measure the winners for their suite: two jobs on the cached frame."""
    sums = [F.sum(name).alias(f"sum_{name}") for name in silver.money]
    newest = F.max(silver.event_time).cast("string") if silver.event_time else F.lit(None).cast("string")
    by_action = {row["_action"]: row for row in frame.groupBy("_action").agg(F.count(F.lit(1)).alias("rows"), newest.alias("newest"), *sums).collect()}
    winners = frame.where("_action in ('insert', 'update')")
    measured = measure(winners, suite(silver.name))
    money = {
        f"{name} {action}": row[f"sum_{name}"] or Decimal(0) for action, row in by_action.items() for name in silver.money
    }
    latest = max((row["newest"] or "" for action, row in by_action.items() if action != "quarantine"), default="")
    return _Counts({a: by_action[a]["rows"] if a in by_action else 0 for a in CLASSES}, money, latest), measured


def _conserve(silver: Contract, counts: _Counts, measured: dict[str, Any]) -> None:
    if measured["table.row_count"] != counts["insert"] + counts["update"]:
        raise LawBroken(f"{silver.name}: {counts['insert'] + counts['update']} rows chosen, {measured['table.row_count']} measured")


def _require_few(silver: Contract, counts: _Counts) -> None:
    read, allowed = sum(counts.by_action.values()), suite(silver.name).quarantine_max_share
    if counts["quarantine"] > max(allowed * read, suite(silver.name).quarantine_free_rows):
        raise GateFailed(
            f"gate of {silver.name}: {counts['quarantine']:,} of {read:,} rows would go to quarantine, "
            f"more than the suite's {allowed:.1%}",
            "look at the newest file of the feed; raise quarantine_max_share in the suite if this is right",
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


def quarantine(lake: Lake, run: Run, silver: Contract, rows: DataFrame, inputs: dict[str, int]) -> None:
    """Append rows to ops.quarantine, at most once for the same input."""
    target = contract("ops.quarantine")
    keys = [c.source or n for n, c in silver.columns.items() if n in silver.key]
    frame = rows.select(
        F.lit(silver.name).alias("table"), F.col("_file_id").alias("file_id"), F.col("_line").alias("line"),
        F.col("_file").alias("file"), F.col("_batch").alias("batch"), F.col("_broken").alias("rules"),
        F.to_json(F.struct(*[F.col(f"_given.{k}").alias(k) for k in keys]), {"ignoreNullFields": "false"}).alias("row_key"),
        F.coalesce("_raw", F.to_json("_given", {"ignoreNullFields": "false"})).alias("raw"),
        F.lit("open").alias("status"), F.lit(None).cast("string").alias("fix"), F.lit(None).cast("string").alias("reason"),
        F.lit(run.run_id).alias("run_id"),
    )  # fmt: skip
    options = {"txnAppId": f"quarantine:{silver.name}", "txnVersion": str(inputs[silver.source])}
    tables.conforming(target, frame).coalesce(1).write.format("delta").mode("append").options(**options).save(lake.path(target.name))
