"""Columns of text in the source's CSV dialect, built by Arrow without a Python loop over rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_HEX = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype=np.uint8).reshape(256, 2)
_CENTS = pa.array([f"{i:02d}" for i in range(100)])
_ZIPS = pa.array([f'"{i:05d}"' for i in range(100_000)])
NEEDS_QUOTES = r'^[0-9]|[,"\r\n]'


def without_accents(text: str) -> str:
    """The text with accented letters replaced by plain ones."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def id_column(raw: np.ndarray) -> pa.StringArray:
    """(n, 16) bytes as 32 hex digits, quoted where the first is a digit (the dialect's rule for text)."""
    n = len(raw)
    quoted = raw[:, 0] < 0xA0
    cells = np.empty((n, 34), dtype=np.uint8)
    cells[:, 1:33] = _HEX[raw].reshape(n, 32)
    cells[:, 0] = cells[:, 33] = ord('"')
    keep = np.ones((n, 34), dtype=bool)
    keep[:, 0] = keep[:, 33] = quoted
    offsets = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.where(quoted, 34, 32), out=offsets[1:])
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(cells[keep]))


def number_column(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Numbers as the shortest text that reads back the same; empty where `missing`."""
    return pa.array(values, mask=missing).cast(pa.string())


def money_column(cents: np.ndarray) -> pa.Array:
    """Whole cents (not negative) as text with exactly two decimals."""
    return pc.binary_join_element_wise(pa.array(cents // 100).cast(pa.string()), _CENTS.take(pa.array(cents % 100)), ".")


def time_column(seconds: np.ndarray) -> pa.Array:
    """datetime64[s] as `yyyy-mm-dd hh:mm:ss`; NaT is empty."""
    return pa.array(seconds.astype("datetime64[s]")).cast(pa.string())


def zip_column(prefixes: np.ndarray) -> pa.Array:
    """Numbers below 100,000 as quoted text of five digits."""
    return _ZIPS.take(pa.array(prefixes))


def quoted(values: pa.Array) -> pa.Array:
    """Text quoted exactly where the dialect does: it starts with a digit or holds a comma, quote or line break."""
    escaped = pc.replace_substring(values, '"', '""')
    return pc.if_else(pc.match_substring_regex(values, NEEDS_QUOTES), pc.binary_join_element_wise('"', escaped, '"', ""), values)


def choice_column(pool: Sequence[str], picks: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """pool[pick] for each pick, in the dialect; empty where `missing`."""
    return quoted(pa.array(pool, type=pa.string())).take(pa.array(picks, mask=missing))


def records(columns: Sequence[pa.Array]) -> pa.StringArray:
    """One CSV record for each row, each with its line feed."""
    line = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
    return pc.binary_join_element_wise(line, "", "\n")


def content(rows: pa.StringArray) -> memoryview:
    """The rows' bytes one after another, without copying."""
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int32)[rows.offset : rows.offset + len(rows) + 1]
    return memoryview(rows.buffers()[2])[int(offsets[0]) : int(offsets[-1])] if len(rows) else memoryview(b"")


def csv_line(fields: Sequence[str], plain: Sequence[bool]) -> bytes:
    """One record in the dialect from single fields; `plain` fields (numbers, timestamps) are never quoted."""

    def cell(value: str, is_plain: bool) -> str:
        if value and not is_plain and (value[0].isdigit() or any(c in value for c in ',"\r\n')):
            return '"' + value.replace('"', '""') + '"'
        return value

    return (",".join(cell(v, p) for v, p in zip(fields, plain, strict=True)) + "\n").encode()
