"""The one builder of Spark sessions, and the lake that a session works on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from pyspark.sql import SparkSession

from lake.errors import BadEnvironment
from lake.settings import Settings


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
        """The same lake in a session of its own: a MERGE takes its commit's metadata from the session, so tables that
        are written at the same time must not share one."""
        return replace(self, spark=self.spark.newSession())


def open_lake(settings: Settings, app_name: str) -> Lake:
    """Start (or find) the Spark session of a profile.

    Settings that a running JVM can't change any more come from conf/spark-defaults.conf, which every spark-submit reads.

    Raises:
        BadEnvironment: the JVM or its jars can't be started.
    """
    builder = SparkSession.builder.appName(app_name)
    for name, value in settings.spark.items():
        # spark-submit --master wins over the profile.
        if not (name == "spark.master" and "MASTER" in os.environ):
            builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
        spark._jvm.io.delta.tables.DeltaTable  # noqa: B018  the attribute is a package, not a class, when the jar is missing
        spark._jvm.java.lang.Class.forName("io.delta.sql.DeltaSparkSessionExtension")
    except Exception as error:
        raise BadEnvironment(
            f"Spark does not start: {str(error).splitlines()[0]}", "run `make setup`; Java 17 and the jars must be there"
        ) from error
    return Lake(spark, settings.lake.rstrip("/"), settings.landing.rstrip("/"))
