"""Adds faults to written deliveries: first odd files, made of good rows, then rows, then files that bring nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lake.generator import file_faults, row_faults
from lake.generator.baskets import ORDER_ID, cover_positions
from lake.generator.draws import Ints, identifiers, stream
from lake.generator.drops import Drops
from lake.generator.feeds import FEEDS
from lake.generator.kinds import KINDS
from lake.generator.manifest import Fault
from lake.generator.market import Marketplace
from lake.generator.site import Site


def early_orders(market: Marketplace, drops: Drops, count: int) -> Ints:
    """Orders whose items and payments come one drop too soon.

    Preferably orders that a product depends on, for those have items for certain; and not of the first of the days,
    for rows ahead of it come with everything in the initial drop.
    """
    if not count:
        return np.zeros(0, dtype=np.int64)
    rng = stream(market.seed, 21)
    number = np.arange(market.size)
    number = number[(market.calendar.days(number) >= drops.days[0]) & (market.calendar.days(number) <= drops.days[-1])]
    if len(number) < count:
        raise ValueError(f"late_parent={count}: these days have only {len(number)} orders; take more days or a larger scale")
    doubts = (
        (market.calendar.days(number) == drops.days[0]) * 2.0
        + ~np.isin(number, cover_positions(market.seed, len(market.products.category), market.size))
        + rng.random(len(number))
    )
    return np.sort(number[np.argsort(doubts, kind="stable")[:count]])


def add_faults(out: Path, folders: Sequence[Path], seed: int, faults: dict[str, int], early: Ints) -> list[Fault]:
    """Put the faults into the files and list them, in the order in which the kinds are listed."""
    if not any(faults.values()):
        return []
    early_ids = [bytes(raw).hex() for raw in identifiers(seed, ORDER_ID, early)]
    site = Site(out, folders, seed, early_ids)
    wanted = [name for name in KINDS for _ in range(faults.get(name, 0)) if name != "late_parent"]
    for outcomes in ({"loaded", "refused"}, {"quarantined", "duplicate", "superseded", "waiting"}, {"duplicate_file", "empty"}):
        for turn, name in enumerate(wanted):
            if KINDS[name].outcome in outcomes:
                make = row_faults.add if "waiting" in outcomes else file_faults.add
                make(site, name, KINDS[name].feeds[turn % len(KINDS[name].feeds)])
        site.save()
        if "waiting" in outcomes:
            _list_early_rows(site, early_ids)
    place = {name: number for number, name in enumerate(KINDS)}
    return sorted(site.faults, key=lambda fault: (place[fault.kind], fault.file, fault.line or 0))


def _list_early_rows(site: Site, early_ids: Sequence[str]) -> None:
    """Find the rows that came before their orders: nearest drop before the one that has the order."""
    known = {(fault.file, fault.line) for fault in site.faults}
    for feed in KINDS["late_parent"].feeds if early_ids else ():
        for folder in site.folders:
            for path in site.files(folder, feed):
                content = path.read_bytes()
                if not any(order.encode() in content for order in early_ids):
                    continue
                for line, raw in enumerate(content.decode().splitlines(), start=1):
                    cells = raw.split(",")
                    order = cells[0].strip('"')
                    if order in early_ids and (str(path.relative_to(site.out)), line) not in known:
                        site.note("late_parent", feed, path, line, dict(zip(FEEDS[feed].key, (order, cells[1]), strict=True)))
