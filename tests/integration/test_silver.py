"""bronze -> silver: typed, one row per key, newest wins, bad rows kept with the reason; quarantine and its replay."""

from __future__ import annotations

from datetime import datetime

import pytest

from lake import conform, quality, quarantine, suites
from lake.backfill import backfill
from lake.errors import BadInput, GateFailed
from tests.integration.conftest import counts, new_world
from tests.marketplace import ident, marketplace, order


@pytest.fixture(scope="module")
def faulty_once(session, tmp_path_factory):
    """A marketplace with each kind of bad order and item in it, conformed."""
    world = new_world(session, tmp_path_factory.mktemp("faulty"))
    feeds = marketplace(6)
    feeds["orders"] += [
        order(50, order_id=""),
        order(51, order_id="XYZ"),
        order(52, status="lost"),
        order(53, order_purchase_timestamp="2017-13-45 99:00:00"),
        order(54, order_delivered_customer_date="2016-01-01 00:00:00"),
        order(1),
        order(2, status="shipped", order_delivered_customer_date=""),
    ]
    item = feeds["order_items"][0]
    feeds["order_items"] += [
        {**item, "order_item_id": "7", "price": "R$ 10"},
        {**item, "order_item_id": "8", "price": "-1.00"},
        {**item, "order_item_id": "9", "price": "10.999"},
    ]
    world.deliver("", feeds)
    return world, world.run("ingest", "conform")


@pytest.fixture
def faulty(faulty_once, world):
    world.first = faulty_once[1]
    return faulty_once[0].copy_to(world)


def test_each_bad_row_is_in_quarantine_with_its_reason_key_values_file_and_line(faulty):
    rows = faulty.sql('select "table", rules, row_key, raw, file, line from ops_quarantine order by file, line')
    assert [(r[0], r[1]) for r in rows] == [
        ("silver.order_items", ["type:price"]),
        ("silver.order_items", ["between:price"]),
        ("silver.order_items", ["type:price"]),
        ("silver.orders", ["not_null:order_id"]),
        ("silver.orders", ["regex:order_id"]),
        ("silver.orders", ["in_set:order_status"]),
        ("silver.orders", ["type:order_purchase_timestamp"]),
        ("silver.orders", ["not_before:order_delivered_customer_date,order_purchase_timestamp"]),
    ]
    assert '"price":"R$ 10"' in rows[0][3] and '"order_item_id":"7"' in rows[0][2] and rows[0][5] == 10
    assert counts(faulty.first)["silver.orders"] == (13, 6, 5, 1, 1)
    assert counts(faulty.first)["silver.order_items"] == (11, 8, 3, 0, 0)


def test_types_are_exact_and_a_minute_that_no_clock_in_sao_paulo_showed_arrives_as_itself(faulty):
    first = faulty.sql(f"select order_purchase_timestamp::timestamp from silver_orders where order_id = '{ident('order', 0)}'")
    assert first == [(datetime(2017, 10, 15, 0, 30),)]
    assert faulty.sql("select distinct seller_zip_code_prefix, seller_city_std, seller_state_std from silver_sellers order by 1") == [
        ("01037", "sao paulo", "SP"), ("20040", "sao paulo", "RJ"), ("30110", "sao paulo", "MG"),
    ]  # fmt: skip
    names = "product_category_name, product_category_name_english, category_is_translated"
    assert faulty.sql(f"select {names} from silver_products group by all order by 1") == [
        ("beleza_saude", "health_beauty", True), ("pc_gamer", None, False),
    ]  # fmt: skip
    assert faulty.sql("select count(*), sum(price)::text from silver_order_items") == [(8, "105.20")]


def test_the_newest_version_of_an_order_wins_whatever_comes_later(faulty):
    status = f"select order_status from silver_orders where order_id = '{ident('order', 2)}'"
    assert faulty.sql(status) == [("delivered",)]
    late = order(2, status="canceled", order_delivered_customer_date="", order_delivered_carrier_date="")
    new = order(3, status="canceled", order_delivered_customer_date="2018-06-01 00:00:00")
    faulty.deliver("late", {"orders": [late, new, order(4)]})
    run = faulty.run("ingest", "conform")
    assert faulty.sql(status) == [("delivered",)]
    assert faulty.sql(f"select order_status from silver_orders where order_id = '{ident('order', 3)}'") == [("canceled",)]
    assert counts(run)["silver.orders"] == (3, 1, 0, 1, 1)
    assert faulty.sql("select count(*) from silver_orders") == [(6,)]


def test_an_update_leaves_each_row_the_file_and_line_it_came_from(faulty):
    places = "select order_id, _file, _line, _batch from silver_orders order by 1"
    before = dict((row[0], row[1:]) for row in faulty.sql(places))
    changed, new = ident("order", 3), ident("order", 77)
    faulty.deliver("late", {"orders": [order(77), order(3, order_delivered_customer_date="2018-06-01 00:00:00")]})
    faulty.run("ingest", "conform")
    file = "late/olist_orders_dataset.csv"
    assert dict((row[0], row[1:]) for row in faulty.sql(places)) == before | {new: (file, 2, 2), changed: (file, 3, 2)}
    assert faulty.sql("select count(*) from silver_orders where _file_id is null") == [(0,)]


def test_nothing_new_changes_nothing(faulty):
    before = faulty.versions("silver")
    again = faulty.run("ingest", "conform")
    assert faulty.versions("silver") == before
    assert {r["status"] for r in again.finished if r["step"] == "conform"} == {"unchanged"}


def test_corrected_and_released_rows_enter_once_and_bad_ones_stay_with_the_new_reason(faulty):
    world = faulty
    items = quarantine.chosen(world.lake, "silver.order_items", None, None, None)
    dry = world.ask(lambda lake, run: quarantine.replay(lake, run, items, dry_run=True))
    assert dry == {"silver.order_items": {"good": 0, "between:price": 1, "type:price": 2}}

    def line(number):
        return quarantine.chosen(world.lake, "silver.order_items", None, None, number)

    def work(lake, run):
        assert quarantine.fix(lake, run, line(10), {"price": "10.00"}, "typed by hand", dry_run=False) == 1
        assert quarantine.release(lake, run, line(11), "a refund", dry_run=False) == 1
        # What is released and corrected stays released.
        assert quarantine.fix(lake, run, line(11), {"freight_value": "0.00"}, "a refund", dry_run=False) == 1
        assert quarantine.fix(lake, run, line(12), {"price": "-3.00"}, "wrong again", dry_run=False) == 1
        return quarantine.replay(lake, run, quarantine.chosen(lake, "silver.order_items", None, None, None), dry_run=False)

    assert world.ask(work) == {"silver.order_items": {"good": 2, "between:price": 1}}
    assert world.sql("select count(*), sum(price)::text from silver_order_items") == [(10, "114.20")]
    left = world.sql("select line, rules, status, reason from ops_quarantine where \"table\" = 'silver.order_items' order by line")
    assert left == [
        (10, ["type:price"], "replayed", "typed by hand"),
        (11, ["between:price"], "replayed", "a refund"),
        (12, ["between:price"], "fixed", "wrong again"),
    ]
    world.ask(lambda lake, run: quarantine.replay(lake, run, quarantine.chosen(lake, None, None, None, None), dry_run=False))
    assert world.sql("select count(*), sum(price)::text from silver_order_items") == [(10, "114.20")]
    # What silver let in gold does not keep out.
    world.run("build", only={"gold.product_by_category", "gold.seller_scorecard", "gold.sales_by_month"})
    assert world.sql("select min(price_brl)::text from gold_fact_order_items") == [("-1.00",)]


def test_no_value_that_has_to_be_there_is_released(faulty):
    empty = quarantine.chosen(faulty.lake, "silver.orders", "not_null:order_id", None, None)

    def work(lake, run):
        quarantine.release(lake, run, empty, "nobody knows", dry_run=False)
        return quarantine.replay(lake, run, quarantine.chosen(lake, "silver.orders", None, None, None), dry_run=True)

    assert faulty.ask(work)["silver.orders"]["not_null:order_id"] == 1


def test_what_is_said_wrong_of_rows_in_quarantine_changes_nothing(faulty):
    def left(lake, run):
        return [tuple(row) for row in quarantine.chosen(lake, None, None, None, None).select("line", "status", "fix").collect()]

    before = faulty.ask(left)
    with pytest.raises(BadInput, match="silver.order_itemz has no rows in quarantine"):
        faulty.ask(lambda lake, run: quarantine.chosen(lake, "silver.order_itemz", None, None, None))
    wrong = [({}, "why", "needs values"), ({"price": "1.00"}, " ", "will ask why"), ({"prize": "1.00"}, "why", "prize")]
    for values, reason, said in wrong:

        def fix(lake, run, values=values, reason=reason):
            rows = quarantine.chosen(lake, "silver.order_items", None, None, 12)
            return quarantine.fix(lake, run, rows, values, reason, dry_run=False)

        with pytest.raises(BadInput, match=said):
            faulty.ask(fix)
    with pytest.raises(BadInput, match="will ask why"):
        faulty.ask(lambda lake, run: quarantine.release(lake, run, quarantine.chosen(lake, None, None, None, None), "", dry_run=False))
    assert faulty.ask(left) == before


def test_a_bad_row_is_in_quarantine_once_and_is_offered_again_where_its_table_is_made_anew(world, monkeypatch):
    feeds = marketplace(2)
    bad = {**feeds["sellers"][0], "seller_id": ident("seller", "new"), "seller_state": "XX"}
    feeds["sellers"] = [bad, {**bad, "seller_state": "SP", "seller_city": "osasco"}, *feeds["sellers"]]
    world.deliver("", feeds)
    # A run that dies between the quarantine and silver, and another file before the next one.
    monkeypatch.setattr(conform, "write_history", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.run("ingest", "conform")
    monkeypatch.undo()
    world.deliver("later", {"sellers": [{**feeds["sellers"][-1], "seller_city": "outra"}]})
    world.run("ingest", "conform")
    assert world.sql("select line, status from ops_quarantine") == [(2, "open")]

    def replay(lake, run):
        return quarantine.replay(lake, run, quarantine.chosen(lake, None, None, None, None), dry_run=False)

    def work(lake, run):
        rows = quarantine.chosen(lake, "silver.sellers", None, None, 2)
        assert quarantine.fix(lake, run, rows, {"seller_state": "SP"}, "typed by hand", dry_run=False) == 1
        return replay(lake, run)

    # Corrected, it is the older of two lines of one file.
    city = f"select seller_city from silver_sellers where seller_id = '{bad['seller_id']}'"
    assert world.ask(work) == {"silver.sellers": {"good": 1}}
    assert world.sql(city) == [("osasco",)]
    world.take_away("silver.sellers")
    world.run("ingest", "conform")
    assert world.sql("select status, reason from ops_quarantine") == [("fixed", "typed by hand")]
    assert world.ask(replay) == {"silver.sellers": {"good": 1}}
    assert world.sql("select status from ops_quarantine") == [("replayed",)]
    assert world.sql(city) == [("osasco",)]
    told = "select seller_id, seller_city, valid_from::text from silver_sellers_history order by all"
    before = world.sql(told)
    world.take_away("silver.sellers_history")
    world.run("ingest", "conform")
    assert world.sql("select status, reason from ops_quarantine") == [("fixed", "typed by hand")]
    assert world.ask(replay) == {"silver.sellers": {"good": 1}}
    assert world.sql(told) == before


def correct(world, table, values):
    """Correct the one row that a table has in quarantine, and replay it."""

    def work(lake, run):
        quarantine.fix(lake, run, quarantine.chosen(lake, table, None, None, None), values, "asked them", dry_run=False)
        return quarantine.replay(lake, run, quarantine.chosen(lake, table, None, None, None), dry_run=False)

    assert world.ask(work) == {table: {"good": 1}}


def test_what_somebody_corrected_is_remembered_where_all_is_read_again(conformed, world):
    seller = marketplace(1)["sellers"][0]
    world.deliver("more", {"sellers": [{**seller, "seller_city": "osasco", "seller_state": "XX"}]})
    world.run("ingest", "conform")

    correct(world, "silver.sellers", {"seller_state": "SP"})
    told = [f"select seller_city from silver_{name} where seller_state = 'SP'" for name in ("sellers", "sellers_history")]
    assert [world.sql(question) for question in told] == [[("osasco",)], [("osasco",)]]
    world.ask(lambda lake, run: backfill(lake, run, "silver.sellers", None, None, "to be sure"))
    assert [world.sql(question) for question in told] == [[("osasco",)], [("osasco",)]]


def test_children_wait_again_where_their_parent_is_made_anew_without_a_row_that_was_corrected(world):
    feeds = marketplace(2)
    feeds["customers"][0]["customer_state"] = "XX"
    world.deliver("", feeds)
    world.run("ingest", "conform")

    waiting = 'select "table", parent from ops_waiting'
    assert world.sql(waiting) == [("silver.orders", "silver.customers")]
    correct(world, "silver.customers", {"customer_state": "SP"})
    world.run("conform")
    assert world.sql(waiting) == []
    world.take_away("silver.customers")
    world.run("conform")
    assert world.sql(waiting) == [("silver.orders", "silver.customers")]


def test_a_line_break_is_no_end_of_a_key_or_a_number(world):
    feeds = marketplace(2)
    feeds["sellers"].append({**feeds["sellers"][0], "seller_id": ident("seller", "x") + "\n"})
    feeds["order_items"].append({**feeds["order_items"][0], "order_item_id": "9", "price": "5.10\n"})
    world.deliver("", feeds)
    world.run("ingest", "conform")
    assert world.sql('select "table", rules from ops_quarantine order by 1') == [
        ("silver.order_items", ["type:price"]), ("silver.sellers", ["regex:seller_id"]),
    ]  # fmt: skip


def test_a_feed_that_never_came_stops_the_run(world):
    feeds = marketplace(2)
    del feeds["order_payments"]
    world.deliver("", feeds)
    with pytest.raises(GateFailed, match="bronze.order_payments has no rows"):
        world.run()


def test_a_suite_that_can_not_be_read_or_evaluated_stops_the_run(world, monkeypatch, tmp_path):
    world.deliver("", marketplace(2))
    real = suites.suite("silver.sellers")
    odd = suites.Rule("odd", "expect_column_kl_divergence_to_be_less_than", {"column": "seller_id", "threshold": 1}, False)
    judged = quality.judge(suites.Suite(real.table, (odd,), 0, 0), {"table.row_count": 1, "rows in table": 1}, set())
    assert [(r.success, "not evaluated" in r.observed) for r in judged] == [(False, True)]
    monkeypatch.setattr(suites, "EXPECTATIONS", tmp_path)
    suites.suite.cache_clear()
    with pytest.raises(GateFailed, match="can't be read"):
        world.run()
    suites.suite.cache_clear()


def test_a_sum_or_an_extreme_is_that_of_the_rows_that_are_judged(session):
    rows = session.spark.createDataFrame([(1, True), (2, True), (100, False)], "n int, enters boolean")
    rules = [suites.Rule(how, f"expect_column_{how}_to_be_between", {"column": "n", "max_value": 3}, False) for how in ("sum", "max")]
    measured = quality.measure(rows, suites.Suite("silver.sellers", tuple(rules), 0, 0), rows["enters"]).values
    assert (measured["column.sum n"], measured["column.max n"], measured["table.row_count"]) == (3, 2, 2)


def test_too_many_bad_rows_stop_the_run_before_silver(world):
    feeds = marketplace(2)
    feeds["orders"] += [order(100 + n, status="lost") for n in range(101)]
    world.deliver("", feeds)
    with pytest.raises(GateFailed, match="101 of 103 rows would go to quarantine"):
        world.run("ingest", "conform")
    assert "orders" not in world.versions("silver")
    # What has replaced the file is judged, and what it replaced is in quarantine.
    shipped = [order(100 + n, status="shipped") for n in range(1, 101)]
    world.deliver("", {"orders": [*feeds["orders"][:2], order(100, status="lost"), *shipped]})
    world.run("ingest", "conform")
    assert world.sql("select count(*) from silver_orders") == [(102,)]
    assert world.sql("select count(*) from ops_quarantine where status = 'open'") == [(102,)]

    def fix(lake, run):
        rows = quarantine.chosen(lake, None, None, "olist_orders_dataset.csv", 4)
        return quarantine.fix(lake, run, rows, {"order_status": "shipped"}, "they say so", dry_run=False)

    # Of the two files of one name the one that is there is corrected.
    assert world.ask(fix) == 1
    assert world.sql("select batch from ops_quarantine where status = 'fixed'") == [(2,)]
