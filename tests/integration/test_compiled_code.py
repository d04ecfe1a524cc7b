"""Code that an earlier JVM has compiled is used, and only where it fits (infra/jvm/CompiledCode.java)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from tests.lakes import submit


def ask(at: Path, file: Path, learn: bool = False) -> tuple[int, list, str]:
    """How often code was compiled, the answer, and all that was printed."""
    options = f"-Dlakehouse.compiled={file} -Dlakehouse.learn={str(learn).lower()}"
    done = submit("../tests/integration/compiled", at / "lake", SPARK_SUBMIT_OPTS=options)
    assert done.returncode == 0, done.stdout
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"compiled"')))
    return told["compiled"], told["rows"], done.stdout


def test_code_is_compiled_once_for_all_runs(tmp_path: Path):
    file = tmp_path / "compiled"
    first, expected, _ = ask(tmp_path, file, learn=True)
    assert first > 0 and len(expected) == 7
    with zipfile.ZipFile(file) as kept:
        assert len(kept.namelist()) == first and kept.testzip() is None
    before = file.read_bytes()
    for _ in range(2):
        assert ask(tmp_path, file)[:2] == (0, expected)
    assert file.read_bytes() == before, "only a run that learns writes"


def test_what_does_not_fit_is_not_used(tmp_path: Path):
    file = tmp_path / "compiled"
    first, expected, _ = ask(tmp_path, file, learn=True)
    with zipfile.ZipFile(file, "a") as kept:
        kept.comment = b"other jars"
    assert ask(tmp_path, file)[:2] == (first, expected)
    file.write_bytes(file.read_bytes()[:100])
    compiled, rows, printed = ask(tmp_path, file)
    assert (compiled, rows) == (first, expected)
    assert "warning: Spark's code is compiled anew" in printed and "install.sh makes" in printed
