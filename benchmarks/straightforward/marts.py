"""The straightforward way's job: marts."""

from common import fact, save, spark
from pyspark.sql import functions as F

items = fact("fact_items")
for name, by in {"sales_by_month": ["month"], "sales_by_state": ["customer_state"], "product_by_category": ["product_category_name"],
                 "seller_scorecard": ["seller_id"], "geo_flow": ["seller_state", "customer_state"]}.items():  # fmt: skip
    save(
        items.groupBy(*by).agg(
            F.sum("price").alias("price"), F.sum("freight_value").alias("freight"), F.countDistinct("order_id").alias("n")
        ),
        name,
    )
save(fact("fact_payments").groupBy("payment_type").agg(F.sum("payment_value").alias("value"), F.count("*").alias("n")), "payment_mix")
save(
    fact("fact_reviews").groupBy(F.trunc("review_creation_date", "month").alias("month")).agg(F.avg("review_score").alias("score")),
    "review_trend",
)
a, b = items.select("order_id", F.col("product_id").alias("a")), items.select("order_id", F.col("product_id").alias("b"))
save(a.join(b, "order_id").where("a < b").groupBy("a", "b").count(), "bought_together")
days = F.datediff("order_delivered_customer_date", "order_purchase_timestamp")
save(fact("fact_orders").groupBy("customer_state").agg(F.avg(days).alias("days")), "delivery")
spark.stop()
