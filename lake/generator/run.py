"""One run of the generator, step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lake.generator import faults as faulty
from lake.generator.drops import PARTS_ABOVE_SCALE, Drops, write_marketplace
from lake.generator.kinds import check
from lake.generator.manifest import UNDER_WAY, Manifest
from lake.generator.market import Marketplace

SMALLEST_SCALE = 0.001


def check_request(scale: float, seed: int, days: int, faults: dict[str, int]) -> None:
    """Raise ValueError where the arguments make no sense, before anything is touched."""
    if not SMALLEST_SCALE <= scale < float("inf"):
        raise ValueError(f"scale {scale} makes no sense: it is at least {SMALLEST_SCALE}")
    if seed < 0 or days < 0:
        raise ValueError("seed and days must not be negative")
    check(faults, days)


def generate_into(out: Path, scale: float, seed: int, days: int, faults: dict[str, int]) -> Manifest:
    """What `lake.generator.generate` does."""
    check_request(scale, seed, days, faults)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is not an empty directory")
    market = Marketplace(seed, scale)
    chosen = market.calendar.last_busy_days(days) if days else np.zeros(0, dtype="datetime64[D]")
    drops = Drops(out, chosen, scale > PARTS_ABOVE_SCALE)
    out.mkdir(parents=True, exist_ok=True)
    (out / UNDER_WAY).touch()
    early = faulty.early_orders(market, drops, faults.get("late_parent", 0))
    manifest = Manifest(seed, scale, days, folders=[str(folder.relative_to(out)) for folder in drops.folders])
    write_marketplace(market, drops, manifest, early)
    manifest.faults = faulty.add_faults(out, drops.folders, seed, faults, early)
    manifest.write(out)
    (out / UNDER_WAY).unlink()
    return manifest
