"""What a right pipeline finds in the real files (FACTS.md of the data), asked of the lake.

`expected` is one row, or a list of rows. Money is compared as decimals, to the cent.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

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
PRODUCTS = [
    (
        "empty values",
        "select count(*) filter (product_category_name is null), count(*) filter (product_name_length is null),"
        " count(*) filter (product_description_length is null), count(*) filter (product_photos_qty is null),"
        " count(*) filter (product_weight_g is null), count(*) filter (product_length_cm is null)"
        " from silver_products",
        (610, 610, 610, 610, 2, 2),
    ),
    (
        "the source's misspelt names hold text in bronze",
        "select count(product_name_lenght), count(product_description_lenght) from bronze_products",
        (32341, 32341),
    ),
    ("categories", "select count(distinct product_category_name) from silver_products", (73,)),
    (
        "categories without translation",
        "select product_category_name, count(*) from silver_products"
        " where product_category_name is not null and not category_is_translated group by 1 order by 1",
        [("pc_gamer", 3), ("portateis_cozinha_e_preparadores_de_alimentos", 10)],
    ),
    (
        "translations of no product",
        "select count(*) from silver_category_translation anti join silver_products using (product_category_name)",
        (0,),
    ),
    (
        "the byte order mark is not part of a name",
        "select count(*) from silver_category_translation"
        " where product_category_name = 'beleza_saude' and product_category_name_english = 'health_beauty'",
        (1,),
    ),
    (
        "products of no weight, and their category",
        "select product_category_name, count(*) from silver_products where product_weight_g = 0 group by 1",
        ("cama_mesa_banho", 4),
    ),
    ("items of no category", "select items from gold_product_by_category where category = 'unknown'", (1603,)),
    (
        "products without weight: with and without anything else",
        "select product_id, product_category_name is null from silver_products where product_weight_g is null order by 1",
        [("09ff539a621711667c43eba6a3bd8466", False), ("5eb564652db742ff8f28759cd8d2652a", True)],
    ),
    (
        "extremes",
        "select max(product_weight_g), min(product_name_length), max(product_name_length),"
        " min(product_description_length), max(product_description_length), min(product_photos_qty),"
        " max(product_photos_qty) from silver_products",
        (40425, 5, 76, 4, 3992, 1, 20),
    ),
]
PLACES = [
    (
        "leading zeros of postal codes are kept",
        "select (select count(*) from silver_customers where customer_zip_code_prefix[1] = '0'),"
        " (select count(*) from silver_sellers where seller_zip_code_prefix[1] = '0')",
        (23995, 1027),
    ),
    (
        "postal codes have five digits",
        "select (select count(*) from silver_customers"
        " where not regexp_full_match(customer_zip_code_prefix, '\\d{5}')),"
        " (select count(*) from silver_sellers where not regexp_full_match(seller_zip_code_prefix, '\\d{5}')),"
        " (select count(*) from silver_geolocation"
        " where not regexp_full_match(geolocation_zip_code_prefix, '\\d{5}'))",
        (0, 0, 0),
    ),
    (
        "customers' city names in several states",
        "select count(*) from (select 1 from silver_customers group by customer_city having count(distinct customer_state) > 1)",
        (163,),
    ),
    (
        "customers' postal codes with several cities",
        "select count(*) from (select 1 from silver_customers group by customer_zip_code_prefix having count(distinct customer_city) > 1)",
        (39,),
    ),
    (
        "sellers' spellings: with slash, two blanks, not ASCII",
        "select count(*) filter (contains(seller_city, '/')), count(*) filter (contains(seller_city, '  ')),"
        " count(*) filter (strlen(seller_city) > length(seller_city)) from silver_sellers",
        (15, 3, 3),
    ),
    (
        "sellers' city names in several states",
        "select count(*) from (select 1 from silver_sellers group by seller_city having count(distinct seller_state) > 1)",
        (23,),
    ),
    (
        "sellers' postal codes with several cities",
        "select count(*) from (select 1 from silver_sellers group by seller_zip_code_prefix having count(distinct seller_city) > 1)",
        (34,),
    ),
    (
        "no postal code has two standard states",
        "select count(*) from (select 1 from silver_sellers group by seller_zip_code_prefix having count(distinct seller_state_std) > 1)",
        (0,),
    ),
    (
        "geolocation: rows of the sample, prefixes, spellings",
        "select count(*), count(distinct geolocation_zip_code_prefix), count(distinct geolocation_city) from bronze_geolocation",
        (50000, 12825, 4129),
    ),
    (
        "geolocation: prefixes in two states, prefixes with several spellings",
        """
        select count(*) filter (states > 1), count(*) filter (cities > 1) from (
            select count(distinct geolocation_state) as states, count(distinct geolocation_city) as cities
            from silver_geolocation group by geolocation_zip_code_prefix
        )
        """,
        (0, 2177),
    ),
    (
        "geolocation: full duplicates are gone, nothing else",
        "select (select count(*) from silver_geolocation)"
        " - (select count(*) from (select distinct geolocation_zip_code_prefix, geolocation_lat, geolocation_lng,"
        " geolocation_city, geolocation_state from bronze_geolocation))",
        (0,),
    ),
    (
        "no standard city has an accent",
        "select count(*) from silver_geolocation where strlen(geolocation_city_std) > length(geolocation_city_std)",
        (0,),
    ),
    (
        "no location lies outside Brazil",
        "select count(*) from gold_dim_location where latitude not between -33.76 and 5.28 or longitude not between -73.99 and -28.83",
        (0,),
    ),
]
# Spellings of customers that differ by apostrophe or hyphen: rows of each, and together under the standard name.
CUSTOMER_CITIES = [
    ("santa barbara d oeste", {"santa barbara d'oeste": 119, "santa barbara d oeste": 5}),
    ("dias d avila", {"dias d'avila": 24, "dias d avila": 1}),
    ("arraial d ajuda", {"arraial d'ajuda": 8, "arraial d ajuda": 1}),
    ("mogi mirim", {"mogi mirim": 76, "mogi-mirim": 2}),
]
# Typed city and state, rows, and the standard city that its rows must get (several where the postal code decides).
SELLER_CITIES = [
    ("sp", "SP", 4, {"sao paulo", "aracatuba", "braganca paulista"}),
    ("sao paulo - sp", "SP", 3, {"sao paulo"}),
    ("sao paulo sp", "SP", 1, {"sao paulo"}),
    ("sao paulo / sao paulo", "SP", 1, {"sao paulo"}),
    ("sa\u0303o paulo", "SP", 1, {"sao paulo"}),  # a combining tilde, not the letter ã
    ("sao  paulo", "SP", 1, {"sao paulo"}),
    ("sao paluo", "SP", 1, {"sao paulo"}),
    ("sao pauo", "SP", 1, {"sao paulo"}),
    ("sao paulop", "SP", 1, {"sao paulo"}),
    ("sbc", "SP", 1, {"sao bernardo do campo"}),
    ("sbc/sp", "SP", 1, {"sao bernardo do campo"}),
    ("sp / sp", "SP", 1, {"sao paulo"}),
    ("04482255", "RJ", 1, {"rio de janeiro"}),
    ("vendas@creditparts.com.br", "PR", 1, {"maringa"}),
    ("rio de janeiro, rio de janeiro, brasil", "RJ", 1, {"rio de janeiro"}),
    ("rio de janeiro \\rio de janeiro", "RJ", 1, {"rio de janeiro"}),
    ("novo hamburgo, rio grande do sul, brasil", "RS", 1, {"novo hamburgo"}),
    ("lages - sc", "SC", 1, {"lages"}),
    ("pinhais/pr", "PR", 1, {"pinhais"}),
    ("auriflama/sp", "SP", 1, {"auriflama"}),
    ("santa barbara d´oeste", "SP", 2, {"santa barbara d oeste"}),
    ("portoferreira", "SP", 1, {"porto ferreira"}),
    ("robeirao preto", "SP", 1, {"ribeirao preto"}),
    ("riberao preto", "SP", 1, {"ribeirao preto"}),
    ("ribeirao pretp", "SP", 1, {"ribeirao preto"}),
    ("garulhos", "SP", 1, {"guarulhos"}),
    ("floranopolis", "SC", 1, {"florianopolis"}),
    ("balenario camboriu", "SC", 1, {"balneario camboriu"}),
    ("tabao da serra", "SP", 1, {"taboao da serra"}),
    ("scao jose do rio pardo", "SP", 1, {"sao jose do rio pardo"}),
    ("minas gerais", "MG", 1, {"campo do meio"}),
    ("bahia", "BA", 1, {"paulo afonso"}),
    ("santa catarina", "SC", 1, {"palhoca"}),
    ("centro", "MG", 1, {"para de minas"}),
]
# Of the part of the reviews that the folder holds; counts are of messages unless the name says titles.
REVIEWS = [
    ("rows", "select count(*) from bronze_order_reviews", (21535,)),
    (
        "messages with a comma, not ASCII, with a double quote",
        "select count(*) filter (contains(review_comment_message, ',')),"
        " count(*) filter (strlen(review_comment_message) > length(review_comment_message)),"
        " count(*) filter (contains(review_comment_message, '\"')) from silver_order_reviews",
        (3122, 4973, 44),
    ),
    (
        "messages with an emoji",
        "select count(*) from silver_order_reviews"
        " where regexp_matches(review_comment_message, '[\\x{1F300}-\\x{1FAFF}\\x{2600}-\\x{27BF}]')",
        (62,),
    ),
    (
        "messages with blanks around, of blanks only, without a letter",
        "select count(*) filter (regexp_matches(review_comment_message, '^\\s|\\s$')),"
        " count(*) filter (regexp_full_match(review_comment_message, '\\s+')),"
        " count(*) filter (not regexp_matches(review_comment_message, '\\p{L}')) from silver_order_reviews",
        (2094, 6, 35),
    ),
    (
        "messages that name a house of the anonymised companies",
        "select count(*) from silver_order_reviews"
        " where regexp_matches(review_comment_message, '\\b(stark|lannister|baratheon|targaryen)\\b', 'i')",
        (429,),
    ),
    (
        "titles of digits only, titles without message",
        "select count(*) filter (regexp_full_match(review_comment_title, '\\d+')),"
        " count(*) filter (review_comment_title is not null and review_comment_message is null)"
        " from silver_order_reviews",
        (65, 398),
    ),
    (
        "nothing is longer than the source's cut",
        "select max(length(review_comment_title)) <= 26, max(length(review_comment_message)) <= 208 from silver_order_reviews",
        (True, True),
    ),
    (
        "share of rows with a line break",
        "select round(100 * count(*) filter (contains(review_comment_message, chr(10))) / count(*), 1) from silver_order_reviews",
        (3.8,),
    ),
    (
        "answers before their survey",
        "select count(*) from silver_order_reviews where review_answer_timestamp <= review_creation_date",
        (0,),
    ),
    (
        "surveys not of midnight",
        "select distinct review_creation_date::timestamp::text from silver_order_reviews"
        " where review_creation_date::timestamp <> review_creation_date::timestamp::date",
        ("2017-10-15 01:00:00",),
    ),
    (
        "scores are 1 to 5",
        "select min(review_score), max(review_score) from silver_order_reviews",
        (1, 5),
    ),
]


def check(lake, sql: str, expected: tuple | list[tuple]) -> None:
    assert lake.sql(sql) == (expected if isinstance(expected, list) else [expected])


def cases(rows: list[tuple]):
    return pytest.mark.parametrize(("sql", "expected"), [row[1:] for row in rows], ids=[row[0] for row in rows])


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


@cases(PRODUCTS)
def test_products_keep_what_is_known_and_no_more(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@cases(PLACES)
def test_places_are_kept_as_typed_beside_the_standard(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)


@pytest.mark.parametrize(("standard", "typed"), CUSTOMER_CITIES, ids=[row[0] for row in CUSTOMER_CITIES])
def test_spellings_of_a_customers_city_meet_under_one_name(lake, standard: str, typed: dict[str, int]) -> None:
    found = lake.sql(f"select customer_city, count(*) from silver_customers where customer_city_std = '{standard}' group by customer_city")
    assert dict(found) == typed


@pytest.mark.parametrize(("typed", "state", "rows", "standard"), SELLER_CITIES, ids=[row[0] for row in SELLER_CITIES])
def test_a_sellers_dirty_city_becomes_right(lake, typed: str, state: str, rows: int, standard: set[str]) -> None:
    found = lake.sql(
        f"select seller_city_std, seller_state_std from silver_sellers where seller_city = '{typed}' and seller_state = '{state}'"
    )
    assert len(found) == rows
    assert {city for city, _ in found} == standard
    assert {code for _, code in found} == {state}


@cases(REVIEWS)
def test_review_texts_arrive_untouched(lake, sql: str, expected: tuple) -> None:
    check(lake, sql, expected)
