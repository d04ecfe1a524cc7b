"""Starts, stops and asks one server."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local import environment, fetch
from infra.local.process import Process, holder, is_taken
from infra.local.server import Place, Server, Settings
from lake.errors import BadEnvironment, LakeBusy, LakeError

STOP_SECONDS = 30


@dataclass(frozen=True)
class State:
    """What `status` shows of a server; `missing` is empty where all is well."""

    state: str
    version: str
    health: str
    memory_mb: int | None
    missing: str

    @property
    def healthy(self) -> bool:
        return not self.missing


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps a second `up` or `down` out of the data folder.

    Raises:
        LakeBusy: there is one already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeBusy(f"another `up` or `down` works on {folder}", "wait for it to end") from None
        yield


def place(server: Server, folder: Path, settings: Settings) -> Place:
    """Where the server is on this machine, whether it was fetched and configured or not."""
    return Place(fetch.home(server.name, server.version), (folder / server.name).resolve(), settings)


def was_started(server: Server, folder: Path) -> bool:
    """Whether `up` started it, and no `down` has stopped it since."""
    return (folder / server.name / "pid").exists()


def running(where: Place) -> Process | None:
    """The server's process, if it is there."""
    return Process.read(where.data / "pid")


def check(server: Server, where: Place) -> None:
    """Whether the server could start.

    Raises:
        BadEnvironment: a tool is missing or a port is taken.
    """
    tools = server.runs_on if where.home.exists() else server.runs_on | server.fetched_with
    for tool, advice in tools.items():
        if not shutil.which(tool):
            raise BadEnvironment(f"{server.name}: there is no {tool}", advice)
    for name in server.ports:
        if is_taken(int(where.settings[name])):
            raise BadEnvironment(
                f"{server.name}: port {where.settings[name]} is taken by {holder(int(where.settings[name]))}",
                f"stop that, or set another {' and '.join([name, *environment.built_from(name)])} in .env",
            )


def start(server: Server, where: Place, say: Callable[[str], None]) -> None:
    """Fetches, configures and starts the server, and returns when it answers; one that runs and answers is left alone.

    Raises:
        BadEnvironment: it ended or did not answer in time; the message has the end of its log.
    """
    process = running(where)
    if process and _answers(server, where):
        say(f"{server.name}: runs already at {server.address(where.settings)}")
        return
    begun = time.monotonic()
    if not where.home.exists():
        say(f"{server.name}: fetching {server.version}, which happens once")
        fetch.ensure(where.home, server.fetch)
    if process:
        version = _await(server, where, process)
    else:
        where.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        server.configure(where)
        process = _spawn(server, where)
        try:
            version = _await(server, where, process)
        except BaseException:
            process.stop(STOP_SECONDS)
            (where.data / "pid").unlink(missing_ok=True)
            raise
    say(f"{server.name}: ready at {server.address(where.settings)} (version {version}, {time.monotonic() - begun:.1f} s)")


def stop(server: Server, where: Place, say: Callable[[str], None]) -> None:
    """Ends the server; nothing happens where it does not run."""
    process = running(where)
    if process:
        killed = process.stop(STOP_SECONDS)
        say(f"{server.name}: " + (f"killed, since it did not stop in {STOP_SECONDS} s" if killed else "stopped"))
    (where.data / "pid").unlink(missing_ok=True)


def state(server: Server, where: Place) -> State:
    """What there is of the server, with the reason where it does not work."""
    process = running(where)
    if process:
        try:
            return State("running", server.ready(where.settings), "answers", process.memory_mb(), "")
        except Exception as error:  # whatever a client raises is the reason that is shown
            return State("running", server.version, "no answer", process.memory_mb(), _first_line(error))
    try:
        check(server, where)
    except LakeError as error:
        return State("stopped", server.version, "-", None, str(error.args[0]).removeprefix(f"{server.name}: "))
    fetched = "it is not started" if where.home.exists() else "it is not fetched yet"
    return State("stopped", server.version, "-", None, f"{fetched}: python -m infra.local up {server.name}")


def _answers(server: Server, where: Place) -> bool:
    try:
        server.ready(where.settings)
    except Exception:  # each client has errors of its own; any of them means no
        return False
    return True


def _spawn(server: Server, where: Place) -> Process:
    with open(os.open(where.data / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as log:
        child = subprocess.Popen(
            server.command(where),
            cwd=where.data,
            env=_variables() | server.variables(where),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    process = Process.of(child.pid)
    process.write(where.data / "pid")
    return process


def _variables() -> dict[str, str]:
    """A server gets what any program needs, and not what else the caller's environment holds, such as the others' passwords."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME") if name in os.environ}


def _await(server: Server, where: Place, process: Process) -> str:
    end = time.monotonic() + server.start_seconds
    while True:
        try:
            server.prepare(where)
            return server.ready(where.settings)
        except (LakeError, ImportError):
            raise
        except Exception as error:  # it does not listen yet, or is still starting: each client says that in its own way
            reason = _first_line(error)
        if not process.runs():
            raise BadEnvironment(f"{server.name} ended while starting:\n{_end_of_log(where)}", f"the log is {where.data}/log.txt")
        if time.monotonic() > end:
            raise BadEnvironment(f"{server.name} did not answer in {server.start_seconds} s: {reason}\n{_end_of_log(where)}")
        time.sleep(0.2)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:200]


def _end_of_log(where: Place) -> str:
    log = where.data / "log.txt"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  | {line[:200]}" for line in lines[-10:])
