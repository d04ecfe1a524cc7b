"""The lake in a bucket on a real MinIO, and its gold in a real MongoDB, ClickHouse and Neo4j."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from secrets import token_hex

import duckdb
import pytest
from deltalake import DeltaTable

from lake.contracts import layer
from lake.errors import BadEnvironment, LakeBusy
from lake.publish import clickhouse, columnar, mongodb, neo4j
from lake.publish.snapshot import Snapshot
from lake.sql import open_sql, storage_options
from tests.e2e import relationships
from tests.lakes import python, started, submit, until

LAKE = "s3a://lake/tables"


def test_two_drivers_on_one_table_at_the_same_moment_lose_nothing(servers, tmp_path):
    rounds, table = 20, "s3a://lake/race/table"
    drivers = [started("../tests/e2e/racer", name, rounds, table, tmp_path) for name in ("left", "right")]
    told = [driver.communicate(timeout=600)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], told
    db = duckdb.connect()
    appended = DeltaTable("s3://lake/race/table", storage_options=storage_options(table))
    db.register("race", appended.to_pyarrow_dataset())
    assert db.execute("select driver, count(*), count(distinct round) from race group by 1 order by 1").fetchall() == [
        ("left", rounds, rounds), ("right", rounds, rounds),
    ]  # fmt: skip
    assert appended.version() == 2 * rounds


def test_a_driver_that_was_thought_dead_is_refused_when_it_commits_late(servers, tmp_path):
    late = started("../tests/e2e/late_driver", "late", tmp_path)
    until(lambda: (tmp_path / "holds").exists() or late.poll() is not None)
    os.killpg(late.pid, signal.SIGSTOP)
    successor = started("../tests/e2e/late_driver", "next", tmp_path)
    said = successor.communicate(timeout=180)[0]
    (tmp_path / "go").touch()
    os.killpg(late.pid, signal.SIGCONT)
    told = late.communicate(timeout=180)[0]
    assert successor.returncode == 0, said
    assert late.returncode == 1 and "refused: gold.sales_by_state: another run committed before this one" in told, told
    table = DeltaTable("s3://lake/late/gold/sales_by_state", storage_options=storage_options(LAKE))
    assert sorted(table.to_pyarrow_table()["customer_state"].to_pylist()) == ["before", "next"]


def test_stores_hold_what_gold_says_to_the_cent(published):
    db = open_sql(LAKE)
    with clickhouse.connected() as client:
        for gold in columnar.published():
            money = [n for n, c in gold.columns.items() if c.type.startswith("decimal")]
            what = ", ".join(["count(*)", *(f"sum({n})" for n in money)])
            mine = db.execute(f"select {what} from {gold.name}").fetchone()
            assert client.query(f"select {what} from {columnar.name_of(gold)}").result_rows[0] == mine, gold.name
    with mongodb.connected() as database:
        for name, table in (("products", "dim_product"), ("reviews", "fact_reviews")):
            assert database[name].count_documents({}) == db.execute(f"select count(*) from gold.{table}").fetchone()[0]
        people = db.execute("select count(distinct customer_unique_id) from gold.recommendations").fetchone()[0]
        assert database.recommendations.count_documents({}) == people
        total = next(database.products.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$sales.revenue_brl"}}}]))["sum"].to_decimal()
        # Of the product that has not come yet neither MongoDB nor Neo4j knows anything.
        known = "select sum(revenue_brl) from gold.fact_order_items where product_id in (select product_id from gold.dim_product)"
        assert total == db.execute(known).fetchone()[0] < db.execute("select sum(revenue_brl) from gold.fact_order_items").fetchone()[0]
    with neo4j.connected() as driver:
        centavos = driver.execute_query("MATCH (:Customer)-[r:PURCHASED]->(:Product) RETURN sum(r.revenue_centavos) AS s").records[0]["s"]
        assert centavos == int(100 * total)
        buyers = driver.execute_query("MATCH (c:Customer) RETURN count(c) AS n").records[0]["n"]
        assert buyers == db.execute("select count(*) from gold.dim_customer").fetchone()[0]


def test_the_graph_holds_the_relationships_whose_two_nodes_are_in_gold(published):
    for name, (pairs, complete, shown) in relationships.counted(LAKE).items():
        assert shown == complete < pairs, name


def test_all_stores_hold_the_same_snapshot_and_the_ledger_says_so(published):
    held = [store.held() for store in (mongodb, clickhouse, neo4j)]
    assert len({one.snapshot.id for one in held}) == 1
    rows = open_sql(LAKE).execute("select store, snapshot, status from ops.publications order by 1").fetchall()
    assert [(r[0], r[2]) for r in rows] == [("clickhouse", "done"), ("mongodb", "done"), ("neo4j", "done")]
    assert {r[1] for r in rows} == {one.snapshot.id for one in held}


def test_a_store_that_is_away_does_not_stop_the_others(published):
    again = submit("publish", "--profile", "minio", "--again", CLICKHOUSE_HTTP_PORT="1")
    assert again.returncode == 6 and "ClickHouse" in again.stdout and "clickhouse" in again.stdout, again.stdout
    assert "Traceback" not in again.stdout
    first = submit("publish", "--profile", "minio", "--restore", "--stores", "mongodb", "neo4j")
    assert first.returncode == 6 and first.stdout.count("before it nothing") == 2, first.stdout
    with mongodb.connected() as database, neo4j.connected() as driver:
        assert database.products.count_documents({}) == driver.execute_query("MATCH (p:Product) RETURN count(p) AS n").records[0]["n"]
    nothing = submit("publish", "--profile", "minio")
    assert nothing.returncode == 0 and nothing.stdout.count("unchanged") == 3, nothing.stdout


def test_a_store_whose_switch_was_cut_off_holds_nothing_until_it_is_published_again(published):
    snapshot = clickhouse.held()
    late = replace(snapshot, after=snapshot.snapshot.id)
    with clickhouse.connected() as client:
        clickhouse._claim(client, late)
        with pytest.raises(KeyboardInterrupt), clickhouse._switching(client, late):
            raise KeyboardInterrupt
    assert clickhouse.held() is None
    with pytest.raises(BadEnvironment, match="no previous snapshot"):
        clickhouse.restore()
    done = submit("publish", "--profile", "minio", "--stores", "clickhouse")
    assert done.returncode == 0, done.stdout
    assert clickhouse.held() == snapshot


def test_a_table_that_is_published_no_longer_goes_and_comes_back_with_the_snapshot_that_had_it(published):
    before, name = clickhouse.held(), "sales_by_state"
    others = {view: told for view, told in before.fingerprints.items() if view != name}
    after = replace(before, after=before.snapshot.id, shape="another", fingerprints=others)
    with clickhouse.connected() as client:
        clickhouse._claim(client, after)
        clickhouse._switch(client, after, [])
        assert name not in clickhouse._there(client) and clickhouse.held() == after
        client.command(f"RENAME TABLE {name}__previous TO elsewhere")
        with pytest.raises(BadEnvironment, match=f"{name}__previous: gone"):
            clickhouse.restore()
        client.command(f"CREATE TABLE {name}__previous CLONE AS elsewhere")
        client.command(f"DELETE FROM {name}__previous WHERE orders = (SELECT max(orders) FROM elsewhere)")
        with pytest.raises(BadEnvironment, match=f"{name}__previous: changed by someone"):
            clickhouse.restore()
        assert clickhouse.held() == after
        client.command(f"EXCHANGE TABLES elsewhere AND {name}__previous")
        client.command("DROP TABLE elsewhere SYNC")
        assert clickhouse.restore() == clickhouse.held() == replace(before, restored=True)
        assert client.command(f"SELECT count() FROM {name}") == before.fingerprints[name].rows


def test_what_a_table_was_two_snapshots_ago_is_not_brought_back_for_one(published):
    before, name = clickhouse.held(), "sales_by_state"
    after = replace(before, after=before.snapshot.id, shape="another")
    with clickhouse.connected() as client:
        clickhouse._create(client, f"{name}__previous", f"CREATE TABLE {name}__previous CLONE AS {name}")
        client.command(f"RENAME TABLE {name} TO {name}__stage")
        clickhouse._claim(client, after)
        clickhouse._switch(client, after, [name])
        assert clickhouse._there(client) >= {name} and f"{name}__previous" not in clickhouse._there(client)
        back = replace(before, after=after.snapshot.id)
        clickhouse._claim(client, back)
        with clickhouse._switching(client, back):
            pass


def test_a_publication_that_was_overtaken_shows_nothing(published):
    late = replace(clickhouse.held(), snapshot=Snapshot({}, {}), after="a snapshot that is no longer shown")
    for store in (clickhouse, mongodb, neo4j):
        held = store.held()
        with pytest.raises(LakeBusy, match=f"another publication has shown snapshot {held.snapshot.id}"):
            if store is neo4j:
                with neo4j.connected() as driver, driver.session() as session:
                    session.execute_write(lambda transaction: neo4j._apply(transaction, late))
            else:
                store.publish_changes(None, {}, {}, late)
        assert store.held() == held
        assert store.shown() == {name: told.rows for name, told in held.fingerprints.items()}
        # One that another has begun meanwhile is as little shown, since that one stages in the same place.
        ours, theirs = (replace(late, after=held.snapshot.id, claim=token_hex()) for _ in range(2))
        with store.connected() as at:
            store._claim(at, ours)
            store._claim(at, theirs)
            with pytest.raises(LakeBusy, match="another publication has begun meanwhile"):
                if store is neo4j:
                    with at.session() as session:
                        session.execute_write(lambda transaction, ours=ours: neo4j._relabel(transaction, ours, "stage"))
                else:
                    store._switch(at, ours, *([[]] if store is clickhouse else []))
        assert store.held() == held


def test_a_table_that_somebody_dropped_is_sent_again_though_gold_has_not_changed(published):
    with clickhouse.connected() as client:
        client.command("DROP TABLE sales_by_state SYNC")
    done = submit("publish", "--profile", "minio", "--stores", "clickhouse")
    assert done.returncode == 0 and "someone changed the store: sales_by_state has no rows" in done.stdout, done.stdout
    assert clickhouse.shown() == {name: told.rows for name, told in clickhouse.held().fingerprints.items()}


def test_every_table_of_the_contracts_that_is_published_somewhere_is_in_the_snapshot(published):
    assert set(clickhouse.held().snapshot.versions) == {c.name for c in layer("gold") if c.publish}


def test_the_doctor_finds_the_bucket_in_order(published):
    done = python("lake.doctor", "--profile", "minio")
    assert done.returncode == 0 and "conditional put" in done.stdout and done.stdout.count("holds snapshot") == 3, done.stdout
    done = python("lake.doctor", "--profile", "minio", MINIO_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 6 and "make up" in done.stdout, done.stdout
