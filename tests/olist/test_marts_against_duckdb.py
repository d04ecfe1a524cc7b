"""Every gold table, row for row, against the second computation in DuckDB (tests/oracle)."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.oracle import CONF, SQL, open_oracle

DUCKDB_TYPES = {"string": "varchar"}  # the other types of the contracts have the same name in DuckDB
EXACT = 1e-9  # doubles that no contract rounds: one division, so no more than the last bits may differ


def contract_of(table: str) -> dict:
    return yaml.safe_load((CONF / "tables" / "gold" / f"{table}.yml").read_text(encoding="utf-8"))


def tolerances(columns: dict[str, dict]) -> dict[int, float]:
    """For each double, by position: one unit of its last rounded digit, as the contract's words say."""
    found = {}
    for position, column in enumerate(columns.values()):
        if column["type"] == "double":
            digits = re.search(r"rounded to (\d+) digits", column["about"])
            found[position] = 1.0001 * 10.0 ** -int(digits[1]) if digits else EXACT
    return found


def same(left: tuple, right: tuple, allowed: dict[int, float]) -> bool:
    """Whether two rows agree, doubles within what is allowed."""
    for position, (a, b) in enumerate(zip(left, right, strict=True)):
        near = position in allowed and a is not None and b is not None and abs(a - b) <= allowed[position]
        if a != b and not near:
            return False
    return True


def differences(lake_rows: list[tuple], oracle_rows: list[tuple], columns: dict, key: list[str]) -> list[str]:
    """Rows that only one side has (EXCEPT ALL both ways), less those of one key that differ by rounding only."""
    only_lake = list((Counter(lake_rows) - Counter(oracle_rows)).elements())
    only_oracle = list((Counter(oracle_rows) - Counter(lake_rows)).elements())
    names, allowed = list(columns), tolerances(columns)
    where = [names.index(name) for name in key]
    waiting = {tuple(row[i] for i in where): row for row in only_oracle}
    found = []
    for row in only_lake:
        other = waiting.pop(tuple(row[i] for i in where), None)
        if other is None:
            found.append(f"only in the lake: {row}")
        elif not same(row, other, allowed):
            parts = [f"{n}: lake {a!r}, oracle {b!r}" for n, a, b in zip(names, row, other, strict=True) if a != b]
            found.append(f"{ {n: row[i] for n, i in zip(key, where, strict=True)} }: {'; '.join(parts)}")
    return found + [f"only in the oracle: {row}" for row in waiting.values()]


@pytest.fixture(scope="session")
def oracle(landing: Path):
    return open_oracle(landing)


@pytest.mark.parametrize("table", SQL)
def test_the_lakes_table_is_what_duckdb_computes(lake, oracle, table: str) -> None:
    contract = contract_of(table)
    columns = contract["columns"]
    select = ", ".join(f"{name}::{DUCKDB_TYPES.get(c['type'], c['type'])}" for name, c in columns.items())
    query = f"select {select} from gold_{table}"
    lake_rows, oracle_rows = lake.sql(query), oracle.execute(query).fetchall()
    found = differences(lake_rows, oracle_rows, columns, contract["key"])
    assert not found, f"gold.{table}: {len(found)} rows differ, the first:\n" + "\n".join(found[:5])
    assert len(lake_rows) == len(oracle_rows)


MONEY = [(table, name) for table in SQL for name, column in contract_of(table)["columns"].items() if column["type"].startswith("decimal")]


@pytest.mark.parametrize(("table", "column"), MONEY)
def test_the_sum_of_money_is_equal_to_the_cent(lake, oracle, table: str, column: str) -> None:
    query = f"select sum({column}) from gold_{table}"
    assert lake.sql(query) == oracle.execute(query).fetchall()


def test_the_oracle_computes_every_gold_table_but_the_models() -> None:
    tables = {path.stem for path in (CONF / "tables" / "gold").glob("*.yml")}
    assert tables - set(SQL) == {"model_runs", "recommendations"}
