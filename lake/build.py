"""silver -> gold: pure builders over what changed since the last commit of each table.

Every gold table's newest commit says which versions of its sources it was built from. What the change feeds hold since
then says which keys or groups of its grain are touched; the builder runs on just the rows of those, and the result takes
their place. A full rebuild is the same code with everything touched.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import commits, tables
from lake.contracts import Contract, contract, layer
from lake.errors import GateFailed, LawBroken
from lake.gold import BUILDERS
from lake.ledger import Outcome, Run
from lake.parallel import in_order
from lake.quality import judge, measure, require
from lake.session import Lake
from lake.suites import suite, waived_rules

# Up to this many rows a table is written anew, which is cheaper than finding the rows to merge.
ROWS_WRITTEN_ANEW = 20_000


def build(lake: Lake, run: Run, only: set[str] | None = None, full: bool = False) -> None:
    """Bring the gold tables up to silver, facts before dimensions before marts.

    Args:
        only: names of the tables to build, together with the gold tables that they are built from; all that have a builder if None.
        full: rebuild from everything instead of from what changed.

    Raises:
        GateFailed: a suite did not hold; that table and those behind it are not written.
        LawBroken: rows or money got lost on the way.
    """
    wanted = {c.name for c in layer("gold") if c.name in BUILDERS} & (_with_sources(only) if only else set(BUILDERS))
    needs = {name: {s for s in contract(name).sources if s in wanted} for name in wanted}
    in_order(dict(sorted(needs.items())), lambda name: build_table(lake.apart(), run, contract(name), full))


def _with_sources(names: set[str]) -> set[str]:
    return names | {needed for name in names for needed in _with_sources(set(contract(name).sources))}


def build_table(lake: Lake, run: Run, gold: Contract, full: bool = False, touched: DataFrame | None = None) -> None:
    """Bring one gold table up to its sources, from what changed, from everything (`full`), or for `touched` values of the
    grain besides."""
    with run.table("build", gold.name) as outcome:
        until = {name: tables.version(lake, name) for name in gold.sources}
        if missing := [name for name, at in until.items() if at is None]:
            raise GateFailed(f"{gold.name} is built from {', '.join(missing)}, which do not exist", "run the steps before it")
        before = tables.note(lake, gold.name)
        full = full or not before or not tables.fits(gold, tables.schema(lake, gold.name))
        if not full and touched is None and tables.is_up_to(lake, before, until):
            outcome.status = "unchanged"
            return
        outcome.inputs = until
        changed = None if full else _touched(lake, gold, before, until)
        touched = changed.unionByName(touched).distinct() if changed is not None and touched is not None else changed
        if touched is None:
            write_all(lake, run, gold, _built(lake, gold, until), until, before, outcome)
            return
        with tables.cached(touched) as keys:
            if not _written_anew(gold, before):
                _replace_groups(lake, run, gold, keys, until, before, outcome)
            elif keys.isEmpty():
                _note_unchanged(lake, run, gold, until, before, outcome)
            else:
                frame = _built(lake, gold, until) if gold.grain == "full" else _with_groups(lake, gold, until, keys)
                write_all(lake, run, gold, frame, until, before, outcome)


def _written_anew(gold: Contract, before: tables.Note) -> bool:
    """Whether a change puts new rows in the place of all: where all must be computed anyway, and where a table is small and
    none is built from it, since to those a table written anew is all change."""
    leaf = not any(gold.name in other.sources for other in layer("gold"))
    return gold.grain == "full" or leaf and before.rows <= ROWS_WRITTEN_ANEW


def _built(lake: Lake, gold: Contract, sources: dict[str, int], keys: DataFrame | None = None) -> DataFrame:
    """What the builder makes of versions of its sources, of all their rows or of those that touched values need."""
    frames = {
        name.split(".")[1]: tables.read(lake, name, at)
        if keys is None or gold.grain not in contract(name).columns
        else tables.of_keys(lake, name, keys, at)
        for name, at in sources.items()
    }
    return tables.conforming(gold, BUILDERS[gold.name](**frames))


# ------------------------------------------------------------------------------------------------------------- touched


def _touched(lake: Lake, gold: Contract, before: tables.Note, until: dict[str, int]) -> DataFrame | None:
    """Distinct values of the grain that any change since touches (for grain full: one row if there is any change at all).
    None where a change feed does not reach back that far."""
    since = before.inputs
    whole = gold.grain == "full"
    found = []
    for name in gold.sources:
        if name not in since or tables.made_anew(lake, name, before):
            return None
        if since[name] == until[name]:
            continue
        changed = tables.changes(lake, name, since[name], until[name])
        if changed is None:
            return None
        if whole:
            found.append(changed.select(F.lit(1).alias("full")).limit(1))
        elif gold.grain in changed.columns:
            found.append(changed.select(gold.grain))
        else:
            found.append(_linked(lake, gold, name, changed, until).select(gold.grain))
    if not found:
        grain = F.lit(None).cast("int" if whole else gold.columns[gold.grain].type).alias(gold.grain)
        return lake.spark.range(0).select(grain)
    return reduce(DataFrame.unionByName, found).where(F.col(gold.grain).isNotNull()).distinct()


def _linked(lake: Lake, gold: Contract, name: str, changed: DataFrame, sources: dict[str, int]) -> DataFrame:
    """Changes of a source that lacks the grain, joined to the source that has both: an order knows its customer_id."""
    key = list(contract(name).key)
    both = next(source for source in sources if {gold.grain, *key} <= set(contract(source).columns))
    return tables.read(lake, both, sources[both]).join(F.broadcast(changed.select(*key).distinct()), key, "left_semi")


# ------------------------------------------------------------------------------------------------------------- writing


def gate_measured(run: Run, gold: Contract, measured: dict, rows_in_table: int) -> None:
    judged = judge(suite(gold.name), measured | {"rows in table": rows_in_table}, waived_rules(gold.name, run.today))
    run.quality(judged)
    require(judged)


def gate(run: Run, gold: Contract, frame: DataFrame, rows_in_table: int) -> None:
    """Measure rows about to be written and require their suite to hold."""
    gate_measured(run, gold, measure(frame, suite(gold.name)).values, rows_in_table)


def write_all(
    lake: Lake, run: Run, gold: Contract, frame: DataFrame, until: dict[str, int], before: tables.Note | None, outcome: Outcome,
    facts: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Measure, judge and write a whole table."""
    with tables.cached(frame) as rows:
        measured = measure(rows, suite(gold.name)).values
        total = measured["table.row_count"]
        gate_measured(run, gold, measured, total)
        note = tables.Note(run.run_id, "build", before.sequence + 1 if before else 1, until, total, facts or {})
        outcome.rows_read = outcome.rows_written = total
        write = commits.replace if before else commits.append
        outcome.output_version = write(lake, gold, rows, note)


def _note_unchanged(lake: Lake, run: Run, gold: Contract, until: dict[str, int], before: tables.Note, outcome: Outcome) -> None:
    """An empty commit: sources moved on, but not for us."""
    note = tables.Note(run.run_id, "build", before.sequence + 1, until, before.rows, before.facts)
    outcome.output_version = commits.append(lake, gold, None, note)
    outcome.status = "unchanged"


def _with_groups(lake: Lake, gold: Contract, sources: dict[str, int], keys: DataFrame) -> DataFrame:
    """The table with the touched groups built again."""
    rest = tables.read(lake, gold.name).join(F.broadcast(keys), gold.grain, "left_anti")
    return _built(lake, gold, sources, keys).unionByName(tables.conforming(gold, rest))


def _replace_groups(
    lake: Lake,
    run: Run,
    gold: Contract,
    keys: DataFrame,
    until: dict[str, int],
    before: tables.Note,
    outcome: Outcome,
) -> None:
    """Build the touched groups again and write where they differ from what the table had of them."""
    mine = tables.of_keys(lake, gold.name, keys)
    new = _built(lake, gold, until, keys)
    with tables.cached(tables.compared(gold, mine, new)) as rows:
        action = F.col("_action")
        tallies = {name: ("sum", F.when(action == name, 1).otherwise(0)) for name in ("insert", "update", "delete")}
        measured = measure(rows, suite(gold.name), action != "delete", extra=tallies)
        count = {name: measured.groups[""][name] if measured.groups else 0 for name in tallies}
        total = before.rows + count["insert"] - count["delete"]
        gate_measured(run, gold, measured.values, total)
        outcome.rows_read, outcome.rows_written = measured.values["table.row_count"], sum(count.values())
        if not outcome.rows_written:
            _note_unchanged(lake, run, gold, until, before, outcome)
            return
        note = tables.Note(run.run_id, "build", before.sequence + 1, until, total)
        write = commits.upsert if count["update"] or count["delete"] else commits.append
        outcome.output_version = write(lake, gold, rows.where(action != "same"), note)


def check_money(lake: Lake) -> None:
    """Money in = money out, to the cent: silver's items and payments equal those of the facts plus those whose order or its
    customer has not come to silver yet. A fact that is still to be brought up to silver owes nothing yet.

    Raises:
        LawBroken: names the tables and the sums.
    """
    for silver, gold, amount, in_gold in (
        ("silver.order_items", "gold.fact_order_items", F.col("price") + F.col("freight_value"), "revenue_brl"),
        ("silver.order_payments", "gold.fact_payments", F.col("payment_value"), "payment_brl"),
    ):
        note = tables.note(lake, gold)
        if not note or not tables.is_up_to(lake, note, {name: tables.version(lake, name) for name in contract(gold).sources}):
            continue
        rows = tables.read(lake, silver)
        arrived = rows.agg(F.sum(amount)).first()[0] or 0
        told = tables.read(lake, gold).agg(F.sum(in_gold)).first()[0] or 0
        waits = 0
        if arrived != told:
            people = tables.read(lake, "silver.customers").select("customer_id")
            known = tables.read(lake, "silver.orders").join(people, "customer_id", "left_semi").select("order_id")
            waits = rows.join(known, "order_id", "left_anti").agg(F.sum(amount)).first()[0] or 0
        if arrived != told + waits:
            raise LawBroken(f"{silver} holds {arrived} BRL, {gold} {told} BRL, and {waits} BRL wait for orders that have not come")
