"""The numbers that the report and the summary show, computed once.

Read through lake.sql; a lake without some of its tables, or without any, has empty figures instead of errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from lake.figures.business import Business, business
from lake.figures.operations import Operations, operations
from lake.figures.reader import Reader


@dataclass(frozen=True)
class Figures:
    """All figures of a lake: what the marketplace did, and what a run did."""

    root: str
    business: Business
    operations: Operations


def collect(root: str, run_id: str | None = None) -> Figures:
    """The figures of a lake as it is now, and of one run (the newest, unless one is named).

    Raises:
        BadInput: there is no such folder, or no such run.
    """
    reader = Reader(root)
    return Figures(root, business(reader), operations(reader, run_id))
