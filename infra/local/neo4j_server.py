"""Neo4j community edition, started from its jars on the machine's Java."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.errors import BadEnvironment

VERSION = "5.26.30"
FOLDERS = ("conf", "data", "logs", "run", "plugins", "import", "licenses")
OPENED = ("java.nio", "java.io", "java.lang", "sun.nio.ch")
# A query sees the graph as it was when it began. Without it, one that reads while a publication is committed sees a part of it;
# with it, such a query is run again until nothing changed meanwhile.
ONE_SNAPSHOT = {"internal.dbms.query.snapshot": "true", "internal.dbms.query.snapshot.retries": "100000"}


def _fetch(folder: Path) -> None:
    fetch.jars(folder, "neo4j", fetch.HERE / "neo4j.pom.xml")


def _configure(place: Place) -> None:
    for folder in FOLDERS:
        (place.data / folder).mkdir(parents=True, exist_ok=True)
    bolt, http = (f"127.0.0.1:{place.settings[name]}" for name in ("NEO4J_BOLT_PORT", "NEO4J_HTTP_PORT"))
    lines = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": bolt,
        "server.bolt.advertised_address": bolt,
        "server.http.listen_address": http,
        "server.http.advertised_address": http,
        "server.https.enabled": "false",
        "server.memory.pagecache.size": "256m",
        "db.tx_log.preallocate": "false",
        "dbms.usage_report.enabled": "false",
        **ONE_SNAPSHOT,
    }
    (place.data / "conf" / "neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
    if not (place.data / "data" / "dbms" / "auth.ini").exists() and not (place.data / "data" / "databases").exists():
        _set_first_password(place)


def _set_first_password(place: Place) -> None:
    """Java reads its arguments from a file, so that the password is on no command line."""
    arguments = ["-cp", f"{place.home}/*", "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", place.settings["NEO4J_PASSWORD"]]
    file = place.data / "conf" / "arguments"
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.writelines(f'"{argument}"\n' for argument in arguments)
    try:
        folders = {"NEO4J_HOME": str(place.data), "NEO4J_CONF": str(place.data / "conf")}
        options = ["-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        done = subprocess.run(["java", *options, f"@{file}"], env=os.environ | folders, capture_output=True, text=True)
    finally:
        file.unlink()
    if done.returncode:
        raise BadEnvironment(f"neo4j: setting the first password failed:\n{done.stdout}{done.stderr}".rstrip(), "Neo4j 5 needs Java 17")


def _command(place: Place) -> list[str]:
    heap = place.settings["NEO4J_HEAP"]
    return [
        "java",
        *("-cp", f"{place.home}/*", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8"),
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
        "--enable-native-access=ALL-UNNAMED",
        "org.neo4j.server.CommunityEntryPoint",
        *(f"--home-dir={place.data}", f"--config-dir={place.data}/conf"),
    ]


def _prepare(place: Place) -> None:
    from neo4j.exceptions import AuthError

    try:
        _ready(place.settings)
    except AuthError:
        raise BadEnvironment(
            f"neo4j: the password of {place.settings['NEO4J_USER']} is not the one that {place.data} was made with",
            "put the .env back that it was made with, or move the folder away",
        ) from None


def _ready(settings: Settings) -> str:
    from neo4j import GraphDatabase

    login = (settings["NEO4J_USER"], settings["NEO4J_PASSWORD"])
    with GraphDatabase.driver(
        f"bolt://127.0.0.1:{settings['NEO4J_BOLT_PORT']}", auth=login, connection_timeout=5, max_transaction_retry_time=0
    ) as driver:
        return driver.execute_query("CALL dbms.components() YIELD versions RETURN versions[0] AS version").records[0]["version"]


SERVER = Server(
    name="neo4j",
    version=VERSION,
    ports=("NEO4J_BOLT_PORT", "NEO4J_HTTP_PORT"),
    scheme="bolt",
    fetched_with={"mvn": "install Maven (Debian: apt install maven)"},
    runs_on={"java": "install a JDK 17 (Debian: apt install openjdk-17-jdk-headless)"},
    fetch=_fetch,
    configure=_configure,
    command=_command,
    prepare=_prepare,
    ready=_ready,
)
