"""Code that an earlier JVM has compiled is used, and only where it fits (infra/jvm/CompiledCode.java)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lakes import submit


class Answer(NamedTuple):
    """How often code was compiled, the rows, and all that was printed."""

    compiled: int
    rows: list
    printed: str


def ask(folder: Path) -> Answer:
    done = submit("../tests/integration/compiled", folder.parent / "lake", SPARK_SUBMIT_OPTS=f"-Dlakehouse.compiled={folder}")
    assert done.returncode == 0, done.stdout
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"compiled"')))
    return Answer(told["compiled"], told["rows"], done.stdout)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """The folder that a run has left, and what that run said."""
    folder = tmp_path_factory.mktemp("first") / "compiled"
    return folder, ask(folder)


@pytest.fixture
def folder(tmp_path: Path, first: tuple[Path, Answer]) -> Path:
    return Path(shutil.copytree(first[0], tmp_path / "compiled"))


def test_code_is_compiled_once_for_all_runs(folder: Path, first: tuple[Path, Answer]):
    _, told = first
    before = contents(folder)
    assert told.compiled > 0 and len(told.rows) == 7
    assert len(before) == told.compiled
    for _ in range(2):
        assert ask(folder)[:2] == (0, told.rows)
    assert contents(folder) == before


def test_code_of_other_jars_is_not_used(folder: Path, first: tuple[Path, Answer]):
    (jars,) = folder.iterdir()
    jars.rename(folder / "of other jars")
    assert ask(folder)[:2] == first[1][:2]


def test_a_broken_file_is_told_of_and_mended(folder: Path, first: tuple[Path, Answer]):
    _, told = first
    before = contents(folder)
    one, other = sorted(before)[:2]
    (folder / one).write_bytes(before[one][:100])
    (folder / other).write_bytes(before[other][:-100] + bytes(100))
    answer = ask(folder)
    assert answer[:2] == (2, told.rows)
    assert answer.printed.count("warning: Spark's code is compiled anew") == 2
    assert contents(folder).keys() == before.keys()
    assert ask(folder)[:2] == (0, told.rows)


def test_what_cannot_be_kept_stops_nobody(tmp_path: Path, first: tuple[Path, Answer]):
    folder = tmp_path / "compiled"
    folder.write_text("a file where the folder should be")
    assert ask(folder)[:2] == first[1][:2]
