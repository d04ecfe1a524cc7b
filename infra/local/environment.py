"""The settings of all servers, kept in .env: made at the first `up`, readable by its owner only.

The file holds plain KEY=value lines without quotes, so that make, sh and docker compose read the same values.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from lake.errors import BadConfiguration
from lake.settings import env_file


@dataclass(frozen=True)
class Setting:
    """A line of .env: a default, which may name other settings in braces, or a secret that is made by chance."""

    name: str
    default: str = ""
    secret: bool = False


SETTINGS = (
    # A proxy that the environment names for the world outside is not asked for these servers.
    Setting("NO_PROXY", "127.0.0.1,localhost"),
    Setting("MINIO_PORT", "9000"),
    Setting("MINIO_CONSOLE_PORT", "9001"),
    Setting("MINIO_ENDPOINT", "http://127.0.0.1:{MINIO_PORT}"),
    Setting("MINIO_ROOT_USER", "lake_admin"),
    Setting("MINIO_ROOT_PASSWORD", secret=True),
    Setting("AWS_ACCESS_KEY_ID", "lake_writer"),
    Setting("AWS_SECRET_ACCESS_KEY", secret=True),
    Setting("LAKE_READER_KEY", "lake_reader"),
    Setting("LAKE_READER_SECRET", secret=True),
    Setting("LAKE_BUCKET", "lake"),
    Setting("LAKE_VERSIONING", "off"),
    Setting("MONGODB_PORT", "27017"),
    Setting("MONGODB_ADMIN_USER", "admin"),
    Setting("MONGODB_ADMIN_PASSWORD", secret=True),
    Setting("MONGODB_USER", "publisher"),
    Setting("MONGODB_PASSWORD", secret=True),
    Setting("MONGODB_READER_USER", "reader"),
    Setting("MONGODB_READER_PASSWORD", secret=True),
    Setting("MONGODB_DATABASE", "ecommerce"),
    Setting("CLICKHOUSE_HTTP_PORT", "8123"),
    Setting("CLICKHOUSE_TCP_PORT", "9002"),
    Setting("CLICKHOUSE_USER", "publisher"),
    Setting("CLICKHOUSE_PASSWORD", secret=True),
    Setting("CLICKHOUSE_READER_USER", "reader"),
    Setting("CLICKHOUSE_READER_PASSWORD", secret=True),
    Setting("CLICKHOUSE_DATABASE", "ecommerce"),
    Setting("NEO4J_BOLT_PORT", "7687"),
    Setting("NEO4J_HTTP_PORT", "7474"),
    Setting("NEO4J_USER", "neo4j"),
    Setting("NEO4J_PASSWORD", secret=True),
    Setting("NEO4J_HEAP", "1g"),
    Setting("AIRFLOW_PORT", "8090"),
    Setting("AIRFLOW_ADMIN_USER", "admin"),
    Setting("AIRFLOW_ADMIN_PASSWORD", secret=True),
    Setting("AIRFLOW_VIEWER_USER", "viewer"),
    Setting("AIRFLOW_VIEWER_PASSWORD", secret=True),
    # Empty: SQLite in Airflow's data folder. Else an address as SQLAlchemy writes it: postgresql+psycopg2://...
    Setting("AIRFLOW_DATABASE"),
    # What the connection spark_default names; AIRFLOW_CONN_SPARK_DEFAULT in the environment says more.
    Setting("AIRFLOW_SPARK_MASTER", "local[2]"),
    # Empty: nobody is told of a failed task, and lineage goes to a file in the lake (docs/airflow.md).
    Setting("LAKE_WEBHOOK_URL"),
    Setting("OPENLINEAGE_URL"),
    Setting("TRINO_PORT", "8443"),
    Setting("TRINO_USER", "publisher"),
    Setting("TRINO_PASSWORD", secret=True),
    Setting("TRINO_READER_USER", "reader"),
    Setting("TRINO_READER_PASSWORD", secret=True),
    Setting("TRINO_INTERNAL_SECRET", secret=True),
    Setting("TRINO_CERTIFICATE", "data/servers/trino/certificate.pem"),
    Setting("TRINO_LOCAL_LAKE", "data/lake"),
    Setting("TRINO_HEAP", "2g"),
    Setting("SUPERSET_PORT", "8088"),
    Setting("SUPERSET_SECRET_KEY", secret=True),
    Setting("SUPERSET_ADMIN_USER", "admin"),
    Setting("SUPERSET_ADMIN_PASSWORD", secret=True),
    Setting("SUPERSET_ANALYST_USER", "analyst"),
    Setting("SUPERSET_ANALYST_PASSWORD", secret=True),
    Setting("SUPERSET_VIEWER_USER", "viewer"),
    Setting("SUPERSET_VIEWER_PASSWORD", secret=True),
)
SETTING_NAMES = {setting.name for setting in SETTINGS}


def built_from(name: str) -> list[str]:
    """Settings whose default names another: once the file has them, they don't follow it."""
    return [setting.name for setting in SETTINGS if f"{{{name}}}" in setting.default]


def load() -> dict[str, str]:
    """All settings by name; a variable of the process wins over the file, and a secret that exists nowhere is empty.

    Raises:
        BadConfiguration: a line of the file is not KEY=value, or a port is no port or used twice.
    """
    given = {s.name: os.environ[s.name] for s in SETTINGS if os.environ.get(s.name)}
    kept = _read(env_file())
    values = kept | given
    for setting in SETTINGS:
        # What is built from other settings follows them when the process's variables move them away from the file.
        moved = setting.name not in given and any(f"{{{name}}}" in setting.default for name in given)
        if moved or not values.get(setting.name):
            values[setting.name] = setting.default.format_map(values)
    _check_ports({name: value for name, value in values.items() if name in SETTING_NAMES and name.endswith("_PORT")})
    return values


def _check_ports(ports: dict[str, str]) -> None:
    users: dict[int, str] = {}
    for name, value in ports.items():
        if not value.isdecimal() or not 0 < int(value) < 65536:
            raise BadConfiguration(f"{name} is {value}, which is no port", f"change it in {env_file()}")
        other = users.setdefault(int(value), name)
        if other != name:
            raise BadConfiguration(f"{name} and {other} are both {value}", f"change one in {env_file()}")


def create() -> None:
    """Makes the file, or adds to it what is missing; what it holds stays as it is. Its mode becomes 600.

    Raises:
        BadConfiguration: a line of the file is not KEY=value.
    """
    file = env_file()
    kept = _read(file)
    values = dict(kept)
    for setting in SETTINGS:
        if not values.get(setting.name):
            values[setting.name] = secrets.token_hex(16) if setting.secret else setting.default.format_map(values)
    if values == kept:
        file.chmod(0o600)
        return
    lines = [line for line in _lines(file) if _is_comment(line) or kept[line.split("=", 1)[0]]]
    lines += [f"{name}={value}" for name, value in values.items() if not kept.get(name)]
    _write(file, "".join(f"{line}\n" for line in lines))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _is_comment(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _read(file: Path) -> dict[str, str]:
    values = {}
    for number, line in enumerate(_lines(file), start=1):
        if _is_comment(line):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.isidentifier():
            raise BadConfiguration(f"{file}, line {number}: not KEY=value", "correct it, or delete the line: `up` adds what is missing")
        values[name] = value
    return values


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    part.replace(file)
