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
# What any of several orders, payments or rows of one thing looks like.
PER_PERSON = """
    select customer_unique_id, count(*) as orders, count(distinct customer_zip_code_prefix) as zips,
        count(distinct customer_city) as cities, count(distinct customer_state) as states
    from silver_customers group by customer_unique_id
"""
PER_PAID_ORDER = """
    select order_id, count(*) as n, min(payment_sequential) as first, max(payment_sequential) as last,
        count(distinct payment_type) as types
    from silver_order_payments group by order_id
"""
PER_ORDER_WITH_ITEMS = """
    select order_id, count(*) as n, max(order_item_id) as last, count(distinct seller_id) as sellers,
        count(distinct product_id) as products
    from silver_order_items group by order_id
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
MONEY = [
    (
        "payments",
        "select sum(payment_value), count(*), min(payment_value), max(payment_value) from silver_order_payments",
        (M("16008872.12"), 103886, M("0.00"), M("13664.08")),
    ),
    (
        "payments, mean and median",
        "select round(avg(payment_value), 5), median(payment_value)::decimal(12, 2) from silver_order_payments",
        (154.10038, M("100.00")),
    ),
    (
        "payments by type",
        "select payment_type, count(*), sum(payment_value) from silver_order_payments group by 1 order by 2 desc",
        [
            ("credit_card", 76795, M("12542084.19")),
            ("boleto", 19784, M("2869361.27")),
            ("voucher", 5775, M("379436.87")),
            ("debit_card", 1529, M("217989.79")),
            ("not_defined", 3, M("0.00")),
        ],
    ),
    (
        "payments by type, mart",
        "select payment_type, sum(payments)::int, sum(payment_brl) from gold_payment_mix group by 1 order by 2 desc",
        [
            ("credit_card", 76795, M("12542084.19")),
            ("boleto", 19784, M("2869361.27")),
            ("voucher", 5775, M("379436.87")),
            ("debit_card", 1529, M("217989.79")),
            ("not_defined", 3, M("0.00")),
        ],
    ),
    (
        "payments of nothing",
        "select payment_type, count(*) from silver_order_payments where payment_value = 0 group by 1 order by 2 desc",
        [("voucher", 6), ("not_defined", 3)],
    ),
    (
        "payments in 0 installments",
        "select payment_type, count(*) from silver_order_payments where payment_installments = 0 group by 1",
        ("credit_card", 2),
    ),
    (
        "orders paid in parts, most parts, not from 1, with gaps",
        f"select count(*) filter (n > 1), max(n), count(*) filter (first <> 1), count(*) filter (last <> n) from ({PER_PAID_ORDER})",
        (2961, 29, 80, 80),
    ),
    ("orders paid by several means", f"select count(*) from ({PER_PAID_ORDER}) where types > 1", (2246,)),
    (
        "payments by no means",
        "select order_id, order_status, payment_sequential, payment_installments, payment_brl"
        " from gold_fact_payments where payment_type = 'not_defined' order by 1",
        [
            ("00b1cb0320190ca0daa2c88b35206009", "canceled", 1, 1, M("0.00")),
            ("4637ca194b6387e2d538dc89b124b0ee", "canceled", 1, 1, M("0.00")),
            ("c8c528189310eaa44a745b8d9d26908b", "canceled", 1, 1, M("0.00")),
        ],
    ),
    (
        "items",
        "select sum(price), sum(freight_value), sum(price + freight_value), min(price), max(price), max(freight_value)"
        " from silver_order_items",
        (M("13591643.70"), M("2251909.54"), M("15843553.24"), M("0.85"), M("6735.00"), M("409.68")),
    ),
    (
        "items, means and median",
        "select median(price)::decimal(12, 2), round(avg(price), 6), round(avg(freight_value), 6) from silver_order_items",
        (M("74.99"), 120.653739, 19.99032),
    ),
    *[
        (
            f"all money arrives in {table}",
            f"select sum(price_brl), sum(freight_brl), sum(revenue_brl) from {table}",
            (M("13591643.70"), M("2251909.54"), M("15843553.24")),
        )
        for table in (
            "gold_fact_order_items",
            "gold_fact_orders",
            "gold_sales_by_month",
            "gold_sales_by_state",
            "gold_product_by_category",
        )
    ],
    ("all revenue arrives at sellers", "select sum(revenue_brl) from gold_seller_scorecard", (M("15843553.24"),)),
    *[
        (f"all payments arrive in {table}", f"select sum({column}) from {table}", (M("16008872.12"),))
        for table, column in [
            ("gold_fact_payments", "payment_brl"),
            ("gold_fact_orders", "payment_brl"),
            ("gold_sales_by_month", "payment_brl"),
            ("gold_sales_by_state", "payment_brl"),
            ("gold_dim_customer", "monetary_brl"),
            ("gold_customer_segments", "monetary_brl"),
        ]
    ],
    ("items without freight", "select count(*) from silver_order_items where freight_value = 0", (383,)),
    (
        "gaps in item numbers, most items, orders of several sellers and products",
        "select count(*) filter (last <> n), max(n), count(*) filter (sellers > 1), count(*) filter (products > 1)"
        f" from ({PER_ORDER_WITH_ITEMS})",
        (0, 21, 1278, 3236),
    ),
    (
        "quantities shown as repeated rows",
        "select (count(*) - count(distinct (order_id, product_id)))::int from silver_order_items",
        (10225,),
    ),
    (
        "delivered: price, freight, payment",
        "select sum(price_brl), sum(freight_brl), sum(payment_brl) from gold_fact_orders where order_status = 'delivered'",
        (M("13221498.11"), M("2198275.64"), M("15422461.77")),
    ),
    *[
        (f"delivered revenue in {table}", f"select sum(revenue_delivered_brl) from {table}", (M("15419773.75"),))
        for table in (
            "gold_sales_by_month",
            "gold_sales_by_state",
            "gold_product_by_category",
            "gold_seller_scorecard",
        )
    ],
    (
        "orders paid otherwise than sold: by more than a cent, by more than 1, at all, of those with both",
        "select count(*) filter (abs(payment_gap_brl) > 0.01), count(*) filter (abs(payment_gap_brl) > 1),"
        " count(*) filter (payment_gap_brl <> 0), count(payment_gap_brl) from gold_fact_orders",
        (303, 249, 576, 98665),
    ),
    (
        "the same by month",
        "select sum(orders_over_cent)::int, sum(orders_over_real)::int, sum(orders_unequal)::int, sum(orders)::int,"
        " sum(orders_without_items)::int, sum(orders_without_payments)::int from gold_payment_gap",
        (303, 249, 576, 98665, 775, 1),
    ),
    (
        "shipping limits: first, last, before purchase, after 2018",
        """
        select min(shipping_limit_date)::timestamp::text, max(shipping_limit_date)::timestamp::text,
            count(*) filter (shipping_limit_date < order_purchase_timestamp),
            count(*) filter (year(shipping_limit_date) > 2018)
        from gold_fact_order_items
        """,
        ("2016-09-19 00:15:34", "2020-04-09 22:35:08", 0, 4),
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


@cases(MONEY)
def test_money_is_right_to_the_cent(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)
