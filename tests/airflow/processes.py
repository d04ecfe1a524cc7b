"""Processes that a test looks for or kills: a run's drivers, Airflow's scheduler."""

from __future__ import annotations

from infra.local.process import PROC, Process
from tests.airflow.client import Airflow


def words(pid: int) -> list[str]:
    """The command line of a process; empty where it has ended."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def drivers(of: str) -> list[int]:
    """Processes, of the JVM or of Python, whose command line names a run's job."""
    found = {int(folder.name): words(int(folder.name)) for folder in PROC.glob("[0-9]*")}
    return [pid for pid, said in found.items() if of in said and any(word.endswith(".py") for word in said)]


def parent(pid: int) -> int:
    return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])


def jvm(of: str) -> int | None:
    """The JVM of a run's job, once its Python runs; before that there is a JVM that only puts the command together."""
    of_python = [pid for pid in drivers(of) if (PROC / str(pid) / "comm").read_text().startswith("python")]
    return parent(of_python[0]) if of_python else None


def scheduler(airflow: Airflow) -> int | None:
    """Airflow's scheduler: of what airflow_process.py has started, what is called so."""
    whole = Process.read(airflow.folder / "servers" / "airflow" / "pid")
    return next((pid for pid in whole.family() if parent(pid) == whole.pid and "scheduler" in " ".join(words(pid))), None)
