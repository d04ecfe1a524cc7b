"""Synthetic deliveries in the shape of the Olist data: same files, dialect and quirks, at any size, with faults on order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lake.generator.manifest import Manifest
from lake.generator.run import generate_into


def generate(out: Path, scale: float, seed: int = 42, days: int = 0, faults: Mapping[str, int] | None = None) -> Manifest:
    """Write a marketplace into a directory, which must be empty or not there.

    Args:
        out: where to.
        scale: 1 has the sizes of Olist (99,441 orders); at least 0.001.
        seed: the same seed gives the same bytes.
        days: 0 writes the nine files; N writes `initial/` and one folder for each of the last N days.
        faults: how many of each kind of fault; see `lake.generator.kinds.KINDS`.

    Returns:
        What was written; it is in `out/_manifest.json` as well.

    Raises:
        ValueError: an argument makes no sense, or a fault cannot be made here.
        FileExistsError: the directory is not empty.
    """
    return generate_into(Path(out), scale, seed, days, dict(faults or {}))
