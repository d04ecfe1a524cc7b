"""By what a store's copy is compared with the lake: rows, sums and a checksum of all values, whatever their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SIGN = "_sign"
FIELD, NULL = "\x1f", "\x00"


@dataclass(frozen=True)
class Fingerprint:
    """Rows, sums of the whole and decimal columns, and the sum of the CRC-32 of each row's values as text.

    Two of them add up: what a table has after a change is what it had and the fingerprint of the change.
    """

    rows: int
    sums: Mapping[str, Decimal]
    checksum: int

    def __add__(self, other: Fingerprint) -> Fingerprint:
        sums = {name: value + other.sums[name] for name, value in self.sums.items()}
        return Fingerprint(self.rows + other.rows, sums, self.checksum + other.checksum)

    @staticmethod
    def of(rows: int | None, checksum: int | None, sums: Mapping[str, Any]) -> Fingerprint:
        """From what an aggregation gave, whose sums are null where there are no rows."""
        return Fingerprint(int(rows or 0), {name: Decimal(value or 0) for name, value in sums.items()}, int(checksum or 0))

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "checksum": self.checksum, "sums": {name: str(value) for name, value in self.sums.items()}}


def summed(types: Mapping[str, str]) -> list[str]:
    """The columns whose sums are part of a fingerprint."""
    return [name for name, type_ in types.items() if type_ in ("int", "bigint") or type_.startswith("decimal")]


def fingerprint(frame: DataFrame, types: Mapping[str, str]) -> Fingerprint:
    """Measure the columns of a frame in one job. Rows count as often as their `_sign` says, where there is one.

    Args:
        types: columns and their types as contracts write them.
    """
    return counted(frame, types)[1]


def counted(frame: DataFrame, types: Mapping[str, str]) -> tuple[int, Fingerprint]:
    """How many rows a frame has, whatever their sign, and its fingerprint."""
    weight = F.col(SIGN) if SIGN in frame.columns else F.lit(1)
    text = F.concat_ws(FIELD, *[F.coalesce(canonical(F.col(f"`{name}`"), type_), F.lit(NULL)) for name, type_ in types.items()])
    sums = summed(types)
    row = frame.agg(
        F.count(F.lit(1)),
        F.sum(weight),
        F.sum(F.crc32(text.cast("binary")) * weight),
        *[F.sum(F.col(f"`{name}`").cast(types[name]) * weight) for name in sums],
    ).first()
    return row[0], Fingerprint.of(row[1], row[2], dict(zip(sums, row[3:], strict=True)))


def canonical(value: Column, type_: str) -> Column:
    """A value as text that every store gives back alike."""
    if type_ == "timestamp":
        return F.unix_micros(value.cast("timestamp")).cast("string")
    if type_ == "double":
        # To the sixth digit: stores write the last digits of a double in different ways.
        return F.floor(value.cast("double") * 1e6 + 0.5).cast("string")
    return value.cast(type_).cast("string")
