"""Files that faults are put into: records in, records out, and at which line they ended up."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lake.generator import text
from lake.generator.draws import Ints
from lake.generator.feeds import FEEDS, Feed


@dataclass(frozen=True)
class Inserted:
    """A record to add before record `position` (0 is the first behind the header)."""

    position: int
    record: bytes
    kind: str
    key: dict[str, str]


class Host:
    """One written file in memory."""

    def __init__(self, path: Path, feed: str) -> None:
        self.path, self.feed = path, FEEDS[feed]
        self._insertions: list[Inserted] = []
        self._load(path.read_bytes())

    def _load(self, data: bytes) -> None:
        self._data = data
        characters = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(characters == 10)
        # A line ends a record when all quotes up to it are closed.
        quotes = np.searchsorted(np.flatnonzero(characters == 34), ends)
        lines = np.flatnonzero(quotes % 2 == 0)
        self._starts = ends[lines] + 1
        self._lines = lines + 2

    def __len__(self) -> int:
        return len(self._starts) - 1

    def record(self, position: int) -> bytes:
        """The bytes of a record with its line feed."""
        return self._data[self._starts[position] : self._starts[position + 1]]

    def fields(self, position: int) -> dict[str, str]:
        """A record by column."""
        row = next(csv.reader([self.record(position).decode()[:-1]], strict=True))
        return dict(zip(self.feed.columns, row, strict=True))

    def single_lines(self) -> np.ndarray:
        """Which records take one line."""
        return np.diff(self._lines) == 1

    def insert(self, kind: str, position: int, record: bytes, key: dict[str, str]) -> None:
        """Add a record when the file is saved."""
        self._insertions.append(Inserted(position, record, kind, key))

    def take_out(self, positions: Ints) -> list[dict[str, str]]:
        """Remove records and return them; only before anything is inserted."""
        taken = [self.fields(int(position)) for position in positions]
        gone = set(positions.tolist())
        kept = [self.record(position) for position in range(len(self)) if position not in gone]
        self._load(self._data[: self._starts[0]] + b"".join(kept))
        self.save()
        return taken

    def save(self) -> list[tuple[Inserted, int]]:
        """Write the file; what was inserted, with the line where it begins."""
        done, pieces, copied, shift = [], [], 0, 0
        for insertion in sorted(self._insertions, key=lambda one: one.position):
            at = int(self._starts[insertion.position])
            pieces += [self._data[copied:at], insertion.record]
            copied = at
            done.append((insertion, int(self._lines[insertion.position]) + shift))
            shift += insertion.record.count(b"\n")
        if pieces or not self.path.exists() or self.path.stat().st_size != len(self._data):
            self.path.write_bytes(b"".join([*pieces, self._data[copied:]]))
        return done


def encode(feed: Feed, row: dict[str, str], columns: Sequence[str] | None = None) -> bytes:
    """A record in the source's dialect; `columns` changes which come and in which order."""
    names = feed.columns if columns is None else columns
    return text.csv_line([row[name] for name in names], [name in feed.plain for name in names])


def key_of(feed: Feed, row: dict[str, str]) -> dict[str, str]:
    """The business key of a record."""
    return {name: row[name] for name in feed.key}
