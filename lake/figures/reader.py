"""Rows of a lake for people: a table that is not there yet has no rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from lake.contracts import contracts
from lake.errors import no_lake
from lake.sql import named_tables, open_sql

Row = dict[str, Any]


class Reader:
    """Queries on a lake, of which any table may be missing."""

    def __init__(self, root: str) -> None:
        """Open every table that exists.

        Raises:
            BadInput: there is no such folder.
        """
        if "://" not in root and not Path(root).is_dir():
            raise no_lake(root)
        self.root = root
        self._db: duckdb.DuckDBPyConnection = open_sql(root, only=contracts())
        known = self._db.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
        self.tables = [name for name in contracts() if (name,) in known]

    def rows(self, text: str, *values: Any) -> list[Row]:
        """A query's rows by column name; none where a table that it names is not there yet. Timestamps are without a zone."""
        if any(name not in self.tables for name in named_tables(text)):
            return []
        result = self._db.execute(text, list(values))
        names = [column[0] for column in result.description]
        return [{n: _naive(v) for n, v in zip(names, row, strict=True)} for row in result.fetchall()]

    def row(self, text: str, *values: Any) -> Row | None:
        """The first row of a query, None where there is none."""
        found = self.rows(text, *values)
        return found[0] if found else None

    def count(self, table: str) -> int:
        """Rows of a table, 0 where it is not there yet."""
        found = self.row(f"select count(*) as n from {table}")
        return found["n"] if found else 0


def _naive(value: Any) -> Any:
    # The format marks wall-clock times as UTC; nothing is shifted.
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
