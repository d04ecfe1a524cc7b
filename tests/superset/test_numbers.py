"""Each number of a chart's data is that of gold, to the cent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

# Chart, its columns, and what gold says of them; over all time, since filters are the dashboard's.
NUMBERS = {
    "Revenue by month": ("purchase_date revenue", "select purchase_month, revenue_brl from gold.sales_by_month where revenue_brl > 0"),
    "States": (
        "customer_state revenue revenue_per_order",
        """select customer_state, s.revenue_brl, s.revenue_brl / count(*) filter (o.items > 0)
           from gold.sales_by_state as s join gold.fact_orders as o using (customer_state) where s.items > 0 group by 1, 2""",
    ),
    "Payment mix": ("payment_type paid", "select payment_type, sum(payment_brl) from gold.payment_mix group by 1"),
    "Categories": (
        "category revenue",
        "select category, revenue_brl from gold.product_by_category order by revenue_brl desc limit 15",
    ),
    "Review scores": ("review_score review_count", "select review_score, count(*) from gold.fact_reviews group by 1"),
    "Reviews over time": ("review_creation_date review_count", "select review_month, reviews from gold.review_trend"),
    "Customers by segment": ("segment persons", "select segment, count(*) from gold.customer_segments group by 1"),
    "ALS against the baselines": ("method recall", "select method, recall_at_5 from gold.model_runs"),
    "Sellers": ("seller_id orders revenue", "select seller_id, orders, revenue_brl from gold.seller_scorecard where orders >= 30"),
    "Days to deliver by route": (
        "seller_state customer_state route_days_mean",
        """select s.seller_state, o.customer_state, avg(o.delivery_days)
           from (select distinct order_id, seller_state from gold.fact_order_items) as s
           join gold.fact_orders as o using (order_id) group by 1, 2""",
    ),
    "Categories by dissatisfied share": (
        "category review_count dissatisfied_share",
        """select category, count(*), avg((review_score <= 2)::int) from gold.fact_reviews
           join (select distinct order_id, category from gold.fact_order_items) using (order_id) group by 1 having count(*) >= 30""",
    ),
    "Late share by state": (
        "customer_state late_share",
        "select customer_state, avg((not is_on_time)::int) from gold.fact_orders group by 1",
    ),
    "Days to deliver by stage": (
        "purchase_date approval_days handling_days transit_days",
        """select purchase_month, avg(approval_hours) filter (delivery_days is not null) / 24,
               avg(handling_hours) filter (delivery_days is not null) / 24, avg(transit_hours) / 24
           from gold.fact_orders group by 1""",
    ),
    "Categories bought together": (
        "category_a category_b orders_both",
        """with p as (select distinct product_id, category from gold.fact_order_items)
           select least(a.category, b.category), greatest(a.category, b.category), sum(orders) from gold.bought_together
           join p as a on a.product_id = product_a join p as b on b.product_id = product_b where a.category <> b.category
           group by 1, 2 order by 3 desc, 1, 2 limit 20""",
    ),
    "Orders by size of basket": (
        "basket_brl placed_orders",
        "select least(floor(revenue_brl / 25) * 25, 500), count(*) from gold.fact_orders where items > 0 group by 1",
    ),
    "Orders": ("placed_orders", "select count(*) from gold.fact_orders"),
    "Active sellers": ("active_sellers", "select count(*) from gold.seller_scorecard"),
    "Freight share": ("freight_share", "select sum(freight_brl) / sum(price_brl + freight_brl) from gold.fact_order_items"),
    "Days to deliver": ("delivery_days_mean", "select avg(delivery_days) from gold.fact_orders"),
}

CHOSEN = ("health_beauty", "watches_gifts", "bed_bath_table")
# The same where categories are chosen: what is of an order counts once, however many of its items are of them.
OF_CATEGORIES = {
    "Days to deliver by route": (
        "seller_state customer_state route_days_mean",
        """select s.seller_state, o.customer_state, avg(o.delivery_days)
           from (select distinct order_id, seller_state from gold.fact_order_items where category in {chosen}) as s
           join gold.fact_orders as o using (order_id) group by 1, 2""",
    ),
    "Days to deliver": (
        "delivery_days_mean",
        """select avg(delivery_days) from gold.fact_orders
           where order_id in (select order_id from gold.fact_order_items where category in {chosen})""",
    ),
    "States": (
        "customer_state orders revenue_per_order",
        """select customer_state, count(distinct order_id), sum(revenue_brl) / count(distinct order_id) from gold.fact_order_items
           where category in {chosen} group by 1""",
    ),
    "Review scores": (
        "review_score review_count",
        """select review_score, count(*) from gold.fact_reviews
           where order_id in (select order_id from gold.fact_order_items where category in {chosen}) group by 1""",
    ),
}


def plain(value: object) -> object:
    """Days as text, numbers to what a cent of the largest sum needs."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return value if value is None or isinstance(value, str) else round(float(value), 4)


def told(column: str, value: object) -> object:
    """A value as Superset gives it: times as milliseconds since 1970."""
    return plain(datetime.fromtimestamp(value / 1000, UTC)) if column.endswith("_date") else plain(value)


@pytest.mark.parametrize("title", NUMBERS)
def test_a_chart_has_the_numbers_of_gold(sessions, charts, gold, title):
    same(sessions["VIEWER"].chart(charts[title])["data"], *NUMBERS[title], gold)


@pytest.mark.parametrize("title", OF_CATEGORIES)
def test_a_chart_has_the_numbers_of_gold_where_categories_are_chosen(sessions, charts, gold, title):
    columns, query = OF_CATEGORIES[title]
    same(sessions["VIEWER"].chart(charts[title], category=CHOSEN)["data"], columns, query.format(chosen=CHOSEN), gold)


def same(rows: list[dict], columns: str, query: str, gold: Callable[[str], list[tuple]]) -> None:
    """Require a chart's rows to be those of a query of gold."""
    found = [tuple(told(name, row[name]) for name in columns.split()) for row in rows]
    assert found and sorted(found, key=str) == sorted([tuple(map(plain, row)) for row in gold(query)], key=str)
