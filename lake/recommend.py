"""Recommendations: ALS on what people bought and how they rated it, with two baselines beside it on the same split.

rating = review_score * (1 + ln(1 + price) / 10), the mean over a person's purchases of a product. Products with fewer than
MIN_RATINGS ratings are learned from but not recommended: their factors say next to nothing. The three methods choose from
the same products, at most the MOST_CANDIDATES that most people rated. What a person has bought is not recommended; where the
methods are measured that is what the person has rated in training, since the rest is to be guessed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pyspark import cloudpickle
from pyspark.errors import PythonException
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake import commits, ranking, storage, tables
from lake.build import gate, write_all
from lake.contracts import contract
from lake.errors import BadEnvironment, GateFailed
from lake.ledger import Run
from lake.session import Lake

# It takes most of a second to load, and few runs train.
if TYPE_CHECKING:
    from pyspark.ml.recommendation import ALSModel

RANK, ITERATIONS, REGULARISATION, SEED = 10, 8, 0.1, 42
TRAIN_PERCENT = 80
TOP = 5
MIN_RATINGS = 5
# So many products at most are held against each person: else the work grows with the square of the marketplace.
MOST_CANDIDATES = 5_000
# Training again costs more than a day's data tells: at least this share of the items or of the reviews must be new.
RETRAIN_SHARE = 0.05
# The workers of a cluster do not have this project: they are sent the module itself.
cloudpickle.register_pickle_by_value(ranking)
ITEMS, RECOMMENDATIONS, RUNS = "gold.fact_order_items", "gold.recommendations", "gold.model_runs"
# The items know their reviews as soon as silver does; gold.fact_reviews may be built after them, or by another job.
REVIEWS = "silver.order_reviews"


def recommend(lake: Lake, run: Run, retrain: bool = False) -> None:
    """Train, measure and write the recommendations, if enough is new since the last training or `retrain` says so."""
    until = {ITEMS: tables.version(lake, ITEMS)}
    before = tables.note(lake, RECOMMENDATIONS)
    with run.table("recommend", RECOMMENDATIONS) as outcome, _needing_workers():
        if None in until.values():
            raise GateFailed(f"{RECOMMENDATIONS} is built from {ITEMS}, which does not exist", "run the steps before it")
        learned = {"items": tables.note(lake, ITEMS).rows, "reviews": tables.note(lake, REVIEWS).rows}
        if not retrain and (why := _too_little_new(lake, learned)):
            outcome.status, outcome.message = "unchanged", why
            return
        outcome.inputs = until
        parameters = [until, learned, RANK, ITERATIONS, REGULARISATION, SEED, TRAIN_PERCENT, MIN_RATINGS, MOST_CANDIDATES]
        model_run = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:12]
        path = f"{lake.root}/gold/_models/{model_run}"
        items = tables.read(lake, ITEMS, until[ITEMS])
        data = ratings(items).persist()
        measured = evaluate(data)
        model = fit(data)
        model.write().overwrite().save(path)
        # Before the recommendations, which never name a model that nobody has measured.
        _write_measured(lake, run, measured, model_run, path, until)
        rows = top(model, data, data.select("person", "u").distinct(), purchases(items, data))
        rows = rows.select(F.col("person").alias("customer_unique_id"), "rank", F.col("product").alias("product_id"), "score",
                           F.lit(model_run).alias("model_run"))  # fmt: skip
        write_all(lake, run, contract(RECOMMENDATIONS), tables.conforming(contract(RECOMMENDATIONS), rows), until, before, outcome,
                  {name: str(number) for name, number in learned.items()})  # fmt: skip
        data.unpersist()


def _write_measured(lake: Lake, run: Run, measured: list[dict], model_run: str, path: str, until: dict[str, int]) -> None:
    """Add what `evaluate` found to gold.model_runs, once a model."""
    with run.table("recommend", RUNS) as outcome:
        before = tables.note(lake, RUNS)
        parameters = {"rank": RANK, "iterations": ITERATIONS, "regularisation": REGULARISATION, "model_path": path}
        records = [{**m, "seed": SEED, "model_run": model_run, **(parameters if m["method"] == "als" else {})} for m in measured]
        schema = contract(RUNS).schema
        frame = lake.rows([[r.get(n) for n in schema.names] for r in records], schema)
        outcome.inputs, outcome.rows_read = until, len(records)
        if before and tables.read(lake, RUNS).where(F.col("model_run") == model_run).count():
            # Measured before, by a run that died perhaps; the note says that these rows are of the version that was learned from.
            frame, total, outcome.status = None, before.rows, "unchanged"
        else:
            total, outcome.rows_written = (before.rows if before else 0) + len(records), len(records)
            gate(run, contract(RUNS), frame, total)
        note = tables.Note(run.run_id, "recommend", before.sequence + 1 if before else 1, until, total)
        outcome.output_version = commits.append(lake, contract(RUNS), frame, note)


@contextmanager
def _needing_workers() -> Iterator[None]:
    """What a cluster's Python lacks is said in one line."""
    try:
        yield
    except PythonException as error:
        lacking = re.search(r"No module named '\w+'|PYTHON_VERSION_MISMATCH", str(error))
        if not lacking:
            raise
        hint = "docs/cluster.md says what the workers' Python needs; everything but the recommendations is written"
        raise BadEnvironment(f"the workers can't rank products: {lacking[0]}", hint) from error


def nothing_to_learn(lake: Lake) -> str | None:
    """Why nothing is trained even if every item in silver comes into gold; None if something may be."""
    items, reviews = tables.note(lake, "silver.order_items"), tables.note(lake, REVIEWS)
    return _too_little_new(lake, {"items": items.rows, "reviews": reviews.rows}) if items and reviews else None


def _too_little_new(lake: Lake, learned: dict[str, int]) -> str | None:
    """Why nothing is trained on so many items and reviews; None if the last training knew fewer, or died half written."""
    before, runs_before = tables.note(lake, RECOMMENDATIONS), tables.note(lake, RUNS)
    if not before or not runs_before or before.inputs != runs_before.inputs:
        return None
    # Older notes do not say how many reviews there were.
    trained = {name: int(before.facts.get(name, 0)) for name in learned}
    if any(number > trained[name] and number >= trained[name] * (1 + RETRAIN_SHARE) for name, number in learned.items()):
        return None
    then, now = (" and ".join(f"{number:,} {name}" for name, number in each.items()) for each in (trained, learned))
    return f"trained on {then}, there are {now} now"


def load_model(lake: Lake, model_run: str) -> ALSModel:
    """A saved model by its identifier (gold.model_runs)."""
    path = f"{lake.root}/gold/_models/{model_run}"
    if not storage.exists(lake, path):
        raise GateFailed(f"there is no model {model_run}", "gold.model_runs names the models")
    from pyspark.ml.recommendation import ALSModel

    return ALSModel.load(path)


def ratings(fact_order_items: DataFrame) -> DataFrame:
    """person, product, rating, u and i (whole numbers for ALS, by the order of the identifiers), test (held out or not)."""
    rating = F.col("review_score") * (1 + F.log1p(F.col("price_brl").cast("double")) / 10)
    pairs = (
        fact_order_items.where("review_score is not null")
        .groupBy(F.col("customer_unique_id").alias("person"), F.col("product_id").alias("product"))
        .agg(F.round(F.avg(rating), 6).alias("rating"))
    )
    held_out = F.pmod(F.xxhash64("person", "product", F.lit(SEED)), F.lit(100)) >= TRAIN_PERCENT
    return pairs.select(
        "*", F.dense_rank().over(Window.orderBy("person")).alias("u"), F.dense_rank().over(Window.orderBy("product")).alias("i"),
        held_out.alias("test"),
    )  # fmt: skip


def purchases(fact_order_items: DataFrame, data: DataFrame) -> DataFrame:
    """u and i of what the persons of `ratings` have bought, reviewed or not; some twice."""
    # Nearly all purchases are reviewed: only the others are looked up.
    unrated = fact_order_items.where("review_score is null")
    unrated = unrated.select(F.col("customer_unique_id").alias("person"), F.col("product_id").alias("product"))
    theirs = unrated.join(data.select("person", "u"), "person", "inner").select("u", "product").distinct()
    more = theirs.join(data.select("product", "i").distinct(), "product", "inner")
    return data.select("u", "i").unionByName(more.select("u", "i"))


def fit(data: DataFrame) -> ALSModel:
    """Train on all rows of `ratings`."""
    from pyspark.ml.recommendation import ALS

    als = ALS(
        rank=RANK, maxIter=ITERATIONS, regParam=REGULARISATION, seed=SEED, userCol="u", itemCol="i", ratingCol="rating",
        coldStartStrategy="drop", numUserBlocks=2, numItemBlocks=2,
    )  # fmt: skip
    return als.fit(data.select("u", "i", "rating").repartition(2, "u").sortWithinPartitions("u", "i"))


def _candidates(data: DataFrame) -> DataFrame:
    """Products that may be recommended, those that most people rated: i, product, and how many rated them."""
    rated = data.groupBy("i", "product").agg(F.count(F.lit(1)).alias("n")).where(F.col("n") >= MIN_RATINGS)
    return rated.orderBy(F.col("n").desc(), "product").limit(MOST_CANDIDATES)


def top(model: ALSModel, data: DataFrame, people: DataFrame, owned: DataFrame) -> DataFrame:
    """The TOP candidates of each person by predicted rating: person, rank, product, score.

    Args:
        data: what the model was trained on.
        people: person and u.
        owned: u and i of what is not to be recommended to a person; something for each.
    """
    known = _candidates(data).join(model.itemFactors, F.col("i") == F.col("id"), "inner").orderBy("product")
    known = known.select("i", "product", "features").toArrow()
    if not known.num_rows:
        return people.select("person", F.lit(0).alias("rank"), F.lit("").alias("product"), F.lit(0.0).alias("score")).limit(0)
    factors = known["features"].combine_chunks().flatten().to_numpy().reshape(known.num_rows, -1)
    candidates = ranking.Candidates.of(known["i"].to_numpy(), known["product"].combine_chunks(), factors, TOP)
    bought = owned.groupBy("u").agg(F.collect_list("i").alias("bought"))
    users = people.join(bought, "u", "inner").join(model.userFactors, F.col("u") == F.col("id"), "inner")
    choose = partial(ranking.ranked, candidates=candidates, size=TOP)
    return users.select("person", "features", "bought").mapInArrow(choose, "person string, rank int, product string, score double")


# ---------------------------------------------------------------------------------------------------------- measuring


def evaluate(data: DataFrame) -> list[dict]:
    """Train on the training part; measure ALS, popularity and bought-together on the persons of the held-out part.

    Returns:
        One dict a method, with the measurements of gold.model_runs.
    """
    from pyspark.ml.evaluation import RegressionEvaluator

    train, test = data.where("not test").persist(), data.where("test").persist()
    model = fit(train)
    predicted = model.transform(test.select("u", "i", "rating")).persist()
    warm = predicted.count()
    rmse = round(RegressionEvaluator(labelCol="rating", predictionCol="prediction").evaluate(predicted), 6) if warm else None
    people = test.select("person", "u").distinct().join(train.select("u").distinct(), "u", "left_semi").persist()
    lists = {
        "als": top(model, train, people, train.select("u", "i")).select("person", "rank", "product"),
        "popularity": _popular(train, people),
        "bought_together": _together(train, people),
    }
    truth = test.join(people.select("person"), "person", "left_semi").groupBy("person").agg(F.collect_set("product").alias("liked"))
    counts = train.agg(F.count(F.lit(1)).alias("n"), F.count_distinct("i").alias("products")).first()
    tested = test.count()
    found = []
    for method, listed in lists.items():
        given = listed.groupBy("person").agg(F.collect_set("product").alias("given"))
        hits = F.size(F.array_intersect("liked", F.coalesce("given", F.array().cast("array<string>"))))
        row = (
            truth.join(given, "person", "left")
            .agg(
                F.count(F.lit(1)).alias("persons"),
                F.avg(hits / F.lit(TOP)).alias("precision"),
                F.avg(hits / F.size("liked")).alias("recall"),
                F.size(F.array_distinct(F.flatten(F.collect_list("given")))).alias("covered"),
            )
            .first()
        )
        found.append(
            {
                "method": method,
                "train_ratings": counts["n"],
                "test_ratings": tested,
                "rmse": rmse if method == "als" else None,
                "rmse_ratings": warm if method == "als" else None,
                "precision_at_5": round(row["precision"] or 0.0, 6),
                "recall_at_5": round(row["recall"] or 0.0, 6),
                "coverage": round(row["covered"] / counts["products"], 6) if counts["products"] else 0.0,
                "test_persons": row["persons"],
            }
        )
    for frame in (train, test, predicted, people):
        frame.unpersist()
    return found


def _best(frame: DataFrame, weight: Column) -> DataFrame:
    order = Window.partitionBy("person").orderBy(weight.desc(), "product")
    return frame.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= TOP).select("person", "rank", "product")


def _popular(train: DataFrame, people: DataFrame) -> DataFrame:
    """The products that most people rated, without those of the person."""
    # Nobody has rated more than a few dozen products: so many of the top are enough to fill every list.
    most = _candidates(train).orderBy(F.col("n").desc(), "product").limit(100)
    offered = people.select("person", "u").crossJoin(F.broadcast(most))
    return _best(offered.join(train.select("u", "i"), ["u", "i"], "left_anti"), F.col("n"))


def _together(train: DataFrame, people: DataFrame) -> DataFrame:
    """The products that people with the same products rated most often."""
    mine = train.join(people.select("u"), "u", "left_semi").select("person", "u", F.col("i").alias("mine"))
    also = train.select(F.col("u").alias("other"), F.col("i").alias("mine"))
    theirs = train.select(F.col("u").alias("other"), "i", "product").join(_candidates(train).select("i"), "i", "left_semi")
    offered = (
        mine.join(also, "mine", "inner").where("other <> u").join(theirs, "other", "inner")
        .where("i <> mine").groupBy("person", "u", "i", "product").agg(F.count(F.lit(1)).alias("n"))
    )  # fmt: skip
    return _best(offered.join(train.select("u", "i"), ["u", "i"], "left_anti"), F.col("n"))
