"""Processes and ports, as /proc shows them. A server's process leads a session: what it started belongs to it."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"


@dataclass(frozen=True)
class Process:
    """A process that we started. The start time tells it from a later one with the same number."""

    pid: int
    started: int

    @classmethod
    def read(cls, file: Path) -> Process | None:
        """The process in a pid file, if it or anything that it started still runs."""
        try:
            pid, started = map(int, file.read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        process = cls(pid, started)
        return process if process.family() else None

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now, or had it last."""
        return cls(pid, _start_time(pid) or 0)

    def write(self, file: Path) -> None:
        """Keeps it in a pid file."""
        file.write_text(f"{self.pid} {self.started}\n")

    def runs(self) -> bool:
        """Whether it is there and has not ended."""
        return _start_time(self.pid) == self.started

    def family(self) -> list[int]:
        """Numbers of it and of the processes in the session that it leads or led, as far as they run."""
        now = _start_time(self.pid)
        if now not in (None, self.started):
            # The number is another one's now, and so is the session of that number.
            return []
        others = [int(folder.name) for folder in PROC.glob("[0-9]*") if int(folder.name) != self.pid]
        return [self.pid] * (now is not None) + [pid for pid in others if _session(pid) == self.pid]

    def memory_mb(self) -> int:
        """Resident memory of it and of what it started; a page that several share counts once."""
        return sum(map(_own_kb, self.family())) // 1024

    def stop(self, patience: float) -> bool:
        """SIGTERM to it and to what it started, and SIGKILL where that did not end all of them in `patience` seconds; returns
        whether any had to be killed."""
        self._signal(signal.SIGTERM)
        if self._ends(patience):
            return False
        self._signal(signal.SIGKILL)
        self._ends(10)
        return True

    def _signal(self, number: int) -> None:
        for pid in self.family():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _ends(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.family():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


def _stat(pid: int) -> list[str] | None:
    """What /proc says of a process, from its state on; None where it has ended."""
    try:
        # The name of the program comes first, in brackets, and may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields


def _start_time(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _session(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[3]) if fields else None


def _own_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        # It ended meanwhile.
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def is_taken(port: int) -> bool:
    """Whether something listens on the port on this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def holder(port: int) -> str:
    """Who listens on the port: number and command line, as far as we may see it."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for folder in PROC.glob("[0-9]*"):
        if sockets & _open_files(folder):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            return f"process {folder.name} ({command[:120]})"
    return "a process of another user"


def _listening(port: int) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        file = PROC / "net" / table
        for line in file.read_text().splitlines()[1:] if file.exists() else []:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return inodes


def _open_files(folder: Path) -> set[str]:
    try:
        return {name for file in (folder / "fd").iterdir() if (name := _target(file))}
    except OSError:
        # It ended meanwhile, or belongs to another user.
        return set()


def _target(file: Path) -> str:
    try:
        return os.readlink(file)
    except FileNotFoundError:
        # It was closed meanwhile.
        return ""
