"""ClickHouse: the library out of an npm package, run by clickhouse_process, with users from a file."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
from pathlib import Path

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.errors import BadEnvironment
from lake.settings import ROOT

VERSION = "26.7.2.1"
PACKAGE = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
ENGINES = ("MergeTree", "ReplacingMergeTree", "AggregatingMergeTree", "SummingMergeTree", "Memory")

# `default` is the user that the program itself logs in as, once; see clickhouse_process. It may do no more than what that asks for.
USERS = """<clickhouse>
  <profiles>
    <default/>
    <readonly><readonly>2</readonly></readonly>
  </profiles>
  <quotas>
    <default/>
  </quotas>
  <users>
    <default>
      <http_authentication><server>once</server><scheme>basic</scheme></http_authentication>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT CREATE DATABASE ON `{database}`.*</query>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT READ ON FILE</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
{users}
  </users>
</clickhouse>
"""

USER = """    <{name}>
      <password_sha256_hex>{password}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>{profile}</profile>
      <quota>default</quota>
      <grants>
{grants}
      </grants>
    </{name}>"""


def _fetch(folder: Path) -> None:
    fetch.tarball(folder, "clickhouse", PACKAGE, "package/libchdb.so")


def _configure(place: Place) -> None:
    (place.data / "db").mkdir(parents=True, exist_ok=True)
    with open(os.open(place.data / "users.xml", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(users(place.settings))


def users(settings: Settings) -> str:
    """The file of users: who may log in, with the sums of their passwords, and what they may do."""
    database = settings["CLICKHOUSE_DATABASE"]
    writes = [f"ALL ON `{database}`.*", "SELECT ON system.parts", "CREATE TEMPORARY TABLE ON *.*"]
    writes += [f"TABLE ENGINE ON {engine}" for engine in ENGINES]
    publisher = _user(settings["CLICKHOUSE_USER"], settings["CLICKHOUSE_PASSWORD"], "default", writes)
    reads = [f"SELECT ON `{database}`.*"]
    reader = _user(settings["CLICKHOUSE_READER_USER"], settings["CLICKHOUSE_READER_PASSWORD"], "readonly", reads)
    return USERS.format(database=database, users=f"{publisher}\n{reader}")


def _user(name: str, password: str, profile: str, grants: list[str]) -> str:
    lines = "\n".join(f"        <query>GRANT {grant}</query>" for grant in grants)
    return USER.format(name=name, password=hashlib.sha256(password.encode()).hexdigest(), profile=profile, grants=lines)


def _command(place: Place) -> list[str]:
    return [
        *(sys.executable, "-m", "infra.local.clickhouse_process"),
        *("--library", str(place.home / "libchdb.so"), "--folder", str(place.data)),
        *("--http-port", place.settings["CLICKHOUSE_HTTP_PORT"], "--tcp-port", place.settings["CLICKHOUSE_TCP_PORT"]),
        *("--database", place.settings["CLICKHOUSE_DATABASE"]),
    ]


def _variables(_: Place) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT)}


def _ready(settings: Settings) -> str:
    return query(settings, settings["CLICKHOUSE_USER"], settings["CLICKHOUSE_PASSWORD"], "SELECT version()").strip()


def query(settings: Settings, user: str, password: str, sql: str) -> str:
    """The answer of the local ClickHouse, as text.

    Raises:
        BadEnvironment: it answered with an error, such as a wrong password or a missing right.
        OSError: nothing answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", int(settings["CLICKHOUSE_HTTP_PORT"]), timeout=10)
    login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password, "X-ClickHouse-Database": settings["CLICKHOUSE_DATABASE"]}
    try:
        connection.request("POST", "/", body=sql.encode(), headers=login)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise BadEnvironment(f"clickhouse: {text.strip().splitlines()[0]}")
    return text


SERVER = Server(
    name="clickhouse",
    version=VERSION,
    ports=("CLICKHOUSE_HTTP_PORT", "CLICKHOUSE_TCP_PORT"),
    scheme="http",
    fetched_with={"npm": "install Node.js with npm (Debian: apt install npm)"},
    fetch=_fetch,
    configure=_configure,
    command=_command,
    ready=_ready,
    variables=_variables,
)
