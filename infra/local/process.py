"""Processes and ports, as /proc shows them."""

from __future__ import annotations

import os
import signal
import socket
import time
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
        """The process in a pid file, if it still runs."""
        try:
            pid, started = map(int, file.read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        process = cls(pid, started)
        return process if process.runs() else None

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

    def memory_mb(self) -> int:
        """Its resident memory."""
        for line in (PROC / str(self.pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        return 0

    def stop(self, patience: float) -> bool:
        """SIGTERM, and SIGKILL where that did not end it in `patience` seconds; returns whether it had to be killed."""
        self._signal(signal.SIGTERM)
        if self._ends(patience):
            return False
        self._signal(signal.SIGKILL)
        self._ends(10)
        return True

    def _signal(self, number: int) -> None:
        if self.runs():
            os.kill(self.pid, number)

    def _ends(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.runs():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


def _start_time(pid: int) -> int | None:
    try:
        # The name of the program comes first, in brackets, and may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


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
