"""The real files through the real pipeline. OLIST_DIR names the folder with the nine CSV files."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from tests.lakes import open_sql, submit


class SqlLake:
    """A lake that answers SQL with tuples; tables are named layer_table."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.db: duckdb.DuckDBPyConnection = open_sql(root)

    def sql(self, query: str) -> list[tuple]:
        """All rows of a query."""
        return self.db.execute(query).fetchall()


@pytest.fixture(scope="session")
def landing() -> Path:
    folder = os.environ.get("OLIST_DIR")
    assert folder and list(Path(folder).glob("olist_*.csv")), "OLIST_DIR must name the folder with the nine Olist CSV files"
    return Path(folder)


@pytest.fixture(scope="session")
def lake(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> SqlLake:
    if "OLIST_LAKE" in os.environ:
        return SqlLake(Path(os.environ["OLIST_LAKE"]))
    root = tmp_path_factory.mktemp("olist") / "lake"
    done = submit("pipeline", "--lake", root, "--landing", landing)
    assert done.returncode == 0, done.stdout
    return SqlLake(root)
