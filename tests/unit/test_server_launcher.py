"""The launcher of servers, without a server: settings, ports, checksums, and that Docker compose has the same settings."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from infra.local import airflow_server, clickhouse_server, environment, fetch, launch, mongodb_server, neo4j_server, superset_server
from infra.local.process import Process, holder
from infra.local.server import Place
from infra.local.servers import SERVERS
from lake.errors import BadConfiguration, BadEnvironment, LakeBusy
from lake.settings import ROOT

COMPOSE = ROOT / "infra" / "compose"
SETTINGS = {setting.name: setting for setting in environment.SETTINGS}
VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")


@pytest.fixture
def env_file(tmp_path, monkeypatch) -> Path:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAKEHOUSE_ENV", str(tmp_path / "settings" / ".env"))
    return tmp_path / "settings" / ".env"


def test_the_file_is_made_for_its_owner_only(env_file):
    environment.create()
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    lines = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    assert list(lines) == list(SETTINGS)
    assert lines["MINIO_ENDPOINT"] == "http://127.0.0.1:9000"
    made = [lines[name] for name, setting in SETTINGS.items() if setting.secret]
    assert all(re.fullmatch("[0-9a-f]{32}", secret) for secret in made)
    assert len(set(made)) == len(made) == 18


def test_what_the_file_holds_is_kept_and_what_it_lacks_is_added(env_file):
    env_file.parent.mkdir()
    env_file.write_text("# mine\nMINIO_PORT=9100\nMONGODB_PASSWORD=abc\nKAGGLE=x=y\nNEO4J_PASSWORD=\n")
    env_file.chmod(0o644)
    environment.create()
    text = env_file.read_text()
    assert text.startswith("# mine\nMINIO_PORT=9100\nMONGODB_PASSWORD=abc\nKAGGLE=x=y\n")
    assert "\nMINIO_ENDPOINT=http://127.0.0.1:9100\n" in text
    assert len(re.findall("^NEO4J_PASSWORD=", text, re.M)) == 1 and re.search("^NEO4J_PASSWORD=[0-9a-f]{32}$", text, re.M)
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    environment.create()
    assert env_file.read_text() == text


def test_a_variable_of_the_process_wins_over_the_file(env_file, monkeypatch):
    environment.create()
    before = env_file.read_text()
    monkeypatch.setenv("MONGODB_PASSWORD", "from the process")
    monkeypatch.setenv("MINIO_PORT", "9100")
    settings = environment.load()
    assert settings["MONGODB_PASSWORD"] == "from the process"
    assert settings["MINIO_ENDPOINT"] == "http://127.0.0.1:9100"
    environment.create()
    assert env_file.read_text() == before


def test_without_a_file_there_are_defaults_and_no_secrets(env_file):
    settings = environment.load()
    assert settings["MONGODB_PORT"] == "27017" and settings["MONGODB_PASSWORD"] == ""
    assert not env_file.exists()


def test_a_line_that_is_no_setting_is_named(env_file):
    env_file.parent.mkdir()
    env_file.write_text("MINIO_PORT=9000\nexport A=b\n")
    with pytest.raises(BadConfiguration, match="line 2: not KEY=value"):
        environment.load()


@pytest.mark.parametrize(
    ("port", "message"),
    [("x", "MINIO_PORT is x, which is no port"), ("0", "no port"), ("27017", "MONGODB_PORT and MINIO_PORT are both 27017")],
)
def test_a_port_that_cannot_be_is_named(env_file, monkeypatch, port, message):
    monkeypatch.setenv("MINIO_PORT", port)
    with pytest.raises(BadConfiguration, match=message):
        environment.load()


def test_sh_reads_the_file_as_we_do(env_file):
    environment.create()
    shell = subprocess.run(["sh", "-ec", f". {env_file}; echo $CLICKHOUSE_PASSWORD"], capture_output=True, text=True, check=True)
    assert shell.stdout.strip() == environment.load()["CLICKHOUSE_PASSWORD"]


def test_a_taken_port_is_said_with_its_holder_and_its_setting(env_file, tmp_path):
    server = SERVERS["mongodb"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert re.match(rf"process {os.getpid()} \(.+\)", holder(port))
        place = launch.place(server, tmp_path, environment.load() | {"MONGODB_PORT": str(port)})
        with pytest.raises(BadEnvironment, match=rf"port {port} is taken by process {os.getpid()} \(.+\)") as error:
            launch.check(server, place)
    assert "set another MONGODB_PORT in .env" in error.value.hint
    assert error.value.exit_code == 6
    launch.check(server, place)
    assert environment.built_from("MINIO_PORT") == ["MINIO_ENDPOINT"] and environment.built_from("MONGODB_PORT") == []


def test_a_missing_tool_is_said(env_file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, tool in (("minio", "go"), ("clickhouse", "npm"), ("neo4j", "java")):
        place = launch.place(SERVERS[name], tmp_path, environment.load())
        with pytest.raises(BadEnvironment, match=f"there is no {tool}") as error:
            launch.check(SERVERS[name], place)
        assert "install" in error.value.hint


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path):
    (tmp_path / "sums").write_text(f"{'0' * 64}  one/a.jar\n{'1' * 64}  two/b.jar\n")
    file = tmp_path / "a.jar"
    file.write_bytes(b"something else")
    with pytest.raises(BadEnvironment, match=r"not what was pinned: a\.jar"):
        fetch.verify([file], "one", tmp_path / "sums")
    with pytest.raises(BadEnvironment, match=r"a\.jar, b\.jar"):
        fetch.verify([file], "two", tmp_path / "sums")
    with pytest.raises(BadEnvironment, match=r"a\.jar"):
        fetch.verify([], "one", tmp_path / "sums")


def test_an_interrupted_fetch_is_not_taken_for_whole(tmp_path):
    home = tmp_path / "server-1"

    def half(folder: Path) -> None:
        (folder / "half").touch()
        raise BadEnvironment("interrupted")

    with pytest.raises(BadEnvironment):
        fetch.ensure(home, half)
    assert not home.exists()
    fetch.ensure(home, lambda folder: (folder / "whole").touch())
    assert [file.name for file in home.iterdir()] == ["whole"]
    fetch.ensure(home, half)


def test_every_artifact_is_pinned():
    pinned = [line.split()[1].split("/")[0] for line in fetch.CHECKSUMS.read_text().splitlines()]
    # The packages of these two are pinned by their versions, each in a requirements.txt.
    assert set(pinned) == set(SERVERS) - {"airflow", "superset"}
    for requirements in (airflow_server.REQUIREMENTS, superset_server.REQUIREMENTS):
        packages = [line for line in requirements.read_text().splitlines() if line and not line.lstrip().startswith("#")]
        assert packages and all(re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+", package) for package in packages)
    assert pinned.count("neo4j") == 213


def test_a_pid_of_another_process_is_not_ours(tmp_path):
    child = subprocess.Popen(["sleep", "60"])
    process = Process.of(child.pid)
    process.write(tmp_path / "pid")
    assert Process.read(tmp_path / "pid") == process
    Process(child.pid, process.started - 1).write(tmp_path / "other")
    assert Process.read(tmp_path / "other") is None
    assert process.stop(patience=5) is False
    child.wait()
    assert Process.read(tmp_path / "pid") is None
    assert Process.read(tmp_path / "none") is None


def test_a_process_that_ignores_sigterm_is_killed():
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; sleep 60 & wait; sleep 60"], stdout=subprocess.PIPE)
    child.stdout.read(1)
    assert Process.of(child.pid).stop(patience=0.3) is True
    assert child.wait() == -9


def test_a_second_up_waits_for_nobody(tmp_path):
    with launch.alone(tmp_path), pytest.raises(LakeBusy), launch.alone(tmp_path):
        pass


def test_no_secret_is_on_a_command_line(env_file, tmp_path):
    environment.create()
    settings = environment.load()
    secrets = {settings[name] for name, setting in SETTINGS.items() if setting.secret}
    for server in SERVERS.values():
        command = " ".join(server.command(Place(tmp_path, tmp_path, settings)))
        assert not [secret for secret in secrets if secret in command]


def compose() -> dict:
    return yaml.safe_load((COMPOSE / "docker-compose.yml").read_text())


def test_compose_uses_the_same_settings_with_the_same_defaults():
    text = "\n".join(line for line in (COMPOSE / "docker-compose.yml").read_text().splitlines() if not line.lstrip().startswith("#"))
    used = {}
    for name, operator, value in VARIABLE.findall(text):
        used[name] = True
        if name.startswith("SPARK_"):
            continue
        setting = SETTINGS[name]
        assert operator == (":?" if setting.secret else ":-"), name
        assert setting.secret or value == setting.default, name
    # Addresses, paths and proxies of programs outside of the containers.
    assert SETTINGS.keys() - used.keys() == {"NO_PROXY", "MINIO_ENDPOINT", "TRINO_CERTIFICATE", "TRINO_LOCAL_LAKE"}


def test_compose_lets_a_query_see_one_snapshot_as_the_local_servers_do():
    told = compose()["services"]["neo4j"]["environment"]
    assert {f"NEO4J_{name.replace('.', '_')}": value for name, value in neo4j_server.ONE_SNAPSHOT.items()}.items() <= told.items()
    start = (COMPOSE / "mongodb" / "start.sh").read_text()
    assert all(f"--setParameter {parameter}" in start for parameter in mongodb_server.ONE_SNAPSHOT)


def test_compose_listens_on_this_machine_only_and_on_the_same_ports():
    services = compose()["services"]
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:${") for port in service.get("ports", [])), name
    for name, server in SERVERS.items():
        assert tuple(VARIABLE.search(port)[1] for port in services[name]["ports"]) == server.ports


def test_compose_pins_limits_and_watches_every_service():
    definition = compose()
    for name, service in definition["services"].items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
        assert "latest" not in service["image"] and service["mem_limit"]
        assert "healthcheck" in service or name.endswith("-setup")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (COMPOSE / source).exists() if source.startswith(".") else source in definition["volumes"], volume


def test_compose_has_the_same_users_of_clickhouse_with_the_same_rights(env_file):
    ours = ElementTree.fromstring(clickhouse_server.users(environment.load())).find("users")
    theirs = ElementTree.parse(COMPOSE / "clickhouse" / "users.xml").getroot().find("users")
    assert theirs.find("default").get("remove") == "remove"
    for user in ("publisher", "reader"):
        for what in ("profile", "quota", "grants/query"):
            assert [e.text for e in ours.findall(f"{user}/{what}")] == [e.text for e in theirs.findall(f"{user}/{what}")]
