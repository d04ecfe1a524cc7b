"""Lineage of a run from the ledger of a tiny lake, to a file and to an endpoint that knows OpenLineage's schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.contracts import contract
from lake.errors import BadEnvironment, BadInput
from lake.lineage import emit, events
from tests.receiver import complaints, receiving
from tests.unit.tiny_lake import at, step, write

RUN = "scheduled__2018-08-29T06:00:00+00:00"


@pytest.fixture
def lake(tmp_path: Path) -> str:
    write(
        tmp_path,
        "ops.runs",
        step(RUN, "ingest", "bronze.orders", "2018-08-29 06:00:00", 2.0, inputs='{"landing": 3}', output_version=4, rows_written=10),
        step(
            RUN,
            "conform",
            "silver.orders",
            "2018-08-29 06:00:03",
            1.5,
            inputs='{"bronze.orders": 5, "silver.sellers": 6}',
            status="failed",
            message="a gate",
        ),
        step("another", "ingest", "bronze.orders", "2018-08-28 06:00:00", 1.0),
    )
    sent = {"run_id": RUN, "store": "clickhouse", "versions": '{"gold.dim_date": 7}', "rows": '{"sales_fact": 3}', "seconds": 2.0}
    write(tmp_path, "ops.publications", {**sent, "status": "done", "published_at": at("2018-08-29 06:01:00")})
    return str(tmp_path)


def test_an_event_says_what_was_read_at_which_version_and_what_became_of_it(lake):
    told = events(lake, "s3a://lake/landing", RUN)
    assert [(e.job.name, e.eventType.value) for e in told] == [
        ("ingest.bronze.orders", "START"),
        ("ingest.bronze.orders", "COMPLETE"),
        ("conform.silver.orders", "START"),
        ("conform.silver.orders", "FAIL"),
        ("publish.clickhouse", "START"),
        ("publish.clickhouse", "COMPLETE"),
    ]
    assert {e.run.facets["lakehouse"].run_id for e in told} == {RUN} and len({e.run.runId for e in told}) == 3
    loaded, failed, published = told[1], told[3], told[5]
    assert (loaded.inputs[0].namespace, loaded.inputs[0].name) == ("s3://lake", f"landing/{contract('bronze.orders').feed.files}")
    (output,) = loaded.outputs
    assert output.name == f"{lake}/bronze/orders" and output.facets["version"].datasetVersion == "4"
    assert output.outputFacets["outputStatistics"].rowCount == 10
    assert "order_id" in [f.name for f in output.facets["schema"].fields]
    assert failed.run.facets["errorMessage"].message == "a gate" and not failed.outputs
    # Batch 5 of bronze is not its version 5: that does not exist yet.
    batch, version = failed.inputs
    assert "version" not in batch.facets and "schema" in batch.facets and version.facets["version"].datasetVersion == "6"
    assert published.inputs[0].name == f"{lake}/gold/dim_date" and published.inputs[0].facets["version"].datasetVersion == "7"
    (store,) = published.outputs
    assert (store.namespace, store.name, store.outputFacets["outputStatistics"].rowCount) == ("clickhouse", "sales_fact", 3)


def test_the_file_holds_each_event_once_however_often_it_is_told(lake, monkeypatch):
    monkeypatch.delenv("OPENLINEAGE_URL", raising=False)
    path = Path(emit(lake, "/landing", RUN))
    assert path.parent.name == "scheduled__2018-08-29T06_3A00_3A00_2B00_3A00"
    first = path.read_text()
    assert [complaints(json.loads(line)) for line in first.splitlines()] == [[]] * 6
    assert emit(lake, "/landing", RUN) == str(path) and path.read_text() == first


def test_an_endpoint_that_checks_schemas_takes_them_all(lake, monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        assert emit(lake, "/landing", RUN) == "6 events sent"
    assert (len(receiver.events), receiver.complaints) == (6, [])
    assert not (Path(lake) / "reports").exists()


def test_an_endpoint_that_refuses_is_said_and_a_run_that_nobody_knows_too(lake, monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        receiver.take = lambda *_: 403
        with pytest.raises(BadEnvironment, match="does not take events"):
            emit(lake, "/landing", RUN)
    with pytest.raises(BadInput, match="no run 'nobody'"):
        emit(lake, "/landing", "nobody")
