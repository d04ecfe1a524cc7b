"""What a right pipeline finds of items, payments and money in the real files (FACTS.md of the data), asked of the lake.

`expected` is one row, or a list of rows. Money is compared as decimals, to the cent.
"""

from __future__ import annotations

from decimal import Decimal

from tests.olist.asking import cases, check

M = Decimal
# What any of several items or payments of one order looks like.
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


@cases(MONEY)
def test_money_is_right_to_the_cent(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)
