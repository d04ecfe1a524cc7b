"""What a run did and found: the numbers of report and summary that come from ops. Times are wall clock (UTC)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from lake.contracts import LAYERS, contracts
from lake.errors import BadInput
from lake.figures.mask import masked_key, masked_row
from lake.figures.reader import Reader, Row

EXAMPLES = 10
DUPLICATES = 10
WORK = "step <> 'run'"  # the ledger writes a row of step `run` for a run that died


@dataclass(frozen=True)
class Run:
    """A run as a whole; `status` is done, unchanged, failed or died, `seconds` from its first step's start to its last one's end."""

    run_id: str
    started_at: datetime
    seconds: float
    status: str
    code_version: str
    messages: list[str]


@dataclass(frozen=True)
class Operations:
    """What happened; each list is empty where there is nothing.

    Attributes:
        run: None in a lake that no run has written to.
        steps: by step: wall seconds, tables by status, rows read, written, quarantined, duplicate, superseded.
        work: rows of ops.runs of the run with `offset`, the seconds from the run's start.
        quality: newest results by table: run_id, passed, failed, waived.
        broken: rules that did not hold in those results, waived or not.
        quarantine: rows by table, rule and status; a row that broke two rules counts under both.
        quarantined: rows in quarantine that were not replayed.
        examples: a few of those: table, rules, place (file:line), key and values (personal ones masked).
        waiting: children by table and parent: rows, overdue, since.
        files: by status: files, rows, bytes.  refused: files that were refused, and why; in both none that was mended since.
        duplicates: the newest files whose content was there already, and under which name; how many there are is in `files`.
        tables: rows by layer: list of (table, rows).
    """

    run: Run | None
    steps: list[Row]
    work: list[Row]
    quality: list[Row]
    broken: list[Row]
    quarantine: list[Row]
    quarantined: int
    examples: list[Row]
    waiting: list[Row]
    files: list[Row]
    refused: list[Row]
    duplicates: list[Row]
    tables: dict[str, list[tuple[str, int]]]

    @property
    def children(self) -> int:
        """References to a parent that has not come."""
        return sum(row["rows"] for row in self.waiting)

    def total(self, what: str) -> int:
        """Sum of a column of the steps, such as rows_duplicate."""
        return sum(step[what] for step in self.steps)

    def rules(self, what: str) -> int:
        """Rules that passed, failed or were waived."""
        return sum(row[what] for row in self.quality)


def operations(reader: Reader, run_id: str | None = None) -> Operations:
    """All figures of ops; of the newest run unless one is named.

    Raises:
        BadInput: the lake has no run of this name.
    """
    named, run_id = run_id, run_id or _newest(reader)
    work = _work(reader, run_id)
    run = _run(reader, run_id, work)
    if named and run is None:
        raise BadInput(f"the lake at {reader.root} has no run {named!r}", 'see: make sql Q="select distinct run_id from ops.runs"')
    quarantined = reader.row("select count(*) as n from ops.quarantine where status <> 'replayed'")
    return Operations(
        run=run,
        steps=_steps(work),
        work=work,
        quality=_by_layer(
            reader.rows(f'{_RESULTS} select "table", arg_max(run_id, checked_at) as run_id, {_VERDICTS} from newest group by 1')
        ),
        broken=_broken(reader),
        quarantine=reader.rows(
            """select "table", rule, status, count(*) as rows, arg_min(file || ':' || line, (file, line)) as place
               from (select *, unnest(rules) as rule from ops.quarantine) group by 1, 2, 3 order by rows desc, 1, 2, 3"""
        ),
        quarantined=quarantined["n"] if quarantined else 0,
        examples=_examples(reader),
        waiting=reader.rows(
            """select "table", parent, count(*) as rows, count(*) filter (overdue) as overdue, min(waiting_since) as since,
                      arg_min(file || ':' || line, (file, line)) as place
               from ops.waiting group by 1, 2 order by 1, 2"""
        ),
        files=reader.rows(
            f"""{_FILES} select status, count(*) as files, sum(rows)::bigint as rows, sum(bytes)::bigint as bytes
                from files group by 1 order by 1"""
        ),
        refused=reader.rows(
            f"{_FILES} select file, detail, max(found_at) as found_at from files where status = 'refused' group by 1, 2 order by 1, 2"
        ),
        duplicates=reader.rows(
            f"""select file, detail, found_at from ops.files where status = 'duplicate'
                order by found_at desc, file limit {DUPLICATES}"""
        ),
        tables={layer: [(t, reader.count(t)) for t in reader.tables if contracts()[t].layer == layer] for layer in LAYERS},
    )


_VERDICTS = """count(*) filter (success) as passed, count(*) filter (not success and not waived) as failed,
               count(*) filter (not success and waived) as waived"""
# A run that leaves a table alone does not judge it again: what counts is the newest verdict on each table, of one moment.
# Freshness alone is judged in each run for a day.
_RESULTS = """with judged as (
    select "table", max((checked_at, run_id)) as newest from ops.quality_results where rule <> 'freshness' group by 1),
newest as (
    select q.* from ops.quality_results as q join judged as j using ("table")
    where (q.checked_at, q.run_id) = j.newest or q.rule = 'freshness' and q.checked_at >= j.newest[1]
    qualify row_number() over (partition by "table", rule order by checked_at desc) = 1)"""
# A file that was mended and came in is no longer one that was refused.
_FILES = """with files as (
    from ops.files as f where status <> 'refused' or not exists (
        from ops.files as mended where file = f.file and status <> 'refused' and found_at > f.found_at))"""
# What failed and was tried again in the same run has not failed.
_OF_RUN = """select * from ops.runs where run_id = ?
    qualify status <> 'failed' or row_number() over (partition by step, "table" order by started_at desc) = 1"""


def _by_layer(rows: list[Row]) -> list[Row]:
    order = list(contracts())
    return sorted(rows, key=lambda row: (order.index(row["table"]) if row["table"] in order else len(order), row["table"]))


def _newest(reader: Reader) -> str | None:
    found = reader.row("select arg_max(run_id, (started_at, run_id)) as run_id from ops.runs")
    return found["run_id"] if found else None


def _work(reader: Reader, run_id: str | None) -> list[Row]:
    rows = reader.rows(f'select * from ({_OF_RUN}) where {WORK} order by started_at, step, "table"', run_id)
    return [row | {"offset": (row["started_at"] - rows[0]["started_at"]).total_seconds()} for row in rows]


def _run(reader: Reader, run_id: str | None, work: list[Row]) -> Run | None:
    every = reader.rows(f"{_OF_RUN} order by started_at", run_id)
    if not every:
        return None
    # Of a run that went on after one of its processes had died, the death is told in the messages only.
    found = {row["status"] for row in every if row["status"] != "died" or row is every[-1]}
    return Run(
        run_id=every[0]["run_id"],
        started_at=every[0]["started_at"],
        seconds=_wall(work),
        status=next((status for status in ("died", "failed", "done") if status in found), "unchanged"),
        code_version=every[0]["code_version"],
        messages=[f"{row['step']} {row['table']}: {row['message']}" for row in every if row["message"]],
    )


def _wall(work: list[Row]) -> float:
    """Seconds from the first start to the last end: tables of a step are worked on side by side."""
    if not work:
        return 0.0
    ends = [row["started_at"] + timedelta(seconds=row["seconds"]) for row in work]
    return (max(ends) - min(row["started_at"] for row in work)).total_seconds()


def _steps(work: list[Row]) -> list[Row]:
    found = []
    for step in dict.fromkeys(row["step"] for row in work):
        rows = [row for row in work if row["step"] == step]
        sums = {n: sum(row[n] for row in rows) for n in rows[0] if n.startswith("rows_")}
        status = {s: sum(row["status"] == s for row in rows) for s in ("done", "unchanged", "failed")}
        found.append({"step": step, "seconds": _wall(rows), "tables": len(rows), **status, **sums})
    return found


def _broken(reader: Reader) -> list[Row]:
    rows = reader.rows(f'{_RESULTS} select "table", rule, waived, observed, run_id from newest where not success order by waived, 1, 2')
    return [row | {"observed": _observed(row["observed"])} for row in rows]


def _observed(text: str) -> str:
    """What was measured, without Great Expectations' long names: unexpected count 3, row count 120."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    return ", ".join(f"{name.split('.')[-1].replace('_', ' ')} {value}" for name, value in values.items() if value != 0 or len(values) == 1)


def _examples(reader: Reader) -> list[Row]:
    """A few rows of each rule, so that no rule hides behind the commonest."""
    rows = reader.rows(
        f"""with numbered as (
                select *, row_number() over (partition by "table", rules order by file, line) as n
                from ops.quarantine where status <> 'replayed')
            select "table", rules, file, line, row_key, raw, status from numbered order by n, "table", file, line limit {EXAMPLES}"""
    )
    return [
        {"table": r["table"], "rules": r["rules"], "status": r["status"], "place": f"{r['file']}:{r['line']}"}
        | {"key": masked_key(r["table"], r["row_key"], r["raw"]), "values": masked_row(r["table"], r["rules"], r["raw"])}
        for r in rows
    ]
