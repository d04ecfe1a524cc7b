"""Facts: items, payments and reviews of the orders whose customer is known.

A row whose order or customer has not come yet is left out; it waits in silver and enters when the parent comes.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MONEY = "decimal(12,2)"


def hours_between(start: str, end: str) -> Column:
    """Seconds between two timestamps / 3600."""
    return (F.unix_timestamp(end) - F.unix_timestamp(start)) / F.lit(3600.0)


def month(column: str) -> Column:
    """First day of the month of a date or timestamp."""
    return F.trunc(column, "month")


def on_time() -> Column:
    """date(delivered) <= date(estimated); null while not delivered."""
    return F.to_date("order_delivered_customer_date") <= F.to_date("order_estimated_delivery_date")


def known_orders(orders: DataFrame, customers: DataFrame) -> DataFrame:
    """Orders with their customer's person and standardised place."""
    people = customers.select(
        "customer_id", "customer_unique_id", F.col("customer_city_std").alias("customer_city"),
        F.col("customer_state_std").alias("customer_state"),
    )  # fmt: skip
    return orders.join(people, "customer_id", "inner").withColumns(
        {
            "purchase_date": F.to_date("order_purchase_timestamp"),
            "purchase_month": month("order_purchase_timestamp"),
            "is_on_time": on_time(),
        }
    )


def fact_orders(
    orders: DataFrame, customers: DataFrame, order_items: DataFrame, order_payments: DataFrame, order_reviews: DataFrame
) -> DataFrame:
    """One row per order; items, payments and reviews are brought to order grain before they meet."""
    items = order_items.groupBy("order_id").agg(
        F.count(F.lit(1)).cast("int").alias("items"),
        F.count_distinct("seller_id").cast("int").alias("sellers"),
        F.sum("price").cast(MONEY).alias("price_brl"),
        F.sum("freight_value").cast(MONEY).alias("freight_brl"),
    )
    payments = order_payments.groupBy("order_id").agg(
        F.count(F.lit(1)).cast("int").alias("payments"), F.sum("payment_value").cast(MONEY).alias("payment_brl")
    )
    reviews = order_reviews.groupBy("order_id").agg(
        F.count(F.lit(1)).cast("int").alias("reviews"),
        F.max(F.struct("review_answer_timestamp", "review_id", "review_score"))["review_score"].alias("review_score"),
    )
    joined = known_orders(orders, customers)
    for part in (items, payments, reviews):
        joined = joined.join(part, "order_id", "left")
    zero = F.lit(0).cast(MONEY)
    revenue = F.coalesce(F.col("price_brl") + F.col("freight_brl"), zero).cast(MONEY)
    return joined.select(
        "order_id", "customer_id", "customer_unique_id", "customer_city", "customer_state", "order_status",
        "order_purchase_timestamp", "purchase_date", "purchase_month", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date",
        F.to_date("order_estimated_delivery_date").alias("order_estimated_delivery_date"),
        hours_between("order_purchase_timestamp", "order_approved_at").alias("approval_hours"),
        hours_between("order_approved_at", "order_delivered_carrier_date").alias("handling_hours"),
        hours_between("order_delivered_carrier_date", "order_delivered_customer_date").alias("transit_hours"),
        F.date_diff("order_delivered_customer_date", "order_purchase_timestamp").alias("delivery_days"),
        F.date_diff("order_delivered_customer_date", "order_estimated_delivery_date").alias("delay_days"),
        "is_on_time",
        F.coalesce("items", F.lit(0)).alias("items"),
        F.coalesce("sellers", F.lit(0)).alias("sellers"),
        F.coalesce("price_brl", zero).alias("price_brl"),
        F.coalesce("freight_brl", zero).alias("freight_brl"),
        revenue.alias("revenue_brl"),
        F.coalesce("payments", F.lit(0)).alias("payments"),
        F.coalesce("payment_brl", zero).alias("payment_brl"),
        (F.col("payment_brl") - F.col("price_brl") - F.col("freight_brl")).cast(MONEY).alias("payment_gap_brl"),
        F.coalesce("reviews", F.lit(0)).alias("reviews"),
        "review_score",
    )  # fmt: skip


def fact_order_items(orders: DataFrame, customers: DataFrame, order_items: DataFrame, products: DataFrame, sellers: DataFrame) -> DataFrame:
    """One row per item; a product or seller that is not known yet leaves its columns empty, never the row out."""
    categories = products.select("product_id", category().alias("category"))
    places = sellers.select("seller_id", F.col("seller_state_std").alias("seller_state"))
    return (
        order_items.join(known_orders(orders, customers), "order_id", "inner")
        .join(categories, "product_id", "left")
        .join(places, "seller_id", "left")
        .select(
            "order_id", "order_item_id", "customer_unique_id", "customer_state", "product_id", "seller_id", "seller_state",
            F.coalesce("category", F.lit("unknown")).alias("category"), "order_status", "order_purchase_timestamp",
            "purchase_date", "purchase_month", "shipping_limit_date", "is_on_time",
            F.col("price").alias("price_brl"), F.col("freight_value").alias("freight_brl"),
            (F.col("price") + F.col("freight_value")).cast(MONEY).alias("revenue_brl"),
        )
    )  # fmt: skip


def category() -> Column:
    """The English category, else the Portuguese one, else 'unknown'."""
    return F.coalesce("product_category_name_english", "product_category_name", F.lit("unknown"))


def fact_payments(orders: DataFrame, customers: DataFrame, order_payments: DataFrame) -> DataFrame:
    """One row per payment."""
    return order_payments.join(known_orders(orders, customers), "order_id", "inner").select(
        "order_id", "payment_sequential", "customer_state", "order_status", "purchase_date", "purchase_month",
        "payment_type", "payment_installments", F.col("payment_value").alias("payment_brl"),
    )  # fmt: skip


def fact_reviews(orders: DataFrame, customers: DataFrame, order_reviews: DataFrame) -> DataFrame:
    """One row per review and order."""
    return order_reviews.join(known_orders(orders, customers), "order_id", "inner").select(
        "review_id", "order_id", "customer_unique_id", "customer_state", "order_status", "review_score",
        "review_comment_title", "review_comment_message", "review_creation_date", "review_answer_timestamp",
        month("review_creation_date").alias("review_month"),
        hours_between("review_creation_date", "review_answer_timestamp").alias("answer_hours"), "is_on_time",
    )  # fmt: skip
