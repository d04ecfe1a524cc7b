"""What each job of the straightforward way begins with: a session of its own, with Spark's and Delta's own settings."""

import sys

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.appName(sys.argv[0])
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .getOrCreate()
)
lake = sys.argv[1]


def clean(name):
    """A cleaned table."""
    return spark.read.parquet(f"{lake}/clean/{name}.parquet")


def fact(name):
    """A fact written by the first job."""
    return spark.read.format("delta").load(f"{lake}/{name}")


def save(frame, name):
    """Write a Delta table and count it, as such jobs do."""
    frame.write.format("delta").mode("overwrite").save(f"{lake}/{name}")
    print(name, spark.read.format("delta").load(f"{lake}/{name}").count())
