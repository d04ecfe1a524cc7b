"""Dimensions: who, what, where and when."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.gold.facts import MONEY, category, month
from lake.history import spans

# Brazil's outermost points, in degrees.
SOUTH, NORTH, WEST, EAST = -33.76, 5.28, -73.99, -28.83


def _addresses(fact_orders: DataFrame, customers: DataFrame) -> DataFrame:
    zips = customers.select("customer_id", "customer_zip_code_prefix")
    return fact_orders.join(zips, "customer_id", "inner")


def dim_customer(fact_orders: DataFrame, customers: DataFrame) -> DataFrame:
    """One row per person; the address is that of the newest order."""
    newest = F.max(F.struct("order_purchase_timestamp", "order_id", "customer_zip_code_prefix", "customer_city", "customer_state")).alias(
        "newest"
    )
    return (
        _addresses(fact_orders, customers)
        .groupBy("customer_unique_id")
        .agg(
            newest,
            F.count(F.lit(1)).cast("int").alias("orders"),
            F.min("order_purchase_timestamp").alias("first_purchase_at"),
            F.max("order_purchase_timestamp").alias("last_purchase_at"),
            F.sum("payment_brl").cast(MONEY).alias("monetary_brl"),
        )
        .select(
            "customer_unique_id", "newest.customer_zip_code_prefix", "newest.customer_city", "newest.customer_state",
            "orders", "first_purchase_at", "last_purchase_at", month("first_purchase_at").alias("cohort_month"),
            "monetary_brl",
        )
    )  # fmt: skip


def dim_customer_history(fact_orders: DataFrame, customers: DataFrame) -> DataFrame:
    """Addresses over time; of two orders at the same second the larger order_id says where the person lived."""
    says = ["customer_zip_code_prefix", "customer_city", "customer_state"]
    return spans(_addresses(fact_orders, customers), ["customer_unique_id"], says, "order_purchase_timestamp", [F.col("order_id").desc()])


def dim_seller(sellers: DataFrame, dim_location: DataFrame) -> DataFrame:
    """One row per seller, with the point of its postal code prefix."""
    points = dim_location.select(F.col("zip_code_prefix").alias("seller_zip_code_prefix"), "latitude", "longitude")
    return sellers.join(points, "seller_zip_code_prefix", "left").select(
        "seller_id", "seller_zip_code_prefix", F.col("seller_city_std").alias("seller_city"),
        F.col("seller_state_std").alias("seller_state"), "latitude", "longitude",
    )  # fmt: skip


def dim_product(products: DataFrame) -> DataFrame:
    """One row per product."""
    return products.select(
        "product_id", category().alias("category"), F.col("product_category_name").alias("category_pt"), "category_is_translated",
        F.col("product_name_length").alias("name_length"), F.col("product_description_length").alias("description_length"),
        F.col("product_photos_qty").alias("photos"), F.col("product_weight_g").alias("weight_g"),
        F.col("product_length_cm").alias("length_cm"), F.col("product_height_cm").alias("height_cm"),
        F.col("product_width_cm").alias("width_cm"),
        # Null where it is no int: sizes that are too large are stopped before, but somebody may have released such a row.
        F.try_multiply(F.try_multiply("product_length_cm", "product_height_cm"), "product_width_cm").alias("volume_cm3"),
    )  # fmt: skip


def dim_location(geolocation: DataFrame) -> DataFrame:
    """One point per postal code prefix: the median of its distinct points inside Brazil, the commonest city."""
    inside = geolocation.where(
        F.col("geolocation_lat").between(SOUTH, NORTH) & F.col("geolocation_lng").between(WEST, EAST)
    ).withColumnRenamed("geolocation_zip_code_prefix", "zip_code_prefix")
    commonest = Window.partitionBy("zip_code_prefix").orderBy(F.col("count").desc(), "city", "state")
    cities = (
        inside.groupBy("zip_code_prefix", F.col("geolocation_city_std").alias("city"), F.col("geolocation_state_std").alias("state"))
        .count()
        .withColumn("place", F.row_number().over(commonest))
        .where("place = 1")
        .select("zip_code_prefix", "city", "state")
    )
    points = inside.groupBy("zip_code_prefix").agg(
        F.round(F.median("geolocation_lat"), 6).alias("latitude"),
        F.round(F.median("geolocation_lng"), 6).alias("longitude"),
        F.count(F.lit(1)).cast("int").alias("points"),
    )
    return cities.join(points, "zip_code_prefix", "inner").select("zip_code_prefix", "city", "state", "latitude", "longitude", "points")


def dim_date(fact_orders: DataFrame) -> DataFrame:
    """Every day from the first to the last of any purchase, estimate or delivery."""
    days = ["purchase_date", "order_estimated_delivery_date", F.to_date("order_delivered_customer_date")]
    first, last = F.least(*(F.min(d) for d in days)), F.greatest(*(F.max(d) for d in days))
    every = fact_orders.agg(first.alias("first"), last.alias("last")).select(F.explode(F.sequence("first", "last")).alias("date"))
    return every.where("date is not null").select(
        "date", F.year("date").alias("year"), F.quarter("date").alias("quarter"), F.month("date").alias("month"),
        month("date").alias("month_start"), F.trunc("date", "week").alias("week_start"),
        (F.weekday("date") + 1).alias("day_of_week"), (F.weekday("date") >= 5).alias("is_weekend"),
    )  # fmt: skip
