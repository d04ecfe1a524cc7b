"""Code that an earlier JVM has compiled is used, and only where it fits (infra/jvm/CompiledCode.java)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lakes import submit


class Answer(NamedTuple):
    """How often code was compiled, the rows, and all that was printed."""

    compiled: int
    rows: list
    printed: str


def ask(file: Path, learn: bool = False) -> Answer:
    options = f"-Dlakehouse.compiled={file} -Dlakehouse.learn={str(learn).lower()}"
    done = submit("../tests/integration/compiled", file.parent / "lake", SPARK_SUBMIT_OPTS=options)
    assert done.returncode == 0, done.stdout
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"compiled"')))
    return Answer(told["compiled"], told["rows"], done.stdout)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Answer]:
    """The file that a run has left, and what that run said."""
    file = tmp_path_factory.mktemp("learned") / "compiled"
    first = ask(file, learn=True)
    return file.read_bytes(), first


def test_code_is_compiled_once_for_all_runs(tmp_path: Path, learned: tuple[bytes, Answer]):
    content, first = learned
    assert first.compiled > 0 and len(first.rows) == 7
    file = tmp_path / "compiled"
    file.write_bytes(content)
    with zipfile.ZipFile(file) as kept:
        assert len(kept.namelist()) == first.compiled and kept.testzip() is None
    for _ in range(2):
        assert ask(file)[:2] == (0, first.rows)
    assert file.read_bytes() == content, "only a run that learns writes"


def test_what_does_not_fit_is_not_used(tmp_path: Path, learned: tuple[bytes, Answer]):
    content, first = learned
    file = tmp_path / "compiled"
    file.write_bytes(content)
    with zipfile.ZipFile(file, "a") as kept:
        kept.comment = b"other jars"
    assert ask(file)[:2] == first[:2]
    file.write_bytes(content[:100])
    broken = ask(file)
    assert broken[:2] == first[:2]
    assert "warning: Spark's code is compiled anew" in broken.printed and "install.sh makes" in broken.printed
