"""What MongoDB shows: gold as documents that applications read as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.publish.fingerprint import SIGN
from lake.publish.view import View

CODE = Path(__file__).read_text(encoding="utf-8")


def products(dim_product: DataFrame, fact_order_items: DataFrame, fact_reviews: DataFrame) -> DataFrame:
    """One document a product: category and translation, dimensions, range of prices, summary of the reviews of its orders."""
    sold = fact_order_items.groupBy("product_id").agg(
        F.struct(F.min("price_brl").alias("min"), F.max("price_brl").alias("max")).alias("price_brl"),
        F.struct(F.count(F.lit(1)).alias("items"), F.sum("revenue_brl").cast("decimal(18,2)").alias("revenue_brl")).alias("sales"),
    )
    # A review is about an order: it counts once for each product in it.
    of_product = fact_order_items.select("order_id", "product_id").distinct().join(fact_reviews, "order_id", "inner")
    reviewed = of_product.groupBy("product_id").agg(
        F.struct(F.count(F.lit(1)).alias("count"), F.round(F.avg("review_score"), 4).alias("mean_score")).alias("reviews")
    )
    nothing = F.struct(F.lit(0).cast("bigint").alias("items"), F.lit(0).cast("decimal(18,2)").alias("revenue_brl"))
    return (
        dim_product.join(sold, "product_id", "left")
        .join(reviewed, "product_id", "left")
        .select(
            F.col("product_id").alias("_id"),
            F.struct(
                F.col("category").alias("name"),
                F.col("category_pt").alias("name_pt"),
                F.col("category_is_translated").alias("is_translated"),
            ).alias("category"),
            F.struct("weight_g", "length_cm", "height_cm", "width_cm", "volume_cm3").alias("dimensions"),
            F.struct("name_length", "description_length", "photos").alias("description"),
            "price_brl",
            F.coalesce("sales", nothing).alias("sales"),
            "reviews",
        )
    )


def reviews(fact_reviews: DataFrame) -> DataFrame:
    """One document a review of an order."""
    return fact_reviews.select(
        F.concat_ws("/", "review_id", "order_id").alias("_id"),
        "review_id", "order_id", "customer_unique_id", "customer_state", "order_status",
        F.col("review_score").alias("score"),
        F.struct(F.col("review_comment_title").alias("title"), F.col("review_comment_message").alias("message")).alias("comment"),
        F.col("review_creation_date").alias("created_at"), F.col("review_answer_timestamp").alias("answered_at"),
        "answer_hours", "is_on_time",
    )  # fmt: skip


def recommendations(recommendations: DataFrame) -> DataFrame:
    """One document a person, with the products in the order of their rank."""
    return recommendations.groupBy(F.col("customer_unique_id").alias("_id")).agg(
        F.sort_array(F.collect_list(F.struct("rank", "product_id", "score"))).alias("products"), F.max("model_run").alias("model_run")
    )


def _collection(name: str, sources: tuple[str, ...], build: Callable[..., DataFrame], grain: str | None, **sums: str) -> View:
    """A view whose documents are compared as JSON, which has all that they hold, and by the sums that MongoDB can make itself."""
    types = {"document": "string"} | {path.replace("__", "."): type_ for path, type_ in sums.items()}

    def compared(documents: DataFrame) -> DataFrame:
        columns = [column for column in documents.columns if column != SIGN]
        kept = [SIGN] if SIGN in documents.columns else []
        return documents.select(F.to_json(F.struct(*columns)).alias("document"), *[F.col(n).alias(n) for n in list(types)[1:]], *kept)

    return View(name, types, sources, build, CODE, grain, compared)


VIEWS = (
    _collection(
        "products", ("dim_product", "fact_order_items", "fact_reviews"), products, "product_id",
        sales__items="bigint", sales__revenue_brl="decimal(18,2)",
    ),
    _collection("reviews", ("fact_reviews",), reviews, None, score="int"),
    _collection("recommendations", ("recommendations",), recommendations, "customer_unique_id"),
)  # fmt: skip


@dataclass(frozen=True)
class Collection:
    """How a collection is made: its indexes, and which fields a document must have with which BSON types."""

    indexes: tuple[tuple[str, ...], ...]
    required: dict[str, str]


COLLECTIONS = {
    "products": Collection((("category.name",), ("reviews.mean_score",)), {"_id": "string", "category": "object", "sales": "object"}),
    "reviews": Collection(
        (("score",), ("order_id",), ("customer_unique_id",), ("answered_at",)),
        {"_id": "string", "order_id": "string", "score": "int", "created_at": "date"},
    ),
    "recommendations": Collection((), {"_id": "string", "products": "array", "model_run": "string"}),
}
