"""silver -> gold: what changed is enough, in any split and order of arrival; children wait for their parents."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lake import build, commits, conform, delta, tables
from lake.contracts import contract, layer
from lake.errors import GateFailed, LawBroken
from lake.gold import BUILDERS, dimensions, marts
from lake.versions import typed
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
    world.run(only={"gold.fact_order_items"})
    waiting = 'select "table", parent, overdue from ops_waiting order by 1'
    assert world.sql(waiting) == [("silver.order_items", "silver.orders", False), ("silver.order_payments", "silver.orders", False)]
    assert world.sql("select count(*) from gold_fact_order_items") == [(7,)]
    world.deliver("2018-01-02", {"orders": late})
    world.run(only={"gold.fact_order_items"})
    assert world.sql(waiting) == []
    assert world.sql("select count(*) from gold_fact_order_items") == [(8,)]


@pytest.mark.parametrize(
    ("fact", "differ"),
    [
        ("gold.fact_payments", ("silver.order_payments", "gold.fact_payments")),
        # What follows its change feed lacks the order too.
        ("gold.fact_orders", ("silver.order_items", "gold.fact_order_items")),
    ],
)
def test_money_that_was_lost_in_gold_ends_each_run_until_the_table_is_made_anew(lake, fact, differ):
    lake.lake.spark.sql(f"delete from delta.`{lake.lake.path(fact)}` where order_id = '{ident('order', 1)}'")
    for _ in range(2):
        with pytest.raises(LawBroken, match="{} holds .* BRL, {} .* BRL, and 0 BRL wait".format(*differ)):
            lake.run("build")
    lake.run("build", full=True, only={"gold.fact_payments", "gold.fact_order_items"})


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


@pytest.mark.parametrize(
    ("table", "values", "broken"),
    [
        (
            "products",
            {"product_length_cm": "1300", "product_height_cm": "1000", "product_width_cm": "1001"},
            "between:product_length_cm between:product_width_cm",
        ),
        ("order_items", {"price": "1000000.01", "freight_value": "1000000.00"}, "between:price"),
        ("order_items", {"price": "1000000.00", "freight_value": "9999999999.99"}, "between:freight_value"),
        ("order_payments", {"payment_value": "9999999999.99"}, "between:payment_value"),
        # The newest purchase is today for freshness, waivers and children that wait.
        (
            "orders",
            {"order_purchase_timestamp": "2081-01-05 00:00:00", "order_approved_at": "", "order_delivered_customer_date": ""},
            "not_before:order_estimated_delivery_date,order_purchase_timestamp",
        ),
    ],
)
def test_a_value_that_the_rest_has_no_room_for_goes_to_quarantine(session, table, values, broken):
    assert rules_broken(session, table, values) == broken.split()


def test_an_order_may_be_promised_for_its_own_day(session):
    """The promise is a day, the purchase a time of it."""
    dates = {"order_delivered_carrier_date": "2017-10-15 09:00:00", "order_delivered_customer_date": "2017-10-15 18:00:00"}
    assert rules_broken(session, "orders", dates | {"order_estimated_delivery_date": "2017-10-15 00:00:00"}) is None


def rules_broken(session, table, values):
    row = {**marketplace(1)[table][0], **values}
    frame = session.spark.createDataFrame([tuple(row.values())], ", ".join(f"{name} string" for name in row))
    return typed(contract(f"silver.{table}"), tables.whole(contract(f"bronze.{table}"), frame)).first()["_broken"]


def test_a_product_whose_volume_is_no_int_has_none_and_ends_no_run(session):
    sizes = {"cube": (1000, 1000, 1000), "millimetres": (1300, 1300, 1300), "slip": (2**31 - 1, 2**31 - 1, 1), "unknown": (1, None, 1)}
    columns = "product_id string, product_length_cm int, product_height_cm int, product_width_cm int"
    products = session.spark.createDataFrame([(name, *each) for name, each in sizes.items()], columns)
    found = dimensions.dim_product(tables.whole(contract("silver.products"), products)).select("product_id", "volume_cm3").collect()
    assert dict(map(tuple, found)) == {"cube": 10**9, "millimetres": None, "slip": None, "unknown": None}


def shuffled(mean: str) -> list[list[int]]:
    """Fifty numbers of seconds with this mean, in twelve orders."""
    draw = random.Random(4)
    numbers = [draw.randrange(3_600, 1_700_000) for _ in range(49)]
    numbers.append(int(50 * Decimal(mean)) - sum(numbers))
    return [draw.sample(numbers, 50) for _ in range(12)]


def test_a_mean_half_way_between_two_roundings_is_the_same_in_every_order_of_rows(session):
    orders = shuffled("849600.18")  # 236.00005 hours
    rows = [(month, seconds) for month, numbers in enumerate(orders) for seconds in numbers]
    asked = F.lit("2018-01-01").cast("timestamp")
    reviews = session.spark.createDataFrame(rows, "review_month int, seconds int").coalesce(1).select(
        "review_month", F.lit(5).alias("review_score"), F.lit(None).alias("review_comment_message"),
        asked.alias("review_creation_date"), F.timestamp_add("SECOND", "seconds", asked).alias("review_answer_timestamp"),
        (F.col("seconds") / F.lit(3600.0)).alias("answer_hours"),
    )  # fmt: skip
    assert [mean for (mean,) in marts.review_trend(reviews).select("answer_hours_mean").collect()] == [236.0001] * 12


def test_a_stage_half_way_between_two_roundings_is_the_same_in_every_order_of_rows(session):
    orders = shuffled("864004.32")  # 10.00005 days
    columns = ("order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date")
    parts = ("approval", "handling", "transit")
    none_sent = tables.whole(contract("gold.fact_order_items"), session.spark.range(0).select(F.lit("").alias("order_id")))
    means = []
    for three in zip(*[iter(orders)] * 3, strict=True):
        frame = session.spark.createDataFrame(list(zip(*three, strict=True)), ", ".join(f"{part} int" for part in parts)).coalesce(1)
        frame = frame.withColumn(columns[0], F.lit("2018-01-01").cast("timestamp"))
        for part, start, end in zip(parts, columns, columns[1:], strict=False):
            frame = frame.withColumns({end: F.timestamp_add("SECOND", part, F.col(start)), f"{part}_hours": F.col(part) / F.lit(3600.0)})
        came = tables.whole(contract("gold.fact_orders"), frame.withColumns({"delivery_days": F.lit(1), "is_on_time": F.lit(True)}))
        of_stages = marts.delivery_performance(came, none_sent).where("dimension = 'stage' and member <> 'total'")
        means += [mean for (mean,) in of_stages.select("mean_days").collect()]
    assert means == [10.0001] * 12


def test_every_gold_table_has_a_builder_or_a_model():
    assert {c.name for c in layer("gold")} - set(BUILDERS) == {"gold.recommendations", "gold.model_runs"}
