"""Real servers for the whole way, and what is published to them: started once for all tests that want them, on ports and with passwords of
their own."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.generator import generate
from lake.settings import read_env_file
from tests.lakes import python, server_ports, submit


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All servers of every day; their settings are in the environment. Gives their folder."""
    folder = tmp_path_factory.mktemp("servers")
    before = dict(os.environ)
    ports = server_ports()
    os.environ.update(ports, LAKEHOUSE_ENV=str(folder / ".env"), LAKEHOUSE_SERVERS=str(folder / "data"))
    os.environ.update(TRINO_CERTIFICATE=str(folder / "trino.pem"), TRINO_LOCAL_LAKE=str(folder / "local"))
    os.environ["MINIO_ENDPOINT"] = f"http://127.0.0.1:{ports['MINIO_PORT']}"
    try:
        _launcher("up")
        read_env_file()
        yield folder
    finally:
        _launcher("down")
        os.environ.clear()
        os.environ.update(before)


def _launcher(command: str) -> None:
    done = python("infra.local", command)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def published(servers, tmp_path_factory) -> Path:
    """A small marketplace through all steps into the bucket, and from there to the stores. Gives its landing folder; the last
    day, which has not come yet, lies in the folder `later` beside it, and with it a seller and a product that were sold before."""
    landing = tmp_path_factory.mktemp("marketplace") / "landing"
    generate(landing, scale=0.02, seed=3, days=2)
    last = max(path for path in landing.iterdir() if path.name.startswith("20"))
    later = landing.parent / "later"
    later.mkdir()
    last.rename(later / last.name)
    for name in ("seller", "product"):
        hold_back(landing, later / last.name, name)
    run = submit("pipeline", "--profile", "minio", "--landing", landing)
    assert run.returncode == 0, run.stdout
    done = submit("publish", "--profile", "minio")
    assert done.returncode == 0, done.stdout
    return landing


def hold_back(landing: Path, later: Path, name: str) -> None:
    """Move the seller or product with the most items from the first delivery to a later one; no delivery between has it."""
    file, key = f"olist_{name}s_dataset.csv", f"{name}_id"
    named = {path: list(csv.DictReader(path.open(encoding="utf-8"))) for path in landing.glob(f"*/{file}")}
    (first,) = landing.glob(f"initial/{file}")
    again = {row[key] for path, rows in named.items() if path != first for row in rows}
    items = csv.DictReader((first.parent / "olist_order_items_dataset.csv").open(encoding="utf-8"))
    most = next(one for one, _ in Counter(row[key] for row in items).most_common() if one not in again)
    lines = first.read_text(encoding="utf-8").splitlines(keepends=True)
    first.write_text("".join(line for line in lines if most not in line), encoding="utf-8")
    with (later / file).open("a", encoding="utf-8") as file_of_day:
        file_of_day.writelines(line for line in lines if most in line)
