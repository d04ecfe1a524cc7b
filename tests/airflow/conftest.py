"""One Airflow for all tests of this folder, and a receiver for what its runs tell others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lake.generator import generate
from tests.airflow.client import Airflow, running
from tests.receiver import receiving


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Airflow, MongoDB and ClickHouse run, Neo4j does not yet. The first of three days has come; the others lie in `later`."""
    folder = tmp_path_factory.mktemp("airflow")
    generate(folder / "landing", scale=0.01, seed=5, days=3)
    (folder / "later").mkdir()
    for day in sorted((folder / "landing").glob("20*"))[1:]:
        day.rename(folder / "later" / day.name)
    with receiving() as told:
        news = {"LAKE_WEBHOOK_URL": f"{told.url}/incidents", "OPENLINEAGE_URL": told.url}
        with running(folder, "mongodb", "clickhouse", AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY="1", **news) as made:
            made.told = told
            yield made
