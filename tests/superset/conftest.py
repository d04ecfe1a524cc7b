"""One Superset for all tests of this folder, on the lake and the stores of tests/published.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local import environment
from infra.local.superset_server import Session
from lake import sql
from lake.settings import load_settings
from tests.lakes import python
from tests.superset.browser import Page, browser


@pytest.fixture(scope="session")
def superset(published: Path) -> dict[str, str]:
    """Superset runs; the settings of all servers. It is stopped with the others."""
    done = python("infra.local", "up", "superset", LAKE="minio")
    assert done.returncode == 0, done.stdout
    return environment.load()


@pytest.fixture(scope="session")
def sessions(superset: dict[str, str]) -> dict[str, Session]:
    """The REST API as each of the three."""
    return {who: Session(superset, who) for who in ("ADMIN", "ANALYST", "VIEWER")}


@pytest.fixture(scope="session")
def charts(sessions: dict[str, Session]) -> dict[str, int]:
    """The charts' numbers by their titles."""
    found = sessions["VIEWER"].ask("/api/v1/chart/?q=(page_size:100)")["result"]
    return {chart["slice_name"]: chart["id"] for chart in found}


@pytest.fixture(scope="session")
def viewer(superset: dict[str, str]) -> Iterator[Page]:
    """A browser that the viewer is logged in with."""
    with browser(f"http://127.0.0.1:{superset['SUPERSET_PORT']}") as page:
        page.log_in(superset["SUPERSET_VIEWER_USER"], superset["SUPERSET_VIEWER_PASSWORD"])
        yield page


@pytest.fixture(scope="session")
def gold(published: Path) -> Callable[[str], list[tuple]]:
    """Rows of a query on the lake itself, by an engine that neither wrote it nor published it."""
    lake = load_settings("minio", os.environ.get("LAKE_PATH")).lake
    return lambda text: sql.run_query(lake, text)[1]
