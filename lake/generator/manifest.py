"""What was generated and which faults are in it: `_manifest.json`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

NAME = "_manifest.json"
# There while a run writes, so that what a killed one left is known as its own.
UNDER_WAY = "_generating"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong on purpose.

    Attributes:
        kind, feed: which fault, in which feed.
        file: path below the output directory.
        line: physical line (1-based) where the record starts; None when the whole file is meant.
        key: the record's business key; None when the whole file is meant.
        outcome: what a pipeline should do with it; rule: by which check, for quarantined records.
    """

    kind: str
    feed: str
    file: str
    line: int | None
    key: dict[str, str] | None
    outcome: str
    rule: str | None


@dataclass
class Manifest:
    """Rows and sums count the valid rows of the final state: no faults, one version of each order, seller and product. The folders are
    those that were written into."""

    seed: int
    scale: float
    days: int
    rows: dict[str, int] = field(default_factory=dict)
    cents: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The manifest as it is written."""
        return {
            "seed": self.seed,
            "scale": self.scale,
            "days": self.days,
            "folders": self.folders,
            "rows": self.rows,
            "money": {name: str(Decimal(cents).scaleb(-2)) for name, cents in self.cents.items()},
            "faults": [asdict(fault) for fault in self.faults],
            "totals": dict(sorted(Counter(fault.kind for fault in self.faults).items())),
        }

    def write(self, out: Path) -> None:
        """Write it into the output directory."""
        (out / NAME).write_text(json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
