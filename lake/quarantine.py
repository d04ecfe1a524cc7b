"""Rows in quarantine: list them, correct their values, release them from their rules, replay them into silver.

A replay takes the rows as bronze has them, with corrected values in their place, through the same projection, gate and
write as new rows. Silver knows a row by its key and content, so a replay that is killed and done again changes nothing.
"""

from __future__ import annotations

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.conform import write
from lake.contracts import Contract, contract, layer
from lake.errors import BadInput
from lake.ledger import Run, say
from lake.session import Lake
from lake.withheld import PLACE, TABLE, given_again, mark

WAITING_STATES = ("open", "fixed", "released")


def chosen(lake: Lake, table: str | None, rule: str | None, file: str | None, line: int | None) -> DataFrame:
    """Quarantined rows that have not been replayed, of a table, rule, file or line (all, where none is given).

    Raises:
        BadInput: the table has no quarantine.
    """
    known = [silver.name for silver in layer("silver")]
    if table and table not in known:
        raise BadInput(f"{table} has no rows in quarantine", f"tables that have: {', '.join(known)}")
    rows = tables.read(lake, TABLE).where(F.col("status").isin(*WAITING_STATES))
    for name, value in (("table", table), ("file", file), ("line", line)):
        rows = rows.where(F.col(name) == value) if value is not None else rows
    return rows.where(F.array_contains("rules", rule)) if rule else rows


def fix(lake: Lake, run: Run, rows: DataFrame, values: dict[str, str], reason: str, dry_run: bool) -> int:
    """Note corrected values (bronze column -> text) for exactly one row; the number of rows.

    Raises:
        BadInput: no value or no reason is given, not exactly one row is meant, or a column does not exist.
    """
    if not values:
        raise BadInput("a correction needs values", "say --set COLUMN=VALUE")
    _require_reason(reason)
    found = rows.collect()
    if len({(row["table"], row["file"], row["line"]) for row in found}) == 1:
        # The same line of files of one name: the file that is there now is meant.
        found = [max(found, key=lambda row: row["batch"])]
        rows = rows.where(F.col("file_id") == found[0]["file_id"])
    if len(found) != 1:
        raise BadInput(f"{len(found)} rows are meant, a correction is for one", "say --file and --line")
    columns = contract(contract(found[0]["table"]).source).columns
    if unknown := [name for name in values if name not in columns]:
        raise BadInput(f"{found[0]['table']} is made from no column {', '.join(unknown)}", f"columns: {', '.join(columns)}")
    before = json.loads(found[0]["fix"] or "{}")
    # A row that was released stays so: both may be wrong, a value and a rule.
    status = "released" if found[0]["status"] == "released" else "fixed"
    return _mark(lake, run, rows, status, reason, dry_run, json.dumps({**before, **values}))


def release(lake: Lake, run: Run, rows: DataFrame, reason: str, dry_run: bool) -> int:
    """Let rows pass although they break rules (a replay then takes them into silver); the number of rows.

    Raises:
        BadInput: no reason is given.
    """
    _require_reason(reason)
    return _mark(lake, run, rows, "released", reason, dry_run)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("whoever finds the row in silver will ask why", "say --reason")


def _mark(lake: Lake, run: Run, rows: DataFrame, status: str, reason: str, dry_run: bool, fix: str | None = None) -> int:
    columns = {"status": F.lit(status), "reason": F.lit(reason), "run_id": F.lit(run.run_id)}
    columns |= {"fix": F.lit(fix)} if fix else {}
    with tables.cached(rows.withColumns(columns)) as marked:
        number = marked.count()
        if number and not dry_run:
            with run.table("replay", TABLE) as outcome:
                mark(lake, run, marked)
                outcome.rows_written, outcome.message = number, f"{status}: {reason}"
    return number


def replay(lake: Lake, run: Run, rows: DataFrame, dry_run: bool) -> dict[str, dict[str, int]]:
    """Take quarantined rows into silver if they hold now.

    Returns:
        By silver table: how many enter (`good`), and how many are still bad by rule.
    """
    found: dict[str, dict[str, int]] = {}
    for (table,) in rows.select("table").distinct().orderBy("table").collect():
        silver = contract(table)
        mine = rows.where(F.col("table") == table)
        with tables.cached(given_again(lake, silver, mine)) as frame:
            counts = {"good": frame.where("_broken is null").count()}
            broken = frame.where("_broken is not null").select(F.explode("_broken").alias("rule")).groupBy("rule").count()
            counts |= {row["rule"]: row["count"] for row in broken.orderBy("rule").collect()}
            found[table] = counts
            if not dry_run:
                _enter(lake, run, silver, mine, frame, counts["good"])
    return found


def _enter(lake: Lake, run: Run, silver: Contract, quarantined: DataFrame, frame: DataFrame, good: int) -> None:
    if good:
        with run.table("replay", silver.name) as outcome:
            before = tables.note(lake, silver.name)
            if before is None:
                raise BadInput(f"{silver.name} does not exist yet", "run conform first")
            write(lake, run, silver, frame, before.inputs, outcome)
    judged = frame.select(*[F.col(f"_{name}").alias(name) for name in PLACE], F.col("_broken").alias("_now"))
    rows = quarantined.join(judged, list(PLACE), "inner").withColumns(
        {
            "status": F.when(F.col("_now").isNull(), F.lit("replayed")).otherwise(F.col("status")),
            "rules": F.coalesce("_now", "rules"),
            "run_id": F.lit(run.run_id),
        }
    )
    with run.table("replay", TABLE) as outcome:
        mark(lake, run, rows.drop("_now"))
        outcome.rows_written = good
    say(f"  {silver.name}: {good} rows entered silver; run build to bring them to gold")
