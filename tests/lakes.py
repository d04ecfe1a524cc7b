"""What tests need around a lake: running jobs as users do, and reading tables without Spark."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
from deltalake import DeltaTable

ROOT = Path(__file__).resolve().parent.parent


def submit(job: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """spark-submit jobs/<job>.py with arguments. What the job prints is in stdout, whichever of the two it printed to."""
    command = [str(Path(sys.executable).parent / "spark-submit"), str(ROOT / "jobs" / f"{job}.py"), *map(str, arguments)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, env={**os.environ, "PATH": path, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def open_sql(root: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with each table of a lake in a local folder as a view layer_table, read by delta-rs."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for log in sorted(root.glob("*/*/_delta_log")):
        table = log.parent
        connection.register(f"{table.parent.name}_{table.name}", DeltaTable(table).to_pyarrow_dataset())
    return connection
