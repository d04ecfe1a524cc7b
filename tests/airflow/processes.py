"""Processes that a test looks for, kills or starts: a run's drivers, Airflow's scheduler, a master and a worker of Spark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from infra.local.process import PROC, Process
from tests.airflow.client import Airflow
from tests.lakes import free_ports, until


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


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, str]]:
    """A master of Spark and its worker; gives the master's address, and that of its page."""
    port, page = free_ports(2)
    master, web = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}/json/"
    # A job that waits for the lake holds its executors meanwhile: all that come at once must have room.
    env = {**os.environ, "SPARK_DAEMON_MEMORY": "256m", "SPARK_MASTER_OPTS": "-Dspark.deploy.defaultCores=1"}
    program = str(Path(sys.executable).parent / "spark-class")
    parts = [
        ["org.apache.spark.deploy.master.Master", "--port", str(port), "--webui-port", str(page)],
        ["org.apache.spark.deploy.worker.Worker", "--cores", "4", "--memory", "4g", "--work-dir", str(folder), master],
    ]
    running = []
    try:
        for name, *arguments in parts:
            command = [program, name, "--host", "127.0.0.1", *arguments]
            running.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            until(lambda: answer(web))
        until(lambda: answer(web)["aliveworkers"] == 1)
        yield master, web
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def answer(web: str) -> dict | None:
    """What a page of Spark says as JSON; None while nobody answers."""
    try:
        with urlopen(web, timeout=10) as found:
            return json.load(found)
    except OSError:
        return None
