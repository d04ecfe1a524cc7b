"""Run by Airflow's Python: every DAG as JSON, and what could not be imported."""

import json
import sys

from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
print(
    json.dumps(
        {
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
