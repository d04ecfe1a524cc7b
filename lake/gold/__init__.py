"""Gold: pure functions from silver (and gold) tables to gold tables.

Each takes DataFrames named as the tables in the contract's `sources` (without the layer) and returns one with the columns
of its contract. Restricted to some orders, customers or groups, the same functions compute just those.
"""

import inspect
from collections.abc import Callable

from pyspark.sql import DataFrame

from lake.contracts import layer
from lake.errors import BadConfiguration
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


def check_builders() -> None:
    """Hold the builders against the contracts, before Spark starts.

    Raises:
        BadConfiguration: a table without builder, a builder without table, or one that takes other frames than the sources.
    """
    # A model's tables are made by the step that trains it.
    built = {gold.name: gold for gold in layer("gold") if gold.grain != "model"}
    for name in {*built, *BUILDERS}:
        if name not in BUILDERS:
            raise BadConfiguration(f"{name} has a contract but no builder", "write one in lake/gold and name it in BUILDERS")
        if name not in built:
            raise BadConfiguration(f"{name} has a builder but no contract", f"write conf/tables/{name.replace('.', '/')}.yml")
        takes, sources = list(inspect.signature(BUILDERS[name]).parameters), [source.split(".")[1] for source in built[name].sources]
        if set(takes) != set(sources):
            raise BadConfiguration(f"the builder of {name} takes {takes}, its contract's sources are {sources}", "make them the same")
