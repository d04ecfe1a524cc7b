"""What a publication is made of: a snapshot of gold, and the fingerprint by which a store's copy is compared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake import tables
from lake.contracts import Contract, layer
from lake.errors import GateFailed
from lake.session import Lake


@dataclass(frozen=True)
class Snapshot:
    """The versions of the published gold tables. `id` is the same for the same versions."""

    id: str
    versions: Mapping[str, int]

    @staticmethod
    def of(versions: Mapping[str, int]) -> Snapshot:
        return Snapshot(hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()[:12], dict(versions))


@dataclass(frozen=True)
class Fingerprint:
    """Rows, sums of the decimal columns, and a checksum of all values that does not depend on the order of the rows."""

    rows: int
    sums: Mapping[str, str]
    checksum: int


def published_tables() -> list[Contract]:
    """Gold tables that some store gets."""
    return [c for c in layer("gold") if c.publish]


def newest_snapshot(lake: Lake) -> Snapshot:
    """The snapshot of gold as it is now.

    Raises:
        GateFailed: a table has not been built.
    """
    versions = {c.name: tables.version(lake, c.name) for c in published_tables()}
    if missing := [name for name, at in versions.items() if at is None]:
        raise GateFailed(f"nothing can be published: {', '.join(missing)} do not exist", "run the pipeline with all its steps first")
    return Snapshot.of(versions)


def fingerprint(frame: DataFrame, types: Mapping[str, str]) -> Fingerprint:
    """Measure the columns of a frame in one job.

    Args:
        types: columns and their types as contracts write them.
    """
    text = F.concat_ws("\x1f", *[F.coalesce(_canonical(F.col(name), type_), F.lit("\x00")) for name, type_ in types.items()])
    money = [name for name, type_ in types.items() if type_.startswith("decimal")]
    row = frame.agg(F.count(F.lit(1)), F.sum(F.crc32(text.cast("binary"))), *[F.sum(F.col(n).cast(types[n])) for n in money]).first()
    return Fingerprint(row[0], dict(zip(money, map(str, row[2:]), strict=True)), row[1] or 0)


def _canonical(value: Column, type_: str) -> Column:
    """A value as text that every store gives back alike."""
    if type_ == "timestamp":
        return F.unix_micros(value.cast("timestamp")).cast("string")
    if type_ == "double":
        # Rounded: stores write the last digits of a double in different ways.
        return F.round(value.cast("double") * 1e6).cast("bigint").cast("string")
    if type_ == "array<string>":
        return F.concat_ws("\x1e", value)
    return value.cast(type_).cast("string")
