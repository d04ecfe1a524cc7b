"""Incidents: what went wrong, from when it was first seen until it was over (ops.incidents).

python -m lake.incidents open --incident load.neo4j --kind store --run-id R --reason "neo4j: connection refused"
python -m lake.incidents close --run-id R load.neo4j load.mongodb

Written without Spark and without holding the lake: an incident must be told even where Java, the session or the lock is the
trouble. No run writes this table, and Delta refuses the later of two that write at once, who then look again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from os import environ
from typing import TypeVar
from urllib.error import URLError
from urllib.request import Request, urlopen

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from lake.contracts import contract
from lake.errors import BadEnvironment
from lake.program import main_of, of_lake, parser
from lake.settings import Settings
from lake.sql import storage_options, table_path

TABLE = "ops.incidents"
KINDS = ("late", "input", "gate", "store", "task")
TRIES = 10
WEBHOOK_SECONDS = 10
T = TypeVar("T")
_TYPES = {"string": pa.string(), "int": pa.int32(), "timestamp": pa.timestamp("us", tz="UTC")}


def open_incident(root: str, incident: str, kind: str, run_id: str, reason: str) -> bool:
    """Write down an incident; whether it is a new one. One that lasts is counted again, and nobody is told twice.

    Raises:
        BadEnvironment: it can't be written down; it is told all the same, since the lake itself may be the trouble.
    """
    news = {"event": "opened", "incident": incident, "kind": kind, "run_id": run_id, "reason": reason}

    def attempt() -> bool:
        table = _table(root)
        if any(row["incident"] == incident for row in _lasting(table)):
            table.update(predicate=_is([incident]), updates={"seen": "seen + 1"})
            return False
        row = {"incident": incident, "opened_at": _now(), "kind": kind, "run_id": run_id, "reason": reason[:2000], "seen": 1}
        rows = pa.Table.from_pylist([row | {"closed_at": None, "closed_by": None}], schema=_schema())
        # Not a blind append: two that find the same for the first time must not both write it.
        merge = table.merge(rows, "t.incident = s.incident and t.closed_at is null", source_alias="s", target_alias="t")
        return merge.when_not_matched_insert_all().execute()["num_target_rows_inserted"] == 1

    try:
        new = _patiently(attempt)
    except BadEnvironment:
        _tell(news)
        raise
    if new:
        _tell(news)
    return new


def close_incidents(root: str, incidents: Iterable[str], run_id: str) -> list[str]:
    """Write down that incidents are over; the names of those that had been open."""

    def attempt() -> list[str]:
        table = _existing(root)
        over = sorted({row["incident"] for row in _lasting(table)} & set(incidents)) if table else []
        if over:
            closing = {"closed_at": f"timestamp '{_now():%Y-%m-%dT%H:%M:%SZ}'", "closed_by": _quoted(run_id)}
            table.update(predicate=_is(over), updates=closing)
        return over

    over = _patiently(attempt)
    for incident in over:
        _tell({"event": "closed", "incident": incident, "run_id": run_id})
    return over


def lasting(root: str) -> list[dict]:
    """Incidents that are not over."""
    return _patiently(lambda: _lasting(table) if (table := _existing(root)) else [])


def _lasting(table: DeltaTable) -> list[dict]:
    # Not through Arrow's datasets: a process that ends while their threads are starting is aborted.
    found = QueryBuilder().register("incidents", table).execute("select * from incidents where closed_at is null")
    return pa.table(found.read_all()).to_pylist()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is(incidents: Iterable[str]) -> str:
    return f"closed_at is null and incident in ({', '.join(map(_quoted, incidents))})"


def _schema() -> pa.Schema:
    return pa.schema([pa.field(name, _TYPES[column.type]) for name, column in contract(TABLE).columns.items()])


def _existing(root: str) -> DeltaTable | None:
    try:
        return DeltaTable(table_path(root, TABLE), storage_options=storage_options(root))
    except TableNotFoundError:
        return None


def _table(root: str) -> DeltaTable:
    if (found := _existing(root)) is None:
        nothing = pa.Table.from_pylist([], schema=_schema())
        write_deltalake(table_path(root, TABLE), nothing, mode="ignore", storage_options=storage_options(root))
        found = _existing(root)
    return found


def _patiently(attempt: Callable[[], T]) -> T:
    """Try again where another writer was faster."""
    for left in reversed(range(TRIES)):
        try:
            return attempt()
        except CommitFailedError:
            if not left:
                raise
        except (DeltaError, OSError) as error:
            said = str(error).partition("\n")[0]
            raise BadEnvironment(f"{TABLE} can't be reached: {said}", "is the lake's folder or bucket there?") from error
    raise AssertionError


def _tell(news: dict[str, str]) -> None:
    """POST to LAKE_WEBHOOK_URL, if it is set. That nobody answers must not hide what is told."""
    url = environ.get("LAKE_WEBHOOK_URL")
    if not url:
        return
    request = Request(url, json.dumps({"source": "lakehouse", **news}).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=WEBHOOK_SECONDS):
            pass
    except (URLError, OSError, ValueError) as error:
        # The address may hold a secret.
        print(f"the webhook did not take it: {getattr(error, 'reason', type(error).__name__)}", file=sys.stderr)


def main() -> None:
    """Command line."""
    made = of_lake(parser("lake.incidents", __doc__))
    actions = made.add_subparsers(required=True, metavar="open|close|list", dest="action")
    opening = actions.add_parser("open", help="an incident was seen")
    opening.add_argument("--incident", required=True, help="what it is about, the same as long as it lasts")
    opening.add_argument("--kind", required=True, choices=KINDS)
    opening.add_argument("--reason", required=True)
    opening.add_argument("--run-id", required=True)
    closing = actions.add_parser("close", help="incidents are over; those that were not open are left alone")
    closing.add_argument("incidents", nargs="*")
    closing.add_argument("--run-id", required=True)
    actions.add_parser("list", help="those that last")

    def work(settings: Settings, args) -> None:
        if args.action == "open":
            new = open_incident(settings.lake, args.incident, args.kind, args.run_id, args.reason)
            print(f"incident {args.incident}: {'opened' if new else 'lasts'}")
        elif args.action == "close":
            for name in close_incidents(settings.lake, args.incidents, args.run_id):
                print(f"incident {name}: over")
        else:
            for row in lasting(settings.lake):
                print(f"{row['opened_at']:%Y-%m-%d %H:%M}  {row['kind']:<6} {row['incident']}  {row['reason'].partition(chr(10))[0]}")

    main_of(made, work)


if __name__ == "__main__":
    main()
