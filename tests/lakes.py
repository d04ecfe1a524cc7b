"""What tests need around a lake: running jobs as users do, and reading tables without Spark."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from infra.local.servers import SERVERS

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 900


def submit(job: str, *arguments: object, master: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """spark-submit jobs/<job>.py with arguments. What the job prints is in stdout, whichever of the two it printed to."""
    return _run(_spark_submit(job, *arguments, master=master), environment)


def started(job: str, *arguments: object) -> subprocess.Popen[str]:
    """The same beside the test, which may read what it prints; in a process group of its own, which can be killed as a whole."""
    command, env = _spark_submit(job, *arguments), _environment({})
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )  # fmt: skip


def python(module: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """python -m <module> with arguments, in the project's folder; both outputs are in stdout."""
    return _run([sys.executable, "-m", module, *map(str, arguments)], environment)


def _spark_submit(job: str, *arguments: object, master: str | None = None) -> list[str]:
    given = ["--master", master] if master else []
    if job in ("publish", "reconcile") or "e2e" in job:
        given += ["--jars", *map(str, (ROOT / ".venv/jars").glob("neo4j-connector-*.jar"))]
    return [str(Path(sys.executable).parent / "spark-submit"), *given, str(ROOT / "jobs" / f"{job}.py"), *map(str, arguments)]


def _environment(environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **environment}


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = _environment(environment)
    return subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def server_ports() -> dict[str, str]:
    """A port that nothing listens on for each port setting of the servers."""
    names = [name for server in SERVERS.values() for name in server.ports]
    return dict(zip(names, map(str, free_ports(len(names))), strict=True))


def open_sql(root: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with each table of a lake in a local folder as a view layer_table, read by delta-rs."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for log in sorted(root.glob("*/*/_delta_log")):
        table = log.parent
        connection.register(f"{table.parent.name}_{table.name}", DeltaTable(table).to_pyarrow_dataset())
    return connection


def until(question: Callable[[], object]) -> object:
    """The first answer that is true; asked again and again."""
    end = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)
    return answer
