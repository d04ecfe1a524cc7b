"""What Neo4j shows: gold as nodes and relationships, and the statements that write and read each kind of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.publish.fingerprint import SIGN
from lake.publish.view import View

CUSTOMER, PRODUCT = ("Customer", "customer_unique_id"), ("Product", "product_id")
SELLER, CATEGORY = ("Seller", "seller_id"), ("Category", "name")
LABELS = (CUSTOMER, PRODUCT, SELLER, CATEGORY)
# The gold tables that have a row for each node of these.
TABLES = {CUSTOMER: "dim_customer", PRODUCT: "dim_product", SELLER: "dim_seller"}
CODE = Path(__file__).read_text(encoding="utf-8")
# The label of the nodes in which changes travel: one for all kinds, since a Spark job for each costs more than its rows do.
CHANGE = "_Change"


@dataclass(frozen=True)
class Kind:
    """Nodes of a label or relationships of a type.

    Attributes:
        view: their rows.
        key: the columns that say which node or relationship a row is.
        label: of the nodes, or of those where the relationships start, with the property that is their key.
        end: likewise of those where the relationships end; None for nodes.

    In the statements n is what is written or read, `row` names what holds a row's values, and `suffix` is added to labels of
    what readers do not see.
    """

    view: View
    key: tuple[str, ...]
    label: tuple[str, str]
    end: tuple[str, str] | None = None

    @property
    def is_node(self) -> bool:
        return self.end is None

    @property
    def properties(self) -> list[str]:
        return [name for name in self.view.types if name not in self.key]

    def _ends(self, row: str, suffix: str) -> str:
        (start, start_key), (end, end_key) = self.label, self.end
        return f"MATCH (a:{start}{suffix} {{{start_key}: {row}.start}}) MATCH (b:{end}{suffix} {{{end_key}: {row}.end}}) "

    def merge(self, row: str, suffix: str = "") -> str:
        """Write what a row says; a second time changes nothing."""
        setting = ", ".join(f"n.{name} = {row}.{name}" for name in self.properties)
        setting = f" SET {setting}" if setting else ""
        if self.is_node:
            return f"MERGE (n:{self.label[0]}{suffix} {{{self.key[0]}: {row}.{self.key[0]}}}){setting}"
        return self._ends(row, suffix) + f"MERGE (a)-[n:{self.view.name}]->(b){setting}"

    def delete(self, row: str) -> str:
        """Take away what a row names."""
        if self.is_node:
            return f"MATCH (n:{self.label[0]} {{{self.key[0]}: {row}.{self.key[0]}}}) DETACH DELETE n"
        return self._ends(row, "") + f"MATCH (a)-[n:{self.view.name}]->(b) DELETE n"

    def all(self, suffix: str = "") -> str:
        """MATCH for all of them, with a, b and n."""
        if self.is_node:
            return f"MATCH (n:{self.label[0]}{suffix})"
        return f"MATCH (a:{self.label[0]}{suffix})-[n:{self.view.name}]->(b:{self.end[0]}{suffix})"

    def count(self, suffix: str) -> str:
        """How many there are, as `rows`."""
        return f"{self.all(suffix)} RETURN count(n) AS rows"

    def read(self, suffix: str) -> str:
        """All of them as rows."""
        key = f"n.{self.key[0]} AS {self.key[0]}" if self.is_node else f"a.{self.label[1]} AS start, b.{self.end[1]} AS end"
        return f"{self.all(suffix)} RETURN " + ", ".join([key, *(f"n.{name} AS {name}" for name in self.properties)])

    def comes_again(self, row: str) -> str:
        """Whether a node that goes also comes: then it stays, with other properties."""
        known = f"kind: '{self.view.name}', {self.key[0]}: {row}.{self.key[0]}"
        return f"EXISTS {{ MATCH (d:{CHANGE} {{{known}}}) WHERE d.{SIGN} > 0 }}"

    def changes(self, sign: str) -> str:
        """MATCH for what was sent of it, as c: what comes (> 0) or goes (< 0)."""
        return f"MATCH (c:{CHANGE} {{kind: '{self.view.name}'}}) WHERE c.{SIGN} {sign}"


def _nodes(label: tuple[str, str], source: str, build: Callable[..., DataFrame], grain: str | None = None, **properties: str) -> Kind:
    types = {label[1]: "string", **properties}
    return Kind(View(label[0], types, (source,), lambda **frames: _typed(build(frames[source]), types), CODE, grain), (label[1],), label)


def _edges(
    name: str,
    start: tuple[str, str],
    end: tuple[str, str],
    source: str,
    build: Callable[..., DataFrame],
    grain: str | None = None,
    **properties: str,
) -> Kind:
    """Relationships both of whose nodes are there: an item may come to gold weeks before its seller or product does."""
    types = {"start": "string", "end": "string", **properties}
    ends = {column: label for column, label in (("start", start), ("end", end)) if TABLES.get(label, source) != source}

    def rows(**frames: DataFrame) -> DataFrame:
        edges = build(frames[source])
        for column, label in ends.items():
            edges = edges.join(frames[TABLES[label]].select(F.col(label[1]).alias(column)), column, "left_semi")
        return _typed(edges, types)

    sources = tuple(dict.fromkeys([source, *(TABLES[label] for label in ends.values())]))
    return Kind(View(name, types, sources, rows, CODE, grain), ("start", "end"), start, end)


def _typed(rows: DataFrame, types: dict[str, str]) -> DataFrame:
    return rows.select(*[F.col(name).cast(type_).alias(name) for name, type_ in types.items()])


def _customers(dim_customer: DataFrame) -> DataFrame:
    return dim_customer.select("customer_unique_id", F.col("customer_city").alias("city"), F.col("customer_state").alias("state"), "orders")


def _sellers(dim_seller: DataFrame) -> DataFrame:
    return dim_seller.select("seller_id", F.col("seller_city").alias("city"), F.col("seller_state").alias("state"))


def _sells(items: DataFrame) -> DataFrame:
    return items.groupBy(F.col("seller_id").alias("start"), F.col("product_id").alias("end")).agg(F.count(F.lit(1)).alias("items"))


def _purchased(items: DataFrame) -> DataFrame:
    # Neo4j has no decimal: money is in centavos.
    centavos = (F.sum("revenue_brl") * 100).cast("bigint").alias("revenue_centavos")
    return items.groupBy(F.col("customer_unique_id").alias("start"), F.col("product_id").alias("end")).agg(
        F.countDistinct("order_id").alias("orders"), F.count(F.lit(1)).alias("items"), centavos
    )


def _also_bought(bought_together: DataFrame) -> DataFrame:
    # Both ways, so that "who bought X" needs no thought about which identifier is smaller.
    pairs = bought_together.select("product_a", "product_b", "orders", "lift")
    return pairs.toDF("start", "end", "orders", "lift").unionByName(pairs.toDF("end", "start", "orders", "lift"))


def _recommended(recommendations: DataFrame) -> DataFrame:
    return recommendations.select(F.col("customer_unique_id").alias("start"), F.col("product_id").alias("end"), "rank", "score")


# Nodes before relationships.
KINDS = (
    _nodes(CUSTOMER, "dim_customer", _customers, city="string", state="string", orders="bigint"),
    _nodes(PRODUCT, "dim_product", lambda products: products, category="string"),
    _nodes(SELLER, "dim_seller", _sellers, city="string", state="string"),
    _nodes(CATEGORY, "dim_product", lambda products: products.select(F.col("category").alias("name")).distinct(), "category"),
    _edges("IN", PRODUCT, CATEGORY, "dim_product", lambda p: p.select(F.col("product_id").alias("start"), F.col("category").alias("end"))),
    _edges("SELLS", SELLER, PRODUCT, "fact_order_items", _sells, "product_id", items="bigint"),
    _edges(
        "PURCHASED", CUSTOMER, PRODUCT, "fact_order_items", _purchased, "customer_unique_id",
        orders="bigint", items="bigint", revenue_centavos="bigint",
    ),
    _edges("ALSO_BOUGHT", PRODUCT, PRODUCT, "bought_together", _also_bought, orders="bigint", lift="double"),
    _edges("RECOMMENDED", CUSTOMER, PRODUCT, "recommendations", _recommended, "customer_unique_id", rank="bigint", score="double"),
)  # fmt: skip


def changed_properties() -> dict[str, str]:
    """The columns of all kinds, with their types: the properties of the nodes in which changes travel."""
    return {name: type_ for kind in KINDS for name, type_ in kind.view.types.items()}


def keep_change() -> str:
    """Write a row of a change as a node; a second time changes nothing."""
    values = ", ".join(f"n.{name} = event.{name}" for name in ["kind", SIGN, *changed_properties()])
    return f"MERGE (n:{CHANGE} {{row: event.row}}) SET {values}"


def read_changes() -> str:
    """All rows of changes."""
    return f"MATCH (n:{CHANGE}) RETURN " + ", ".join(f"n.{name} AS {name}" for name in ["kind", SIGN, *changed_properties()])
