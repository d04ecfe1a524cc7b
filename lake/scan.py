"""One look at the bytes of a delivered file, before Spark sees it.

The look gives the file's identity (SHA-256), its header, how many records it must yield (the count that bronze is held
against), and which lines belong together: a line break inside quotes does not end a record. Only lines with an odd number
of quotes can begin or end such a record, so nearly all of a file is only counted, by numpy, block by block.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO

import numpy as np

BLOCK = 1 << 23
# A quoted text longer than this is an unclosed quote, not a text.
MAX_LINES_OF_A_RECORD = 500
GZIP_MAGIC = b"\x1f\x8b"


# A text may be as long as its file: Python's own limit is 128 KiB.
csv.field_size_limit(2**31 - 1)


class Unreadable(ValueError):
    """The bytes are not a CSV file in UTF-8."""


@dataclass
class Scan:
    """What a file is.

    Attributes:
        file_id: SHA-256 of the bytes as delivered.
        header: names of the header line; empty for an empty file.
        records: records behind the header.
        joined: lines of records that span several lines: line -> line where its record starts.
    """

    file_id: str
    header: tuple[str, ...]
    records: int
    joined: dict[int, int] = field(default_factory=dict)


class _Hashing(io.RawIOBase):
    """A stream that hashes what is read through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.sha = stream, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.stream.read(len(buffer))
        self.sha.update(data)
        buffer[: len(data)] = data
        return len(data)


def scan(opened: Callable[[], AbstractContextManager[IO[bytes]]], name: str) -> Scan:
    """Look at a file.

    Args:
        opened: opens its bytes as delivered; again for the files that need a second look (those with line breaks inside quotes).
        name: its name; `.gz` says that it is compressed.

    Raises:
        Unreadable: not UTF-8, or gzip without saying so (or the other way round), or a broken archive.
    """
    zipped = name.endswith(".gz")
    with opened() as stream:
        sha, counted = _looked(stream, zipped)
    found = Scan(sha, counted.header, counted.lines - counted.blank)
    if counted.odd:
        with opened() as again:
            lines = gzip.GzipFile(fileobj=again) if zipped else again
            found.joined = _join(io.TextIOWrapper(lines, "utf-8-sig", newline="\n"), len(found.header))
        starts = set(found.joined.values())
        found.records -= len(found.joined) - len(starts) - _blank_inside(found, counted)
    return found


def _looked(stream: IO[bytes], zipped: bool) -> tuple[str, _Counted]:
    """The SHA-256 of a file's bytes, and what was counted in it; reads to the end."""
    hashing = _Hashing(stream)
    raw = io.BufferedReader(hashing, BLOCK)
    if (raw.peek(2)[:2] == GZIP_MAGIC) != zipped and raw.peek(1):
        raise Unreadable("is gzip but not named .gz" if not zipped else "is named .gz but is not gzip")
    try:
        counted = _count(gzip.GzipFile(fileobj=raw) if zipped else raw)
    except (EOFError, OSError, zlib.error) as error:
        raise Unreadable(f"the archive is broken: {error}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8: byte {error.object[error.start]:#04x} ({error.reason})") from error
    while raw.read(BLOCK):
        pass
    return hashing.sha.hexdigest(), counted


@dataclass
class _Counted:
    header: tuple[str, ...] = ()
    lines: int = 0
    blank: int = 0
    odd: bool = False
    blank_lines: list[int] = field(default_factory=list)


def _blank_inside(found: Scan, counted: _Counted) -> int:
    """Blank lines that belong to a record: they were already left out of the count."""
    return sum(line in found.joined for line in counted.blank_lines)


def _count(stream: IO[bytes]) -> _Counted:
    """Header, lines behind it, and whether any of them has an odd number of quotes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = stream.readline()
    decoder.decode(first)
    counted = _Counted()
    header = first.decode("utf-8-sig").rstrip("\r\n")
    try:
        counted.header = tuple(next(csv.reader([header]))) if header.strip() else ()
    except csv.Error as error:
        raise Unreadable(f"the header can't be read: {error}; lines must end in LF or CR LF") from error
    line, rest = 1, b""
    while block := stream.read(BLOCK):
        decoder.decode(block)
        data = rest + block
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        line = _count_lines(data[:end], line, counted)
    decoder.decode(b"", final=True)
    if rest:
        _count_lines(rest + b"\n", line, counted)
    return counted


def _count_lines(data: bytes, line: int, counted: _Counted) -> int:
    """Count whole lines; the number of the last line."""
    if not data:
        return line
    characters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(characters == 10)
    lengths = np.diff(ends, prepend=-1) - 1
    blank = (lengths == 0) | ((lengths == 1) & (characters[np.maximum(ends - 1, 0)] == 13))
    counted.lines += len(ends)
    if blank.any():
        counted.blank += int(blank.sum())
        counted.blank_lines += (np.flatnonzero(blank) + line + 1).tolist()
    quotes = np.flatnonzero(characters == 34)
    if len(quotes) and not counted.odd:
        counted.odd = bool((np.diff(np.searchsorted(quotes, ends), prepend=0) % 2).any())
    return line + len(ends)


def _join(lines: Iterable[str], columns: int) -> dict[int, int]:
    """Which lines make one record together.

    A record that is open at the end of a line goes on until the quote closes and the fields are as many as the header's.
    A line that is a whole record by itself never continues another one: then the open quote was never closed, and only
    the line that opened it is broken.
    """
    joined: dict[int, int] = {}
    start, held = 0, [""][:0]
    for number, line in enumerate(lines, start=1):
        if number == 1:
            continue
        odd = line.count('"') % 2 == 1
        if not held:
            if odd:
                start, held = number, [line]
            continue
        if (not odd and _is_record(line, columns)) or len(held) >= MAX_LINES_OF_A_RECORD:
            start, held = (number, [line]) if odd else (0, [])
        elif not odd:
            held.append(line)
        elif (record := _record("".join([*held, line]))) is not None and len(record) == columns:
            joined.update(dict.fromkeys(range(start, number + 1), start))
            held = []
        else:
            start, held = number, [line]
    return joined


def _record(text: str) -> list[str] | None:
    """The fields of a record, None where the text is no one record: a quote within a field opens nothing, and the line ends."""
    try:
        rows = list(csv.reader([text.rstrip("\r\n")]))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _is_record(line: str, columns: int) -> bool:
    if line.count(",") < columns - 1:
        return False
    row = _record(line)
    return row is not None and len(row) == columns and bool(row[0]) and not any(c.isspace() for c in row[0])
