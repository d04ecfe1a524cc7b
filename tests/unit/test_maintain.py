"""What holds a table's old files back, without Spark."""

from __future__ import annotations

import pytest

from lake import maintain, tables


def test_what_follows_a_table_holds_it_back_and_the_recommender_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    read = {"gold.recommendations": 3, "gold.model_runs": 3, "gold.geo_flow": 7, "gold.seller_scorecard": 8}
    notes = {name: tables.Note("a", "build", 1, {"gold.fact_order_items": at}, 5) for name, at in read.items()}
    monkeypatch.setattr(tables, "note", lambda _, name: notes.get(name))
    assert maintain._needed_versions(None) == {"gold.fact_order_items": (7, "gold.geo_flow")}
