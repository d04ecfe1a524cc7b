"""The written deliveries as the faults see them: files by drop and feed, and the list of what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lake.generator.draws import Rng, identifiers, stream
from lake.generator.feeds import FEEDS
from lake.generator.hosts import Host
from lake.generator.kinds import KINDS
from lake.generator.manifest import Fault

_FRESH_ID = 61
# Columns that hold the identifiers of a row itself; a fresh row gets new ones.
OWN_IDS = {
    "orders": ["order_id"],
    "customers": ["customer_id"],
    "order_items": ["order_id"],
    "order_payments": ["order_id"],
    "order_reviews": ["review_id", "order_id"],
    "sellers": ["seller_id"],
    "products": ["product_id"],
}


class Site:
    """Where faults are made."""

    def __init__(self, out: Path, folders: Sequence[Path], seed: int, early_ids: Sequence[str]) -> None:
        self.out, self.folders, self.early_ids = out, list(folders), [order.encode() for order in early_ids]
        self.rng: Rng = stream(seed, 22)
        self.faults: list[Fault] = []
        self._seed, self._ids, self._files = seed, 0, 0
        self._hosts: dict[Path, Host] = {}
        # Files with an unclosed quote, and orders of which an older version was added: each at most once.
        self.unclosed: set[Path] = set()
        self.versioned: set[str] = set()
        # Which files there are is settled now: no fault is made inside the file of another fault.
        self._listing = {
            (folder, name): sorted(folder.glob(f"{feed.stem}*.csv")) for folder in self.folders for name, feed in FEEDS.items()
        }

    def files(self, folder: Path, feed: str) -> list[Path]:
        """A feed's files in a drop, without those that faults have added."""
        return self._listing[folder, feed]

    def hosts(self, feed: str, at_least: int = 1) -> Iterator[Host]:
        """One file of the feed for each drop, drops in random order, that has that many records."""
        for number in self.rng.permutation(len(self.folders)):
            host = self.host(self.folders[number], feed)
            if host is not None and len(host) >= at_least:
                yield host

    def host(self, folder: Path, feed: str) -> Host | None:
        """The last file of a feed in a drop."""
        paths = self.files(folder, feed)
        if not paths:
            return None
        # Always the same one of several parts, so that memory stays bounded; the last has the newest orders.
        path = paths[-1]
        if path not in self._hosts:
            self._hosts[path] = Host(path, feed)
        return self._hosts[path]

    def fresh_id(self) -> str:
        """An identifier that nothing else has."""
        self._ids += 1
        return bytes(identifiers(self._seed, _FRESH_ID, [self._ids])[0]).hex()

    def fresh_row(self, host: Host) -> dict[str, str]:
        """A plausible row with identifiers of its own."""
        row = host.fields(int(self.rng.integers(len(host))))
        return {**row, **{name: self.fresh_id() for name in OWN_IDS[host.feed.name]}}

    def new_path(self, host: Host, kind: str, ending: str = ".csv") -> Path:
        """Where a file of a fault goes: beside the feed's own file."""
        self._files += 1
        return host.path.with_name(f"{host.feed.stem}_{kind.removesuffix('_file')}_{self._files}{ending}")

    def note(self, kind: str, feed: str, path: Path, line: int | None, key: dict[str, str] | None) -> None:
        """List a fault."""
        file = path.relative_to(self.out).as_posix()
        self.faults.append(Fault(kind, feed, file, line, key, KINDS[kind].outcome, KINDS[kind].rule))

    def save(self) -> None:
        """Write the files that rows were put into, and forget them."""
        for host in self._hosts.values():
            for inserted, line in host.save():
                self.note(inserted.kind, host.feed.name, host.path, line, inserted.key)
        self._hosts.clear()


def no_room(kind: str, feed: str) -> ValueError:
    """The error for a fault that these deliveries have no place for."""
    return ValueError(f"{kind}: no {feed} file has room for it; take a larger scale, more days or fewer faults")
