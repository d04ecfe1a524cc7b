"""What a right pipeline finds in the real files (FACTS.md of the data), asked of the lake.

`expected` is one row, or a list of rows. Money is compared as decimals, to the cent.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.olist.asking import cases, check

M = Decimal
ONE_ROW_PER_KEY = [
    ("silver_orders", "order_id", 99441),
    ("silver_customers", "customer_id", 99441),
    ("silver_order_items", "order_id, order_item_id", 112650),
    ("silver_order_payments", "order_id, payment_sequential", 103886),
    ("silver_products", "product_id", 32951),
    ("silver_sellers", "seller_id", 3095),
    ("silver_category_translation", "product_category_name", 71),
    ("silver_order_reviews", "review_id, order_id", 21535),  # the part of the 99,224 that the folder holds
    ("gold_fact_orders", "order_id", 99441),
    ("gold_fact_order_items", "order_id, order_item_id", 112650),
    ("gold_fact_payments", "order_id, payment_sequential", 103886),
    ("gold_fact_reviews", "review_id, order_id", 21535),
    ("gold_dim_customer", "customer_unique_id", 96096),
    ("gold_dim_product", "product_id", 32951),
    ("gold_dim_seller", "seller_id", 3095),
    ("gold_dim_location", "zip_code_prefix", 12825),
]
# What any of several orders of one person looks like.
PER_PERSON = """
    select customer_unique_id, count(*) as orders, count(distinct customer_zip_code_prefix) as zips,
        count(distinct customer_city) as cities, count(distinct customer_state) as states
    from silver_customers group by customer_unique_id
"""
KEYS = [
    ("persons", "select count(distinct customer_unique_id) from silver_customers", (96096,)),
    ("persons with several orders", f"select count(*) from ({PER_PERSON}) where orders > 1", (2997,)),
    ("persons with several orders, gold", "select count(*) from gold_dim_customer where orders > 1", (2997,)),
    ("most orders of a person", "select max(orders) from gold_dim_customer", (17,)),
    (
        "typed places of customers",
        "select count(distinct customer_zip_code_prefix), count(distinct customer_city),"
        " count(distinct (customer_city, customer_state)), count(distinct customer_state) from silver_customers",
        (14994, 4119, 4310, 27),
    ),
    (
        "typed places of sellers",
        "select count(distinct seller_zip_code_prefix), count(distinct seller_city),"
        " count(distinct (seller_city, seller_state)), count(distinct seller_state) from silver_sellers",
        (2246, 611, 636, 23),
    ),
    (
        "persons who moved",
        f"select count(*) filter (zips > 1), count(*) filter (cities > 1), count(*) filter (states > 1) from ({PER_PERSON})",
        (250, 122, 39),
    ),
]
REFERENCES = [
    (
        "orders without customer",
        "select count(*) from silver_orders anti join silver_customers using (customer_id)",
        (0,),
    ),
    (
        "orders without items, by status",
        "select order_status, count(*) from gold_fact_orders where items = 0 group by 1 order by 2 desc",
        [("unavailable", 603), ("canceled", 164), ("created", 5), ("invoiced", 2), ("shipped", 1)],
    ),
    (
        "orders without payments",
        "select order_id, order_status, order_purchase_timestamp::timestamp::text from gold_fact_orders where payments = 0",
        ("bfbd0f9bdef84302105ad712db648a6c", "delivered", "2016-09-15 12:16:38"),
    ),
    (
        "orders with items, with payments",
        "select count(*) filter (items > 0), count(*) filter (payments > 0) from gold_fact_orders",
        (98666, 99440),
    ),
    (
        "orders with items, with payments, in silver",
        "select (select count(distinct order_id) from silver_order_items), (select count(distinct order_id) from silver_order_payments)",
        (98666, 99440),
    ),
    (
        "items without order",
        "select count(*) from silver_order_items anti join silver_orders using (order_id)",
        (0,),
    ),
    (
        "payments without order",
        "select count(*) from silver_order_payments anti join silver_orders using (order_id)",
        (0,),
    ),
    (
        "items without product",
        "select count(*) from silver_order_items anti join silver_products using (product_id)",
        (0,),
    ),
    (
        "items without seller",
        "select count(*) from silver_order_items anti join silver_sellers using (seller_id)",
        (0,),
    ),
    (
        "products never sold",
        "select count(*) from silver_products anti join silver_order_items using (product_id)",
        (0,),
    ),
    (
        "sellers never sold",
        "select count(*) from silver_sellers anti join silver_order_items using (seller_id)",
        (0,),
    ),
]
DATES = [
    (
        "orders by status",
        "select order_status, count(*) from silver_orders group by 1 order by 2 desc",
        [
            ("delivered", 96478),
            ("shipped", 1107),
            ("canceled", 625),
            ("unavailable", 609),
            ("invoiced", 314),
            ("processing", 301),
            ("created", 5),
            ("approved", 2),
        ],
    ),
    (
        "empty dates",
        "select count(*) filter (order_approved_at is null), count(*) filter (order_delivered_carrier_date is null),"
        " count(*) filter (order_delivered_customer_date is null) from silver_orders",
        (160, 1783, 2965),
    ),
    (
        "empty dates by status",
        "select order_status, count(*) filter (order_approved_at is null),"
        " count(*) filter (order_delivered_carrier_date is null),"
        " count(*) filter (order_delivered_customer_date is null) from silver_orders group by 1 order by 1",
        [
            ("approved", 0, 2, 2),
            ("canceled", 141, 550, 619),
            ("created", 5, 5, 5),
            ("delivered", 14, 2, 8),
            ("invoiced", 0, 314, 314),
            ("processing", 0, 301, 301),
            ("shipped", 0, 0, 1107),
            ("unavailable", 0, 609, 609),
        ],
    ),
    *[
        (
            f"first and last {column}",
            f"select min({column})::timestamp::text, max({column})::timestamp::text from silver_orders",
            span,
        )
        for column, span in [
            ("order_purchase_timestamp", ("2016-09-04 21:15:19", "2018-10-17 17:30:18")),
            ("order_approved_at", ("2016-09-15 12:16:38", "2018-09-03 17:40:06")),
            ("order_delivered_carrier_date", ("2016-10-08 10:34:01", "2018-09-11 19:48:28")),
            ("order_delivered_customer_date", ("2016-10-11 13:46:32", "2018-10-17 13:22:46")),
            ("order_estimated_delivery_date", ("2016-09-30 00:00:00", "2018-11-12 00:00:00")),
        ]
    ],
    (
        "estimates at midnight",
        "select count(*) filter (order_estimated_delivery_date::timestamp"
        " = order_estimated_delivery_date::timestamp::date), count(*) from silver_orders",
        (99441, 99441),
    ),
    (
        "delivered without delivery, approval, carrier; without delivery and carrier",
        "select count(*) filter (order_delivered_customer_date is null), count(*) filter (order_approved_at is null),"
        " count(*) filter (order_delivered_carrier_date is null),"
        " count(*) filter (order_delivered_customer_date is null and order_delivered_carrier_date is null)"
        " from silver_orders where order_status = 'delivered'",
        (8, 14, 2, 1),
    ),
    (
        "canceled with a delivery date",
        "select count(order_delivered_customer_date) from silver_orders where order_status = 'canceled'",
        (6,),
    ),
    (
        "dates in the wrong order",
        """
        select count(*) filter (order_approved_at < order_purchase_timestamp),
            count(*) filter (order_delivered_carrier_date < order_purchase_timestamp),
            count(*) filter (order_delivered_carrier_date < order_approved_at),
            count(*) filter (order_delivered_customer_date < order_purchase_timestamp),
            count(*) filter (order_delivered_customer_date < order_delivered_carrier_date),
            count(*) filter (order_delivered_customer_date < order_approved_at),
            count(*) filter (order_estimated_delivery_date < order_purchase_timestamp)
        from silver_orders
        """,
        (0, 166, 1359, 0, 23, 61, 0),
    ),
    (
        "negative durations stay as the source says",
        "select count(*) filter (handling_hours < 0), count(*) filter (transit_hours < 0),"
        " count(*) filter (approval_hours < 0) from gold_fact_orders",
        (1359, 23, 0),
    ),
    (
        "approved in the second of purchase",
        "select count(*) from silver_orders where order_approved_at = order_purchase_timestamp",
        (1296,),
    ),
    (
        "late by timestamp, of delivered and dated",
        "select count(*) filter (order_delivered_customer_date > order_estimated_delivery_date), count(*)"
        " from silver_orders where order_status = 'delivered' and order_delivered_customer_date is not null",
        (7826, 96470),
    ),
    (
        "late by date, of delivered and dated",
        "select count(*) filter (not is_on_time), count(is_on_time) from gold_fact_orders where order_status = 'delivered'",
        (6534, 96470),
    ),
    (
        "on time is unknown exactly while not delivered",
        "select count(*) from gold_fact_orders where (is_on_time is null) <> (order_delivered_customer_date is null)",
        (0,),
    ),
    (
        "orders by year",
        "select year(purchase_date), count(*) from gold_fact_orders group by 1 order by 1",
        [(2016, 329), (2017, 45101), (2018, 54011)],
    ),
    (
        "orders by month",
        "select strftime(purchase_month, '%Y-%m'), orders from gold_sales_by_month order by 1",
        [
            *[("2016-09", 4), ("2016-10", 324), ("2016-12", 1), ("2017-01", 800), ("2017-02", 1780)],
            *[("2017-03", 2682), ("2017-04", 2404), ("2017-05", 3700), ("2017-06", 3245), ("2017-07", 4026)],
            *[("2017-08", 4331), ("2017-09", 4285), ("2017-10", 4631), ("2017-11", 7544), ("2017-12", 5673)],
            *[("2018-01", 7269), ("2018-02", 6728), ("2018-03", 7211), ("2018-04", 6939), ("2018-05", 6873)],
            *[("2018-06", 6167), ("2018-07", 6292), ("2018-08", 6512), ("2018-09", 16), ("2018-10", 4)],
        ],
    ),
    (
        "no time is shifted on the way from the file",
        """
        select count(*) from silver_orders s
        left join bronze_orders b on s.order_id = b.order_id
            and b.order_purchase_timestamp = strftime(s.order_purchase_timestamp::timestamp, '%Y-%m-%d %H:%M:%S')
            and b.order_delivered_customer_date
                is not distinct from strftime(s.order_delivered_customer_date::timestamp, '%Y-%m-%d %H:%M:%S')
        where b.order_id is null
        """,
        (0,),
    ),
    (
        "days with orders",
        "select count(distinct purchase_date) from gold_fact_orders",
        (634,),
    ),
    (
        "the busiest day",
        "select purchase_date::text, count(*) from gold_fact_orders group by 1 order by 2 desc limit 1",
        ("2017-11-24", 1176),
    ),
    (
        "seconds with several purchases",
        "select count(*) from (select 1 from silver_orders group by order_purchase_timestamp having count(*) > 1)",
        (556,),
    ),
    (
        "share of carrier dates on a full minute",
        "select round(100 * avg((second(order_delivered_carrier_date) = 0)::int), 1) from silver_orders",
        (29.5,),
    ),
]


@pytest.mark.parametrize(("table", "key", "rows"), ONE_ROW_PER_KEY, ids=[row[0] for row in ONE_ROW_PER_KEY])
def test_every_row_arrives_once_per_key(lake, table: str, key: str, rows: int) -> None:
    check(lake, f"select count(*), count(distinct ({key})) from {table}", (rows, rows))


@cases(KEYS)
def test_persons_and_places_are_told_apart(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@cases(REFERENCES)
def test_references_hold_as_in_the_source(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@cases(DATES)
def test_status_and_dates_are_as_delivered(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)
