"""When somebody says so: compute a table or a period of it again, for a reason that is kept, and publish what came of it."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from lake.contracts import layer
from lakehouse_tasks import DEFAULTS, LakeJob, Summary, load_to_databases

TABLES = [c.name for c in layer("silver") if c.source] + [c.name for c in layer("gold") if c.grain != "model"]


def day(about: str) -> Param:
    """A parameter that is a date or empty."""
    return Param(None, type=["null", "string"], format="date", description=about)


with DAG(
    "backfill",
    description="A table or a period of it again, with a reason",
    schedule=None,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lakehouse"],
    doc_md=__doc__,
    params={
        "table": Param(TABLES[0], enum=TABLES, description="Silver table (again from bronze) or gold table (again from silver)"),
        "from": day("First day: of drops (silver) or purchases (gold); empty: the beginning"),
        "to": day("Last day; empty: the end"),
        "reason": Param("", type="string", minLength=3, pattern=r"^[^\n]*$", description="Why; it is kept in ops.runs"),
        "publish": Param(True, type="boolean", description="Whether the stores get the new snapshot"),
    },
):
    again = LakeJob(
        task_id="backfill",
        job="backfill",
        arguments=[
            *("--table", "{{ params.table }}", "--reason", "{{ params.reason }}"),
            "{% if params.from %}--from\n{{ params.from }}{% endif %}",
            "{% if params.to %}--to\n{{ params.to }}{% endif %}",
        ],
    )
    loads = load_to_databases()
    again >> loads
    [again, loads] >> Summary(task_id="generate_summary", begins="backfill").as_teardown()
