"""Relationships of the graph as gold has them and as Neo4j shows them."""

from __future__ import annotations

from lake.publish import neo4j
from lake.publish.graph import KINDS
from lake.sql import open_sql

TOGETHER = "select product_a a, product_b b from gold.bought_together"
PAIRS = {
    "SELLS": "select distinct seller_id a, product_id b from gold.fact_order_items",
    "PURCHASED": "select distinct customer_unique_id a, product_id b from gold.fact_order_items",
    "ALSO_BOUGHT": f"{TOGETHER} union all select b, a from ({TOGETHER})",
    "RECOMMENDED": "select customer_unique_id a, product_id b from gold.recommendations",
}
NODES = """(select customer_unique_id from gold.dim_customer union all select seller_id from gold.dim_seller
            union all select product_id from gold.dim_product)"""


def counted(lake: str) -> dict[str, tuple[int, int, int]]:
    """By type: how many pairs gold has, of how many both nodes are in gold, and how many Neo4j shows."""
    db = open_sql(lake)
    both = f"count(*) filter (a in {NODES} and b in {NODES})"
    of_gold = {name: db.execute(f"select count(*), {both} from ({pairs})").fetchone() for name, pairs in PAIRS.items()}
    with neo4j.connected() as driver:
        shown = {kind.view.name: driver.execute_query(kind.count("")).records[0]["rows"] for kind in KINDS if kind.view.name in PAIRS}
    return {name: (*found, shown[name]) for name, found in of_gold.items()}
