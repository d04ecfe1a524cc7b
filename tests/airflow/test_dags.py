"""The DAGs as Airflow reads them, without a server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra.local import fetch
from infra.local.airflow_server import FOLDER, SERVER
from lake.contracts import layer
from lake.settings import ROOT


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> dict:
    home = fetch.home(SERVER.name, SERVER.version)
    fetch.ensure(home, SERVER.fetch)
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHONPATH": f"{ROOT}:{FOLDER / 'dags'}",
        "LAKEHOUSE_HOME": str(ROOT),
    }
    env["AIRFLOW__CORE__LOAD_EXAMPLES"] = "false"
    program = Path(__file__).with_name("integrity.py")
    done = subprocess.run([home / "bin" / "python", program, FOLDER / "dags"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_dag_is_read(bag):
    assert bag["errors"] == {}
    assert set(bag["dags"]) == {"ecommerce_etl_pipeline", "maintenance", "backfill"}


def test_the_phases_come_in_their_order_and_each_store_has_a_task(bag):
    tasks = bag["dags"]["ecommerce_etl_pipeline"]["tasks"]
    loads = {f"load_to_databases.{store}" for gold in layer("gold") for store in gold.publish}
    phases = ["extract_check_data", "extract_validate_quality", "transform_clean_data", "spark_batch_processing"]
    phases += ["spark_ml_recommendations", "verify_results", "generate_summary", "cleanup_temp_files"]
    assert set(tasks) == {*phases, *loads}
    assert tasks["spark_batch_processing"]["before"] == tasks["spark_ml_recommendations"]["before"] == ["transform_clean_data"]
    for load in loads:
        assert tasks[load]["before"] == ["spark_batch_processing", "spark_ml_recommendations"]
    assert set(tasks["verify_results"]["before"]) == {*loads, "extract_validate_quality"}


def test_the_summary_waits_for_all_that_may_still_run_behind_a_failure(bag):
    for dag in bag["dags"].values():
        working = {name for name, task in dag["tasks"].items() if task["type"] == "LakeJob"} - {"extract_validate_quality"}
        assert working <= set(dag["tasks"]["generate_summary"]["before"])
    assert bag["dags"]["ecommerce_etl_pipeline"]["tasks"]["cleanup_temp_files"]["before"] == ["generate_summary"]


def test_new_gold_is_announced(bag):
    announced = [name for task in bag["dags"]["ecommerce_etl_pipeline"]["tasks"].values() for name in task["assets"]]
    assert sorted(announced) == sorted(gold.name for gold in layer("gold"))


def test_every_task_has_an_owner_another_try_and_an_end(bag):
    for dag in bag["dags"].values():
        for task in dag["tasks"].values():
            assert task["owner"] == "platform" and task["retries"] >= 1 and task["seconds"]


def test_only_a_run_of_the_schedule_is_for_its_own_day(bag):
    own = {"scheduled": "--as-of\n2018-08-29", "backfill": "--as-of\n2018-08-28"}
    assert bag["days"] == {kind: own.get(kind, "") for kind in bag["days"]}


def test_what_a_process_explained_is_not_tried_again_where_that_would_not_help(bag):
    assert bag["failures"] == {
        "refused": ["FailedForGood", "exit code 4: 25 file(s) were refused a.csv: no feed claims this name -> mend or remove them"],
        "arguments": ["FailedForGood", "exit code 2: unrecognized arguments: --x"],
        "killed": ["Failed", "exit code 4: Killed"],
    }
