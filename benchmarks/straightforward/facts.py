"""The straightforward way's job: facts."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = (
    SparkSession.builder.appName("facts")
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


orders = clean("orders").join(clean("customers"), "customer_id")
items = clean("order_items").join(orders, "order_id").join(clean("products"), "product_id").join(clean("sellers"), "seller_id")
save(items.withColumn("month", F.trunc("order_purchase_timestamp", "month")), "fact_items")
save(clean("order_payments").join(orders, "order_id"), "fact_payments")
save(clean("order_reviews").join(orders, "order_id"), "fact_reviews")
paid = clean("order_payments").groupBy("order_id").agg(F.sum("payment_value").alias("payment_value"))
save(orders.join(paid, "order_id", "left"), "fact_orders")
spark.stop()
