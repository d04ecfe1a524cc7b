"""The least that a run over all tables can cost: each is read once, gets a commit without rows, and one with a row.

python -m benchmarks.least --lake DIR        on a copy of a finished lake, from a cold start, as many tables at once as a run has
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.__main__ import ROOT, spark_submit
from lake import commits, tables
from lake.contracts import contract, layer
from lake.parallel import in_order
from lake.session import Lake, open_lake
from lake.settings import load_settings


def read(lake: Lake, name: str) -> None:
    tables.read(lake, name).limit(1).collect()


def note(lake: Lake, name: str) -> None:
    _append(lake, name, rows=0)


def append(lake: Lake, name: str) -> None:
    _append(lake, name, rows=1)


def _append(lake: Lake, name: str, rows: int) -> None:
    before = tables.note(lake, name)
    frame = tables.read(lake, name).limit(rows) if rows else None
    commits.append(lake, contract(name), frame, replace(before, sequence=before.sequence + 1, rows=before.rows + rows))


def measure(root: str) -> None:
    """Do each with all tables of a lake and print the seconds it took."""
    began = time.perf_counter()
    lake = open_lake(load_settings("embedded", root), "least")
    print(f"session {time.perf_counter() - began:.1f} s", flush=True)
    names = [c.name for name in ("bronze", "silver", "gold") for c in layer(name) if tables.exists(lake, c.name)]

    def all_tables(work: Callable[[Lake, str], None]) -> None:
        in_order({name: set() for name in names}, lambda name: work(lake.apart(), name))

    for work in (read, note, append):
        began = time.perf_counter()
        all_tables(work)
        print(f"{work.__name__} each of {len(names)} tables {time.perf_counter() - began:.1f} s", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, required=True)
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(parser.parse_args().lake, copy := Path(name) / "lake")
        subprocess.run(spark_submit(str(Path(__file__).relative_to(ROOT)), str(copy)), cwd=ROOT, check=True)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) == 2 else main()
