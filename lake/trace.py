"""From a row of any table back to the source files and lines it was made from (no Spark: python -m lake.trace)."""

from __future__ import annotations

import argparse

import duckdb

from lake.contracts import Contract, contract
from lake.errors import BadInput
from lake.program import main_of, of_lake, pair, parser, run
from lake.settings import Settings
from lake.sql import open_sql


def trace(db: duckdb.DuckDBPyConnection, table: str, where: dict[str, str], limit: int) -> list[str]:
    """Lines that say, table by table, which rows stand behind those of `table` with the given values.

    Args:
        db: what lake.sql.open_sql returned.
        limit: at most so many source lines of each silver table.

    Raises:
        BadInput: no row has these values, or a column does not exist.
    """
    definition = contract(table)
    if unknown := [name for name in where if name not in definition.columns]:
        raise BadInput(f"{table} has no column {', '.join(unknown)}", f"columns: {', '.join(definition.columns)}")
    condition = " and ".join(f"{name}::text = ?" for name in where) or "true"
    db.execute(f"create or replace temp table traced_0 as select * from {table} where {condition}", list(where.values()))
    rows = db.execute("select count(*) from traced_0").fetchone()[0]
    if not rows:
        raise BadInput(f"{table} has no row with {where}", "compare with: make sql Q='select ...'")
    lines = [f"{table}: {rows:,} rows"]
    _behind(db, definition, "traced_0", 1, {table}, limit, lines)
    return lines


def _behind(
    db: duckdb.DuckDBPyConnection, definition: Contract, held: str, depth: int, seen: set[str], limit: int, lines: list[str]
) -> None:
    """Follow the sources of a table, restricted to the rows in the temporary table `held`."""
    if definition.layer == "silver":
        _files(db, held, depth, limit, lines)
        return
    for source in definition.sources:
        if source in seen:
            continue
        seen.add(source)
        target, name = contract(source), f"traced_{len(seen)}"
        shared = [c for c in target.columns if c in definition.columns]
        link = [c for c in shared if c in target.key or c in definition.key] or shared
        if link:
            columns = ", ".join(link)
            db.execute(
                f"create or replace temp table {name} as select * from {source} where ({columns}) in (select ({columns}) from {held})"
            )
        else:
            db.execute(f"create or replace temp view {name} as select * from {source}")
        rows = db.execute(f"select count(*) from {name}").fetchone()[0]
        by = f"by {', '.join(link)}" if link else "all of it"
        lines.append(f"{'  ' * depth}{source}: {rows:,} rows ({by})")
        _behind(db, target, name, depth + 1, seen, limit, lines)


def _files(db: duckdb.DuckDBPyConnection, held: str, depth: int, limit: int, lines: list[str]) -> None:
    for file, number in db.execute(f"select _file, count(*) from {held} group by 1 order by 1").fetchall():
        places = db.execute(f"select _line from {held} where _file = ? order by 1 limit {limit}", [file]).fetchall()
        more = " ..." if number > limit else ""
        lines.append(f"{'  ' * depth}{file}: line {', '.join(str(line) for (line,) in places)}{more}")


def main() -> None:
    """Command line."""
    made = of_lake(parser("lake.trace", __doc__))
    made.add_argument("table", help="e.g. gold.fact_order_items")
    made.add_argument("values", nargs="*", type=pair, metavar="COLUMN=VALUE", help="which rows, e.g. order_id=...")
    made.add_argument("--limit", type=int, default=10, help="at most so many lines of each file (default: 10)")

    def work(settings: Settings, args: argparse.Namespace) -> None:
        print("\n".join(trace(open_sql(settings.lake), args.table, dict(args.values), args.limit)))

    main_of(made, work)


if __name__ == "__main__":
    run(main)
