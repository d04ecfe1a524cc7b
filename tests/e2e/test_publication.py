"""A day more reaches the stores as what changed, at once; whatever happens meanwhile, they end equal to gold."""

from __future__ import annotations

import datetime
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from bson.decimal128 import Decimal128

from lake.errors import BadEnvironment
from lake.publish import STORES, clickhouse, mongodb, neo4j
from lake.sql import open_sql
from tests.e2e import relationships
from tests.lakes import ROOT, python, started, submit, until

LAKE = "s3a://lake/tables"


@pytest.fixture(scope="module")
def another_day(published) -> None:
    """One more day has come: it is in gold, but in no store yet."""
    (day,) = (published.parent / "later").iterdir()
    day.rename(published / day.name)
    run = submit("pipeline", "--profile", "minio", "--landing", published)
    assert run.returncode == 0, run.stdout


def revenue_of_clickhouse() -> Decimal:
    with clickhouse.connected() as client:
        return client.query("SELECT sum(revenue_brl) FROM sales_fact").result_rows[0][0]


def revenue_of_mongodb() -> Decimal:
    with mongodb.connected() as database:
        found = next(database.products.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$sales.revenue_brl"}}}]))
        return found["sum"].to_decimal()


def revenue_of_neo4j() -> Decimal:
    with neo4j.connected() as driver:
        found = driver.execute_query("MATCH (:Customer)-[r:PURCHASED]->(:Product) RETURN sum(r.revenue_centavos) AS s").records[0]["s"]
        return Decimal(found) / 100


class Reader(threading.Thread):
    """Asks one store for its revenue again and again until it is told to stop."""

    def __init__(self, ask: Callable[[], Decimal]) -> None:
        super().__init__(daemon=True)
        self.ask, self.seen, self.ended = ask, set(), threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):  # the publication wants the two cores too
            with suppress(BadEnvironment):
                self.seen.add(self.ask())


def gold(what: str) -> Decimal:
    return open_sql(LAKE).execute(f"select {what}").fetchone()[0]


def fingerprints() -> dict[str, dict]:
    return {name: dict(store.held().fingerprints) for name, store in STORES.items()}


def equal_to_gold() -> None:
    done = submit("reconcile", "--profile", "minio")
    assert done.returncode == 0 and "of 3 stores equal gold" in done.stdout, done.stdout


def test_readers_see_the_old_or_the_new_and_only_changes_travel(another_day):
    old = {"mongodb": revenue_of_mongodb(), "clickhouse": revenue_of_clickhouse(), "neo4j": revenue_of_neo4j()}
    new = gold("sum(revenue_brl) from gold.fact_order_items")
    assert set(old.values()) != {new}
    readers = {"mongodb": Reader(revenue_of_mongodb), "clickhouse": Reader(revenue_of_clickhouse), "neo4j": Reader(revenue_of_neo4j)}
    for reader in readers.values():
        reader.start()
    done = submit("publish", "--profile", "minio")
    for reader in readers.values():
        reader.ended.set()
        reader.join()
    assert done.returncode == 0 and done.stdout.count("done (changes)") == 3, done.stdout
    for name, reader in readers.items():
        assert old[name] in reader.seen and reader.seen <= {old[name], new}, (name, reader.seen, old[name], new)
    assert revenue_of_clickhouse() == revenue_of_mongodb() == revenue_of_neo4j() == new
    rows = open_sql(LAKE).execute(
        "select store, travelled, late_seconds > 0 from ops.publications where status = 'done' qualify row_number() over "
        "(partition by store order by published_at desc, run_id desc) = 1 order by store"
    )
    assert rows.fetchall() == [("clickhouse", "changes", True), ("mongodb", "changes", True), ("neo4j", "changes", True)]
    equal_to_gold()


def test_relationships_have_come_with_the_seller_and_the_product_that_they_waited_for(another_day):
    for name, (pairs, complete, shown) in relationships.counted(LAKE).items():
        assert shown == complete == pairs, name


def test_all_anew_gives_the_same_content_and_each_way_leads_back(another_day):
    by_changes = fingerprints()
    again = submit("publish", "--profile", "minio", "--again")
    assert again.returncode == 0 and again.stdout.count("done (all)") == 3, again.stdout
    assert fingerprints() == by_changes
    back = submit("publish", "--profile", "minio", "--restore")
    assert back.returncode == 0 and back.stdout.count("restored") == 3, back.stdout
    before = fingerprints()
    assert before != by_changes
    equal_to_gold()
    again = submit("publish", "--profile", "minio", "--again")
    assert again.returncode == 0 and again.stdout.count("done (all)") == 3, again.stdout
    assert fingerprints() == by_changes
    back = submit("publish", "--profile", "minio", "--restore")
    assert back.returncode == 0 and fingerprints() == before, back.stdout
    again = submit("publish", "--profile", "minio", "--restore")
    assert again.returncode == 0 and again.stdout.count("unchanged") == 3 and fingerprints() == before, again.stdout


def test_a_killed_publication_is_made_good_by_the_next(another_day):
    halfway = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%\\_\\_changes'"
    with clickhouse.connected() as client, started("publish", "--profile", "minio") as job:
        until(lambda: client.command(halfway))
        os.killpg(job.pid, signal.SIGKILL)
    done = submit("publish", "--profile", "minio", "--wait", "90")
    assert done.returncode == 0, done.stdout
    equal_to_gold()


def test_a_value_that_someone_changed_is_found(another_day):
    with mongodb.connected() as database:
        one = database.reviews.find_one_and_update({}, {"$set": {"comment.title": "changed"}})
    done = submit("reconcile", "--profile", "minio", "--stores", "mongodb")
    assert done.returncode == 9 and "mongodb reviews checksum" in done.stdout, done.stdout
    with mongodb.connected() as database:
        database.reviews.replace_one({"_id": one["_id"]}, one)


def test_bad_luck_doubles_nothing_and_locks_nothing(servers):
    done = submit("../tests/e2e/stubborn", master="local[2,4]", PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stdout
    for store in STORES:
        assert f"{store} (1000, 1000)" in done.stdout, done.stdout


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Tokyo"])
def test_extreme_values_arrive_as_themselves_in_every_zone(servers, zone):
    done = submit("../tests/e2e/extremes", TZ=zone, SPARK_SUBMIT_OPTS=f"-Duser.timezone={zone}", PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stdout
    texts = {"text0": "", "text1": "ação 🛒👍🏽"}
    days = ["1900-01-01", "2299-12-31", "2017-10-15", "2018-02-18"]
    moments = ["1900-01-01 00:00:00", "2299-12-31 23:59:59", "2017-10-15 00:30:00", "2018-02-17 23:30:00"]
    money = [Decimal("0.01"), Decimal("-0.01"), Decimal("9999999999.99")]
    with clickhouse.connected() as client:
        rows = client.query("SELECT key, toString(day), left(toString(moment), 19), money, text FROM extremes").result_rows
    of = {row[0]: row[1:] for row in rows}
    assert [of[f"day{i}"][0] for i in range(4)] == days
    assert [of[f"moment{i}"][1] for i in range(4)] == moments
    assert [of[f"money{i}"][2] for i in range(3)] == money
    assert {key: of[key][3] for key in texts} == texts and len(of["text2"][3]) == 208 and of["null"] == (None,) * 4
    with mongodb.connected() as database:
        of = {row["_id"]: row for row in database.extremes.find()}
    assert [of[f"day{i}"]["day"] for i in range(4)] == [datetime.datetime.fromisoformat(day) for day in days]
    assert [of[f"moment{i}"]["moment"] for i in range(4)] == [datetime.datetime.fromisoformat(moment) for moment in moments]
    assert [of[f"money{i}"]["money"] for i in range(3)] == [Decimal128(value) for value in money]
    assert {key: of[key]["text"] for key in texts} == texts and len(of["text2"]["text"]) == 208 and of["null"]["money"] is None
    with neo4j.connected() as driver:
        of = {row["n"]["key"]: row["n"] for row in driver.execute_query("MATCH (n:Extreme) RETURN n").records}
        driver.execute_query("MATCH (n:Extreme) DELETE n")
    assert {key: of[key]["text"] for key in texts} == texts and len(of["text2"]["text"]) == 208
    assert of["whole0"]["whole"] == 2**63 - 1 and of["real1"]["real"] == -1234567.891 and "text" not in of["null"]


def test_where_the_change_feed_ends_all_is_sent_and_said(another_day):
    with mongodb.connected() as database:
        marker = database[mongodb.MARKER].find_one({"_id": "current"})
        other = marker["held"].replace('"gold.fact_reviews": "', '"gold.fact_reviews": "another lake ')
        assert other != marker["held"]
        database[mongodb.MARKER].update_one({"_id": "current"}, {"$set": {"held": other}})
    done = submit("publish", "--profile", "minio", "--stores", "mongodb")
    assert done.returncode == 0 and "does not reach back" in done.stdout and "done (all)" in done.stdout, done.stdout
    done = python("lake.sql", "select message from ops.publications where message is not null", "--format", "csv", LAKE="minio")
    assert "does not reach back" in done.stdout, done.stdout
