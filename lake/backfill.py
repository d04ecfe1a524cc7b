"""Backfill: compute one table again, all of it or a period, with a reason that is kept in the ledger."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.build import build, build_table, check_money
from lake.conform import read_so_far, write
from lake.contracts import Contract, contract, layer
from lake.errors import BadInput
from lake.gold import BUILDERS, check_builders
from lake.ledger import Outcome, Run, say
from lake.session import Lake
from lake.suites import check_suites
from lake.versions import drop_day, typed


def backfill(lake: Lake, run: Run, table: str, first: date | None, last: date | None, reason: str) -> None:
    """Compute a silver or gold table again, then bring what is built from it up to date.

    Silver is conformed again from bronze: what today's rules and code make of a row takes the place of what it was. Gold is
    built again from silver. A period is one of days of purchase (gold) or of drops (silver).

    Raises:
        BadInput: no reason, a table without source, a period for a table that has none, or one in which there is nothing.
    """
    check_builders()
    check_suites([*layer("silver"), *layer("gold")])
    if first and last and first > last:
        raise BadInput(f"{first} is after {last}", "--from is the first day, --to the last")
    if not reason.strip():
        raise BadInput("a backfill needs a reason", "say --reason '...'; it is kept in ops.runs")
    definition = contract(table)
    period = (first or date(1900, 1, 1), last or date(9999, 12, 31)) if first or last else None
    with run.table("backfill", table) as outcome:
        outcome.message = f"{reason} ({period[0]} to {period[1]})" if period else reason
        if definition.source:
            _silver(lake, run, definition, period, outcome)
        elif table in BUILDERS:
            build_table(lake.apart(), run, definition, full=period is None, touched=_touched(lake, definition, period))
        else:
            raise BadInput(f"{table} can't be computed again", f"tables: silver tables with a source, {', '.join(BUILDERS)}")
    build(lake, run)
    check_money(lake)


def _silver(lake: Lake, run: Run, silver: Contract, period: tuple[date, date] | None, outcome: Outcome) -> None:
    before = tables.note(lake, silver.name)
    if before is None:
        raise BadInput(f"{silver.name} does not exist yet", "run the pipeline first")
    # What came since has a gate to pass, in conform.
    rows = read_so_far(lake, silver, before.inputs)
    if period:
        rows = rows.where(drop_day().between(*period))
        if rows.isEmpty():
            raise BadInput(f"{silver.source} has no drop from {period[0]} to {period[1]}", "files without a date are of 1900-01-01")
    write(lake.apart(), run, silver, typed(silver, rows), before.inputs, outcome)
    if outcome.rows_quarantined:
        said = "break today's rules: they are in the quarantine, and what silver has of their keys stays until something newer comes"
        say(f"  {silver.name}: {outcome.rows_quarantined} rows {said}")


def _touched(lake: Lake, gold: Contract, period: tuple[date, date] | None) -> DataFrame | None:
    """Values of the grain that the orders of a period touch."""
    if period is None:
        return None
    days = {"purchase_date": F.col("purchase_date"), "order_purchase_timestamp": F.to_date("order_purchase_timestamp")}
    for name in gold.sources:
        frame = tables.read(lake, name)
        if gold.grain in frame.columns and (day := next((days[n] for n in days if n in frame.columns), None)) is not None:
            touched = frame.where(day.between(*period)).select(gold.grain).distinct()
            if touched.isEmpty():
                raise BadInput(f"{name} has no purchase from {period[0]} to {period[1]}", "the report says from when to when purchases are")
            return touched
    raise BadInput(f"{gold.name} has no period", "leave --from and --to out")
