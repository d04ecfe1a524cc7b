"""SQL on the lake without a JVM: DuckDB over delta-rs, an engine that shares nothing with the one that wrote the tables.

python -m lake.sql "select count(*) from gold.fact_orders"
python -m lake.sql "select count(*) from silver.orders" --at silver.orders=3
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from lake.contracts import LAYERS, contracts
from lake.errors import BadConfiguration, BadEnvironment, LakeError, no_lake
from lake.program import main_of, of_lake, parser, run
from lake.settings import Settings

NAME = re.compile(rf'"?\b({"|".join(LAYERS)})\b"?\s*\.\s*"?(\w+)', re.IGNORECASE)

FORMATS = ("table", "csv", "json")


class WrongQuery(LakeError):
    """The query can't be run."""

    exit_code = 2


def open_sql(root: str, at: Mapping[str, int] | None = None, only: Iterable[str] | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the schemas bronze, silver, gold and ops and a view for each table that exists; time zone UTC.

    Args:
        root: the lake, a local folder or s3a://bucket/path (MINIO_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
        at: table -> version, for tables that are to be read as they were.
        only: names of the tables that will be read: opening all of them takes half a second, in a bucket more.

    Raises:
        BadInput: there is no lake.
        BadEnvironment: the bucket can't be reached.
        BadConfiguration: a version that a table does not have.
    """
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for layer in LAYERS:
        connection.execute(f"create schema {layer}")
    opened = [_attach(connection, root, name, (at or {}).get(name)) for name in (contracts() if only is None else only)]
    if only is None and not any(opened):
        raise no_lake(root)
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, root: str, name: str, version: int | None) -> bool:
    table = _table(root, name, version)
    if table is None:
        return False
    held = name.replace(".", "__")
    connection.register(held, table.to_pyarrow_dataset())
    connection.execute(f"create view {name} as select * from {held}")
    return True


def storage_options(root: str) -> dict[str, str] | None:
    """What delta-rs needs to reach a bucket (it takes the keys from the environment itself); None for a local folder."""
    if "://" not in root:
        return None
    return {
        "endpoint_url": os.environ.get("MINIO_ENDPOINT", "http://127.0.0.1:9000"),
        "region": "us-east-1",
        "allow_http": "true",
        "aws_virtual_hosted_style_request": "false",
        # A server that is down should be told of in seconds, not after minutes of trying.
        "connect_timeout": "5s",
        "max_retries": "2",
    }


def table_path(root: str, name: str) -> str:
    """Where delta-rs finds a table."""
    return f"{root.rstrip('/')}/{name.replace('.', '/')}".replace("s3a://", "s3://", 1)


def existing(root: str, names: Iterable[str]) -> list[str]:
    """Which of the tables have been written.

    Raises:
        BadEnvironment: the bucket can't be reached.
    """
    options = storage_options(root)
    try:
        return [name for name in names if DeltaTable.is_deltatable(table_path(root, name), options)]
    except Exception as error:
        raise BadEnvironment(
            f"{root} can't be read: {str(error).splitlines()[0][:300]}", "is MinIO running? `make doctor` tries it"
        ) from error


def _table(root: str, name: str, version: int | None) -> DeltaTable | None:
    path = table_path(root, name)
    options = storage_options(root)
    if options is None and not (Path(path) / "_delta_log").exists():
        return None
    try:
        return DeltaTable(path, version=version, storage_options=options)
    except TableNotFoundError:
        return None
    except Exception as error:
        reason = " ".join(re.sub(r"\x1b\[\d+m|↳", "", str(error)).split())[:300]
        if version is not None:
            raise BadConfiguration(f"{name} has no version {version}: {reason}", "ops.runs names the versions") from error
        hint = "is MinIO running? MINIO_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say where and who"
        raise BadEnvironment(f"{path} can't be read: {reason}", hint if options else "check the folder and its permissions") from error


def named_tables(text: str) -> list[str]:
    """The lake's tables that a query names (perhaps only in a string: harmless), in the order of the layers."""
    found = {f"{schema}.{table}".lower() for schema, table in NAME.findall(text)}
    return [name for name in contracts() if name in found]


def query(connection: duckdb.DuckDBPyConnection, text: str) -> tuple[list[str], list[tuple]]:
    """Column names and rows of a query.

    Raises:
        WrongQuery: it can't be run; says why and which tables there are.
    """
    try:
        result = connection.execute(text)
        return [column[0] for column in result.description or []], result.fetchall()
    except duckdb.Error as error:
        raise WrongQuery(f"the query can't be run: {error}", f"tables: {', '.join(table_names(connection))}") from error


def run_query(root: str, text: str, at: Mapping[str, int] | None = None) -> tuple[list[str], list[tuple]]:
    """Column names and rows of a query, opening only the tables that it names.

    Raises:
        WrongQuery: it can't be run. Others as open_sql.
    """
    at = at or {}
    named = named_tables(text)
    if named:
        try:
            return query(open_sql(root, at, named), text)
        except WrongQuery:
            # Perhaps it names tables in a way that only DuckDB understands (use gold; ...). If not, the message lists them all.
            pass
    return query(open_sql(root, at), text)


def table_names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the tables that a connection has, sorted."""
    schemas = ", ".join(f"'{layer}'" for layer in LAYERS)
    text = f"select table_schema || '.' || table_name from information_schema.tables where table_schema in ({schemas}) order by 1"
    return [name for (name,) in connection.execute(text).fetchall()]


def table_list(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int, str]]:
    """Each table's name, rows, columns (technical ones too) and what it is about."""

    def of(name: str) -> tuple[str, int, int, str]:
        ((rows,),) = connection.execute(f"select count(*) from {name}").fetchall()
        return name, rows, len(connection.execute(f"describe {name}").fetchall()), contracts()[name].about

    return [of(name) for name in table_names(connection)]


def as_text(value: Any) -> str:
    """A value exactly: decimals unrounded, timestamps as 2017-10-15 00:30:00, lists as JSON, null empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        # Wall-clock times: the zone that the table format gives them says nothing.
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return value.isoformat() if isinstance(value, date) else str(value)


def _as_json(value: Any) -> Any:
    # Decimals as text, so that no reader makes them binary fractions.
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else as_text(value)


def print_rows(names: list[str], rows: list[tuple], form: str) -> None:
    """Print an answer in one of FORMATS."""
    if form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *([as_text(v) for v in row] for row in rows)])
    elif form == "json":
        found = [{name: _as_json(value) for name, value in zip(names, row, strict=True)} for row in rows]
        print(json.dumps(found, ensure_ascii=False, indent=1, default=as_text))
    else:
        _print_table(names, rows)


def _print_table(names: list[str], rows: list[tuple]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, caption=f"{len(rows):,} row{'' if len(rows) == 1 else 's'}", caption_justify="left")
    for at, name in enumerate(names):
        numbers = any(isinstance(row[at], int | float | Decimal) for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(as_text(value)) for value in row])  # Text: a value in brackets is no markup
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _versions(pairs: list[str], parser: argparse.ArgumentParser) -> dict[str, int]:
    """TABLE=VERSION pairs; the parser's error (exit code 2) for anything else."""
    at = {}
    for pair in pairs:
        name, _, version = pair.partition("=")
        if name not in contracts() or not version.isdecimal():
            parser.error(f"--at {pair}: expected TABLE=VERSION with one of {', '.join(contracts())}")
        at[name] = int(version)
    return at


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    made = of_lake(parser("lake.sql", __doc__))
    made.add_argument("query", nargs="?", help="a query in DuckDB's SQL; tables are bronze.x, silver.x, gold.x, ops.x")
    made.add_argument("--format", choices=FORMATS, default="table", help="how rows are printed (default: table)")
    made.add_argument("--at", action="append", default=[], metavar="TABLE=VERSION", help="read a table as it was; repeatable")
    made.add_argument("--tables", action="store_true", help="list the tables instead")

    def work(settings: Settings, args: argparse.Namespace) -> None:
        if not args.query and not args.tables:
            made.error('a query is needed, e.g. make sql Q="select * from gold.sales_by_state"')
        at = _versions(args.at, made)
        if args.tables:
            print_rows(["table", "rows", "columns", "about"], table_list(open_sql(settings.lake, at)), args.format)
        else:
            print_rows(*run_query(settings.lake, args.query, at), args.format)

    main_of(made, work, arguments)


if __name__ == "__main__":
    run(main)
