"""Superset in an environment of its own, with the dashboards of superset/assets."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.request import HTTPCookieProcessor, Request, build_opener

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.catalog import catalog_of
from lake.settings import ROOT, load_settings

FOLDER = ROOT / "superset"
REQUIREMENTS = FOLDER / "requirements.txt"
# Another list of packages is another environment.
VERSION = f"6.1.0-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]}"
# Of the stores, only the accounts that read.
GIVEN = ("SUPERSET_", "CLICKHOUSE_READER_", "CLICKHOUSE_HTTP_PORT", "CLICKHOUSE_DATABASE", "TRINO_READER_", "TRINO_PORT")


def _fetch(folder: Path) -> None:
    fetch.environment(folder, REQUIREMENTS)


def _command(place: Place) -> list[str]:
    return [str(place.home / "bin" / "python"), str(FOLDER / "serve.py")]


def _variables(place: Place) -> dict[str, str]:
    catalog = catalog_of(load_settings().lake)
    return {name: value for name, value in place.settings.items() if name.startswith(GIVEN)} | {
        "SUPERSET_HOME": str(place.data),
        "CLICKHOUSE_HOST": os.environ.get("CLICKHOUSE_HOST", "127.0.0.1"),
        "TRINO_HOST": os.environ.get("TRINO_HOST", "127.0.0.1"),
        "TRINO_CERTIFICATE": str(ROOT / place.settings["TRINO_CERTIFICATE"]),
        # A local lake that Trino was not told of is looked for where one would be: the charts say that it is not there.
        "TRINO_CATALOG": catalog[0] if catalog else "local",
    }


def _ready(settings: Settings) -> str:
    Session(settings, "ADMIN").ask("/api/v1/dashboard/")
    return VERSION.partition("-")[0]


class Session:
    """Superset's REST API, logged in as one of the three: ADMIN, ANALYST or VIEWER."""

    def __init__(self, settings: Settings, who: str) -> None:
        self._url, self._headers, self._opener = f"http://127.0.0.1:{settings['SUPERSET_PORT']}", {}, build_opener(HTTPCookieProcessor())
        login = {"username": settings[f"SUPERSET_{who}_USER"], "password": settings[f"SUPERSET_{who}_PASSWORD"], "provider": "db"}
        self._headers = {"Authorization": f"Bearer {self.ask('/api/v1/security/login', login)['access_token']}"}
        self._headers |= {"X-CSRFToken": self.ask("/api/v1/security/csrf_token/")["result"]}

    def ask(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        """The answer as JSON; urllib.error.HTTPError where it says no."""
        return json.loads(self.read(path, body, method))

    def chart(self, number: int, answer: str = "full", **chosen: Sequence[str]) -> dict:
        """The answer to a chart's question, as its data (full) or as SQL (query), with values chosen of some columns."""
        asked = json.loads(self.ask(f"/api/v1/chart/{number}")["result"]["query_context"])
        asked["queries"][0]["filters"] += [{"col": name, "op": "IN", "val": list(values)} for name, values in chosen.items()]
        return self.ask("/api/v1/chart/data", asked | {"result_type": answer})["result"][0]

    def read(self, path: str, body: dict | None = None, method: str | None = None) -> bytes:
        """The answer as it is."""
        data = None if body is None else json.dumps(body).encode()
        # Superset reads a body wherever a request says that it has one.
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        with self._opener.open(Request(f"{self._url}{path}", data, headers, method=method), timeout=60) as answer:
            return answer.read()


SERVER = Server(
    name="superset",
    version=VERSION,
    ports=("SUPERSET_PORT",),
    scheme="http",
    fetch=_fetch,
    command=_command,
    ready=_ready,
    variables=_variables,
    by_name_only=True,
    start_seconds=300,
)
