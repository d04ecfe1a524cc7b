"""silver -> gold: what changed is enough, in any split and order of arrival; children wait for their parents."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lake import build, commits, conform, delta
from lake.contracts import contract, layer
from lake.errors import GateFailed
from lake.gold import BUILDERS
from tests.integration.conftest import World, new_world
from tests.marketplace import Feeds, ident, marketplace, order
from tests.oracle import open_oracle


def gold(world: World) -> dict[str, Counter]:
    """Rows of each gold table."""
    return {name: Counter(world.sql(f"select {', '.join(contract(name).columns)} from {name.replace('.', '_')}")) for name in BUILDERS}


def split(feeds: Feeds, parts: int, seed: int) -> list[Feeds]:
    """The rows of the feeds dealt out at random; half of them into the first part, so that some orders are whole in it."""
    dealt: list[Feeds] = [{name: [] for name in feeds} for _ in range(parts)]
    choose = random.Random(seed)
    for name, rows in feeds.items():
        for row in rows:
            dealt[choose.choice([0] * (parts - 1) + list(range(1, parts)))][name].append(row)
    return dealt


@pytest.fixture(scope="module")
def whole(session, tmp_path_factory) -> tuple[World, dict[str, Counter]]:
    """Everything in one drop: the gold that every other way must give."""
    world = new_world(session, tmp_path_factory.mktemp("whole"))
    world.deliver("2018-01-01", later_versions(marketplace(24)))
    world.run()
    return world, gold(world)


def later_versions(feeds: Feeds) -> Feeds:
    """Add newer versions of some orders."""
    feeds["orders"] += [order(n, status="canceled", order_delivered_customer_date=f"2018-02-0{n} 10:00:00") for n in (3, 4, 5)]
    return feeds


def test_gold_is_what_an_independent_computation_finds(whole):
    world, found = whole
    oracle = open_oracle(world.landing)
    for name in (
        "fact_orders",
        "fact_order_items",
        "sales_by_month",
        "sales_by_state",
        "product_by_category",
        "payment_gap",
        "bought_together",
    ):
        columns = contract(f"gold.{name}").columns
        select = ", ".join(f"{c}::{d.type.replace('string', 'varchar')}" for c, d in columns.items() if d.type != "double")
        mine = world.sql(f"select {select} from gold_{name}")
        assert Counter(mine) == Counter(oracle.execute(f"select {select} from gold_{name}").fetchall()), name


@pytest.mark.parametrize("size", ["small", "large"])
def test_any_split_into_drops_in_any_order_gives_the_same_gold(whole, world, monkeypatch, size):
    # Some tables are small and written anew, in the larger ones the rows that differ are replaced, as in large lakes.
    monkeypatch.setattr(build, "ROWS_WRITTEN_ANEW", 10)
    if size == "large":
        monkeypatch.setattr(delta, "BYTES_SEARCHED", 0)
        monkeypatch.setattr(conform, "FEW", 1)
        monkeypatch.setattr(commits, "ROWS_A_FILE", 4)
    feeds = later_versions(marketplace(24))
    parts = split(feeds, 3, seed=2)
    # Every feed needs a first file, or the run stops for the feed that never came.
    for name in feeds:
        if not parts[0][name]:
            parts[0][name].append(next(p for p in parts if p[name])[name].pop())
    for number, part in enumerate(parts):
        world.deliver(f"2018-01-0{3 - number}", part)
        world.run()
    assert gold(world) == whole[1]
    assert world.sql("select count(*) from ops_waiting") == [(0,)]
    world.run("build", full=True)
    assert gold(world) == whole[1]


def test_a_second_run_changes_nothing(whole):
    world, _ = whole
    before = {name: world.versions(name) for name in ("bronze", "silver", "gold")}
    again = world.run()
    assert {name: world.versions(name) for name in ("bronze", "silver", "gold")} == before
    assert {row["status"] for row in again.finished} == {"unchanged"}


def test_a_day_touches_only_what_it_must(whole):
    world, _ = whole
    paid = dict(zip(("payment_type", "payment_installments", "payment_value"), ("voucher", "1", "0.01"), strict=True))
    world.deliver("2018-03-01", {"order_payments": [{"order_id": ident("order", 1), "payment_sequential": "2", **paid}]})
    run = world.run()
    written = {r["table"]: r["rows_written"] for r in run.finished if r["output_version"] is not None and r["status"] == "done"}
    assert written["silver.order_payments"] == 1 and written["gold.fact_payments"] == 1
    assert not {"silver.orders", "gold.fact_order_items", "gold.fact_reviews", "gold.bought_together", "gold.dim_product"} & set(written)
    amounts = f"select payment_brl::text, payment_gap_brl::text from gold_fact_orders where order_id = '{ident('order', 1)}'"
    assert world.sql(amounts) == [("16.92", "0.01")]


def test_a_child_that_comes_first_waits_is_counted_and_enters_with_its_parent(world):
    feeds = marketplace(6)
    late = [row for row in feeds["orders"] if row["order_id"] == ident("order", 5)]
    feeds["orders"].remove(late[0])
    world.deliver("2018-01-01", feeds)
    world.run()
    waiting = 'select "table", parent, overdue from ops_waiting order by 1'
    assert world.sql(waiting) == [("silver.order_items", "silver.orders", False), ("silver.order_payments", "silver.orders", False)]
    assert world.sql("select count(*) from gold_fact_order_items") == [(7,)]
    world.deliver("2018-01-02", {"orders": late})
    world.run()
    assert world.sql(waiting) == []
    assert world.sql("select count(*) from gold_fact_order_items") == [(8,)]


def test_a_child_that_waits_too_long_fails_the_gate_until_somebody_acts(world):
    feeds = marketplace(3)
    feeds["order_payments"].append({**feeds["order_payments"][0], "order_id": ident("order", "never")})
    world.deliver("2018-01-01", feeds)
    world.run("ingest", "conform")
    world.deliver("2018-01-02", {"orders": [order(1000, customer_id=ident("customer", 1))]})
    for _ in range(2):
        with pytest.raises(GateFailed, match="in_set:overdue"):
            world.run("ingest", "conform")
    assert world.sql('select "table", overdue from ops_waiting') == [("silver.order_payments", True)]


def test_every_gold_table_has_a_builder_or_a_model():
    assert {c.name for c in layer("gold")} - set(BUILDERS) == {"gold.recommendations", "gold.model_runs"}
