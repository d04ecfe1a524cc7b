"""How conf/spark-env.sh starts the driver's JVM, as spark-submit sources it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lake.settings import CONF

QUICK = "-XX:TieredStopAtLevel=1"
SIZE = 300 * 2**20


def options(*arguments: str, show: str = "SPARK_SUBMIT_OPTS", **environment: str) -> str:
    """The JVM's options of a spark-submit with these arguments, or another variable of its environment."""
    script = f'. {CONF / "spark-env.sh"} && echo "${show}"'
    env = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ} | environment
    done = subprocess.run(["bash", "-c", script, "spark-class", *arguments], env=env, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def large(tmp_path: Path) -> Path:
    with (tmp_path / "orders.csv").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)
    return tmp_path


def test_much_data_gets_the_full_compiler(large: Path) -> None:
    assert QUICK not in options("jobs/pipeline.py", "--landing", str(large))
    assert QUICK not in options("jobs/pipeline.py", f"--landing={large}")
    assert QUICK not in options("jobs/publish.py", LANDING=str(large))


def test_little_data_gets_the_quick_compiler(large: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    little = tmp_path_factory.mktemp("little")
    assert QUICK in options("jobs/pipeline.py", "--landing", str(little), LANDING=str(large))
    assert QUICK in options("jobs/pipeline.py", "--landing", "s3a://bucket/landing")
    assert QUICK in options("jobs/pipeline.py", LANDING=str(little / "none"))


def test_the_heap_begins_as_large_as_spark_is_told(large: Path) -> None:
    assert "-Xms700m " in options("--driver-memory", "700m", "jobs/pipeline.py", SPARK_DRIVER_MEMORY="2g")
    assert "-Xms2g " in options("jobs/pipeline.py", SPARK_DRIVER_MEMORY="2gb")


def test_keys_come_from_the_env_file_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# keys\nAAA_KEY=abc==\nMINIO_ROOT_KEY=no\nLAST_KEY=zzz", encoding="utf-8")
    got = [options(show=name, LAKEHOUSE_ENV=str(tmp_path / "env")).strip() for name in ("AAA_KEY", "MINIO_ROOT_KEY", "LAST_KEY")]
    assert got == ["abc==", "", "zzz"]


def test_who_says_otherwise_is_heard(large: Path) -> None:
    assert options("--landing", str(large), LAKE_JVM="-XX:+UseG1GC").startswith("-XX:+UseG1GC -Xms")


@pytest.mark.parametrize(
    ("given", "got"), [({}, "C.UTF-8"), ({"LC_ALL": "C"}, "C.UTF-8"), ({"LANG": "pt_BR.UTF-8"}, ""), ({"LC_ALL": "de"}, "de")]
)
def test_names_of_files_are_read_in_utf_8_where_the_locale_says_nothing(given: dict[str, str], got: str) -> None:
    assert options(show="LC_ALL", **given).strip() == got
