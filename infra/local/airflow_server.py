"""Airflow in an environment of its own, with the DAGs of airflow/dags."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.settings import ROOT, env_file

FOLDER = ROOT / "airflow"
REQUIREMENTS = FOLDER / "requirements.txt"
# Another list of packages is another environment.
VERSION = f"3.3.2-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]}"
PASSWORDS = "passwords.json"
# Of the caller's environment: which lake and where, where the stores are and news are sent to, another connection to Spark, any
# setting of Airflow's own.
PASSED_ON = (
    *("LAKE", "LAKE_PATH", "LANDING", "LAKE_BUCKET", "MINIO_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("MONGODB_HOST", "CLICKHOUSE_HOST", "NEO4J_HOST", "TRINO_HOST"),
    *("SPARK_MASTER", "LAKE_WEBHOOK_URL", "OPENLINEAGE_URL", "AIRFLOW_CONN_SPARK_DEFAULT"),
)
PATHS = ("LAKE_PATH", "LANDING")


def _fetch(folder: Path) -> None:
    fetch.environment(folder, REQUIREMENTS)


def _configure(place: Place) -> None:
    settings = place.settings
    users = {settings[f"AIRFLOW_{who}_USER"]: settings[f"AIRFLOW_{who}_PASSWORD"] for who in ("ADMIN", "VIEWER")}
    file = place.data / PASSWORDS
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(users, out)


def _command(place: Place) -> list[str]:
    return [sys.executable, str(ROOT / "infra" / "local" / "airflow_process.py")]


def variables(place: Place) -> dict[str, str]:
    """The environment of all of Airflow's processes; its passwords are in a file, the jobs' are read from .env by the jobs."""
    settings, url = place.settings, f"http://127.0.0.1:{place.settings['AIRFLOW_PORT']}"
    given = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    given |= {name: str(Path(given[name]).resolve()) for name in PATHS if name in given and "://" not in given[name]}
    own = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Four tasks at most: more drivers than that have no room on a laptop.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{settings['AIRFLOW_ADMIN_USER']}:admin,{settings['AIRFLOW_VIEWER_USER']}:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(place.data / PASSWORDS),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": settings["AIRFLOW_PORT"],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": _key(place.data),
        # A DAG is made from the contracts: looking for changes every few seconds would cost more than the runs.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": settings["AIRFLOW_SPARK_MASTER"]}),
    }
    if settings["AIRFLOW_DATABASE"]:
        own["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = settings["AIRFLOW_DATABASE"]
    return (
        own
        | {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW__")}
        | given
        | {
            "AIRFLOW_HOME": str(place.data),
            "PATH": os.pathsep.join([str(FOLDER / "bin"), str(place.home / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "LAKEHOUSE_HOME": str(ROOT),
            "LAKEHOUSE_ENV": str(env_file()),
        }
    )


def _key(folder: Path) -> str:
    """What Airflow signs its tokens with: made once, so that a restart loses no task that runs."""
    file = folder / "key"
    # Empty where whoever made it was killed.
    if not file.exists() or not file.stat().st_size:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(secrets.token_hex(64))
    return file.read_text()


def _ready(settings: Settings) -> str:
    login = {"username": settings["AIRFLOW_ADMIN_USER"], "password": settings["AIRFLOW_ADMIN_PASSWORD"]}
    token = _ask(settings, "/auth/token", body=login)["access_token"]
    health = _ask(settings, "/api/v2/monitor/health")
    if ill := [part for part in ("metadatabase", "scheduler", "dag_processor") if health[part]["status"] != "healthy"]:
        raise BadHealth(f"not healthy yet: {', '.join(ill)}")
    return _ask(settings, "/api/v2/version", token)["version"]


class BadHealth(Exception):
    """A part of Airflow does not work, perhaps not yet."""


def _ask(settings: Settings, path: str, token: str = "", body: dict | None = None) -> dict:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(f"http://127.0.0.1:{settings['AIRFLOW_PORT']}{path}", data, headers), timeout=10) as answer:
        return json.load(answer)


SERVER = Server(
    name="airflow",
    version=VERSION,
    ports=("AIRFLOW_PORT",),
    scheme="http",
    runs_on={"java": "install a JDK 17 (Debian: apt install openjdk-17-jdk-headless)", "setpriv": "install util-linux"},
    fetch=_fetch,
    configure=_configure,
    command=_command,
    ready=_ready,
    variables=variables,
    by_name_only=True,
    start_seconds=300,
)
