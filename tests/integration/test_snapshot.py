"""What tells one snapshot of gold from another."""

from __future__ import annotations

from lake import commits, tables
from lake.publish.snapshot import newest_snapshot, published_tables
from tests.integration.conftest import new_world


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
