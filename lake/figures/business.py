"""What the marketplace did: the numbers of report and summary that come from gold. Amounts in BRL; docs/kpis.md defines them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lake.figures.reader import Reader, Row
from lake.figures.text import cents

CATEGORIES = 15
COHORTS = 18
MONTHS_SINCE = 12
ENOUGH = 100


@dataclass(frozen=True)
class Key:
    """The figures that come first.

    Attributes:
        orders, persons: orders of any status and the persons who placed them.
        revenue_brl, revenue_delivered_brl: price + freight, of all and of delivered orders.
        average_basket_brl: revenue / orders with items; None without such an order.
        on_time_share: of the `judged` orders, which have a delivery date; None without one.
        review_score_mean: over all reviews; None without one.
        first_purchase, last_purchase: the span of the data.
    """

    orders: int
    persons: int
    revenue_brl: Decimal
    revenue_delivered_brl: Decimal
    average_basket_brl: Decimal | None
    judged: int
    on_time_share: float | None
    reviews: int
    review_score_mean: float | None
    first_purchase: datetime
    last_purchase: datetime


@dataclass(frozen=True)
class Business:
    """Rows for plots and tables, each list empty where its table is missing or empty; columns are those of the gold tables.

    Attributes:
        months, states, segments, stages, reviews, payments: whole tables (payments by type, over all months).
        payment_months: amounts above 0 by type and month with their `share` of the month, the types by amount as in `payments`.
        categories: the largest by revenue, then one row for all the others with `others`, their number.
        late_states: the states whose orders come late most often, of those with at least 100 deliveries.
        scores: reviews by score (score, reviews).
        cohorts: retention of the newest cohorts of some size, months_since up to a year.
        gap: payments against items over all months.
        models: the methods of the run that the recommendations come from.
    """

    key: Key | None
    months: list[Row]
    states: list[Row]
    categories: list[Row]
    reviews: list[Row]
    scores: list[Row]
    segments: list[Row]
    stages: list[Row]
    late_states: list[Row]
    payments: list[Row]
    payment_months: list[Row]
    gap: Row | None
    cohorts: list[Row]
    models: list[Row]


def business(reader: Reader) -> Business:
    """All figures of gold."""
    return Business(
        key=_key(reader),
        months=reader.rows("select * from gold.sales_by_month order by purchase_month"),
        states=reader.rows("select * from gold.sales_by_state order by revenue_brl desc, customer_state"),
        categories=_categories(reader),
        reviews=reader.rows("select * from gold.review_trend order by review_month"),
        scores=reader.rows("select review_score as score, count(*) as reviews from gold.fact_reviews group by 1 order by 1"),
        segments=reader.rows(
            """select segment, count(*) as persons, sum(monetary_brl) as monetary_brl, avg(frequency) as frequency_mean,
                      median(recency_days) as recency_median
               from gold.customer_segments group by 1 order by persons desc, segment"""
        ),
        stages=reader.rows(
            """select * from gold.delivery_performance where dimension = 'stage'
               order by array_position(['approval', 'handling', 'transit', 'total'], member)"""
        ),
        late_states=reader.rows(
            f"""select * from gold.delivery_performance where dimension = 'state' and orders >= {ENOUGH}
                order by late_share desc, member limit 5"""
        ),
        payments=reader.rows(
            """select payment_type, sum(payments)::bigint as payments, sum(payment_brl) as payment_brl
               from gold.payment_mix group by 1 order by payment_brl desc, payment_type"""
        ),
        payment_months=reader.rows(
            """select purchase_month, payment_type, payment_brl, payment_brl / sum(payment_brl) over (partition by purchase_month) as share
               from gold.payment_mix where payment_brl > 0
               order by sum(payment_brl) over (partition by payment_type) desc, payment_type, purchase_month"""
        ),
        gap=_gap(reader),
        cohorts=reader.rows(
            f"""select * from gold.cohort_retention
                where months_since between 1 and {MONTHS_SINCE} and cohort_month in (
                    select cohort_month from gold.cohort_retention where cohort_customers >= 30 and months_since = 0
                    order by cohort_month desc limit {COHORTS})
                order by cohort_month, months_since"""
        ),
        models=_models(reader),
    )


def _key(reader: Reader) -> Key | None:
    found = reader.row(
        """select count(*) as orders, count(distinct customer_unique_id) as persons, sum(revenue_brl) as revenue_brl,
                  coalesce(sum(revenue_brl) filter (order_status = 'delivered'), 0) as revenue_delivered_brl,
                  count(*) filter (items > 0) as with_items, count(is_on_time) as judged, count(*) filter (is_on_time) as on_time,
                  min(order_purchase_timestamp) as first_purchase, max(order_purchase_timestamp) as last_purchase
           from gold.fact_orders"""
    )
    if not found or not found["orders"]:
        return None
    reviewed = reader.row("select count(*) as reviews, avg(review_score) as mean from gold.fact_reviews") or {"reviews": 0, "mean": None}
    with_items, on_time = found.pop("with_items"), found.pop("on_time")
    return Key(
        **found,
        average_basket_brl=cents(found["revenue_brl"] / with_items) if with_items else None,
        on_time_share=on_time / found["judged"] if found["judged"] else None,
        reviews=reviewed["reviews"],
        review_score_mean=reviewed["mean"],
    )


def _categories(reader: Reader) -> list[Row]:
    rows = reader.rows("select *, 0 as others from gold.product_by_category order by revenue_brl desc, category")
    rest = rows[CATEGORIES:]
    if not rest:
        return rows
    together = {"category": f"{len(rest)} others", "others": len(rest), "revenue_brl": sum(r["revenue_brl"] for r in rest)}
    return [*rows[:CATEGORIES], together | {"items": sum(r["items"] for r in rest)}]


def _gap(reader: Reader) -> Row | None:
    found = reader.row(
        """select sum(orders)::bigint as orders, sum(gap_brl) as gap_brl, sum(orders_unequal)::bigint as orders_unequal,
                  sum(orders_over_cent)::bigint as orders_over_cent, sum(orders_over_real)::bigint as orders_over_real
           from gold.payment_gap"""
    )
    return found if found and found["orders"] else None


def _models(reader: Reader) -> list[Row]:
    """The methods measured by the run whose recommendations stand in gold (gold.model_runs keeps the older runs too)."""
    return reader.rows(
        """select * from gold.model_runs
           where model_run = (select max(model_run) from gold.recommendations)
           order by array_position(['als', 'popularity', 'bought_together'], method), method"""
    )
