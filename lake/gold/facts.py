"""Facts: items, payments and reviews of the orders whose customer is known.

A row whose order or customer has not come yet is left out; it waits in silver and enters when the parent comes.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

MONEY = "decimal(12,2)"


def seconds_between(start: str, end: str) -> Column:
    """Whole seconds between two timestamps: their sums are exact, in whatever order they are added."""
    return F.unix_timestamp(end) - F.unix_timestamp(start)


def hours_between(start: str, end: str) -> Column:
    """Seconds between two timestamps / 3600."""
    return seconds_between(start, end) / F.lit(3600.0)


def month(column: str) -> Column:
    """First day of the month of a date or timestamp."""
    return F.trunc(column, "month")


def on_time() -> Column:
    """date(delivered) <= date(estimated); null while not delivered."""
    return F.to_date("order_delivered_customer_date") <= F.to_date("order_estimated_delivery_date")


def fact_orders(
    orders: DataFrame, customers: DataFrame, order_items: DataFrame, order_payments: DataFrame, order_reviews: DataFrame,
    products: DataFrame,
) -> DataFrame:  # fmt: skip
    """One row per order; items, payments and reviews are brought to order grain before they meet."""
    people = customers.select(
        "customer_id", "customer_unique_id", F.col("customer_city_std").alias("customer_city"),
        F.col("customer_state_std").alias("customer_state"),
    )  # fmt: skip
    items = (
        _with_category(order_items, products)
        .groupBy("order_id")
        .agg(
            F.count(F.lit(1)).cast("int").alias("items"),
            # A set like that of categories: beside it, a count of distinct values would have everything aggregated four times.
            F.size(F.collect_set("seller_id")).alias("sellers"),
            F.array_join(F.array_sort(F.collect_set("category")), "|").alias("categories"),
            F.sum("price").cast(MONEY).alias("price_brl"),
            F.sum("freight_value").cast(MONEY).alias("freight_brl"),
        )
    )
    payments = order_payments.groupBy("order_id").agg(
        F.count(F.lit(1)).cast("int").alias("payments"), F.sum("payment_value").cast(MONEY).alias("payment_brl")
    )
    reviews = order_reviews.groupBy("order_id").agg(
        F.count(F.lit(1)).cast("int").alias("reviews"),
        F.max(F.struct("review_answer_timestamp", "review_id", "review_score"))["review_score"].alias("review_score"),
    )
    joined = orders.join(people, "customer_id", "inner")
    for part in (items, payments, reviews):
        joined = joined.join(part, "order_id", "left")
    zero = F.lit(0).cast(MONEY)
    revenue = F.coalesce(F.col("price_brl") + F.col("freight_brl"), zero).cast(MONEY)
    return joined.select(
        "order_id", "customer_id", "customer_unique_id", "customer_city", "customer_state", "order_status",
        "order_purchase_timestamp", F.to_date("order_purchase_timestamp").alias("purchase_date"),
        month("order_purchase_timestamp").alias("purchase_month"), "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date",
        F.to_date("order_estimated_delivery_date").alias("order_estimated_delivery_date"),
        hours_between("order_purchase_timestamp", "order_approved_at").alias("approval_hours"),
        hours_between("order_approved_at", "order_delivered_carrier_date").alias("handling_hours"),
        hours_between("order_delivered_carrier_date", "order_delivered_customer_date").alias("transit_hours"),
        F.date_diff("order_delivered_customer_date", "order_purchase_timestamp").alias("delivery_days"),
        F.date_diff("order_delivered_customer_date", "order_estimated_delivery_date").alias("delay_days"),
        on_time().alias("is_on_time"),
        F.coalesce("items", F.lit(0)).alias("items"),
        F.coalesce("sellers", F.lit(0)).alias("sellers"),
        "categories",
        F.coalesce("price_brl", zero).alias("price_brl"),
        F.coalesce("freight_brl", zero).alias("freight_brl"),
        revenue.alias("revenue_brl"),
        F.coalesce("payments", F.lit(0)).alias("payments"),
        F.coalesce("payment_brl", zero).alias("payment_brl"),
        (F.col("payment_brl") - F.col("price_brl") - F.col("freight_brl")).cast(MONEY).alias("payment_gap_brl"),
        F.coalesce("reviews", F.lit(0)).alias("reviews"),
        "review_score",
    )  # fmt: skip


def fact_order_items(order_items: DataFrame, fact_orders: DataFrame, products: DataFrame, sellers: DataFrame) -> DataFrame:
    """One row per item; a product or seller that is not known yet leaves its columns empty, never the row out."""
    places = sellers.select("seller_id", F.col("seller_state_std").alias("seller_state"))
    of_order = fact_orders.select(
        "order_id", "customer_unique_id", "customer_state", "order_status", "order_purchase_timestamp", "purchase_date", "purchase_month",
        "is_on_time", "delivery_days", "review_score", F.col("items").alias("order_items"),
    )  # fmt: skip
    of_seller = Window.partitionBy("order_id", "seller_id").orderBy("order_item_id")
    return (
        _with_category(order_items.join(of_order, "order_id", "inner"), products)
        .join(places, "seller_id", "left")
        .select(
            "order_id", "order_item_id", "order_items", "customer_unique_id", "customer_state", "product_id", "seller_id", "seller_state",
            F.row_number().over(of_seller).alias("seller_item_id"), "category", "order_status", "order_purchase_timestamp",
            "purchase_date", "purchase_month", "shipping_limit_date", "is_on_time", "delivery_days", "review_score",
            F.col("price").alias("price_brl"), F.col("freight_value").alias("freight_brl"),
            (F.col("price") + F.col("freight_value")).cast(MONEY).alias("revenue_brl"),
        )
    )  # fmt: skip


def category() -> Column:
    """The English category, else the Portuguese one, else 'unknown'."""
    return F.coalesce("product_category_name_english", "product_category_name", F.lit("unknown"))


def _with_category(items: DataFrame, products: DataFrame) -> DataFrame:
    """Items with the category of their product, 'unknown' while that is not known."""
    known = products.select("product_id", category().alias("category"))
    return items.join(known, "product_id", "left").withColumn("category", F.coalesce("category", F.lit("unknown")))


def fact_payments(order_payments: DataFrame, fact_orders: DataFrame) -> DataFrame:
    """One row per payment."""
    of_order = fact_orders.select("order_id", "customer_state", "order_status", "purchase_date", "purchase_month")
    return order_payments.join(of_order, "order_id", "inner").select(
        "order_id", "payment_sequential", "customer_state", "order_status", "purchase_date", "purchase_month",
        "payment_type", "payment_installments", F.col("payment_value").alias("payment_brl"),
    )  # fmt: skip


def fact_reviews(order_reviews: DataFrame, fact_orders: DataFrame) -> DataFrame:
    """One row per review and order."""
    of_order = fact_orders.select("order_id", "customer_unique_id", "customer_state", "order_status", "categories", "is_on_time")
    return order_reviews.join(of_order, "order_id", "inner").select(
        "review_id", "order_id", "customer_unique_id", "customer_state", "order_status", "categories", "review_score",
        "review_comment_title", "review_comment_message", "review_creation_date", "review_answer_timestamp",
        month("review_creation_date").alias("review_month"),
        hours_between("review_creation_date", "review_answer_timestamp").alias("answer_hours"), "is_on_time",
    )  # fmt: skip
