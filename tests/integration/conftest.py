"""One Spark session for all integration tests; each test has a lake and a landing folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lake.delta import DELTA
from lake.ledger import Run
from lake.pipeline import run_on, run_steps
from lake.session import Lake, open_lake
from lake.settings import load_settings
from tests.lakes import open_sql, submit
from tests.marketplace import Feeds, marketplace, write_feeds


@dataclass
class World:
    """A landing folder, the lake behind it and what a test does with them."""

    lake: Lake
    landing: Path
    root: Path

    def deliver(self, folder: str, feeds: Feeds) -> None:
        """Write feeds into a folder of the landing folder."""
        write_feeds(self.landing / folder, feeds)

    def run(self, *steps: str, **options: Any) -> Run:
        """Run steps in a run of their own; all but recommend if none are named."""
        with run_on(self.lake) as run:
            run_steps(self.lake, run, steps or ("ingest", "conform", "build"), **options)
        return run

    def sql(self, query: str) -> list[tuple]:
        """Rows of a query over the lake's tables, named layer_table."""
        return open_sql(self.root).execute(query).fetchall()

    def copy_to(self, other: World) -> World:
        """Put this landing folder and lake into another world, so that what was run once serves several tests."""
        shutil.copytree(self.landing, other.landing, dirs_exist_ok=True)
        shutil.copytree(self.root, other.root)
        return other

    def take_away(self, table: str) -> None:
        """Delete a table's folder, and what this session's Delta knows of it."""
        shutil.rmtree(self.root / table.replace(".", "/"))
        forget(self.lake)

    def versions(self, layer: str) -> dict[str, int]:
        """Newest version of each table of a layer."""
        logs = self.root.glob(f"{layer}/*/_delta_log")
        return {log.parent.name: max(int(p.stem) for p in log.glob("*.json")) for log in logs}

    def ask(self, work: Callable[[Lake, Run], Any]) -> Any:
        """Do something in a run."""
        with run_on(self.lake) as run:
            return work(self.lake, run)


def counts(run: Run, step: str = "conform") -> dict[str, tuple[int, ...]]:
    """Rows read, written, quarantined, duplicate and superseded by each table of a step."""
    names = ("rows_read", "rows_written", "rows_quarantined", "rows_duplicate", "rows_superseded")
    return {r["table"]: tuple(r[n] for n in names) for r in run.finished if r["step"] == step}


def forget(lake: Lake) -> None:
    """Have Delta look at the logs anew."""
    getattr(lake.spark._jvm, f"{DELTA}.DeltaLog").clearCache()


@pytest.fixture(scope="session")
def session() -> Lake:
    return open_lake(load_settings("embedded"), "tests")


def new_world(session: Lake, folder: Path) -> World:
    """An empty landing folder and no lake yet."""
    landing, root = folder / "landing", folder / "lake"
    landing.mkdir()
    return World(Lake(session.spark, str(root), str(landing)), landing, root)


@pytest.fixture
def world(session: Lake, tmp_path: Path) -> Iterator[World]:
    yield new_world(session, tmp_path)
    # Delta keeps what it knows of each table for an hour; a lake is some 70 MB, and the next test has another.
    forget(session)


@pytest.fixture(scope="session")
def _conformed_once(session: Lake, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = new_world(session, tmp_path_factory.mktemp("conformed"))
    world.deliver("", marketplace(2))
    world.run("ingest", "conform")
    return world


@pytest.fixture
def conformed(_conformed_once: World, world: World) -> None:
    """The world's silver has a marketplace of two orders, delivered without a date."""
    _conformed_once.copy_to(world)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A landing folder and the lake that an undisturbed run makes of it (without the recommender)."""
    folder = tmp_path_factory.mktemp("finished")
    write_feeds(folder / "landing", marketplace(12))
    done = submit("pipeline", "--lake", folder / "lake", "--landing", folder / "landing", "--steps", "ingest", "conform", "build")
    assert done.returncode == 0, done.stdout
    return folder / "landing", folder / "lake"


@pytest.fixture
def lake(finished: tuple[Path, Path], world: World) -> World:
    """A finished lake of this test's own."""
    landing, root = finished
    return World(world.lake, landing, root).copy_to(world)
