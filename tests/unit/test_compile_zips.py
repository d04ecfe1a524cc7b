"""Compiled code beside the source in zips of Python modules (infra/local/compile_zips.py)."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.compile_zips import add_compiled


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "modules.zip", "w") as file:
        file.writestr("package/__init__.py", "from package.deep import SAID")
        file.writestr("package/deep.py", "SAID = 'as compiled'")
        file.writestr("package/data.json", "{}")
    return tmp_path / "modules.zip"


def changed(archive: Path, ending: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of the zip in which the files with this ending have other contents."""
    copy = archive.with_name(f"changed{ending}.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name.endswith(ending) else old.read(name))
    return copy


def said(archive: Path) -> str:
    command = [sys.executable, "-c", "import package; print(package.SAID)"]
    return subprocess.run(command, env={"PYTHONPATH": str(archive)}, capture_output=True, text=True, check=True).stdout.strip()


def test_modules_come_from_compiled_code(archive: Path) -> None:
    assert said(archive) == "as compiled"
    add_compiled(archive)
    other_source = changed(archive, ".py", lambda source: source.replace(b"as compiled", b"as written"))
    assert said(other_source) == "as compiled"


def test_another_version_of_python_reads_the_source(archive: Path) -> None:
    add_compiled(archive)
    other_source = changed(archive, ".py", lambda source: source.replace(b"as compiled", b"as written"))
    assert said(changed(other_source, ".pyc", lambda code: b"\0\0" + code[2:])) == "as written"


def test_nothing_is_added_twice(archive: Path) -> None:
    add_compiled(archive)
    content = archive.read_bytes()
    add_compiled(archive)
    assert archive.read_bytes() == content
