"""From a row of any table back to the source files and lines it was made from (no Spark: python -m lake.trace)."""

from __future__ import annotations

import argparse

import duckdb

from lake.contracts import BEGINNING, Contract, contract
from lake.errors import BadInput
from lake.program import main_of, of_lake, pair, parser, run
from lake.settings import Settings
from lake.sql import open_sql, table_names

NOT_BUILT = "not built yet"


def trace(db: duckdb.DuckDBPyConnection, table: str, where: dict[str, str], limit: int) -> list[str]:
    """Lines that say, table by table, which rows stand behind those of `table` with the given values.

    Args:
        db: what lake.sql.open_sql returned.
        limit: at most so many source lines of each silver table.

    Raises:
        BadInput: no row has these values, the table is not built yet, or it or a column does not exist.
    """
    columns = contract(table).columns
    if unknown := [name for name in where if name not in columns]:
        raise BadInput(f"{table} has no column {', '.join(unknown)}", f"columns: {', '.join(columns)}")
    if table not in (built := table_names(db)):
        raise BadInput(f"{table} is {NOT_BUILT}", "`make tables` lists what the lake has")
    # Times are wall clock: the zone that the table format gives them is no part of what `make sql` prints.
    same = {n: f'"{n}"::timestamp = try_cast(? as timestamp)' if columns[n].type == "timestamp" else f'"{n}"::text = ?' for n in where}
    condition = " and ".join(same.values()) or "true"
    db.execute(f"create or replace temp table traced_0 as select * from {table} where {condition}", list(where.values()))
    if not (rows := _count(db, "traced_0")):
        raise BadInput(f"{table} has no row with {where}", "compare with: make sql Q='select ...'")
    held, behind = {table: "traced_0"}, {}
    # What is near is found before what is far: it has the better links.
    for name in (order := [table]):
        behind[name] = _sources(db, contract(name), held, built)
        order += [source for source in behind[name] if source in held]
    return [f"{table}: {rows:,} rows", *_told(db, table, 1, held, behind, limit)]


def _count(db: duckdb.DuckDBPyConnection, rows: str) -> int:
    return db.execute(f"select count(*) from {rows}").fetchone()[0]


def _sources(db: duckdb.DuckDBPyConnection, definition: Contract, held: dict[str, str], built: list[str]) -> dict[str, str]:
    """The sources of a table that were not found before, each with how it was. `held` then names what holds their rows that stand
    behind those of the table; nothing where they are not built.

    A source that shares no column with the table is sought through those that do: an order's products by the order's items.
    """
    if definition.history_of:
        return _drops(db, definition, contract(definition.history_of), held, built)
    sources = definition.sources
    found = {name: NOT_BUILT for name in sources if name not in built}
    missing = [contract(name) for name in sources if name not in held and name in built]
    for target in sorted(missing, key=lambda target: not _link(definition, target)):
        near = [definition, *(contract(name) for name in sources if name in held)]
        of, link = next(((of, link) for of in near if (link := _link(of, target))), (definition, {}))
        if not link:
            held[target.name], found[target.name] = target.name, "all of it"
            continue
        rows, own, there = f"traced_{len(held)}", ", ".join(link), ", ".join(link.values())
        db.execute(
            f"create or replace temp table {rows} as select * from {target.name} where ({there}) in (select ({own}) from {held[of.name]})"
        )
        held[target.name], found[target.name] = rows, f"by {own}" if of is definition else f"by {own} of {of.name}"
    return found


def _drops(db: duckdb.DuckDBPyConnection, history: Contract, silver: Contract, held: dict[str, str], built: list[str]) -> dict[str, str]:
    """The same for a history: what bronze has of a span's key in the drop of its first day. Silver's row may be of a later one."""
    if silver.source not in built:
        return {silver.source: NOT_BUILT}
    rows, own = f"traced_{len(held)}", ", ".join(f"{name}::text" for name in silver.key)
    there = ", ".join(silver.columns[name].source or name for name in silver.key)
    db.execute(
        f"""create or replace temp table {rows} as select * from {silver.source}
            where ({there}, coalesce(_drop_date::text, '{BEGINNING}')) in (select ({own}, valid_from::text) from {held[history.name]})"""
    )
    held[silver.source] = rows
    return {silver.source: f"by {there} and the drop of valid_from"}


def _link(of: Contract, target: Contract) -> dict[str, str]:
    """The columns by which rows of a table find those of another, own name -> name there: those of the same name that are in
    either's key, else one's whole key where it has a prefix in the other (zip_code_prefix, geolocation_zip_code_prefix)."""
    same = {name: name for name in target.columns if name in of.columns and name in (*target.key, *of.key)}
    return same or _prefixed(of.key, target) or {there: own for own, there in _prefixed(target.key, of).items()}


def _prefixed(key: tuple[str, ...], other: Contract) -> dict[str, str]:
    """Each column of a key and the one of another table that ends with its name; empty unless there is exactly one for each."""
    ending = {name: [column for column in other.columns if column.endswith(f"_{name}")] for name in key}
    return {name: columns[0] for name, columns in ending.items()} if all(len(columns) == 1 for columns in ending.values()) else {}


def _told(
    db: duckdb.DuckDBPyConnection, table: str, depth: int, held: dict[str, str], behind: dict[str, dict[str, str]], limit: int
) -> list[str]:
    """Lines on what was found behind a table."""
    if "_file" in contract(table).technical:
        return _files(db, held[table], depth, limit)
    lines = []
    for source, how in behind[table].items():
        if how == NOT_BUILT:
            lines.append(f"{'  ' * depth}{source}: {NOT_BUILT}")
            continue
        lines.append(f"{'  ' * depth}{source}: {_count(db, held[source]):,} rows ({how})")
        lines += _told(db, source, depth + 1, held, behind, limit)
    return lines


def _files(db: duckdb.DuckDBPyConnection, rows: str, depth: int, limit: int) -> list[str]:
    lines = []
    for file, number in db.execute(f"select _file, count(*) from {rows} group by 1 order by 1").fetchall():
        places = db.execute(f"select _line from {rows} where _file = ? order by 1 limit {limit}", [file]).fetchall()
        more = " ..." if number > limit else ""
        lines.append(f"{'  ' * depth}{file}: line {', '.join(str(line) for (line,) in places)}{more}")
    return lines


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
