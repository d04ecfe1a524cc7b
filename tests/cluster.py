"""A master and a worker of Spark on this machine: this project's Spark, or Spark as it comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pyspark

from tests.lakes import free_ports, until


@contextmanager
def cluster(folder: Path, environment: dict[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """Gives the master's address, and that of its page.

    Args:
        folder: where the worker works.
        environment: in which both run (default: the caller's, with this project's Spark).
    """
    port, page = free_ports(2)
    master, web = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}/json/"
    env = environment or os.environ
    # A job that waits for the lake holds its executors meanwhile: all that come at once must have room.
    env = {**env, "SPARK_DAEMON_MEMORY": "256m", "SPARK_MASTER_OPTS": "-Dspark.deploy.defaultCores=1"}
    program = str(Path(env.get("SPARK_HOME") or Path(sys.executable).parent.parent, "bin", "spark-class"))
    parts = [
        ["org.apache.spark.deploy.master.Master", "--port", str(port), "--webui-port", str(page)],
        ["org.apache.spark.deploy.worker.Worker", "--cores", "4", "--memory", "4g", "--work-dir", str(folder), master],
    ]
    running = []
    try:
        for name, *arguments in parts:
            command = [program, name, "--host", "127.0.0.1", *arguments]
            running.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            until(lambda: answer(web))
        until(lambda: answer(web)["aliveworkers"] == 1)
        yield master, web
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def answer(web: str) -> dict | None:
    """What a page of Spark says as JSON; None while nobody answers, or only the page for people does, which comes first."""
    try:
        with urlopen(web, timeout=10) as found:
            return json.load(found)
    except (OSError, json.JSONDecodeError):
        return None


def spark_as_it_comes(folder: Path, lacking: tuple[str, ...] = ()) -> dict[str, str]:
    """The environment of a machine that has Spark without our jars and settings, and a Python that knows neither this project
    nor what it is `lacking`; no key of a bucket is in it."""
    ours, spark = Path(pyspark.__file__).parent, folder / "spark"
    (spark / "jars").mkdir(parents=True)
    for jar in (ours / "jars").glob("*.jar"):
        if not jar.is_symlink() and not jar.name.startswith("lakehouse"):
            (spark / "jars" / jar.name).symlink_to(jar)
    for part in ("bin", "python"):
        (spark / part).symlink_to(ours / part)
    absent, programs = folder / "absent", folder / "programs"
    for made in (absent, programs):
        made.mkdir()
    for name in ("lake", *lacking):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\")\n")
    python = programs / "python3"
    python.write_text(f'#!/bin/sh\nexport PYTHONPATH="{absent}:$PYTHONPATH"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "JAVA_HOME") if name in os.environ}
    return {**kept, "SPARK_HOME": str(spark), "PATH": f"{programs}:{os.environ['PATH']}"}
