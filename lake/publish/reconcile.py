"""gold and the stores side by side: rows, each sum, and the checksum of all values, at the snapshot that a store holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from rich.console import Console
from rich.table import Table

from lake.errors import BadEnvironment, LawBroken
from lake.ledger import say
from lake.publish import STORES
from lake.publish.fingerprint import Fingerprint
from lake.publish.snapshot import newest_snapshot
from lake.publish.view import whole
from lake.session import Lake
from lake.tables import cached


@dataclass(frozen=True)
class Line:
    """One value of one view, in gold and in a store."""

    store: str
    view: str
    what: str
    gold: str
    found: str

    @property
    def equal(self) -> bool:
        return self.gold == self.found


def reconcile(lake: Lake, stores: Iterable[str] = STORES, width: int | None = None) -> None:
    """Compare all that stores hold with gold and print it. Every store is read whole, by what its readers see.

    Args:
        width: of the table in characters; that of the terminal if None.

    Raises:
        LawBroken: a value differs, or a store holds no snapshot.
        BadEnvironment: a store can't be asked.
    """
    lines: list[Line] = []
    away, empty = [], []
    for name in stores:
        try:
            found = _of_store(lake, STORES[name])
        except BadEnvironment as error:
            away.append(error.args[0])
            continue
        lines += found
        if not found:
            empty.append(name)
    Console(width=width).print(_table(lines))
    different = [line for line in lines if not line.equal]
    if different or empty:
        said = [f"{line.store} {line.view} {line.what}: gold {line.gold}, store {line.found}" for line in different]
        said += [f"{name} holds no snapshot" for name in empty]
        raise LawBroken(f"stores and gold differ in {len(said)} values:\n    " + "\n    ".join(said[:20]), "make publish ARGS=--again")
    if away:
        raise BadEnvironment("not all stores could be asked:\n    " + "\n    ".join(away), "`make status` shows which run")
    say(f"  {len(lines)} values of {len({line.store for line in lines})} stores equal gold")


def _of_store(lake: Lake, store: ModuleType) -> list[Line]:
    held = store.held()
    if not held:
        return []
    behind = "" if held.snapshot.id == newest_snapshot(lake).id else ", which is not the newest"
    say(f"  {store.NAME} holds snapshot {held.snapshot.id}{behind}")
    lines = []
    for view in store.views():
        with cached(whole(lake, view, held.snapshot)) as rows:
            lines += _lines(store.NAME, view.name, view.fingerprint(rows), store.measured(lake, view, rows))
    return lines


def _lines(store: str, view: str, gold: Fingerprint, found: Fingerprint) -> list[Line]:
    values = [("rows", gold.rows, found.rows)]
    values += [(f"sum of {name}", value, found.sums[name]) for name, value in gold.sums.items()]
    values += [("checksum", gold.checksum, found.checksum)]
    return [Line(store, view, what, f"{ours:,}", f"{theirs:,}") for what, ours, theirs in values]


def _table(lines: list[Line]) -> Table:
    table = Table("store", "view", "what")
    for title in ("gold", "store", ""):
        table.add_column(title, justify="right")
    for line in lines:
        table.add_row(line.store, line.view, line.what, line.gold, line.found, "=" if line.equal else "[red]differs[/red]")
    return table
