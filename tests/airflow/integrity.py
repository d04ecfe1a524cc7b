"""Run by Airflow's Python: every DAG as JSON, what could not be imported, which day runs are for, and what errors are made of."""

import json
import sys
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from ecommerce_etl_pipeline import DAY
from jinja2 import Environment, StrictUndefined

from lakehouse_tasks import failure

bag = DagBag(sys.argv[1])
day = Environment(undefined=StrictUndefined).from_string(DAY)
RUNS = {
    "scheduled": {"ds": "2018-08-29"},
    "backfill": {"ds": "2018-08-28"},
    "manual": {"ds": "2026-01-01"},
    # Started from the page of an asset, with a date that nobody chose or with none.
    "asset_materialization": {"ds": "2026-01-01"},
    "operator_triggered": {},
}
ENDS = {
    "refused": (4, ["error: 25 file(s) were refused", "  a.csv: no feed claims this name", "  -> mend or remove them"]),
    "arguments": (2, ["usage: pipeline.py [-h]", "pipeline.py: error: unrecognized arguments: --x"]),
    "killed": (4, ["Killed"]),
}
print(
    json.dumps(
        {
            "days": {
                kind: day.render(params=SimpleNamespace(date=None), dag_run=SimpleNamespace(run_type=kind), **given)
                for kind, given in RUNS.items()
            },
            "failures": {name: [type(error).__name__, str(error)] for name, error in ((n, failure(*end)) for n, end in ENDS.items())},
            "errors": {file: str(error) for file, error in bag.import_errors.items()},
            "dags": {
                name: {
                    "order": [task.task_id for task in dag.topological_sort()],
                    "tasks": {
                        task.task_id: {
                            "owner": task.owner,
                            "retries": task.retries,
                            "seconds": task.execution_timeout and task.execution_timeout.total_seconds(),
                            "type": type(task).__name__,
                            "before": sorted(task.upstream_task_ids),
                            "assets": sorted(asset.name for asset in task.outlets),
                        }
                        for task in dag.tasks
                    },
                }
                for name, dag in bag.dags.items()
            },
        }
    )
)
