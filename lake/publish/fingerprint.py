"""By what a store's copy is compared with the lake: rows, sums and a checksum of all values, whatever their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
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
    """Measure the columns of a frame. Rows count as often as their `_sign` says, where there is one.

    Args:
        types: columns and their types as contracts write them.
    """
    return counted({"": (frame, types)})[""][1]


def counted(frames: Mapping[str, tuple[DataFrame, Mapping[str, str]]]) -> dict[str, tuple[int, Fingerprint]]:
    """How many rows each frame has, whatever their sign, and its fingerprint: one job for all, which costs less than one for each."""
    if not frames:
        return {}
    most = max(len(summed(types)) for _, types in frames.values())
    value = f"decimal(28,{max(_places(type_) for _, types in frames.values() for type_ in types.values())})"
    rows = reduce(DataFrame.unionAll, [_measurable(name, frame, types, most, value) for name, (frame, types) in frames.items()])
    what = [F.count(F.lit(1)), F.sum("weight"), F.sum("checksum"), *[F.sum(f"sum{i}") for i in range(most)]]
    found = {row[0]: row[1:] for row in rows.groupBy("name").agg(*what).collect()}
    nothing = (0, 0, 0, *[0] * most)
    return {name: _of_row(types, found.get(name, nothing)) for name, (_, types) in frames.items()}


def _measurable(name: str, frame: DataFrame, types: Mapping[str, str], most: int, value: str) -> DataFrame:
    """What the rows of a frame add to its fingerprint; with as many sums as the frame that has most, of a type that holds all."""
    weight = F.col(SIGN).cast("int") if SIGN in frame.columns else F.lit(1)
    text = F.concat_ws(FIELD, *[F.coalesce(canonical(F.col(f"`{name}`"), type_), F.lit(NULL)) for name, type_ in types.items()])
    sums = [F.col(f"`{name}`").cast(value) * weight for name in summed(types)]
    sums += [F.lit(None)] * (most - len(sums))
    return frame.select(
        F.lit(name).alias("name"),
        weight.alias("weight"),
        (F.crc32(text.cast("binary")) * weight).alias("checksum"),
        *[each.cast(value).alias(f"sum{i}") for i, each in enumerate(sums)],
    )


def _of_row(types: Mapping[str, str], row: tuple[Any, ...]) -> tuple[int, Fingerprint]:
    rows, weight, checksum, *sums = row
    exact = {
        name: Decimal(value or 0).quantize(Decimal(1).scaleb(-_places(types[name])))
        for name, value in zip(summed(types), sums, strict=False)
    }
    return rows, Fingerprint.of(weight, checksum, exact)


def _places(type_: str) -> int:
    """Decimal places of a type's values."""
    return int(type_.rstrip(")").split(",")[1]) if type_.startswith("decimal") else 0


def canonical(value: Column, type_: str) -> Column:
    """A value as text that every store gives back alike."""
    if type_ == "timestamp":
        return F.unix_micros(value.cast("timestamp")).cast("string")
    if type_ == "double":
        # To the sixth digit: stores write the last digits of a double in different ways.
        return F.floor(value.cast("double") * 1e6 + 0.5).cast("string")
    return value.cast(type_).cast("string")
