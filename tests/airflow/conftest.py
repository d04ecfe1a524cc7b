"""One Airflow for all tests of this folder: its own port, lake, landing folder, passwords, and a receiver for the webhook."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from infra.local import environment
from lake.generator import generate
from tests.lakes import free_ports, python

DAG = "ecommerce_etl_pipeline"
PATIENCE = 900


@dataclass
class Airflow:
    """A running Airflow and what its runs work on."""

    folder: Path
    url: str
    token: str = ""
    told: list[dict] = field(default_factory=list)

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

    def trigger(self, run: str, **conf: object) -> None:
        self.ask(f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "dag_run_id": run, "conf": conf})

    def finish(self, run: str) -> str:
        """The state of a run when it has ended."""
        return until(lambda: (s := self.ask(f"/api/v2/dags/{DAG}/dagRuns/{run}")["state"]) in ("success", "failed") and s)

    def tasks(self, run: str) -> dict[str, dict]:
        found = self.ask(f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def log(self, run: str, task: str, attempt: int = 1) -> list[str]:
        """What a task's log says, line by line."""
        lines = self.ask(f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}?full_content=true")["content"]
        return [line["event"] if isinstance(line, dict) else line for line in lines]


def until(question: Callable[[], object]) -> object:
    """The first answer that is true; asked again and again."""
    end = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)
    return answer


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    folder = tmp_path_factory.mktemp("airflow")
    generate(folder / "landing", scale=0.01, seed=5, days=1)
    told: list[dict] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 (the name that http.server calls)
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not the tests' output."""

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    before, (port,) = dict(os.environ), free_ports(1)
    os.environ.update(
        AIRFLOW_PORT=str(port),
        LAKEHOUSE_ENV=str(folder / ".env"),
        LAKEHOUSE_SERVERS=str(folder / "servers"),
        LAKE_PATH=str(folder / "lake"),
        LANDING=str(folder / "landing"),
        LAKE_WEBHOOK_URL=f"http://127.0.0.1:{receiver.server_port}/",
        AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY="1",
    )
    try:
        done = python("infra.local", "up", "airflow")
        assert done.returncode == 0, done.stdout
        made = Airflow(folder, f"http://127.0.0.1:{port}", told=told)
        settings = environment.load()
        login = {"username": settings["AIRFLOW_ADMIN_USER"], "password": settings["AIRFLOW_ADMIN_PASSWORD"]}
        made.token = made.ask("/auth/token", login)["access_token"]
        until(lambda: DAG in [dag["dag_id"] for dag in made.ask("/api/v2/dags")["dags"]])
        made.ask(f"/api/v2/dags/{DAG}", {"is_paused": False}, "PATCH")
        yield made
    finally:
        down = python("infra.local", "down", "airflow")
        receiver.shutdown()
        os.environ.clear()
        os.environ.update(before)
        assert down.returncode == 0, down.stdout
