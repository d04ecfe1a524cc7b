"""Gold: pure functions from silver (and gold) tables to gold tables.

Each takes DataFrames named as the tables in the contract's `sources` (without the layer) and returns one with the columns
of its contract. Restricted to some orders, customers or groups, the same functions compute just those.
"""

from collections.abc import Callable

from pyspark.sql import DataFrame

from lake.gold import dimensions, facts, marts

BUILDERS: dict[str, Callable[..., DataFrame]] = {
    f"gold.{function.__name__}": function
    for function in (
        facts.fact_orders,
        facts.fact_order_items,
        facts.fact_payments,
        facts.fact_reviews,
        dimensions.dim_customer,
        dimensions.dim_customer_history,
        dimensions.dim_seller,
        dimensions.dim_product,
        dimensions.dim_location,
        dimensions.dim_date,
        marts.sales_by_month,
        marts.sales_by_state,
        marts.product_by_category,
        marts.customer_segments,
        marts.seller_scorecard,
        marts.delivery_performance,
        marts.payment_mix,
        marts.payment_gap,
        marts.review_trend,
        marts.cohort_retention,
        marts.geo_flow,
        marts.bought_together,
    )
}
