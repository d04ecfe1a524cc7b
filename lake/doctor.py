"""Is everything there that a run needs? One line a check; a failing one says what to do."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from secrets import token_hex

import boto3
import pyspark
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from lake.contracts import STORES
from lake.errors import BadEnvironment, LakeError
from lake.program import main_of, of_lake, parser
from lake.settings import CONF, Settings

JARS = Path(pyspark.__file__).parent / "jars"
MEMORY_GIB, DISK_GIB, CLOCK_SECONDS = 3, 5, 10


@dataclass(frozen=True)
class Finding:
    """What a check found, and for a failure what to do."""

    check: str
    good: bool
    detail: str
    hint: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Check this machine, and the lake's bucket where the lake is in one."""
    yield _java()
    yield from _jars()
    yield _memory()
    yield _disk(settings)
    if settings.lake.startswith("s3a://"):
        yield from _bucket(settings)
    for store in STORES:
        # Who has never started or named a store publishes nothing to it.
        if os.environ.get(f"{store.upper()}_PASSWORD"):
            yield _store(store)


def _java() -> Finding:
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if os.environ.get("JAVA_HOME") else "java"
    try:
        told = subprocess.run([str(java), "-version"], capture_output=True, text=True).stderr
    except OSError as error:
        return Finding("Java", False, f"{java}: {error.strerror}", "install a JDK 17 (Debian: openjdk-17-jdk-headless), or set JAVA_HOME")
    found = re.search(r'version "(\d+)', told)
    if found is None:
        return Finding("Java", False, f"{java} does not say its version: {told.strip()[:80]!r}", "install a JDK 17, or set JAVA_HOME")
    version = int(found[1])
    return Finding("Java", version >= 17, f"version {version}", "Spark needs 17 or newer")


def _jars() -> Iterator[Finding]:
    pinned = {line.split()[1] for line in (CONF / "spark-jars.sha256").read_text(encoding="utf-8").splitlines()}
    # Links into the cache of downloads, which somebody may have emptied; Neo4j's is beside the others.
    places = [*JARS.glob("*.jar"), *(Path(sys.prefix) / "jars").glob("neo4j-*.jar")]
    there = {path.name for path in places if path.exists()}
    missing = sorted(pinned - there)
    yield Finding("connectors' jars", not missing, f"{len(pinned)} pinned, {len(missing)} missing {' '.join(missing[:3])}", "make setup")
    versions = {name: _version_of(name, there) for name in ("hadoop-aws", "hadoop-client-api")}
    same = len(set(versions.values())) == 1
    yield Finding(
        "hadoop-aws equals Spark's Hadoop", same, ", ".join(f"{n} {v}" for n, v in versions.items()), "mend conf/spark-jars.pom.xml"
    )
    yield Finding("log store for buckets", "lakehouse.jar" in there, "two drivers on one table lose nothing", "make setup")


def _version_of(jar: str, names: set[str]) -> str:
    return next((found[1] for name in names if (found := re.fullmatch(rf"{jar}-([\d.]+)\.jar", name))), "none")


def _memory() -> Finding:
    told = Path("/proc/meminfo").read_text(encoding="utf-8")
    gib = int(re.search(r"MemAvailable:\s+(\d+)", told)[1]) / 2**20
    return Finding(
        "memory",
        gib >= MEMORY_GIB,
        f"{gib:.1f} GiB available",
        f"{MEMORY_GIB} GiB are wanted: stop something, or lower SPARK_DRIVER_MEMORY",
    )


def _disk(settings: Settings) -> Finding:
    place = Path.cwd() if "://" in settings.lake else Path(settings.lake)
    while not place.exists():
        place = place.parent
    gib = shutil.disk_usage(place).free / 2**30
    return Finding("disk", gib >= DISK_GIB, f"{gib:.1f} GiB free at {place}", f"{DISK_GIB} GiB are wanted")


def _bucket(settings: Settings) -> Iterator[Finding]:
    """One byte put, put again on condition, read, listed and deleted, with the keys that Spark uses."""
    endpoint = settings.spark["spark.hadoop.fs.s3a.endpoint"]
    bucket, _, prefix = settings.lake.removeprefix("s3a://").partition("/")
    if not os.environ.get("AWS_ACCESS_KEY_ID") or not os.environ.get("AWS_SECRET_ACCESS_KEY"):
        yield Finding(
            "credentials", False, "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set", "`make up` writes them into .env, or export them"
        )
        return
    yield Finding("credentials", True, f"key {os.environ['AWS_ACCESS_KEY_ID']}")
    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )  # fmt: skip
    place = {"Bucket": bucket, "Key": f"{prefix}/ops/_doctor/{token_hex(8)}"}
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "endpoint and bucket": (lambda: s3.head_bucket(Bucket=bucket), "is MinIO running? `make up`; MINIO_ENDPOINT says where"),
        "put": (lambda: s3.put_object(**place, Body=b"1"), "the keys may not write: use the writer's"),
        "conditional put": (lambda: _refused(s3, place), "this store overwrites what it should refuse: two drivers would lose commits"),
        "get": (lambda: s3.get_object(**place)["Body"].read(), "the keys may not read"),
        "list": (lambda: s3.list_objects_v2(Bucket=bucket, Prefix=place["Key"])["Contents"], "the keys may not list"),
        "delete": (lambda: s3.delete_object(**place), "the keys may not delete"),
    }
    answer: object = None
    for name, (step, hint) in steps.items():
        try:
            began = time.perf_counter()
            answer = step()
            yield Finding(name, True, f"{(time.perf_counter() - began) * 1000:.0f} ms")
        except (BotoCoreError, ClientError, LakeError, KeyError) as error:
            yield Finding(name, False, str(error).splitlines()[0], hint)
            return
    there = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    apart = abs(there - time.time())
    yield Finding("clock", apart <= CLOCK_SECONDS, f"{apart:.0f} s from the store's", "set the clock (NTP): leases and signatures need it")


def _store(name: str) -> Finding:
    """Whether a store knows the account that publishes, and what it holds."""
    # The stores' clients take a second to load.
    from lake.publish import STORES as MODULES

    try:
        held = MODULES[name].held()
    except BadEnvironment as error:
        return Finding(name, False, error.args[0], "`make up` starts it, `make status` tells more")
    return Finding(name, True, f"holds snapshot {held.snapshot.id}" if held else "answers, holds nothing yet")


def _refused(s3, place: dict[str, str]) -> None:
    try:
        s3.put_object(**place, Body=b"2", IfNoneMatch="*")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 412:
            return
        raise
    raise BadEnvironment("a conditional put over an existing object was accepted")


def _print(findings: list[Finding]) -> None:
    table = Table("", "check", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.good else "[red]no[/]"
        table.add_row(mark, finding.check, finding.detail, "" if finding.good else finding.hint)
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def main() -> None:
    """Command line; ends with 6 if something is not well."""

    def work(settings: Settings, args: argparse.Namespace) -> None:
        findings = list(examine(settings))
        _print(findings)
        if not all(finding.good for finding in findings):
            sys.exit(BadEnvironment.exit_code)

    main_of(of_lake(parser("lake.doctor", __doc__)), work)


if __name__ == "__main__":
    main()
