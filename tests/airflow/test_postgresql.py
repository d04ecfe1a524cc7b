"""Airflow on a PostgreSQL of its own instead of SQLite."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lake.generator import generate
from tests.airflow.client import DAG, running
from tests.lakes import free_ports, until


@dataclass
class PostgreSQL:
    """A server on this machine with one user and one database.

    Attributes:
        programs: the folder of its programs.
        port: where it listens.
        password: of the user airflow.
    """

    programs: Path
    port: int
    password: str

    @property
    def address(self) -> str:
        return f"postgresql+psycopg2://airflow:{self.password}@127.0.0.1:{self.port}/postgres"

    def rows(self, query: str) -> list[str]:
        command = [self.programs / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "airflow", "-d", "postgres", "-Atc", query]
        return subprocess.run(command, env={"PGPASSWORD": self.password}, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [Path(shutil.which("postgres") or "")]
    if not found[-1].is_file():
        raise RuntimeError("this test needs PostgreSQL (Debian: apt install postgresql)")
    made = PostgreSQL(found[-1].parent, free_ports(1)[0], secrets.token_hex(16))
    # PostgreSQL does not run as root.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp())
    (folder / "password").write_text(made.password)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    data = folder / "data"
    begin = [made.programs / "initdb", "-D", data, "-U", "airflow", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    subprocess.run([*user, *begin], check=True, capture_output=True)
    serve = [made.programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(made.port), "-k", ""]
    with subprocess.Popen([*user, *serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        ready = [made.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(made.port), "-q"]
        until(lambda: subprocess.run(ready).returncode == 0)
        yield made
        server.terminate()
    shutil.rmtree(folder)


def test_a_run_is_kept_in_postgresql(postgresql, tmp_path):
    generate(tmp_path / "landing", scale=0.01, seed=5, days=1)
    with running(tmp_path, AIRFLOW_DATABASE=postgresql.address) as airflow:
        airflow.trigger("first", publish=False)
        assert airflow.finish("first") == "success"
        assert not (tmp_path / "servers" / "airflow" / "airflow.db").exists()
    assert postgresql.rows("select dag_id, run_id, state from dag_run") == [f"{DAG}|first|success"]
    assert (tmp_path / "lake" / "gold" / "fact_orders" / "_delta_log").is_dir()
