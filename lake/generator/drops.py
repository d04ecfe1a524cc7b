"""Deliveries: which rows come when, and the files they are in."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.catalogue import earlier_products, earlier_sellers
from lake.generator.categories import categories
from lake.generator.draws import Ints, stream
from lake.generator.feeds import FEEDS
from lake.generator.geography import geolocation_blocks
from lake.generator.manifest import Manifest
from lake.generator.market import BLOCK, Block, Marketplace

_log = logging.getLogger(__name__)

# A file is read by one Spark task, so large feeds come in parts.
PART_ROWS = 250_000
PARTS_ABOVE_SCALE = 2
SELLERS_A_DAY, PRODUCTS_A_DAY = 2, 5


class Drops:
    """The places of the deliveries: one, or `initial` and one for each of the last days."""

    def __init__(self, out: Path, days: Ints, in_parts: bool) -> None:
        self.days, self._in_parts = days, in_parts
        self.folders = [out] if not len(days) else [out / "initial", *(out / str(day) for day in days)]
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
        # What happens up to the end of a drop's day is known in it; the last one brings all that happened afterwards too.
        self._edges = np.concatenate([days[:1], days[:-1] + 1]).astype("datetime64[s]")
        self._written: set[Path] = set()

    @property
    def last(self) -> int:
        """Number of the last drop."""
        return len(self.folders) - 1

    def of(self, moments: Ints) -> Ints:
        """The drop in which something that happened at each moment is known (NaT: the first)."""
        return np.where(np.isnat(moments), 0, np.searchsorted(self._edges, moments, side="right"))

    def before(self, drop: int) -> np.datetime64 | None:
        """The moment before which a drop knows everything; None for the last, which knows all."""
        return None if drop == self.last else self._edges[drop]

    def write(self, feed: str, rows: pa.StringArray, drops: Ints, part: int) -> None:
        """Append records to their drops' files; `part` numbers the first drop's file where files come in parts."""
        for drop in np.unique(drops):
            self.append(feed, rows.filter(pa.array(drops == drop)), int(drop), part)

    def append(self, feed: str, rows: pa.StringArray, drop: int, part: int) -> None:
        """Append records to one drop's file, with the header first if the file is new."""
        if not len(rows):
            return
        numbered = self._in_parts and drop == 0 and feed != "category_translation"
        path = self.folders[drop] / f"{FEEDS[feed].stem}{f'_{part:04d}' if numbered else ''}.csv"
        with path.open("ab" if path in self._written else "wb") as file:
            if path not in self._written:
                file.write(FEEDS[feed].header)
                self._written.add(path)
            file.write(text.content(rows))


def write_marketplace(market: Marketplace, drops: Drops, manifest: Manifest, early: Ints) -> None:
    """Write all nine feeds and count them. Items and payments of the orders numbered `early` come a drop too soon."""
    _write_catalogue(market, drops, manifest)
    manifest.cents = {"price": 0, "freight_value": 0, "payment_value": 0}
    for number, block in enumerate(market.blocks()):
        _write_block(market, drops, manifest, block, early, 1 + number * BLOCK // PART_ROWS)
        _log.info("%d of %d orders", manifest.rows["orders"], market.size)


def _count(manifest: Manifest, feed: str, rows: int) -> None:
    manifest.rows[feed] = manifest.rows.get(feed, 0) + rows


def _write_block(market: Marketplace, drops: Drops, manifest: Manifest, block: Block, early: Ints, part: int) -> None:
    seed, orders, number = market.seed, block.orders, block.orders.number
    placed = drops.of(orders.purchase)
    changes = [placed, *(np.maximum(drops.of(at), placed) for at in (orders.approved, orders.carrier, orders.delivered))]
    for drop in np.unique(np.concatenate(changes)):
        which = np.flatnonzero(np.any([change == drop for change in changes], axis=0))
        drops.append("orders", orders.rows(seed, which, drops.before(int(drop))), int(drop), part)
    drops.write("customers", market.people.rows(number, block.persons, block.addresses), placed, part)
    paid = placed - np.isin(number, early)
    drops.write("order_items", block.items.rows(seed, number), paid[block.items.order], part)
    drops.write("order_payments", block.payments.rows(seed, number), paid[block.payments.order], part)
    reviewed = np.maximum(drops.of(block.reviews.creation), placed[block.reviews.order])
    drops.write("order_reviews", block.reviews.rows(seed, number), reviewed, part)
    for feed, rows in (
        ("orders", number),
        ("customers", number),
        ("order_items", block.items.order),
        ("order_payments", block.payments.order),
        ("order_reviews", block.reviews.order),
    ):
        _count(manifest, feed, len(rows))
    manifest.cents["price"] += int(block.items.price.sum())
    manifest.cents["freight_value"] += int(block.items.freight.sum())
    manifest.cents["payment_value"] += int(block.payments.value.sum())


def _write_catalogue(market: Marketplace, drops: Drops, manifest: Manifest) -> None:
    """Sellers, products, places and translations. All come at first; with days, a few change later."""
    seed, sellers, products = market.seed, market.sellers, market.products
    rng, days = stream(seed, 20), len(drops.days)
    moved = rng.permutation(len(sellers.zip))[: min(days * SELLERS_A_DAY, len(sellers.zip) // 3)]
    complete = np.flatnonzero(~products.bare & ~products.unmeasured & (products.weight > 0))
    changed = rng.permutation(complete)[: min(days * PRODUCTS_A_DAY, len(complete) // 3)]
    old_sellers = earlier_sellers(sellers, market.geography, moved, rng)
    old_products = earlier_products(products, changed, rng)
    for start in range(0, len(products.category), PART_ROWS):
        which, part = np.arange(start, min(start + PART_ROWS, len(products.category))), 1 + start // PART_ROWS
        drops.append("products", old_products.rows(seed, which), 0, part)
        _count(manifest, "products", len(which))
    for start in range(0, len(sellers.zip), PART_ROWS):
        which, part = np.arange(start, min(start + PART_ROWS, len(sellers.zip))), 1 + start // PART_ROWS
        drops.append("sellers", old_sellers.rows(seed, market.geography, which), 0, part)
        _count(manifest, "sellers", len(which))
    for drop in range(1, days + 1):
        drops.append("sellers", sellers.rows(seed, market.geography, np.sort(moved[drop - 1 :: days])), drop, 1)
        drops.append("products", products.rows(seed, np.sort(changed[drop - 1 :: days])), drop, 1)
    for number, rows in enumerate(geolocation_blocks(seed, market.scale, market.geography), start=1):
        drops.append("geolocation", rows, 0, number)
        _count(manifest, "geolocation", len(rows))
    translated = [kind for kind in categories() if kind.english]
    # The source's file has lines in CR LF and none after the last one.
    lines = [f"{kind.name},{kind.english}" for kind in translated]
    drops.append("category_translation", pa.array(["\r\n".join(lines)]), 0, 1)
    _count(manifest, "category_translation", len(lines))
    _log.info("products, sellers and places written")
