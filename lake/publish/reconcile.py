"""gold and the stores side by side: rows, each sum, and the checksum of all values, at the snapshot that a store holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from rich.console import Console
from rich.table import Table

from lake import tables
from lake.errors import BadEnvironment, LakeBusy, LawBroken
from lake.ledger import say
from lake.publish import STORES
from lake.publish.fingerprint import Fingerprint
from lake.publish.snapshot import newest_snapshot
from lake.publish.view import shape, whole
from lake.session import Lake


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
        LawBroken: a value differs, or a store holds nothing that this gold could be compared with.
        BadEnvironment: a store can't be asked.
        LakeBusy: a store was published to meanwhile.
    """
    lines: list[Line] = []
    away, said = [], []
    for name in stores:
        try:
            lines += _of_store(lake, STORES[name])
        except BadEnvironment as error:
            away.append(error.args[0])
        except LawBroken as error:
            said.append(error.args[0])
    Console(width=width).print(_table(lines))
    said += [f"{line.store} {line.view} {line.what}: gold {line.gold}, store {line.found}" for line in lines if not line.equal]
    if said:
        raise LawBroken(f"stores and gold differ in {len(said)} values:\n    " + "\n    ".join(said[:20]), "make publish ARGS=--again")
    if away:
        raise BadEnvironment("not all stores could be asked:\n    " + "\n    ".join(away), "`make status` shows which run")
    say(f"  {len(lines)} values of {len({line.store for line in lines})} stores equal gold")


def _of_store(lake: Lake, store: ModuleType) -> list[Line]:
    held = store.held()
    if not held:
        raise LawBroken(f"{store.NAME} holds no snapshot")
    if held.shape != shape(store.views()):
        raise LawBroken(f"{store.NAME} shows snapshot {held.snapshot.id} as other contracts or other code made it")
    if tables.commits_of(lake, dict(held.snapshot.versions)) != held.snapshot.commits:
        raise LawBroken(f"{store.NAME} holds snapshot {held.snapshot.id}, which is of another lake, or too old to be read again")
    behind = "" if held.snapshot.id == newest_snapshot(lake).id else ", which is not the newest"
    say(f"  {store.NAME} holds snapshot {held.snapshot.id}{behind}")
    lines, there = [], store.shown()
    for view in store.views():
        with tables.cached(whole(lake, view, held.snapshot)) as rows:
            gold = view.fingerprint(rows)
            if view.name in there:
                lines += _lines(store.NAME, view.name, gold, store.measured(lake, view, rows))
            else:
                lines.append(Line(store.NAME, view.name, "rows", f"{gold.rows:,}", "not there"))
    if store.held() != held:
        raise LakeBusy(f"{store.NAME} was published to while it was compared", "run again when the publication is through")
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
