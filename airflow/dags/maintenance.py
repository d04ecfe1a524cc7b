"""Every week: compact, cluster and vacuum the lake's tables."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from lakehouse_tasks import DEFAULTS, LakeJob, Summary

with DAG(
    "maintenance",
    description="Compaction, clustering and vacuum of the lake's tables",
    schedule="0 3 * * 0",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lakehouse"],
    doc_md=__doc__,
    params={
        "retention_days": Param(30, type="number", minimum=7, description="Files of versions younger than this are kept"),
        "dry_run": Param(False, type="boolean", description="Say what would happen; write nothing but rows of ops.runs"),
    },
):
    maintain = LakeJob(
        task_id="maintain",
        job="maintain",
        arguments=["--retention-days", "{{ params.retention_days }}", "{% if params.dry_run %}--dry-run{% endif %}"],
    )
    maintain >> Summary(task_id="generate_summary", begins="maintain").as_teardown()
