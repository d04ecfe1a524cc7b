"""Runs on a real scheduler with the LocalExecutor, one after the other on one lake: whatever goes wrong in them, the lake and the
stores end as if nothing had."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from urllib.error import HTTPError

import pytest

from lake.contracts import contract, layer
from tests.airflow.client import DAG, Airflow
from tests.airflow.processes import drivers, jvm, parent, scheduler
from tests.cluster import answer, cluster
from tests.lakes import open_sql, submit, until

STORES = {f"load_to_databases.{store}" for store in ("clickhouse", "mongodb", "neo4j")}
DAYS = {"2018-08-28": "backfill__2018-08-28T06:00:00+00:00", "2018-08-29": "backfill__2018-08-29T06:00:00+00:00"}
NEO4J, REFUSED = f"{DAG}.load_to_databases.neo4j", f"{DAG}.extract_validate_quality"


@pytest.fixture(scope="module")
def first(airflow: Airflow) -> set[int]:
    """The first day; a task's process is killed while it works, and Neo4j is away. Gives the driver's processes."""
    airflow.trigger("first", date="2018-08-27")
    until(lambda: airflow.states("first")["transform_clean_data"] == "running")
    driver = until(lambda: jvm("first"))
    processes = set(drivers("first"))
    os.kill(parent(driver), signal.SIGKILL)
    until(lambda: not processes & set(drivers("first")))
    assert airflow.finish("first") == "failed"
    return processes


@pytest.fixture(scope="module")
def two_days(first, airflow: Airflow) -> Path:
    """The next two days at once, as Airflow catches up on days; Neo4j is there again, and a file came that nobody knows."""
    for day in DAYS:
        (airflow.folder / "later" / day).rename(airflow.landing / day)
    stray = airflow.landing / "2018-08-29" / "stray.csv"
    stray.write_text("a,b\n1,2\n")
    airflow.launcher("up", "neo4j")
    period = {"from_date": "2018-08-28T00:00:00Z", "to_date": "2018-08-29T23:00:00Z"}
    airflow.ask("/api/v2/backfills", {"dag_id": DAG, "max_active_runs": 2, **period})
    assert [airflow.finish(run) for run in DAYS.values()] == ["failed", "failed"]
    return stray


@pytest.fixture(scope="module")
def cleared(two_days: Path, airflow: Airflow) -> None:
    """The first day again, without the stray file; the scheduler is killed in the middle."""
    two_days.unlink()
    airflow.ask(f"{airflow.run('first')}/clear", {"dry_run": False, "only_failed": False})
    until(lambda: airflow.states("first")["transform_clean_data"] == "running")
    killed = scheduler(airflow)
    os.kill(killed, signal.SIGKILL)
    until(lambda: scheduler(airflow) not in (None, killed))
    assert airflow.finish("first") == "success"


@pytest.fixture(scope="module")
def on_a_cluster(cleared, airflow: Airflow) -> list[str]:
    """Maintenance and a backfill by a Spark master, which Airflow only knows by its settings; the names of what it ran."""
    with cluster(airflow.folder / "work") as (master, web):
        airflow.launcher("down", "airflow")
        os.environ["AIRFLOW_SPARK_MASTER"] = master
        airflow.launcher("up", "airflow")
        airflow.enter()
        airflow.trigger("tidy", "maintenance")
        airflow.trigger("again", "backfill", table="gold.sales_by_state", reason="a hand slipped")
        assert [airflow.finish("tidy", "maintenance"), airflow.finish("again", "backfill")] == ["success", "success"]
        return [app["name"] for app in answer(web)["completedapps"]]


def told(airflow: Airflow, event: str, incident: str) -> int:
    return [(news["event"], news["incident"]) for news in airflow.told.incidents].count((event, incident))


def sql(airflow: Airflow, query: str) -> list[tuple]:
    return open_sql(airflow.lake).execute(query).fetchall()


def test_a_killed_task_leaves_no_driver_and_its_next_try_goes_on(first, airflow: Airflow):
    assert len(first) >= 2 and not drivers("first")
    assert airflow.tasks("first")["transform_clean_data"]["try_number"] >= 2
    assert sql(airflow, "select distinct status from ops_runs where step = 'conform' and run_id = 'first'") != []


def test_a_store_that_is_away_is_one_incident_and_the_others_go_on(first, two_days, airflow: Airflow):
    rows = sql(airflow, "select store, status from ops_publications where run_id = 'first' and published_at < (select min(published_at) "
               "from ops_publications where run_id <> 'first') order by all")  # fmt: skip
    assert Counter(rows) == {("clickhouse", "done"): 1, ("mongodb", "done"): 1, ("neo4j", "failed"): 3}
    assert told(airflow, "opened", NEO4J) == 1 == told(airflow, "closed", NEO4J)
    opened = next(news for news in airflow.told.incidents if news["incident"] == NEO4J)
    assert opened["kind"] == "store" and "neo4j" in opened["reason"].lower() and opened["run_id"] == "first"


def test_a_refused_file_is_red_with_its_reason_and_the_rest_goes_on_beside_another_run(two_days, airflow: Airflow):
    for run in DAYS.values():
        tasks = airflow.tasks(run)
        assert tasks["extract_validate_quality"]["state"] == "failed" and tasks["extract_validate_quality"]["try_number"] == 1
        assert {tasks[name]["state"] for name in (*STORES, "spark_batch_processing", "spark_ml_recommendations")} == {"success"}
        assert tasks["verify_results"]["state"] == "upstream_failed" and tasks["generate_summary"]["state"] == "success"
        # Airflow's own marks (::endgroup::) fold parts of the log on its page.
        last = [line for line in airflow.log(run, "extract_validate_quality") if line.strip() and not line.startswith("::")][-1]
        assert "exit code 4" in last and "stray.csv" in last, last
    assert told(airflow, "opened", REFUSED) == 1


def test_an_old_day_is_cleared_and_a_scheduler_that_dies_meanwhile_loses_nothing(cleared, airflow: Airflow):
    assert set(airflow.states("first").values()) == {"success"}
    assert told(airflow, "closed", REFUSED) == 1
    assert sql(airflow, "select count(*) from ops_incidents where closed_at is null") == [(0,)]
    assert {file.name for file in (airflow.lake / "reports" / "first").iterdir()} == {"report.html", "report.json"}


def test_other_dags_and_another_master_need_settings_only(on_a_cluster, airflow: Airflow):
    loads = ["lakehouse publish again"] * 3
    assert Counter(on_a_cluster) == Counter(["lakehouse maintain tidy", "lakehouse backfill again", *loads])
    assert sql(airflow, "select message from ops_runs where step = 'backfill' and run_id = 'again'") == [("a hand slipped",)]
    assert sql(airflow, "select count(*) > 0 from ops_runs where step = 'maintain' and run_id = 'tidy'") == [(True,)]


def test_a_backfill_without_a_reason_is_refused(airflow: Airflow):
    with pytest.raises(HTTPError) as refused:
        airflow.trigger("why", "backfill", table="gold.sales_by_state", reason="")
    assert refused.value.code in (400, 422)


def test_the_next_scheduled_run_is_the_next_morning(airflow: Airflow):
    assert airflow.ask(f"/api/v2/dags/{DAG}")["next_dagrun_run_after"].endswith("T06:00:00Z")


def test_a_run_has_one_name_in_airflow_ledger_spark_and_lineage(on_a_cluster, airflow: Airflow):
    runs = {"first", *DAYS.values(), "tidy", "again"}
    ledger = {row[0] for row in sql(airflow, "select distinct run_id from ops_runs")}
    # On a Sunday Airflow makes good that day's maintenance when it is switched on.
    assert {run for run in ledger if not run.startswith("scheduled__")} == runs
    assert {event["run"]["facets"]["lakehouse"]["run_id"] for event in airflow.told.events} == ledger
    assert airflow.told.complaints == []


def test_the_lake_and_the_stores_are_as_if_nothing_had_happened(on_a_cluster, airflow: Airflow):
    undisturbed = airflow.folder / "undisturbed"
    done = submit("pipeline", "--lake", undisturbed, "--landing", airflow.landing, "--steps", "ingest", "conform", "build")
    assert done.returncode == 0, done.stdout
    assert content(airflow.lake) == content(undisturbed)
    done = submit("reconcile")
    assert done.returncode == 0 and "of 3 stores equal gold" in done.stdout, done.stdout


def content(lake: Path) -> dict[str, Counter]:
    db = open_sql(lake)
    tables = [c.name for c in (*layer("silver"), *layer("gold")) if c.grain != "model"]
    return {n: Counter(db.execute(f"select {', '.join(contract(n).columns)} from {n.replace('.', '_')}").fetchall()) for n in tables}
