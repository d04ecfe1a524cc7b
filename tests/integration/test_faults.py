"""Every fault that the generator put into a marketplace is found by the pipeline, one by one, and nothing else is."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from lake.contracts import contract
from lake.errors import BadInput
from lake.generator import generate
from lake.generator.kinds import KINDS
from tests.integration.conftest import new_world


@pytest.fixture(scope="module")
def faulted(session, tmp_path_factory):
    world = new_world(session, tmp_path_factory.mktemp("faulted"))
    generate(world.landing, scale=0.02, seed=7, days=2, faults=dict.fromkeys(KINDS, 2))
    with pytest.raises(BadInput, match="were refused") as refused:
        world.run("ingest", "conform")
    world.refused = str(refused.value)
    world.manifest = json.loads((world.landing / "_manifest.json").read_text(encoding="utf-8"))
    return world


def test_every_injected_fault_is_reported_once_and_only_those(faulted):
    world, faults = faulted, faulted.manifest["faults"]
    by_outcome: dict[str, list[dict]] = {}
    for fault in faults:
        by_outcome.setdefault(fault["outcome"], []).append(fault)

    quarantined = Counter((f"silver.{f['feed']}", f["file"], f["line"], f["rule"]) for f in by_outcome["quarantined"])
    assert Counter(world.sql('select "table", file, line, unnest(rules) from ops_quarantine')) == quarantined

    waiting = Counter((f"silver.{f['feed']}", f["file"], f["line"]) for f in by_outcome["waiting"])
    assert Counter(world.sql('select distinct "table", file, line from ops_waiting')) == waiting

    status = dict(world.sql("select file, status from ops_files"))
    expected = {"duplicate_file": "duplicate", "empty": "empty", "loaded": "loaded", "refused": "refused"}
    for fault in (f for f in faults if f["outcome"] in expected):
        assert status[fault["file"]] == expected[fault["outcome"]], fault
    assert Counter(status.values())["refused"] == len(by_outcome["refused"]) == world.refused.count("olist_")

    duplicates = Counter(f"silver.{f['feed']}" for f in by_outcome["duplicate"])
    # Points of postal codes repeat by nature.
    found = world.sql("select \"table\", sum(rows_duplicate)::int from ops_runs where step = 'conform' and rows_duplicate > 0 group by 1")
    assert {table: number for table, number in found if table != "silver.geolocation"} == duplicates

    for fault in by_outcome["superseded"] + by_outcome["resolved"]:
        table = contract(f"silver.{fault['feed']}")
        where = " and ".join(f"{k}::text = '{fault['key'][k]}'" for k in table.key)
        (place,) = world.sql(f"select _file, _line from silver_{fault['feed']} where {where}")
        assert (place == (fault["file"], fault["line"])) == (fault["outcome"] == "resolved"), fault


def test_rows_and_money_of_the_good_data_are_in_silver_to_the_cent(faulted):
    world, manifest = faulted, faulted.manifest
    orphans = Counter(f["feed"] for f in manifest["faults"] if f["outcome"] == "waiting")
    for feed, number in manifest["rows"].items():
        if feed != "geolocation":
            assert world.sql(f"select count(*) from silver_{feed}") == [(number + orphans[feed],)], feed
    known = "where order_id in (select order_id from silver_orders)"
    for feed, column in (("order_items", "price"), ("order_items", "freight_value"), ("order_payments", "payment_value")):
        assert world.sql(f"select sum({column}) from silver_{feed} {known}") == [(Decimal(manifest["money"][column]),)]
