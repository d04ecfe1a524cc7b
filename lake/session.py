"""The one builder of Spark sessions, and the lake that a session works on."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from py4j.java_gateway import JavaClass, JavaMember, JVMView
from pyspark import SparkConf, SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from lake.errors import BadEnvironment
from lake.settings import CONF, ROOT, Settings

# As pyspark, lake/storage.py, lake/tables.py and lake/delta.py name them.
CLASSES = (
    "functions",
    "PythonUtils",
    "org.apache.spark.sql.functions",
    "org.apache.spark.sql.types.Metadata",
    "org.apache.spark.sql.classic.Dataset",
    "org.apache.spark.sql.classic.SparkSession",
    "org.apache.spark.sql.classic.SparkSession$",
    "org.apache.spark.sql.delta.DeltaLog",
    "org.apache.spark.sql.delta.commands.cdc.CDCReader",
    "org.apache.hadoop.fs.Path",
    "org.apache.commons.io.IOUtils",
    "lakehouse.KnownFiles",
    "lakehouse.NewTable",
    "scala.Option",
)

PAGE = "spark.buffer.pageSize"

# What each thread keeps for itself: its session, which costs as much as reading a table.
_thread = threading.local()


@dataclass(frozen=True)
class Lake:
    """A session and the root of the tables it reads and writes."""

    spark: SparkSession
    root: str
    landing: str

    def path(self, table: str) -> str:
        """Folder of a table named layer.table."""
        return f"{self.root}/{table.replace('.', '/')}"

    def apart(self) -> Lake:
        """The same lake in this thread's own session: a MERGE takes its commit's metadata from the session, so tables that
        are written at the same time must not share one."""
        own = getattr(_thread, "session", None)
        if own is None or own.sparkContext is not self.spark.sparkContext:
            own = _thread.session = self.spark.newSession()
        return replace(self, spark=own)

    def rows(self, values: Sequence[Sequence[Any]], schema: StructType) -> DataFrame:
        """A few rows of this program as a frame. What pyspark makes of a list is read by a Python worker, which has to start."""
        types = to_arrow_schema(schema, timezone="UTC")
        columns = [pa.array([row[at] for row in values], type=field.type) for at, field in enumerate(types)]
        return self.spark.createDataFrame(pa.Table.from_arrays(columns, schema=types), schema)


def _defaults() -> dict[str, str]:
    """The settings of conf/spark-defaults.conf."""
    lines = (CONF / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name: value.strip() for name, value in pairs}


def _chosen(given: SparkConf, settings: Settings) -> dict[str, str]:
    """The settings that a session gets besides those that were given to spark-submit."""
    ours = {**_defaults(), **settings.spark}
    # spark-submit says local[*] where nobody said anything.
    named = given.get("spark.master", "local[*]")
    master = named if named != "local[*]" else ours["spark.master"]
    chosen = {name: value for name, value in ours.items() if not given.contains(name)} | {"spark.master": master}
    return chosen if master.startswith("local") else chosen | _for_a_cluster(given, chosen, master)


def _for_a_cluster(given: SparkConf, chosen: Mapping[str, str], master: str) -> dict[str, str]:
    """What the workers of a cluster need, which are Spark as it comes: the connectors' jars, the keys of the bucket, and the
    address of this driver."""
    jars = [str(jar) for jar in sorted((ROOT / ".venv" / "jars").glob("*.jar")) if not jar.name.startswith("neo4j-")]
    needed = {"spark.jars": ",".join([*filter(None, [given.get("spark.jars", "")]), *jars])}
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    needed |= {f"spark.executorEnv.{key}": os.environ[key] for key in keys if key in os.environ}
    if "spark.driver.host" in chosen and (place := re.match(r"spark://([^:,]+):(\d+)", master)):
        address = _own_address(place[1], int(place[2]))
        needed |= {"spark.driver.host": address, "spark.driver.bindAddress": address}
    return needed


def _own_address(host: str, port: int) -> str:
    """The address of this machine by which a master of Spark, and so its workers, can reach it."""
    try:
        with socket.create_connection((host, port), timeout=10) as connection:
            return connection.getsockname()[0]
    except OSError as error:
        hint = "is it running? --master or SPARK_MASTER says where"
        raise BadEnvironment(f"no master of Spark answers at {host}:{port}: {error}", hint) from error


_asked = JavaClass.__getattr__


def _remembered(of: JavaClass, name: str) -> Any:
    """A member of a class of the JVM; a method is not asked for again."""
    found = _asked(of, name)
    if isinstance(found, JavaMember):
        setattr(of, name, found)
    return found


def _remember_classes(jvm: JVMView) -> None:
    """Look up once what every column and path asks for, classes and their methods. py4j asks each time anew, and what is not a
    class (org, org.apache) is sought in every jar: a twentieth of a small run."""
    for name in CLASSES:
        setattr(jvm, name, getattr(jvm, name))
    JavaClass.__getattr__ = _remembered


def open_lake(settings: Settings, app_name: str) -> Lake:
    """Start (or find) the Spark session of a profile. What was given to spark-submit wins over the profile, the profile
    over conf/spark-defaults.conf.

    Raises:
        BadEnvironment: the JVM or its jars can't be started, or the cluster's master does not answer.
    """
    try:
        SparkContext._ensure_initialized()
        builder = SparkSession.builder.appName(app_name)
        for name, value in _chosen(SparkConf(), settings).items():
            builder = builder.config(name, value)
        for brought in ("io.delta.sql.DeltaSparkSessionExtension", "lakehouse.LeanSpark"):
            SparkContext._jvm.java.lang.Class.forName(brought)
        spark = builder.getOrCreate()
    except BadEnvironment:
        raise
    except Exception as error:
        raise BadEnvironment(
            f"Spark does not start: {str(error).splitlines()[0]}", "run `make setup`; Java 17 and the jars must be there"
        ) from error
    # What a join broadcasts by a whole number is made with settings of its own, from the JVM's properties: else its page has 64 MB.
    spark._jvm.java.lang.System.setProperty(PAGE, spark.conf.get(PAGE))
    _remember_classes(spark._jvm)
    spark._jvm.lakehouse.LeanSpark.lighten(spark._jsc.sc())
    spark._jvm.lakehouse.CompiledCode.remember()
    return Lake(spark, settings.lake.rstrip("/"), settings.landing.rstrip("/"))
