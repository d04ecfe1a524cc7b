"""The straightforward way's job: segments."""

from common import fact, save, spark
from pyspark.sql import Window
from pyspark.sql import functions as F

people = fact("fact_orders").groupBy("customer_unique_id").agg(
    F.max("order_purchase_timestamp").alias("last"), F.count("*").alias("frequency"), F.sum("payment_value").alias("monetary")
)  # fmt: skip
for column in ("last", "frequency", "monetary"):
    people = people.withColumn(f"{column}_score", F.ntile(5).over(Window.orderBy(column)))
save(people, "customer_segments")
spark.stop()
