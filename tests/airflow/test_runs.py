"""Runs on a real scheduler with the LocalExecutor: a driver that is killed, a file that is refused, two runs at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.airflow.conftest import Airflow, until
from tests.lakes import open_sql


def drivers(of: str) -> list[int]:
    """Processes, of the JVM or of Python, whose command line names a run's job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if of in words and any(word.endswith(".py") for word in words):
            found.append(int(folder.name))
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def jvm(of: str) -> int | None:
    """The JVM of a run's job, once its Python runs; before that there is a JVM that only puts the command together."""
    of_python = [pid for pid in drivers(of) if Path(f"/proc/{pid}/comm").read_text().startswith("python")]
    return parent(of_python[0]) if of_python else None


def test_a_killed_task_leaves_no_driver_and_the_next_try_goes_on(airflow: Airflow):
    airflow.trigger("killed", publish=False)
    until(lambda: airflow.tasks("killed")["transform_clean_data"]["state"] == "running")
    driver = until(lambda: jvm("killed"))
    first = set(drivers("killed"))
    os.kill(parent(driver), signal.SIGKILL)
    until(lambda: not first & set(drivers("killed")))
    assert airflow.finish("killed") == "success"
    tasks = airflow.tasks("killed")
    assert tasks["transform_clean_data"]["try_number"] == 2
    assert {task["state"] for name, task in tasks.items() if not name.startswith("load_")} == {"success"}
    db = open_sql(airflow.lake)
    ((orders,),) = db.execute("select count(*) from silver_orders").fetchall()
    assert orders == db.execute("select count(distinct order_id) from bronze_orders").fetchall()[0][0]
    assert db.execute("select distinct run_id from ops_runs").fetchall() == [("killed",)]
    report = airflow.lake / "reports" / "killed"
    assert {file.name for file in report.iterdir()} == {"report.html", "report.json", "lineage.jsonl"}


def test_a_refused_file_is_red_with_its_reason_and_the_rest_goes_on_beside_another_run(airflow: Airflow):
    stray = airflow.landing / "2018-08-29" / "stray.csv"
    stray.write_text("a,b\n1,2\n")
    airflow.trigger("one", publish=False)
    airflow.trigger("two", publish=False)
    assert [airflow.finish("one"), airflow.finish("two")] == ["failed", "failed"]
    for run in ("one", "two"):
        tasks = airflow.tasks(run)
        assert tasks["extract_validate_quality"]["state"] == "failed" and tasks["extract_validate_quality"]["try_number"] == 1
        assert tasks["spark_batch_processing"]["state"] == "success"
        assert tasks["transform_clean_data"]["try_number"] == 1
        assert any("exit code 4" in line and "stray.csv" in line for line in airflow.log(run, "extract_validate_quality"))
    opened = [news for news in airflow.told if news["event"] == "opened"]
    assert [news["incident"] for news in opened].count("ecommerce_etl_pipeline.extract_validate_quality") == 1
    stray.unlink()
    airflow.trigger("mended", publish=False)
    assert airflow.finish("mended") == "success"
    assert "ecommerce_etl_pipeline.extract_validate_quality" in [n["incident"] for n in airflow.told if n["event"] == "closed"]
