"""The straightforward way's job: segments."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = (
    SparkSession.builder.appName("segments")
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


from pyspark.sql import Window  # noqa: E402

people = fact("fact_orders").groupBy("customer_unique_id").agg(
    F.max("order_purchase_timestamp").alias("last"), F.count("*").alias("frequency"), F.sum("payment_value").alias("monetary")
)  # fmt: skip
for column in ("last", "frequency", "monetary"):
    people = people.withColumn(f"{column}_score", F.ntile(5).over(Window.orderBy(column)))
save(people, "customer_segments")
spark.stop()
