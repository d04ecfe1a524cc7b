"""Incidents on a lake in a folder: one as long as it lasts, told once, whoever sees it how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lake.errors import BadEnvironment
from lake.incidents import close_incidents, lasting, open_incident
from tests.lakes import python
from tests.receiver import Receiver, receiving

NEO4J = "ecommerce_etl_pipeline.load_to_databases.neo4j"


@pytest.fixture
def told(monkeypatch) -> Receiver:
    with receiving() as receiver:
        monkeypatch.setenv("LAKE_WEBHOOK_URL", f"{receiver.url}/incidents")
        yield receiver


def test_it_is_told_when_it_begins_and_when_it_is_over(told, tmp_path):
    lake = str(tmp_path)
    assert close_incidents(lake, [NEO4J], "r0") == [] == lasting(lake)
    assert [open_incident(lake, NEO4J, "store", f"r{i}", "it's away") for i in (1, 2, 3)] == [True, False, False]
    assert open_incident(lake, "late", "late", "r3", "nothing came")
    neo4j = next(row for row in lasting(lake) if row["incident"] == NEO4J)
    assert (neo4j["seen"], neo4j["run_id"], neo4j["reason"]) == (3, "r1", "it's away")
    assert close_incidents(lake, [NEO4J, "never.opened"], "r4") == [NEO4J]
    assert [row["incident"] for row in lasting(lake)] == ["late"]
    assert open_incident(lake, NEO4J, "store", "r5", "again")
    assert [(news["event"], news["incident"], news["run_id"]) for news in told.incidents] == [
        ("opened", NEO4J, "r1"),
        ("opened", "late", "r3"),
        ("closed", NEO4J, "r4"),
        ("opened", NEO4J, "r5"),
    ]


def test_many_that_see_the_same_at_once_open_one(told, tmp_path):
    open_incident(str(tmp_path), "another", "task", "r0", "the table is there")
    with ThreadPoolExecutor(6) as pool:
        new = list(pool.map(lambda i: open_incident(str(tmp_path), NEO4J, "store", f"r{i}", "away"), range(6)))
    assert new.count(True) == 1
    assert [(row["incident"], row["seen"]) for row in lasting(str(tmp_path)) if row["incident"] == NEO4J] == [(NEO4J, 6)]
    assert [news["incident"] for news in told.incidents].count(NEO4J) == 1


def test_a_lake_that_is_away_hides_nothing_either(told, monkeypatch):
    monkeypatch.setenv("MINIO_ENDPOINT", "http://127.0.0.1:1")
    for work in (lambda: open_incident("s3a://lake/tables", NEO4J, "store", "r1", "away"), lambda: lasting("s3a://lake/tables")):
        with pytest.raises(BadEnvironment, match="ops.incidents can't be reached"):
            work()
    assert [(news["event"], news["incident"]) for news in told.incidents] == [("opened", NEO4J)]


def test_a_webhook_that_is_away_hides_nothing_and_its_address_is_not_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAKE_WEBHOOK_URL", "http://127.0.0.1:1/secret-token")
    assert open_incident(str(tmp_path), NEO4J, "store", "r1", "away")
    assert len(lasting(str(tmp_path))) == 1
    said = capsys.readouterr().err
    assert "the webhook did not take it" in said and "secret-token" not in said


def test_a_program_that_only_looks_ends_well_however_many_files_the_table_has(tmp_path):
    for number in range(6):
        assert open_incident(str(tmp_path), f"incident {number}", "task", "r1", "it broke")
    ended = [python("lake.incidents", "close", "--run-id", "r2", "never.opened", LAKE_PATH=str(tmp_path)) for _ in range(6)]
    assert {(done.returncode, done.stdout) for done in ended} == {(0, "")}
