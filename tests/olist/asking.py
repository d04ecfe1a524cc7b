"""How the facts are asked of the lake; `expected` is one row, or a list of rows."""

from __future__ import annotations

import pytest


def check(lake, sql: str, expected: tuple | list[tuple]) -> None:
    assert lake.sql(sql) == (expected if isinstance(expected, list) else [expected])


def cases(rows: list[tuple]):
    return pytest.mark.parametrize(("sql", "expected"), [row[1:] for row in rows], ids=[row[0] for row in rows])
