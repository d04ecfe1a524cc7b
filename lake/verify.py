"""What a run left: no gate that failed, and in each store at least the snapshot that the run published.

python -m lake.verify --run-id R --stores clickhouse mongodb neo4j
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from lake.contracts import STORES
from lake.errors import BadEnvironment, GateFailed
from lake.figures.operations import Operations, operations
from lake.figures.reader import Reader
from lake.program import main_of, of_lake, parser, run


def verify(root: str, run_id: str, stores: Iterable[str]) -> list[str]:
    """What was looked at, one line each.

    Raises:
        BadInput: there is no such run.
        GateFailed: the newest verdict on a table is that a rule was broken.
        BadEnvironment: a store does not answer, or holds an older snapshot than the run published.
    """
    reader = Reader(root)
    found = operations(reader, run_id)
    return [_gates(found), *(_store(reader, run_id, store) for store in stores), _files(found)]


def _gates(found: Operations) -> str:
    if broken := [f"{row['table']} {row['rule']} ({row['observed']})" for row in found.broken if not row["waived"]]:
        raise GateFailed(f"rules do not hold: {'; '.join(broken)}", "docs/runbooks/gate-failed.md")
    return f"gates: {found.rules('passed')} rules passed, {found.rules('waived')} waived"


def _store(reader: Reader, run_id: str, store: str) -> str:
    row = reader.row(
        """select snapshot, versions from ops.publications where run_id = ? and store = ? and status in ('done', 'unchanged')
           order by published_at desc limit 1""",
        run_id,
        store,
    )
    if row is None:
        raise BadEnvironment(f"{store}: the run published nothing to it", "see the task of this store")
    held = _held(store)
    # Newer is right as well: another run may have published since.
    if behind := [table for table, at in json.loads(row["versions"]).items() if held.get(table, -1) < at]:
        raise BadEnvironment(f"{store}: holds older versions of {', '.join(behind)} than snapshot {row['snapshot']}", "publish again")
    return f"{store}: holds snapshot {row['snapshot']} or a newer one"


def _held(store: str) -> dict[str, int]:
    """Versions of the gold tables that a store says it holds."""
    from lake.publish import STORES as MODULES  # the stores' clients take a second to load

    try:
        held = MODULES[store].held()
    except Exception as error:
        # Each client has errors of its own; any of them means that nobody can say what readers see.
        raise BadEnvironment(
            f"{store}: does not say what it holds: {str(error).splitlines()[0]}", "is it running? `make status`"
        ) from error
    return dict(held.snapshot.versions) if held else {}


def _files(found: Operations) -> str:
    return f"files: {', '.join(f'''{row['files']} {row['status']}''' for row in found.files)}"


def main() -> None:
    """Command line."""
    made = of_lake(parser("lake.verify", __doc__))
    made.add_argument("--run-id", required=True)
    made.add_argument("--stores", nargs="*", default=[], choices=STORES, help="stores that the run published to (default: none)")
    main_of(made, lambda settings, args: print("\n".join(verify(settings.lake, args.run_id, args.stores))))


if __name__ == "__main__":
    run(main)
