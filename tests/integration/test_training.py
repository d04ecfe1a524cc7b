"""gold -> recommendations: what dies is made good, new reviews are learned from, and nobody is told of what they have."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame

from lake import commits, recommend, tables
from lake.contracts import contract
from lake.ledger import Run
from lake.session import Lake
from tests.integration.conftest import World
from tests.marketplace import ident


def items(lake: Lake, purchases: list[tuple[str, str, int | None]]) -> DataFrame:
    """Items of these persons, products and scores; all else of them is null."""
    rows = [(ident(person), ident(product), score, Decimal("10.00")) for person, product, score in purchases]
    frame = lake.spark.createDataFrame(rows, "customer_unique_id string, product_id string, review_score int, price_brl decimal(12,2)")
    return tables.whole(contract(recommend.ITEMS), frame.coalesce(1))


def purchases(reviewers: int) -> list[tuple[str, str, int | None]]:
    """Eight persons, seven products: all have all of them but the last, who has one. So many of the persons review what they have."""
    return [(f"person {who}", f"product {what}", 5 if who < reviewers else None) for who in range(8) for what in range(7 if who < 7 else 1)]


def fill(world: World, bought: list[tuple[str, str, int | None]], reviews: int) -> None:
    """Put these items into the lake, and the word that silver has as many and so many reviews."""
    silver = {"silver.order_items": (None, len(bought)), recommend.REVIEWS: (None, reviews)}
    frames = {recommend.ITEMS: (items(world.lake, bought), len(bought)), **silver}
    for name, (frame, rows) in frames.items():
        before = tables.note(world.lake, name)
        write = commits.replace if before and frame is not None else commits.append
        write(world.lake, contract(name), frame, tables.Note("a", "build", before.sequence + 1 if before else 1, {}, rows))


def train(world: World) -> dict[str, str]:
    """Run the step; what became of each table."""

    def work(lake: Lake, run: Run) -> dict[str, str]:
        recommend.recommend(lake, run)
        return {row["table"]: row["status"] for row in run.finished}

    return world.ask(work)


def test_a_training_that_died_is_made_good_wherever_it_died(world, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    fill(world, purchases(8), 50)
    # Just before gold.model_runs is written, then between that and the recommendations.
    for place, written in (("gate", set()), ("write_all", {"model_runs"})):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(recommend, place, die)
            train(world)
        assert set(world.versions("gold")) == {"fact_order_items", *written}
    assert train(world) == {recommend.RUNS: "unchanged", recommend.RECOMMENDATIONS: "done"}
    models = "select model_run, count(*) from gold_{} group by 1"
    ((recommending, rows),), measured = (world.sql(models.format(table)) for table in ("recommendations", "model_runs"))
    assert rows == 5 and measured == [(recommending, 3)]
    before = world.versions("gold")
    assert train(world) == {recommend.RECOMMENDATIONS: "unchanged"} and world.versions("gold") == before
    # As in a lake where this died while the recommendations were still written first.
    shutil.rmtree(world.root / "gold/model_runs")
    assert set(train(world).values()) == {"done"}
    assert world.sql(models.format("model_runs")) == measured


def test_reviews_that_come_after_their_orders_are_learned_from(world):
    fill(world, purchases(1), 7)
    train(world)
    assert recommend.nothing_to_learn(world.lake) == "trained on 50 items and 7 reviews, there are 50 items and 7 reviews now"
    fill(world, purchases(8), 50)
    assert recommend.nothing_to_learn(world.lake) is None
    assert set(train(world).values()) == {"done"}
    assert recommend.nothing_to_learn(world.lake) and train(world) == {recommend.RECOMMENDATIONS: "unchanged"}


def test_what_was_bought_is_not_recommended_although_it_was_not_reviewed(session):
    given = [*purchases(8), *(("person 7", what, None) for what in ("product 0", "product 5", "product 6", "unrated"))]
    sold = items(session, [*given, ("silent", "product 1", None)])
    data = recommend.ratings(sold).persist()
    people = data.select("person", "u").distinct()
    found = recommend.top(recommend.fit(data), data, people, recommend.purchases(sold, data)).collect()
    data.unpersist()
    assert {(row["person"], row["product"]) for row in found} == {(ident("person 7"), ident(f"product {what}")) for what in range(1, 5)}
