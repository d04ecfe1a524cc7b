"""gold -> MongoDB: documents as applications read them, staged beside the collections, compared, then renamed over them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.errors import BadEnvironment, LawBroken
from lake.publish.snapshot import Fingerprint, Snapshot, fingerprint
from lake.session import Lake
from lake.settings import required

NAME = "mongodb"
MARKER = "_snapshots"
DOCUMENT = {"document": "string"}


@dataclass(frozen=True)
class Collection:
    """A collection: its indexes, and which fields a document must have with which BSON types."""

    name: str
    indexes: tuple[tuple[str, ...], ...]
    required: dict[str, str]


COLLECTIONS = (
    Collection("products", (("category.name",), ("reviews.mean_score",)), {"_id": "string", "category": "object", "sales": "object"}),
    Collection(
        "reviews",
        (("score",), ("order_id",), ("customer_unique_id",), ("answered_at",)),
        {"_id": "string", "order_id": "string", "score": "int", "created_at": "date"},
    ),
    Collection("recommendations", (), {"_id": "string", "products": "array", "model_run": "string"}),
)


# ------------------------------------------------------------------------------------------------------------ documents


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


def documents(lake: Lake, snapshot: Snapshot) -> dict[str, DataFrame]:
    """The documents of each collection at a snapshot."""

    def gold(name: str) -> DataFrame:
        return tables.read(lake, f"gold.{name}", snapshot.versions[f"gold.{name}"])

    return {
        "products": products(gold("dim_product"), gold("fact_order_items"), gold("fact_reviews")),
        "reviews": reviews(gold("fact_reviews")),
        "recommendations": recommendations(gold("recommendations")),
    }


# ----------------------------------------------------------------------------------------------------------- the server


def _uri() -> str:
    port, user, password = required("MongoDB", "MONGODB_PORT", "MONGODB_USER", "MONGODB_PASSWORD")
    place = f"{os.environ.get('MONGODB_HOST', '127.0.0.1')}:{port}"
    options = "authSource=admin&directConnection=true&serverSelectionTimeoutMS=5000"
    return f"mongodb://{quote_plus(user)}:{quote_plus(password)}@{place}/?{options}"


def _database() -> str:
    return os.environ.get("MONGODB_DATABASE", "ecommerce")


@contextmanager
def connected() -> Iterator[Database]:
    """The database; errors of the server become errors that say what to do.

    Raises:
        BadEnvironment: no settings, no server, or it refuses.
    """
    try:
        with MongoClient(_uri()) as client:
            yield client[_database()]
    except PyMongoError as error:
        raise BadEnvironment(f"MongoDB: {str(error).split(',')[0]}", "`make status` shows whether it runs; then publish again") from error


def _marked(database: Database, state: str) -> Snapshot | None:
    marker = database[MARKER].find_one({"_id": state})
    return Snapshot.of(marker["versions"]) if marker else None


def held() -> Snapshot | None:
    """The snapshot that readers see; None if there is none, or if a switch to another was cut off."""
    with connected() as database:
        return _marked(database, "current")


def publish(lake: Lake, snapshot: Snapshot) -> dict[str, Fingerprint]:
    """Stage all collections, compare them, and show them to readers; what was staged, by collection.

    Raises:
        BadEnvironment: the server is away or refuses; readers still see what they saw.
        LawBroken: what arrived is not what was sent; readers still see what they saw.
    """
    frames, staged = documents(lake, snapshot), {}
    with connected() as database:
        for collection in COLLECTIONS:
            _make_stage(database, collection)
            staged[collection.name] = _stage(lake, frames[collection.name], f"{collection.name}__stage")
        _switch(database, snapshot)
    return staged


def _make_stage(database: Database, collection: Collection) -> None:
    stage = f"{collection.name}__stage"
    database.drop_collection(stage)
    properties = {name: {"bsonType": type_} for name, type_ in collection.required.items()}
    schema: dict[str, Any] = {"bsonType": "object", "required": list(collection.required), "properties": properties}
    database.create_collection(stage, validator={"$jsonSchema": schema})
    for fields in collection.indexes:
        database[stage].create_index([(field, 1) for field in fields])


def _stage(lake: Lake, frame: DataFrame, stage: str) -> Fingerprint:
    frame = frame.persist()
    try:
        sent = fingerprint(_as_text(frame), DOCUMENT)
        frame.write.format("mongodb").options(**_options(stage)).option("ordered", "false").mode("append").save()
    finally:
        frame.unpersist()
    arrived = fingerprint(_as_text(lake.spark.read.format("mongodb").options(**_options(stage)).schema(frame.schema).load()), DOCUMENT)
    if arrived != sent:
        raise LawBroken(f"MongoDB {stage}: sent {sent}, arrived {arrived}")
    return sent


def _as_text(frame: DataFrame) -> DataFrame:
    return frame.select(F.to_json(F.struct(*frame.columns)).alias("document"))


def _options(collection: str) -> dict[str, str]:
    return {"connection.uri": _uri(), "database": _database(), "collection": collection}


def _switch(database: Database, snapshot: Snapshot) -> None:
    """Keep what readers see as __previous, then rename the stages over it; each rename is atomic. No marker meanwhile, so that
    what is cut off halfway is neither held nor brought back."""
    before = _marked(database, "current")
    database[MARKER].delete_many({})
    there = database.list_collection_names()
    for name in (collection.name for collection in COLLECTIONS):
        if name in there:
            database[name].aggregate([{"$out": f"{name}__previous"}])
        database[f"{name}__stage"].rename(name, dropTarget=True)
    states = {"current": snapshot} | ({"previous": before} if before else {})
    database[MARKER].insert_many({"_id": state, "snapshot": of.id, "versions": dict(of.versions)} for state, of in states.items())


def restore() -> Snapshot:
    """Bring the previous snapshot back; the one that readers saw becomes the previous one.

    Raises:
        BadEnvironment: there is none, or the server is away.
    """
    with connected() as database:
        snapshot = _marked(database, "previous")
        if not snapshot:
            raise BadEnvironment("MongoDB holds no previous snapshot", "publish at least twice")
        for collection in COLLECTIONS:
            _make_stage(database, collection)
            database[f"{collection.name}__previous"].aggregate([{"$merge": f"{collection.name}__stage"}])
        _switch(database, snapshot)
    return snapshot
