"""Every day: what was delivered, through bronze, silver and gold, to the stores. docs/airflow.md says what happens on a bad day."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, Param, TriggerRule, task

from lake.contracts import layer
from lakehouse_tasks import CHECK, DEFAULTS, SCRATCH, LakeJob, LakeProgram, Summary, load_to_databases, stores

MODEL = "model"
BUILT = sorted(gold.name for gold in layer("gold") if gold.grain != MODEL)
TRAINED = sorted(gold.name for gold in layer("gold") if gold.grain == MODEL)
# A scheduled run is for its day, and so is one that catches up on a day; one that a person starts is for the day given, else for
# the newest day in the data.
DAY = (
    "{% set day = params.date or (ds if dag_run.run_type in ('scheduled', 'backfill') else '') %}{% if day %}--as-of\n{{ day }}{% endif %}"
)


with DAG(
    "ecommerce_etl_pipeline",
    description="Raw files to bronze, silver and gold, and gold to the stores",
    schedule="0 6 * * *",
    catchup=False,
    # Two runs at once do no harm, since their jobs take turns; more would only wait.
    max_active_runs=2,
    default_args=DEFAULTS,
    tags=["lakehouse"],
    doc_md=__doc__,
    params={
        "date": Param(None, type=["null", "string"], format="date", description="The day the run is for; empty: the newest in the data"),
        "mode": Param("incremental", enum=["incremental", "full"], description="full: gold from all of silver"),
        "tables": Param([], type="array", items={"enum": BUILT}, description="Gold tables to build; none named: all"),
        "publish": Param(True, type="boolean", description="Whether the stores get the new snapshot"),
    },
) as dag:
    extract_check_data = LakeProgram(task_id=CHECK, module="lake.arrivals", arguments=[DAY])
    extract_validate_quality = LakeJob(task_id="extract_validate_quality", job="ingest", arguments=[DAY])
    # Refused files make the task before it red, and the run in the end; what could be read goes on.
    transform_clean_data = LakeJob(
        task_id="transform_clean_data", job="conform", arguments=[DAY], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    )
    choice = "{% if params.tables %}--tables\n{{ params.tables | join('\n') }}{% endif %}"
    spark_batch_processing = LakeJob(
        task_id="spark_batch_processing",
        job="build",
        arguments=[DAY, "{% if params.mode == 'full' %}--full{% endif %}", choice],
        outlets=[Asset(name) for name in BUILT],
    )
    spark_ml_recommendations = LakeJob(
        task_id="spark_ml_recommendations", job="recommend", arguments=[DAY], outlets=[Asset(name) for name in TRAINED]
    )
    loads = load_to_databases()
    published = "{% if params.publish %}--stores\n" + "\n".join(stores()) + "{% endif %}"
    verify_results = LakeProgram(
        task_id="verify_results",
        module="lake.verify",
        arguments=["--run-id", "{{ run_id }}", published],
        trigger_rule=TriggerRule.NONE_FAILED,
    )
    generate_summary = Summary(task_id="generate_summary", begins="extract_validate_quality", day=DAY)

    @task
    def cleanup_temp_files(folder: str, **_: Any) -> None:
        """What the run's drivers left on this machine."""
        shutil.rmtree(Path(folder), ignore_errors=True)

    cleaned = cleanup_temp_files(SCRATCH)

    extract_check_data >> extract_validate_quality >> transform_clean_data
    extract_check_data >> transform_clean_data
    transform_clean_data >> [spark_batch_processing, spark_ml_recommendations] >> loads >> verify_results
    extract_validate_quality >> verify_results
    # Whatever became of the run these two come to their turn, and do not decide what is said of it. They come after everything:
    # behind a failure verify_results has its state at once, while other tasks still run.
    [transform_clean_data, spark_batch_processing, spark_ml_recommendations, loads, verify_results] >> generate_summary.as_teardown()
    generate_summary >> cleaned.as_teardown()
