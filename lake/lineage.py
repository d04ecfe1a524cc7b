"""OpenLineage events of a run, from the ledger, the publications and the contracts: what was read at which version, and what became of it.

python -m lake.lineage --run-id R

Plans of MERGE mislead, the ledger does not: it says for each table and step which versions were read and which was written.
Events go to OPENLINEAGE_URL, if it is set, else to reports/<run>/lineage.jsonl in the lake. Told again they are the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import attr
from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from lake import VERSION
from lake.contracts import Contract, contract, contracts
from lake.errors import BadEnvironment, BadInput
from lake.figures.reader import Reader, Row
from lake.files import name_of, put_text
from lake.program import main_of, of_landing, parser, run

NAMESPACE = "lakehouse"
PRODUCER = f"urn:lakehouse:{VERSION}"
FACET_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"
STATES = dict.fromkeys(("done", "unchanged", "restored"), RunState.COMPLETE) | {"failed": RunState.FAIL, "died": RunState.ABORT}


@attr.define(kw_only=True)
class LedgerRunFacet(facets.RunFacet):
    """The run as everybody else calls it: Airflow, the ledger and Spark's application name."""

    run_id: str

    @staticmethod
    def _get_schema() -> str:
        return FACET_SCHEMA


def events(root: str, landing: str, run_id: str) -> list[RunEvent]:
    """START and COMPLETE, FAIL or ABORT for each row that the run has in the ledger and for each publication, in the order of time.

    Raises:
        BadInput: the lake knows no such run.
    """
    reader = Reader(root)
    steps = reader.rows('select * from ops.runs where run_id = ? order by started_at, step, "table"', run_id)
    loads = reader.rows("select * from ops.publications where run_id = ? order by published_at, store", run_id)
    if not steps and not loads:
        raise BadInput(f"the lake at {root} has no run {run_id!r}", 'see: make sql Q="select distinct run_id from ops.runs"')
    works = [_step(root, landing, row) for row in steps] + [_load(root, row) for row in loads]
    return sorted((event for work in works for event in _pair(run_id, work)), key=lambda event: event.eventTime)


@dataclass(frozen=True)
class Work:
    """What a run did to one table or store."""

    job: str
    began: datetime
    seconds: float
    status: str
    message: str | None
    inputs: list[InputDataset]
    outputs: list[OutputDataset]


def _step(root: str, landing: str, row: Row) -> Work:
    # Bronze is read up to a batch, which is none of Delta's versions: those count from 0, and maintenance has some too.
    inputs = [
        _table(root, name, None if name.startswith("bronze.") else at) if name in contracts() else _feed(landing, contract(row["table"]))
        for name, at in json.loads(row["inputs"]).items()
    ]
    job = f"{row['step']}.{row['table']}" if row["table"] in contracts() else row["step"]
    return Work(job, row["started_at"], row["seconds"], row["status"], row["message"], inputs, _outputs(root, row))


def _load(root: str, row: Row) -> Work:
    inputs = [_table(root, name, version) for name, version in json.loads(row["versions"]).items()]
    # A store is named and not addressed: where it is follows the settings, and told again the event must be the same.
    outputs = [OutputDataset(row["store"], name, _counted(rows)) for name, rows in json.loads(row["rows"]).items()]
    began = row["published_at"] - timedelta(seconds=row["seconds"])
    return Work(f"publish.{row['store']}", began, row["seconds"], row["status"], row["message"], inputs, outputs)


def _pair(run_id: str, work: Work) -> Iterator[RunEvent]:
    run = Run(_uuid(run_id, work.job, str(work.began)), _run_facets(run_id))
    job, state = Job(NAMESPACE, work.job), STATES[work.status]
    yield RunEvent(eventTime=_time(work.began), eventType=RunState.START, run=run, job=job, inputs=work.inputs, producer=PRODUCER)
    if work.message and state != RunState.COMPLETE:
        error = facets.error_message_run.ErrorMessageRunFacet(message=work.message, programmingLanguage="python")
        run = Run(run.runId, {**run.facets, "errorMessage": error})
    ended = _time(work.began + timedelta(seconds=work.seconds))
    yield RunEvent(eventTime=ended, eventType=state, run=run, job=job, inputs=work.inputs, outputs=work.outputs, producer=PRODUCER)


def _uuid(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join((NAMESPACE, *names))))


def _time(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _run_facets(run_id: str) -> dict[str, facets.RunFacet]:
    whole = facets.parent_run.ParentRunFacet(
        run=facets.parent_run.Run(runId=_uuid(run_id)), job=facets.parent_run.Job(namespace=NAMESPACE, name="run")
    )
    return {"parent": whole, "lakehouse": LedgerRunFacet(run_id=run_id)}


def _table(root: str, name: str, version: int | None) -> InputDataset:
    return InputDataset(*_place(f"{root}/{name.replace('.', '/')}"), facets=_facets(contract(name), version))


def _feed(landing: str, bronze: Contract) -> InputDataset:
    return InputDataset(*_place(f"{landing}/{bronze.feed.files}"))


def _outputs(root: str, row: Row) -> list[OutputDataset]:
    if row["output_version"] is None:
        return []
    place = _place(f"{root}/{row['table'].replace('.', '/')}")
    return [OutputDataset(*place, _counted(row["rows_written"]), facets=_facets(contract(row["table"]), row["output_version"]))]


def _counted(rows: int) -> dict[str, facets.OutputDatasetFacet]:
    return {"outputStatistics": facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)}


def _place(path: str) -> tuple[str, str]:
    """Namespace and name as OpenLineage writes places: ("s3://bucket", "path") or ("file", "/path")."""
    if "://" not in path:
        return "file", path
    bucket, _, key = path.split("://", 1)[1].partition("/")
    return f"s3://{bucket}", key


def _facets(known: Contract, version: int | None) -> dict[str, facets.DatasetFacet]:
    schema, owners = facets.schema_dataset, facets.ownership_dataset
    versioned = {"version": facets.dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(version))}
    return ({} if version is None else versioned) | {
        "schema": schema.SchemaDatasetFacet(
            fields=[schema.SchemaDatasetFacetFields(name=name, type=c.type, description=c.about) for name, c in known.columns.items()]
        ),
        "ownership": owners.OwnershipDatasetFacet(owners=[owners.Owner(name=known.owner)]),
        "documentation": facets.documentation_dataset.DocumentationDatasetFacet(description=known.about),
    }


def emit(root: str, landing: str, run_id: str) -> str:
    """Send a run's events, or write them down; where they went.

    Raises:
        BadEnvironment: the endpoint does not take them.
    """
    told = events(root, landing, run_id)
    url = os.environ.get("OPENLINEAGE_URL")
    if not url:
        lines = "".join(f"{Serde.to_json(event)}\n" for event in told)
        return put_text(f"{root}/reports/{name_of(run_id)}", "lineage.jsonl", lines)
    from openlineage.client import OpenLineageClient

    try:
        # It reads OPENLINEAGE_URL, OPENLINEAGE_API_KEY and OPENLINEAGE_ENDPOINT by itself.
        client = OpenLineageClient()
        for event in told:
            client.emit(event)
        client.close()
    except Exception as error:
        # Its transports raise what their libraries raise.
        raise BadEnvironment(f"OPENLINEAGE_URL does not take events: {type(error).__name__}", "see the endpoint's own log") from error
    return f"{len(told)} events sent"


def main() -> None:
    """Command line."""
    made = of_landing(parser("lake.lineage", __doc__))
    made.add_argument("--run-id", required=True)
    main_of(made, lambda settings, args: print(emit(settings.lake, settings.landing, args.run_id)))


if __name__ == "__main__":
    run(main)
