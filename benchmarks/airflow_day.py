"""A day through Airflow: seconds from its trigger to success with all stores published, by task, and Airflow's memory while idle.

python -m benchmarks.airflow_day [--scale 1]

Airflow, the stores and the lake are the benchmark's own, in a temporary folder. All but the last day are loaded first.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from infra.local.process import Process
from lake.generator import generate
from tests.airflow.client import DAG, Airflow, running

STORES = ("mongodb", "clickhouse", "neo4j")


def timed(airflow: Airflow, run: str) -> None:
    """Run the DAG and print when each task began and how long it took, in seconds since the trigger."""
    airflow.trigger(run)
    state, whole = airflow.finish(run), airflow.ask(airflow.run(run))
    print(f"{run}: {state}, {seconds(whole['queued_at'], whole['end_date']):.0f} s")
    for name, task in sorted(airflow.tasks(run).items(), key=lambda item: item[1]["start_date"] or ""):
        if task["start_date"]:
            print(f"  {name:<32} {seconds(whole['queued_at'], task['start_date']):>6.0f} {task['duration']:>6.1f} s  {task['state']}")


def seconds(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the generated marketplace (default: 1, which is Olist's size)")
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "landing", scale=scale, days=1)
        (day,) = (folder / "landing").glob("20*")
        day.rename(folder / "later")
        with running(folder, *STORES) as airflow:
            print(f"{DAG} at scale {scale:g}; idle: {Process.read(folder / 'servers/airflow/pid').memory_mb()} MB")
            timed(airflow, "before")
            (folder / "later").rename(day)
            timed(airflow, "day")


if __name__ == "__main__":
    main()
