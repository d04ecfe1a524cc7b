"""The straightforward way's job: facts."""

from common import clean, save, spark
from pyspark.sql import functions as F

orders = clean("orders").join(clean("customers"), "customer_id")
items = clean("order_items").join(orders, "order_id").join(clean("products"), "product_id").join(clean("sellers"), "seller_id")
save(items.withColumn("month", F.trunc("order_purchase_timestamp", "month")), "fact_items")
save(clean("order_payments").join(orders, "order_id"), "fact_payments")
save(clean("order_reviews").join(orders, "order_id"), "fact_reviews")
paid = clean("order_payments").groupBy("order_id").agg(F.sum("payment_value").alias("payment_value"))
save(orders.join(paid, "order_id", "left"), "fact_orders")
spark.stop()
