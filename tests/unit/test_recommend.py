"""The parts of the recommender that rank and that say whether to train, without Spark."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lake import recommend, tables
from lake.ranking import Candidates, largest, ranked


@pytest.mark.parametrize(("groups", "width"), [(5, 1), (5, 2), (12, 3), (100, 50)])
def test_the_largest_are_those_of_a_full_sort(groups: int, width: int) -> None:
    scores = np.random.default_rng(7).normal(size=(300, groups * width)).astype(np.float32)
    assert np.array_equal(np.sort(largest(scores, 5, groups), axis=1), np.sort(np.argsort(-scores, axis=1)[:, :5], axis=1))


@pytest.mark.parametrize(("groups", "width"), [(5, 1), (5, 2), (12, 3), (100, 50)])
def test_of_equal_values_the_first_are_taken(groups: int, width: int) -> None:
    scores = np.random.default_rng(7).integers(0, 4, (300, groups * width)).astype(np.float32)
    full = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert np.array_equal(np.sort(largest(scores, 5, groups), axis=1), np.sort(full, axis=1))


def test_what_fills_up_the_last_group_is_chosen_last() -> None:
    scores = np.full((2, 10), -np.inf, np.float32)
    scores[:, :3] = [[1, 3, 2], [3, -1, 2]]
    assert all({0, 1, 2} < set(chosen) for chosen in largest(scores, 5, 5))


@pytest.mark.parametrize("count", [1, 3, 5, 40, 1000])
def test_everyone_gets_the_best_that_they_have_not_bought(count: int) -> None:
    """Against a plain loop: any number of candidates, items that are none, and people who bought nearly all of them."""
    draw = np.random.default_rng(count)
    items = np.arange(count) * 3 + 1
    factors = draw.normal(size=(count, 4)).astype(np.float32)
    people = [f"person {at}" for at in range(2100)]
    taste = draw.normal(size=(len(people), 4)).astype(np.float32)
    bought = [draw.integers(0, 3 * count + 50, draw.integers(1, 5)).tolist() for _ in people]
    bought[7] = [*range(0, 3 * count - 3), 10**6]
    names = pa.array([f"product {item}" for item in items])
    batch = pa.RecordBatch.from_pydict(
        {"person": people, "features": pa.array(list(taste), pa.list_(pa.float32())), "bought": pa.array(bought, pa.list_(pa.int32()))}
    )
    found = pa.Table.from_batches(ranked(iter([batch]), Candidates.of(items, names, factors, 5), 5)).to_pylist()
    expected = []
    for person, own, known in zip(people, taste, bought, strict=True):
        scores = [(-round(float(own @ of), 4), item) for item, of in zip(items, factors, strict=True) if item not in known]
        expected += [(person, rank, f"product {item}", -score) for rank, (score, item) in enumerate(sorted(scores)[:5], 1)]
    assert len(found) == len(expected)
    for row, (person, rank, _, score) in zip(found, expected, strict=True):
        assert (row["person"], row["rank"]) == (person, rank) and row["score"] == pytest.approx(score, abs=1.1e-4)
    # Scores that differ by less than they are rounded to may change places; hardly any do.
    assert sum(row["product"] == product for row, (_, _, product, _) in zip(found, expected, strict=True)) > 0.99 * len(found)


@pytest.mark.parametrize(
    ("items", "reviews", "trains"), [(104, 52, False), (105, 50, True), (100, 53, True), (100, 40, False), (104, 0, False), (0, 0, False)]
)
def test_training_again_waits_for_a_twentieth_more_items_or_reviews(monkeypatch, items, reviews, trains):
    note = tables.Note("a", "build", 1, {recommend.ITEMS: 3}, 5, {"items": "100", "reviews": "50"})
    monkeypatch.setattr(tables, "note", lambda *_: note)
    assert (recommend._too_little_new(None, {"items": items, "reviews": reviews}) is None) == trains


@pytest.mark.parametrize(("reviews", "trains"), [(50, True), (0, False)])
def test_a_note_that_does_not_say_how_many_reviews_there_were_has_it_trained_once_more(monkeypatch, reviews, trains):
    note = tables.Note("a", "build", 1, {recommend.ITEMS: 3}, 5, {"items": "100"})
    monkeypatch.setattr(tables, "note", lambda *_: note)
    assert (recommend._too_little_new(None, {"items": 100, "reviews": reviews}) is None) == trains
