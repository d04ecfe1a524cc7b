"""Stands in for the pipeline's lake until it exists: the oracle itself, under the lake's names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.oracle import CONF, open_oracle


class Lake:
    def __init__(self, landing: Path) -> None:
        self.db = open_oracle(landing)
        for contract in (CONF / "tables" / "bronze").glob("*.yml"):
            self.db.execute(f"create view bronze_{contract.stem} as from raw_{contract.stem}")

    def sql(self, query: str) -> list[tuple]:
        return self.db.execute(query).fetchall()


@pytest.fixture(scope="session")
def landing() -> Path:
    if "OLIST_LANDING" not in os.environ:
        pytest.skip("OLIST_LANDING names no folder with the nine CSV files")
    return Path(os.environ["OLIST_LANDING"])


@pytest.fixture(scope="session")
def lake(landing: Path) -> Lake:
    return Lake(landing)
