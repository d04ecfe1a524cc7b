"""An Airflow with servers, ports, passwords, a lake and a landing folder of its own, and its REST API."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

from infra.local import environment
from tests.lakes import python, server_ports, until
from tests.receiver import Receiver

DAG = "ecommerce_etl_pipeline"


@dataclass
class Airflow:
    """A running Airflow and what its runs work on."""

    folder: Path
    url: str
    token: str = ""
    told: Receiver = field(default_factory=Receiver)

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def ask(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        """The answer of the REST API."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}{path}", data, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    def trigger(self, run: str, dag: str = DAG, **conf: object) -> None:
        self.ask(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "dag_run_id": run, "conf": conf})

    def run(self, run: str, dag: str = DAG) -> str:
        """Where the API has a run."""
        return f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}"

    def finish(self, run: str, dag: str = DAG) -> str:
        """The state of a run when it has ended."""
        return until(lambda: (s := self.ask(self.run(run, dag))["state"]) in ("success", "failed") and s)

    def tasks(self, run: str, dag: str = DAG) -> dict[str, dict]:
        return {task["task_id"]: task for task in self.ask(f"{self.run(run, dag)}/taskInstances")["task_instances"]}

    def states(self, run: str, dag: str = DAG) -> dict[str, str]:
        return {name: task["state"] for name, task in self.tasks(run, dag).items()}

    def log(self, run: str, task: str, attempt: int = 1) -> list[str]:
        """What a task's log says, line by line."""
        lines = self.ask(f"{self.run(run)}/taskInstances/{task}/logs/{attempt}?full_content=true")["content"]
        return [line["event"] if isinstance(line, dict) else line for line in lines]

    def launcher(self, command: str, *servers: str) -> None:
        done = python("infra.local", command, *servers)
        assert done.returncode == 0, done.stdout

    def enter(self) -> None:
        """Log in, and let every DAG run."""
        settings = environment.load()
        login = {"username": settings["AIRFLOW_ADMIN_USER"], "password": settings["AIRFLOW_ADMIN_PASSWORD"]}
        self.token = self.ask("/auth/token", login)["access_token"]
        for dag in until(lambda: len(found := self.ask("/api/v2/dags")["dags"]) == 3 and found):
            self.ask(f"/api/v2/dags/{dag['dag_id']}", {"is_paused": False}, "PATCH")


@contextmanager
def running(folder: Path, *servers: str, **variables: str) -> Iterator[Airflow]:
    """Airflow and some servers, with their data, their `.env` and the lake in a folder; `variables` are Airflow's environment."""
    ports = server_ports()
    # In the file and not in the environment: there Airflow's tasks find them too.
    (folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
    before = dict(os.environ)
    for setting in environment.SETTINGS:
        # Servers of other tests may run as well.
        os.environ.pop(setting.name, None)
    os.environ.update(
        LAKEHOUSE_ENV=str(folder / ".env"),
        LAKEHOUSE_SERVERS=str(folder / "servers"),
        LAKE_PATH=str(folder / "lake"),
        LANDING=str(folder / "landing"),
        **variables,
    )
    made = Airflow(folder, f"http://127.0.0.1:{ports['AIRFLOW_PORT']}")
    try:
        made.launcher("up", *servers, "airflow")
        made.enter()
        yield made
    finally:
        made.launcher("down")
        os.environ.clear()
        os.environ.update(before)
