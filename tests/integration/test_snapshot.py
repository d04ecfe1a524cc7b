"""What tells one snapshot of gold from another, and what is none."""

from __future__ import annotations

import pytest

from lake import commits, tables
from lake.contracts import layer
from lake.errors import LakeBusy
from lake.publish.snapshot import newest_snapshot, published_tables, snapshot_to_publish
from tests.integration.conftest import new_world
from tests.marketplace import marketplace


def test_a_lake_that_came_to_the_same_versions_by_runs_of_the_same_names_is_another_snapshot(session, tmp_path):
    found = []
    for name in ("lake", "restored"):
        (tmp_path / name).mkdir()
        lake = new_world(session, tmp_path / name).lake
        for gold in published_tables():
            commits.append(lake, gold, lake.spark.createDataFrame([], gold.schema), tables.Note("scheduled__2018-08-29", "build", 1, {}, 0))
        found.append(newest_snapshot(lake))
        assert newest_snapshot(lake).id == found[-1].id
    assert found[0].versions == found[1].versions and found[0].id != found[1].id


def test_gold_that_a_build_left_halfway_is_not_published(lake):
    for gold in (gold for gold in layer("gold") if gold.grain == "model"):
        commits.append(lake.lake, gold, lake.lake.spark.createDataFrame([], gold.schema), tables.Note("run", "recommend", 1, {}, 0))
    whole = snapshot_to_publish(lake.lake)
    lake.deliver("2018-01-02", marketplace(16))
    lake.run("ingest", "conform")
    assert snapshot_to_publish(lake.lake).id == whole.id
    lake.run("build", only={"gold.fact_orders"})
    with pytest.raises(LakeBusy, match=r"between two states: .*gold.sales_by_state \(behind gold.fact_orders\)"):
        snapshot_to_publish(lake.lake)
    lake.run("build")
    assert snapshot_to_publish(lake.lake).id != whole.id
