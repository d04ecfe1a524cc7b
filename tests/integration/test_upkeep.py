"""Backfill and maintenance: what people do to a finished lake changes no row that was right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import commits, delta, maintain, tables
from lake.backfill import backfill
from lake.contracts import contract, layer
from lake.errors import BadInput, GateFailed, LakeError
from lake.gold import BUILDERS
from lake.session import Lake
from tests.integration.conftest import World, forget
from tests.marketplace import marketplace, order


def content(world: World) -> dict[str, Counter]:
    names = [c.name for c in layer("silver")] + sorted(BUILDERS)
    return {n: Counter(world.sql(f"select {', '.join(contract(n).columns)} from {n.replace('.', '_')}")) for n in names}


def test_a_table_that_was_spoilt_is_computed_again_and_the_reason_kept(lake):
    before = content(lake)
    lake.lake.spark.sql(f"delete from delta.`{lake.lake.path('gold.sales_by_state')}` where customer_state = 'SP'")
    assert content(lake) != before
    lake.ask(lambda at, run: backfill(at, run, "gold.sales_by_state", None, None, "a hand slipped"))
    assert content(lake) == before
    assert lake.sql("select message from ops_runs where step = 'backfill'") == [("a hand slipped",)]


def test_a_period_and_a_silver_table_are_computed_again_with_the_same_result(lake):
    before = content(lake)
    lake.ask(lambda at, run: backfill(at, run, "gold.fact_orders", date(2017, 10, 15), date(2017, 10, 16), "to be sure"))
    lake.ask(lambda at, run: backfill(at, run, "silver.order_payments", None, None, "a rule changed"))
    assert content(lake) == before
    reasons = lake.sql("select \"table\", message from ops_runs where step = 'backfill' order by 1")
    assert reasons == [("gold.fact_orders", "to be sure (2017-10-15 to 2017-10-16)"), ("silver.order_payments", "a rule changed")]
    with pytest.raises(BadInput, match="no purchase from 2028-01-01 to 2028-01-31"):
        lake.ask(lambda at, run: backfill(at, run, "gold.fact_orders", date(2028, 1, 1), date(2028, 1, 31), "a typing error"))
    with pytest.raises(BadInput, match="2018-02-01 is after 2018-01-01"):
        lake.ask(lambda at, run: backfill(at, run, "gold.fact_orders", date(2018, 2, 1), date(2018, 1, 1), "a typing error"))
    with pytest.raises(BadInput, match="needs a reason"):
        lake.ask(lambda at, run: backfill(at, run, "gold.fact_orders", None, None, " "))


def test_a_silver_table_is_not_computed_again_of_what_its_gate_did_not_let_in(lake):
    before = content(lake)
    lake.deliver("2018-02-01", {"orders": [order(500 + n, status="lost") for n in range(101)] + [order(700)]})
    with pytest.raises(GateFailed, match="101 of 102 rows would go to quarantine"):
        lake.run("ingest", "conform")
    lake.ask(lambda at, run: backfill(at, run, "silver.orders", None, None, "to be sure"))
    assert content(lake) == before


def test_maintenance_says_what_it_would_do_then_frees_bytes_and_changes_no_row(lake, monkeypatch):
    before, spark = content(lake), lake.lake.spark
    lake.ask(lambda at, run: backfill(at, run, "gold.fact_orders", None, None, "to leave dead files"))
    versions = lake.versions("gold")
    with pytest.raises(BadInput, match="too short"):
        lake.ask(lambda at, run: maintain.maintain(at, run, 1, dry_run=False))
    # As a table has it that its contract said later what to cluster by.
    spark.sql(f"alter table delta.`{lake.lake.path('silver.orders')}` set tblproperties ('delta.dataSkippingStatsColumns' = 'order_id')")
    # Nothing in a test is days old, and what a session is told for that, another would not know.
    monkeypatch.setattr(Lake, "apart", lambda self: self)
    monkeypatch.setattr(maintain, "SHORTEST_RETENTION_DAYS", 0)
    monkeypatch.setattr(maintain, "FILES_WORTH_COMPACTING", 1)
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        (plan,) = lake.ask(lambda at, run: maintain.maintain(at, run, 0, dry_run=True, only="gold.fact_orders"))
        assert plan.bytes_after < plan.bytes_before and lake.versions("gold") == versions
        some = ("silver.orders", "gold.fact_orders", "gold.sales_by_state")
        done = {t: lake.ask(lambda at, run, t=t: maintain.maintain(at, run, 0, dry_run=False, only=t))[0] for t in some}
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    assert done["gold.fact_orders"].clustered_by == "purchase_month"
    assert done["gold.fact_orders"].bytes_after < done["gold.fact_orders"].bytes_before
    assert content(lake) == before
    assert tables.note(lake.lake, "gold.fact_orders").rows == len(lake.sql("select 1 from gold_fact_orders"))
    again = lake.run()
    assert not any(row["rows_written"] for row in again.finished) and content(lake) == before


def test_a_table_whose_checksums_are_gone_is_read_all_the_same(lake):
    for checksum in (lake.root / "silver/order_items/_delta_log").glob("*.crc"):
        checksum.unlink()
    columns = list(contract("silver.order_items").columns)
    columns.remove("shipping_limit_date")  # which DuckDB gives a zone
    rows = tables.read(lake.lake, "silver.order_items").select(*columns).collect()
    assert Counter(map(tuple, rows)) == Counter(lake.sql(f"select {', '.join(columns)} from silver_order_items"))


def test_a_change_of_a_small_and_of_a_large_table_leaves_the_same_rows_and_the_same_feed(world, monkeypatch):
    table, found, kept = contract("gold.sales_by_state"), [], []

    def rows(value: int, **actions: str) -> DataFrame:
        frame = world.lake.spark.createDataFrame(list(actions.items()), "customer_state string, _action string")
        numbers = [F.lit(value).cast(c.type).alias(n) for n, c in table.columns.items() if n != "customer_state"]
        return frame.select("customer_state", "_action", *numbers)

    def files(lake: Lake) -> set[str]:
        return {row[0] for row in tables.read(lake, table.name).select(F.input_file_name()).distinct().collect()}

    for folder, limit in (("small", delta.BYTES_SEARCHED), ("large", 0)):
        monkeypatch.setattr(delta, "BYTES_SEARCHED", limit)
        # A folder with a blank and an accent: files are found by their names.
        lake = replace(world.lake, root=f"{world.lake.root}/{folder} é")
        for number, added in enumerate((rows(1, AC="insert"), rows(1, BA="insert", SP="insert"))):
            commits.append(lake, table, added.coalesce(1), tables.Note("a", "build", number + 1, {}, 3))
        before = files(lake)
        at = commits.upsert(lake, table, rows(2, BA="update", SP="delete", RJ="insert"), tables.Note("b", "build", 3, {}, 3))
        kept.append(len(before & files(lake)))
        assert tables.note(lake, table.name).sequence == 3 and not tables.replaced(lake, table.name, at - 1, at)
        fed = tables.changes(lake, table.name, at - 1, at).select("_change_type", "customer_state", "orders")
        found.append((Counter(tables.read(lake, table.name).select("customer_state", "orders").collect()), Counter(fed.collect())))
    assert kept == [0, 1] and found[0] == found[1]
    assert found[0][0] == Counter([("AC", 1), ("BA", 2), ("RJ", 2)])
    assert found[0][1] == Counter(
        [("update_preimage", "BA", 1), ("update_postimage", "BA", 2), ("delete", "SP", 1), ("insert", "RJ", 2)]
    )  # fmt: skip


def test_a_change_feed_reaches_as_far_back_as_the_log_and_no_further(world):
    table = "gold.sales_by_state"
    path = world.lake.path(table)
    for value in range(5):
        frame = world.lake.spark.range(value, value + 1)
        options = {"delta.enableChangeDataFeed": "true", "delta.checkpointInterval": "3"}
        frame.write.format("delta").mode("append").options(**options).save(path)
    rows = [("insert", 3), ("insert", 4)]
    assert Counter(map(tuple, tables.changes(world.lake, table, 2, 4).select("_change_type", "id").collect())) == Counter(rows)
    # What Delta's own cleaning takes away: the commits before a checkpoint.
    for version in range(2):
        (Path(path) / f"_delta_log/{version:020d}.json").unlink()
    forget(world.lake)
    assert tables.changes(world.lake, table, 0, 4) is None, "a commit is missing"
    assert tables.changes(world.lake, table, 1, 4) is None, "what the table was like then is no longer known"
    assert tables.changes(world.lake, table, 3, 4).count() == 1


def cleaned(world: World, table: str) -> None:
    """Leave of a table's log what Delta leaves of one that is months old: a checkpoint, and no commit before it."""
    log = getattr(world.lake.spark._jvm, f"{delta.DELTA}.DeltaLog").forTable(world.lake.spark._jsparkSession, world.lake.path(table))
    log.update(False, *[getattr(world.lake.spark._jvm, "scala.Option").empty()] * 2)
    log.checkpoint()
    for version in tables.versions(world.lake, table)[:-1]:
        (Path(world.lake.path(table)) / f"_delta_log/{version:020d}.json").unlink()


def test_a_lake_that_was_maintained_goes_on_after_its_logs_were_cleaned(lake):
    some = ("bronze.orders", "bronze.sellers", "silver.orders", "silver.sellers", "silver.customers", "gold.fact_orders")
    for name in some:
        lake.ask(lambda at, run, name=name: maintain.maintain(at, run, maintain.SHORTEST_RETENTION_DAYS, dry_run=False, only=name))
    # What is built from them reads on to where maintenance left them, and months pass.
    lake.run()
    for name in some:
        cleaned(lake, name)
    forget(lake.lake)
    before = content(lake)
    assert not any(row["rows_written"] for row in lake.run().finished) and content(lake) == before
    later = order(2, order_delivered_customer_date="2018-06-01 00:00:00")
    lake.deliver("2018-06-02", {"orders": [later], "sellers": [{**marketplace(1)["sellers"][0], "seller_city": "osasco"}]})
    assert {r["table"]: r["rows_written"] for r in lake.run().finished if r["step"] == "conform"}["silver.orders"] == 1
    after = content(lake)
    for name in ("silver.orders", "silver.sellers", "gold.fact_orders", "gold.sales_by_state"):
        assert sum(after[name].values()) == sum(before[name].values()), name
    lake.run("build", full=True)
    assert content(lake) == after


def test_a_table_whose_log_no_longer_says_how_far_it_was_read_is_not_written(lake):
    lake.lake.spark.sql(f"alter table delta.`{lake.lake.path('silver.orders')}` set tblproperties ('by' = 'hand')")
    cleaned(lake, "silver.orders")
    forget(lake.lake)
    before = content(lake)
    with pytest.raises(LakeError, match="silver.orders: no commit in its log says any more how far it was read"):
        lake.run()
    assert content(lake) == before
    lake.take_away("silver.orders")
    lake.run()
    assert content(lake) == before


def test_a_gold_table_whose_folder_was_taken_away_is_made_anew(lake):
    before = content(lake)
    lake.take_away("gold.fact_orders")
    lake.run()
    assert content(lake) == before
    assert {row["status"] for row in lake.run().finished} == {"unchanged"}


def test_a_history_whose_folder_was_taken_away_is_made_anew(lake):
    seller = marketplace(1)["sellers"][0]
    lake.deliver("2018-02-01", {"sellers": [{**seller, "seller_city": "osasco"}]})
    lake.run("ingest", "conform")
    lake.take_away("silver.sellers_history")
    lake.deliver("2018-02-02", {"sellers": [{**seller, "seller_city": "santos"}]})
    lake.run("ingest", "conform")
    told = "select seller_city, valid_from::text, is_current from silver_sellers_history order by seller_state, valid_from"
    spans = lake.sql(told)
    assert spans[-2:] == [("osasco", "2018-02-01", False), ("santos", "2018-02-02", True)] and len(spans) == 5
    lake.take_away("silver.sellers_history")
    lake.run("ingest", "conform")
    assert lake.sql(told) == spans


def test_a_bronze_table_that_is_gone_is_not_taken_for_one_that_never_was(lake):
    seller = marketplace(1)["sellers"][0]
    lake.deliver("2018-02-01", {"sellers": [{**seller, "seller_city": "osasco"}]})
    lake.run("ingest", "conform")
    before = content(lake)
    lake.take_away("bronze.sellers")
    for feeds in ({}, {"sellers": [{**seller, "seller_city": "santos"}]}):
        lake.deliver("2018-02-02", feeds)
        with pytest.raises(GateFailed, match="bronze.sellers is gone, or has lost batches of which silver.sellers was made"):
            lake.run("ingest", "conform")
        assert content(lake) == before
