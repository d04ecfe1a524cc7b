"""The four servers, really started: who gets in, who may write, and what survives. Nothing is skipped: what can't run has failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from neo4j import GraphDatabase
from neo4j.exceptions import Neo4jError
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from infra.local import clickhouse_server, environment, minio_server
from infra.local.process import Process
from infra.local.servers import SERVERS
from lake.errors import BadEnvironment
from tests.lakes import ROOT, free_ports, server_ports

DAILY = [name for name, server in SERVERS.items() if not server.by_name_only]
STORING = [name for name in DAILY if name != "trino"]
# 127.0.0.1, ::1 and ::ffff:127.0.0.1, as /proc writes them
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


class Launcher:
    """The command line in an environment of its own: fresh data, fresh .env, ports that are free."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "servers"
        named = {setting.name for setting in environment.SETTINGS}
        self.variables = {name: value for name, value in os.environ.items() if name not in named}
        self.variables |= {"LAKEHOUSE_ENV": str(folder / ".env"), "LAKEHOUSE_SERVERS": str(self.data), "PYTHONPATH": str(ROOT)}
        self.variables["TRINO_CERTIFICATE"] = str(folder / "trino.pem")
        (folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in server_ports().items()))

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.local", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.variables | variables, capture_output=True, text=True, timeout=1800)

    @property
    def settings(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in Path(self.variables["LAKEHOUSE_ENV"]).read_text().splitlines())

    def process(self, name: str) -> Process | None:
        return Process.read(self.data / name / "pid")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    launcher = Launcher(tmp_path_factory.mktemp("launcher"))
    started = launcher("up")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        write(launcher.settings)
        yield launcher
    finally:
        stopped = launcher("down")
    assert stopped.returncode == 0, stopped.stderr
    assert not [name for name in DAILY if launcher.process(name)]


@pytest.fixture
def settings(launcher) -> dict[str, str]:
    return launcher.settings


def mongo(settings: dict[str, str], user: str, password: str) -> MongoClient:
    return MongoClient("127.0.0.1", int(settings["MONGODB_PORT"]), username=user, password=password, directConnection=True)


def clickhouse(settings: dict[str, str], sql: str) -> str:
    return clickhouse_server.query(settings, settings["CLICKHOUSE_USER"], settings["CLICKHOUSE_PASSWORD"], sql)


def neo4j(settings: dict[str, str], cypher: str, password: str | None = None) -> list:
    login = (settings["NEO4J_USER"], settings["NEO4J_PASSWORD"] if password is None else password)
    with GraphDatabase.driver(f"bolt://127.0.0.1:{settings['NEO4J_BOLT_PORT']}", auth=login) as driver:
        return driver.execute_query(cypher).records


def writer(settings: dict[str, str]):
    return minio_server.client(settings, settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"])


def write(settings: dict[str, str]) -> None:
    """A row in each server, by the user who publishes."""
    writer(settings).put_object(Bucket="lake", Key="kept", Body=b"1")
    with mongo(settings, "publisher", settings["MONGODB_PASSWORD"]) as client:
        client["ecommerce"]["kept"].insert_one({"_id": 1})
    clickhouse(settings, "CREATE TABLE kept (id Int64) ENGINE = MergeTree ORDER BY id")
    clickhouse(settings, "INSERT INTO kept VALUES (1)")
    neo4j(settings, "CREATE (:Kept {id: 1})")


def kept(settings: dict[str, str]) -> dict[str, int]:
    """How many of these rows are there."""
    with mongo(settings, "reader", settings["MONGODB_READER_PASSWORD"]) as client:
        documents = client["ecommerce"]["kept"].count_documents({})
    return {
        "minio": len(writer(settings).list_objects_v2(Bucket="lake", Prefix="kept").get("Contents", [])),
        "mongodb": documents,
        "clickhouse": int(clickhouse(settings, "SELECT count() FROM kept")),
        "neo4j": neo4j(settings, "MATCH (n:Kept) RETURN count(n) AS n")[0]["n"],
    }


@pytest.mark.parametrize(
    ("key", "secret"), [("lake_admin", "minioadmin"), ("minioadmin", "minioadmin"), ("lake_writer", "lake_writer"), ("", "")]
)
def test_minio_refuses_other_passwords(settings, key, secret):
    if not key:
        anonymous = f"http://127.0.0.1:{settings['MINIO_PORT']}/lake/kept"
        answer = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", anonymous], capture_output=True, text=True)
        assert answer.stdout == "403"
        return
    with pytest.raises(ClientError, match="InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden"):
        minio_server.client(settings, key, secret).list_objects_v2(Bucket="lake")


@pytest.mark.parametrize(
    ("user", "password"), [("admin", "admin"), ("admin", "password"), ("publisher", "publisher"), ("reader", "reader")]
)
def test_mongodb_refuses_other_passwords(settings, user, password):
    with mongo(settings, user, password) as client, pytest.raises(OperationFailure, match="Authentication failed"):
        client["ecommerce"].list_collection_names()


def test_mongodb_refuses_a_client_without_a_password(settings):
    with MongoClient("127.0.0.1", int(settings["MONGODB_PORT"]), directConnection=True) as client:
        with pytest.raises(OperationFailure, match="requires authentication"):
            client["ecommerce"].list_collection_names()
        with pytest.raises(OperationFailure, match="requires authentication|not authorized"):
            client.admin.command("createUser", "guest", pwd="guest", roles=["root"])


@pytest.mark.parametrize(
    ("user", "password"),
    [("default", ""), ("default", "default"), ("publisher", ""), ("publisher", "publisher"), ("reader", ""), ("", "")],
)
def test_clickhouse_refuses_other_passwords(settings, user, password):
    with pytest.raises(BadEnvironment, match="Authentication failed"):
        clickhouse_server.query(settings, user, password, "SELECT 1")


@pytest.mark.parametrize("password", ["", "neo4j", "password"])
def test_neo4j_refuses_other_passwords(settings, password):
    # After three wrong ones it makes the client wait, which is a refusal too.
    with pytest.raises(Neo4jError, match="Unauthorized|AuthenticationRateLimit"):
        neo4j(settings, "RETURN 1", password)


def test_neo4j_refuses_a_client_without_a_password(settings):
    with (
        GraphDatabase.driver(f"bolt://127.0.0.1:{settings['NEO4J_BOLT_PORT']}") as driver,
        pytest.raises(Neo4jError, match="Unauthorized|AuthenticationRateLimit"),
    ):
        driver.execute_query("RETURN 1")


def test_the_reader_of_minio_reads_and_does_not_write(settings):
    reader = minio_server.client(settings, settings["LAKE_READER_KEY"], settings["LAKE_READER_SECRET"])
    assert reader.get_object(Bucket="lake", Key="kept")["Body"].read() == b"1"
    for forbidden in (
        lambda: reader.put_object(Bucket="lake", Key="new", Body=b""),
        lambda: reader.delete_object(Bucket="lake", Key="kept"),
        lambda: reader.create_bucket(Bucket="other"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden()


def test_the_writer_of_minio_has_one_bucket(settings):
    with pytest.raises(ClientError, match="AccessDenied"):
        writer(settings).create_bucket(Bucket="other")
    writer(settings).put_object(Bucket="lake", Key="gone", Body=b"")
    writer(settings).delete_object(Bucket="lake", Key="gone")


def test_the_reader_of_mongodb_reads_and_does_not_write(settings):
    with mongo(settings, "reader", settings["MONGODB_READER_PASSWORD"]) as client:
        assert client["ecommerce"]["kept"].find_one() == {"_id": 1}
        for forbidden in (
            lambda: client["ecommerce"]["kept"].insert_one({}),
            lambda: client["ecommerce"]["kept"].drop(),
            lambda: client["other"].list_collection_names(),
        ):
            with pytest.raises(OperationFailure, match="not authorized"):
                forbidden()


def test_the_publisher_of_mongodb_does_what_publishing_needs(settings):
    with mongo(settings, "publisher", settings["MONGODB_PASSWORD"]) as client:
        database = client["ecommerce"]
        database.create_collection("new", validator={"$jsonSchema": {"required": ["n"]}})
        database["new"].create_index("n", unique=True)
        with client.start_session() as session, session.start_transaction():
            database["new"].insert_one({"n": 1}, session=session)
        database["new"].rename("published", dropTarget=True)
        database.command("collMod", "published", validator={})
        assert database["published"].count_documents({}) == 1
        database["published"].drop()
        with pytest.raises(OperationFailure, match="not authorized"):
            client["other"]["new"].insert_one({})


def test_the_reader_of_clickhouse_reads_and_does_not_write(settings):
    def read(sql: str) -> str:
        return clickhouse_server.query(settings, "reader", settings["CLICKHOUSE_READER_PASSWORD"], sql)

    assert read("SELECT id FROM kept") == "1\n"
    for forbidden in ("INSERT INTO kept VALUES (2)", "DROP TABLE kept", "SELECT * FROM file('/etc/hostname', LineAsString, 'l String')"):
        with pytest.raises(BadEnvironment, match="Not enough privileges|readonly"):
            read(forbidden)


def test_the_publisher_of_clickhouse_does_what_publishing_needs(settings):
    for name in ("new", "published"):
        clickhouse(settings, f"CREATE TABLE {name} (id Int64, day Date) ENGINE = ReplacingMergeTree ORDER BY id PARTITION BY day")
    clickhouse(settings, "INSERT INTO new VALUES (1, '2018-01-01')")
    clickhouse(settings, "EXCHANGE TABLES new AND published")
    assert clickhouse(settings, "SELECT count() FROM published") == "1\n"
    clickhouse(settings, "ALTER TABLE new REPLACE PARTITION '2018-01-01' FROM published")
    for name in ("new", "published"):
        clickhouse(settings, f"DROP TABLE {name}")
    with pytest.raises(BadEnvironment, match="Not enough privileges"):
        clickhouse(settings, "CREATE DATABASE other")


def test_servers_listen_on_this_machine_only(launcher):
    for name in DAILY:
        pid = launcher.process(name).pid
        sockets = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    assert fields[1].split(":")[0] in LOOPBACK, f"{name}: {line}"


def test_secrets_are_in_no_log_and_on_no_command_line(launcher):
    secrets = [launcher.settings[setting.name] for setting in environment.SETTINGS if setting.secret]
    for name in DAILY:
        logs = [launcher.data / name / "log.txt", *(launcher.data / name / "logs").glob("*.log")]
        seen = "".join(log.read_text(errors="replace") for log in logs)
        seen += Path(f"/proc/{launcher.process(name).pid}/cmdline").read_text()
        assert not [secret for secret in secrets if secret in seen], name
        assert (launcher.data / name).stat().st_mode & 0o077 == 0


def test_status_tells_health_by_its_exit_code(launcher):
    healthy = launcher("status")
    assert healthy.returncode == 0, healthy.stdout
    assert healthy.stdout.count("answers") == len(DAILY) and "5.26.30" in healthy.stdout
    wrong = launcher("status", "mongodb", MONGODB_PASSWORD="wrong")
    assert wrong.returncode == 1 and "Authentication failed" in wrong.stdout


def test_a_proxy_for_the_world_outside_is_not_asked_for_what_runs_here(launcher):
    (nobody,) = free_ports(1)
    proxy = {name: f"http://127.0.0.1:{nobody}" for name in ("http_proxy", "https_proxy", "all_proxy")}
    for name in ("no_proxy", "NO_PROXY"):
        launcher.variables.pop(name, None)
    healthy = launcher("status", **proxy)
    assert healthy.returncode == 0, healthy.stdout
    for store, question in (("clickhouse", "SELECT 1 AS one"), ("trino", "SELECT 1 AS one"), ("neo4j", "RETURN 1 AS one")):
        command = [sys.executable, "-m", "lake.ask", store, question, "--format", "csv"]
        asked = subprocess.run(command, cwd=ROOT, env=launcher.variables | proxy, capture_output=True, text=True)
        assert asked.stdout.split() == ["one", "1"], asked.stderr


def test_up_twice_changes_nothing(launcher):
    before = {name: launcher.process(name) for name in DAILY}
    text = Path(launcher.variables["LAKEHOUSE_ENV"]).read_text()
    again = launcher("up")
    assert again.returncode == 0 and again.stdout.count("runs already") == len(DAILY)
    assert {name: launcher.process(name) for name in DAILY} == before
    assert Path(launcher.variables["LAKEHOUSE_ENV"]).read_text() == text


def test_a_taken_port_is_said_and_nothing_is_started(launcher, tmp_path):
    port = launcher.settings["CLICKHOUSE_HTTP_PORT"]
    other = launcher("up", "mongodb", "clickhouse", "--data", str(tmp_path / "other"), MONGODB_PORT=str(free_ports(1)[0]))
    assert other.returncode == 6
    assert f"port {port} is taken by process {launcher.process('clickhouse').pid} (" in other.stderr
    assert "set another CLICKHOUSE_HTTP_PORT in .env" in other.stderr
    assert not (tmp_path / "other" / "mongodb").exists()


def test_down_where_nothing_runs_is_no_error(launcher, tmp_path):
    nothing = launcher("down", "--data", str(tmp_path / "other"))
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")


def test_data_survive_a_kill_and_an_orderly_end(launcher, settings):
    killed = {name: launcher.process(name) for name in DAILY}
    for process in killed.values():
        os.kill(process.pid, signal.SIGKILL)
    stopped = launcher("status")
    assert stopped.returncode == 1 and stopped.stdout.count("it is not started") == len(DAILY)
    started = launcher("up", LAKE_VERSIONING="on")
    assert started.returncode == 0, started.stderr
    assert kept(settings) == dict.fromkeys(STORING, 1)
    assert writer(settings).get_bucket_versioning(Bucket="lake")["Status"] == "Enabled"

    ended = launcher("down")
    assert ended.returncode == 0 and ended.stdout.count(": stopped") == len(DAILY), ended.stdout + ended.stderr
    # On another port the replica set of MongoDB has to follow.
    moved = {"MONGODB_PORT": str(free_ports(1)[0])}
    started = launcher("up", **moved)
    assert started.returncode == 0, started.stderr
    assert kept(settings | moved) == dict.fromkeys(STORING, 1)


def test_other_passwords_than_the_data_were_made_with_are_said(launcher):
    before = launcher.process("neo4j")
    wrong = launcher("up", "neo4j", NEO4J_PASSWORD="wrong")
    assert wrong.returncode == 6 and "the password of neo4j is not the one that" in wrong.stderr
    assert launcher.process("neo4j") == before

    launcher("down", "mongodb")
    wrong = launcher("up", "mongodb", MONGODB_ADMIN_PASSWORD="wrong")
    assert wrong.returncode == 6 and "the password of admin is not the one that" in wrong.stderr
    assert launcher.process("mongodb") is None


def test_a_server_that_dies_while_starting_shows_its_log(launcher, tmp_path):
    (tmp_path / "mongodb" / "db").mkdir(parents=True)
    (tmp_path / "mongodb" / "db" / "WiredTiger").mkdir()
    died = launcher("up", "mongodb", "--data", str(tmp_path))
    assert died.returncode == 6
    assert "mongodb ended while starting" in died.stderr and "  | {" in died.stderr
