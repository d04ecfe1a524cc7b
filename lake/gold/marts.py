"""Marts: numbers that people ask for. docs/kpis.md gives each formula with its result on a small example."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.gold.facts import MONEY, seconds_between

TOTAL = "decimal(18,2)"
CANCELED = ("canceled", "unavailable")
HOUR, DAY = 3_600, 86_400


def _count() -> Column:
    return F.count(F.lit(1))


def _total(column: str, when: Column | None = None) -> Column:
    """Exact sum of money; 0 over no rows."""
    value = F.col(column) if when is None else F.when(when, F.col(column))
    return F.coalesce(F.sum(value), F.lit(0)).cast(TOTAL)


def _ratio(part: Column, whole: Column, digits: int) -> Column:
    """part / whole, rounded; null where whole is 0."""
    return F.round(part.cast("double") / F.nullif(whole, F.lit(0)).cast("double"), digits)


def _mean_money(total: str, number: Column) -> Column:
    """Money / number, half up to the cent; null where number is 0."""
    return F.round(F.col(total) / F.nullif(number, F.lit(0)), 2).cast(MONEY)


def _orders() -> Column:
    """Distinct orders of items. Nine of ten have one item and are only counted: to compare all would take a group for each."""
    return F.count_if(F.col("order_items") == 1) + F.count_distinct(F.when(F.col("order_items") > 1, F.col("order_id")))


def _delivered() -> Column:
    return F.col("order_status") == "delivered"


def _sales(fact_orders: DataFrame, by: str) -> DataFrame:
    return fact_orders.groupBy(by).agg(
        _count().alias("orders"),
        F.count_distinct("customer_unique_id").alias("customers"),
        F.sum("items").alias("items"),
        _total("price_brl").alias("price_brl"),
        _total("freight_brl").alias("freight_brl"),
        _total("revenue_brl").alias("revenue_brl"),
        _total("revenue_brl", _delivered()).alias("revenue_delivered_brl"),
        _total("payment_brl").alias("payment_brl"),
        F.count_if(F.col("items") > 0).alias("with_items"),
        F.count_if(F.col("order_status").isin(*CANCELED)).alias("canceled_orders"),
        F.round(F.avg("review_score"), 4).alias("review_score_mean"),
    ).withColumn("average_basket_brl", _mean_money("revenue_brl", F.col("with_items")))  # fmt: skip


def sales_by_month(fact_orders: DataFrame) -> DataFrame:
    """Sales by month of purchase."""
    return _sales(fact_orders, "purchase_month").drop("with_items", "review_score_mean")


def sales_by_state(fact_orders: DataFrame) -> DataFrame:
    """Sales by state of the customer."""
    return _sales(fact_orders, "customer_state").drop("with_items", "canceled_orders")


def product_by_category(fact_order_items: DataFrame) -> DataFrame:
    """Sales by product category."""

    def different(column: str, name: str) -> DataFrame:
        pairs = fact_order_items.select("category", column).distinct()
        return pairs.groupBy("category").agg(F.count(column).alias(name))

    # With two joins: three counts of distinct values in one aggregation would take each row four times.
    of_categories = fact_order_items.groupBy("category").agg(
        _orders().alias("orders"),
        _count().alias("items"),
        _total("price_brl").alias("price_brl"),
        _total("freight_brl").alias("freight_brl"),
        _total("revenue_brl").alias("revenue_brl"),
        _total("revenue_brl", _delivered()).alias("revenue_delivered_brl"),
        F.min("price_brl").alias("price_min_brl"),
        F.max("price_brl").alias("price_max_brl"),
    )
    return (
        of_categories.join(different("product_id", "products"), "category", "inner")
        .join(different("seller_id", "sellers"), "category", "inner")
        .withColumn("price_mean_brl", _mean_money("price_brl", F.col("items")))
    )


def _quintiles(people: DataFrame, column: str, better: Column, name: str) -> DataFrame:
    """The score of each value of a column, 1 + floor(5 * people who are strictly worse / people): equal values get equal scores."""
    worse = Window.orderBy(better).rowsBetween(Window.unboundedPreceding, -1)
    all_ = Window.partitionBy()
    counts = people.groupBy(column).count()
    share = F.lit(5) * F.coalesce(F.sum("count").over(worse), F.lit(0)) / F.sum("count").over(all_)
    return counts.select(column, (F.lit(1) + F.floor(share)).cast("int").alias(name))


def customer_segments(dim_customer: DataFrame) -> DataFrame:
    """RFM of each person; recency from the newest purchase in the data."""
    newest = dim_customer.agg(F.max("last_purchase_at").alias("newest"))
    people = dim_customer.crossJoin(F.broadcast(newest)).select(
        "customer_unique_id", "customer_state", F.date_diff("newest", "last_purchase_at").alias("recency_days"),
        F.col("orders").alias("frequency"), "monetary_brl", F.least("orders", F.lit(5)).alias("f_score"),
    )  # fmt: skip
    recency = _quintiles(people, "recency_days", F.col("recency_days").desc(), "r_score")
    monetary = _quintiles(people, "monetary_brl", F.col("monetary_brl").asc(), "m_score")
    r, f, m = F.col("r_score"), F.col("f_score"), F.col("m_score")
    segment = (
        F.when((r >= 4) & (f >= 2) & (m >= 4), "champion")
        .when(f >= 2, "loyal")
        .when((r >= 4) & (m >= 4), "new high value")
        .when(r >= 4, "new")
        .when((r <= 2) & (m >= 4), "at risk")
        .when(r <= 2, "hibernating")
        .otherwise("regular")
    )
    return people.join(recency, "recency_days", "inner").join(monetary, "monetary_brl", "inner").withColumn("segment", segment)


def seller_scorecard(fact_order_items: DataFrame) -> DataFrame:
    """One row per seller with sales; an order of several sellers counts for each of them."""
    first = F.col("seller_item_id") == 1
    return (
        fact_order_items.groupBy("seller_id")
        .agg(
            F.max("seller_state").alias("seller_state"),
            F.count_if(first).alias("orders"),
            _count().alias("items"),
            F.count_distinct("product_id").alias("products"),
            _total("revenue_brl").alias("revenue_brl"),
            _total("revenue_brl", _delivered()).alias("revenue_delivered_brl"),
            F.min("order_purchase_timestamp").alias("first_sale_at"),
            F.max("order_purchase_timestamp").alias("last_sale_at"),
            F.count_if(first & F.col("is_on_time").isNotNull()).alias("delivered_orders"),
            F.count_if(first & ~F.col("is_on_time")).alias("late_orders"),
            F.count_if(first & F.col("order_status").isin(*CANCELED)).alias("canceled_orders"),
            F.round(F.avg(F.when(first, F.col("review_score"))), 4).alias("review_score_mean"),
        )
        .withColumn("late_share", _ratio(F.col("late_orders"), F.col("delivered_orders"), 6))
    )


def delivery_performance(fact_orders: DataFrame, fact_order_items: DataFrame) -> DataFrame:
    """Delivery of orders with a delivery date, by stage, customer state and route."""

    def of(dimension: str, member: Column) -> list[Column]:
        return [F.lit(dimension).alias("dimension"), member.alias("member")]

    came = fact_orders.where("delivery_days is not null")
    stages = {
        "approval": seconds_between("order_purchase_timestamp", "order_approved_at"),
        "handling": seconds_between("order_approved_at", "order_delivered_carrier_date"),
        "transit": seconds_between("order_delivered_carrier_date", "order_delivered_customer_date"),
    }
    each = [F.struct(*of("stage", F.lit(part)), seconds) for part, seconds in stages.items()]
    parts = came.select(
        F.inline(F.array(*each)).alias("dimension", "member", "seconds"), F.lit(None).cast("boolean").alias("late"), F.lit(1).alias("n")
    )
    # Whole days come again and again: they are counted before they are ranked.
    seconds, late = (F.col("delivery_days").cast("bigint") * DAY).alias("seconds"), (~F.col("is_on_time")).alias("late")
    whole = [F.struct(*of("stage", F.lit("total"))), F.struct(*of("state", F.col("customer_state")))]
    by_state = came.groupBy("customer_state", seconds, late).agg(_count().alias("n"))
    states = by_state.select(F.inline(F.array(*whole)).alias("dimension", "member"), "seconds", "late", "n")
    sent = fact_order_items.where("seller_state is not null and delivery_days is not null")
    route = F.concat("seller_state", F.lit(">"), "customer_state")
    routes = sent.groupBy(*of("route", route), seconds, late).agg(_orders().alias("n"))
    counted = parts.unionByName(states).unionByName(routes).where("seconds is not null")
    late_orders = F.sum(F.when(F.col("late"), F.col("n")).when(~F.col("late"), 0))
    return (
        counted.groupBy("dimension", "member")
        .agg(
            F.sum("n").alias("orders"),
            _ratio(F.sum(F.col("seconds") * F.col("n")), DAY * F.sum("n"), 4).alias("mean_days"),
            F.percentile("seconds", F.array(F.lit(0.5), F.lit(0.9)), F.col("n")).alias("at"),
            late_orders.alias("late_orders"),
        )
        .withColumns({"median_days": F.round(F.col("at")[0] / DAY, 4), "p90_days": F.round(F.col("at")[1] / DAY, 4)})
        .withColumn("late_share", _ratio(F.col("late_orders"), F.col("orders"), 6))
    )


def payment_mix(fact_payments: DataFrame) -> DataFrame:
    """Payments by month of purchase and means of payment."""
    return fact_payments.groupBy("purchase_month", "payment_type").agg(
        _count().alias("payments"),
        F.count_distinct("order_id").alias("orders"),
        _total("payment_brl").alias("payment_brl"),
        F.round(F.avg("payment_installments"), 4).alias("installments_mean"),
    )


def payment_gap(fact_orders: DataFrame) -> DataFrame:
    """Payments against items by month of purchase, over orders that have both."""
    gap = F.col("payment_gap_brl")
    both = gap.isNotNull()
    return fact_orders.groupBy("purchase_month").agg(
        F.count_if(both).alias("orders"),
        _total("revenue_brl", both).alias("revenue_brl"),
        _total("payment_brl", both).alias("payment_brl"),
        _total("payment_gap_brl").alias("gap_brl"),
        F.count_if(gap != 0).alias("orders_unequal"),
        F.count_if(F.abs(gap) > F.lit("0.01").cast(MONEY)).alias("orders_over_cent"),
        F.count_if(F.abs(gap) > F.lit("1.00").cast(MONEY)).alias("orders_over_real"),
        F.count_if(F.col("items") == 0).alias("orders_without_items"),
        F.count_if(F.col("payments") == 0).alias("orders_without_payments"),
    )


def review_trend(fact_reviews: DataFrame) -> DataFrame:
    """Reviews by month of creation."""
    score, seconds = F.col("review_score"), seconds_between("review_creation_date", "review_answer_timestamp")
    return fact_reviews.groupBy("review_month").agg(
        _count().alias("reviews"),
        F.round(F.avg(score), 4).alias("score_mean"),
        *[F.count_if(score == stars).alias(f"score_{stars}") for stars in range(1, 6)],
        _ratio(F.count_if(score >= 4), _count(), 6).alias("satisfied_share"),
        _ratio(F.count_if(score <= 2), _count(), 6).alias("dissatisfied_share"),
        F.count("review_comment_message").alias("with_message"),
        _ratio(F.sum(seconds), HOUR * F.count(seconds), 4).alias("answer_hours_mean"),
    )


def cohort_retention(fact_orders: DataFrame, dim_customer: DataFrame) -> DataFrame:
    """Persons of each cohort who bought again n months later."""
    sizes = dim_customer.groupBy("cohort_month").agg(_count().alias("cohort_customers"), F.count_if(F.col("orders") == 1).alias("once"))
    # Nearly all persons have one order, in their first month: only those of the others are looked up.
    several = dim_customer.where("orders > 1").select("customer_unique_id", "cohort_month")
    months = F.months_between("purchase_month", "cohort_month").cast("int").alias("months_since")
    again = (
        fact_orders.join(F.broadcast(several), "customer_unique_id", "inner")
        .groupBy("cohort_month", months)
        .agg(F.count_distinct("customer_unique_id").alias("customers"), _count().alias("orders"))
    )
    once = sizes.select("cohort_month", F.lit(0).alias("months_since"), F.col("once").alias("customers"), F.col("once").alias("orders"))
    return (
        again.unionByName(once.where("customers > 0"))
        .groupBy("cohort_month", "months_since")
        .agg(F.sum("customers").alias("customers"), F.sum("orders").alias("orders"))
        .join(sizes, "cohort_month", "inner")
        .withColumn("retention_share", _ratio(F.col("customers"), F.col("cohort_customers"), 6))
    )


def geo_flow(fact_order_items: DataFrame) -> DataFrame:
    """Goods from the seller's state to the customer's."""
    return (
        fact_order_items.where("seller_state is not null")
        .groupBy("seller_state", "customer_state")
        .agg(
            _orders().alias("orders"),
            _count().alias("items"),
            _total("price_brl").alias("price_brl"),
            _total("freight_brl").alias("freight_brl"),
        )
        .withColumn("freight_share", _ratio(F.col("freight_brl"), F.col("price_brl") + F.col("freight_brl"), 6))
    )


def bought_together(fact_order_items: DataFrame) -> DataFrame:
    """Pairs of different products in the same order."""
    baskets = fact_order_items.where("order_items > 1").groupBy("order_id").agg(F.array_sort(F.collect_set("product_id")).alias("products"))
    pairs = (
        baskets.select("products", F.explode("products").alias("product_a"))
        .select("product_a", F.explode("products").alias("product_b"))
        .where("product_b > product_a")
        .groupBy("product_a", "product_b")
        .agg(_count().alias("orders"))
    )
    single = fact_order_items.groupBy(F.col("product_id").alias("product")).agg(_orders().alias("n"))
    everything = fact_order_items.agg(_orders().alias("baskets"))
    counted = reduce(
        lambda frame, side: frame.join(
            single.select(F.col("product").alias(f"product_{side}"), F.col("n").alias(f"orders_{side}")), f"product_{side}", "inner"
        ),
        "ab",
        pairs,
    ).crossJoin(F.broadcast(everything))
    lift = F.col("orders").cast("double") * F.col("baskets") / (F.col("orders_a").cast("double") * F.col("orders_b"))
    return counted.select(
        "product_a", "product_b", "orders", "orders_a", "orders_b",
        _ratio(F.col("orders"), F.col("baskets"), 9).alias("support"),
        _ratio(F.col("orders"), F.least("orders_a", "orders_b"), 6).alias("confidence"),
        F.round(lift, 4).alias("lift"),
    )  # fmt: skip
