"""SQL on the lake without a JVM: DuckDB over delta-rs, an engine that shares nothing with the one that wrote the tables.

    python -m lake.sql "select count(*) from gold.fact_orders"
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from lake.contracts import LAYERS, contracts
from lake.errors import BadConfiguration, BadInput, LakeError
from lake.settings import PROFILES, load_settings


class WrongQuery(LakeError):
    """The query can't be run."""

    exit_code = 2


def open_sql(root: str, at: dict[str, int] | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the schemas bronze, silver, gold and ops and a view for each table that exists.

    Args:
        root: the lake, a local folder or s3a://bucket/path.
        at: table -> version, for tables that are to be read as they were.

    Raises:
        BadInput: there is no lake.
        BadConfiguration: a version that a table does not have.
    """
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for layer in LAYERS:
        connection.execute(f"create schema {layer}")
    found = 0
    for name in contracts():
        table = _table(root, name, (at or {}).get(name))
        if table:
            held = name.replace(".", "__")
            connection.register(held, table.to_pyarrow_dataset())
            connection.execute(f"create view {name} as select * from {held}")
            found += 1
    if not found:
        raise BadInput(f"there is no lake at {root}", "run `make demo` or `make pipeline LANDING=<folder>`, or say --lake")
    return connection


def _table(root: str, name: str, version: int | None) -> DeltaTable | None:
    path = f"{root}/{name.replace('.', '/')}"
    options = None
    if "://" in root:
        path = path.replace("s3a://", "s3://", 1)
        endpoint = os.environ.get("MINIO_ENDPOINT", "http://127.0.0.1:9000")
        options = {"endpoint_url": endpoint, "region": "us-east-1", "allow_http": "true", "aws_virtual_hosted_style_request": "false"}
    elif not (Path(path) / "_delta_log").exists():
        return None
    try:
        return DeltaTable(path, version=version, storage_options=options)
    except TableNotFoundError:
        return None
    except Exception as error:
        if version is None:
            raise
        raise BadConfiguration(f"{name} has no version {version}: {error}", "ops.runs names the versions") from error


def query(connection: duckdb.DuckDBPyConnection, text: str) -> tuple[list[str], list[tuple]]:
    """Column names and rows of a query.

    Raises:
        WrongQuery: it can't be run; says why and which tables there are.
    """
    try:
        result = connection.execute(text)
        return [column[0] for column in result.description or []], result.fetchall()
    except duckdb.Error as error:
        raise WrongQuery(f"the query can't be run: {error}", f"tables: {', '.join(_names(connection))}") from error


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select table_schema || '.' || table_name from information_schema.tables where table_schema <> 'main' order by 1")
    return [name for (name,) in rows.fetchall()]


def as_text(value: Any) -> str:
    """A value exactly: decimals unrounded, timestamps as 2017-10-15 00:30:00, null empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        # Wall-clock times: the zone that the table format gives them says nothing.
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def _print(names: list[str], rows: list[tuple], form: str) -> None:
    texts = [[as_text(value) for value in row] for row in rows]
    if form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *texts])
    elif form == "json":
        print(json.dumps([dict(zip(names, line, strict=True)) for line in texts], ensure_ascii=False, indent=1))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(*names, caption=f"{len(rows):,} rows")
        for line in texts:
            table.add_row(*line)
        Console(width=None if sys.stdout.isatty() else 200).print(table)


def _tables(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple]]:
    rows = [
        (name, connection.execute(f"select count(*) from {name}").fetchone()[0], len(contracts()[name].columns), contracts()[name].about)
        for name in _names(connection)
    ]
    return ["table", "rows", "columns", "about"], rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("query", nargs="?", help="a query in DuckDB's SQL; tables are bronze.x, silver.x, gold.x, ops.x")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how rows are printed (default: table)")
    parser.add_argument("--lake", help="root of the lake (default: $LAKE_PATH, else the profile's)")
    parser.add_argument("--profile", choices=PROFILES, help="settings in conf/profiles (default: $LAKE, else embedded)")
    parser.add_argument("--at", nargs="*", default=[], metavar="TABLE=VERSION", help="read a table as it was, e.g. gold.fact_orders=3")
    parser.add_argument("--tables", action="store_true", help="list the tables instead")
    args = parser.parse_args()
    if not args.query and not args.tables:
        parser.error("a query is needed, e.g. make sql Q=\"select * from gold.sales_by_state\"")
    try:
        at = {name: int(version) for name, version in (pair.split("=", 1) for pair in args.at)}
        connection = open_sql(load_settings(args.profile, args.lake).lake, at)
        _print(*(_tables(connection) if args.tables else query(connection, args.query)), args.format)
    except LakeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
