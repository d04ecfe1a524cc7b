"""Who orders, and where the parcel goes. Everything follows from an order's number, so no table of people is kept."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.draws import Ints, identifiers, steady
from lake.generator.geography import Geography

CUSTOMER_ID, PERSON_ID = 14, 15
_REPEATS = 3_345
# Of the repeat orders, those of somebody who has ordered twice already: 2,997 people share the 3,345.
_THIRD_ORDERS = 0.05
_MOVED = 0.08
_VARIANTS = {"santa barbara d'oeste": "santa barbara d oeste", "dias d'avila": "dias d avila", "mogi mirim": "mogi-mirim"}
_VARIANT = 0.04


def stratified(seed: int, kind: int, count: int, total: int) -> Ints:
    """`count` different numbers below `total`, ascending, one from each of `count` equal stretches."""
    bounds = np.arange(count + 1, dtype=np.int64) * total // max(count, 1)
    return bounds[:-1] + (steady(seed, kind, np.arange(count)) * np.diff(bounds)).astype(np.int64)


class People:
    """A person's number is the number of the first order."""

    def __init__(self, seed: int, scale: float, orders: int, geography: Geography) -> None:
        self._seed, self._geography = seed, geography
        self._pool = [*geography.plain, *_VARIANTS.values()]
        repeats = stratified(seed, 31, round(_REPEATS * scale), orders)
        self._repeats = repeats = repeats[repeats > 0]
        rank = np.arange(len(repeats))
        luck = steady(seed, 32, rank)
        parent = (luck * repeats).astype(np.int64)
        again = (steady(seed, 33, rank) < _THIRD_ORDERS) & (rank > 0)
        parent[again] = repeats[(luck * rank).astype(np.int64)][again]
        while len(nested := np.flatnonzero(self._is_repeat(parent))):
            parent[nested] = parent[np.searchsorted(repeats, parent[nested])]
        self._firsts = parent

    def _is_repeat(self, numbers: Ints) -> np.ndarray:
        if not len(self._repeats):
            return np.zeros(len(numbers), dtype=bool)
        at = np.searchsorted(self._repeats, numbers).clip(max=len(self._repeats) - 1)
        return self._repeats[at] == numbers

    def persons(self, orders: Ints) -> Ints:
        """The person behind each order."""
        persons = orders.copy()
        repeat = np.flatnonzero(self._is_repeat(orders))
        persons[repeat] = self._firsts[np.searchsorted(self._repeats, orders[repeat])]
        return persons

    def addresses(self, orders: Ints, persons: Ints) -> Ints:
        """Where each order goes (index of the postal code): a few people have moved between two orders."""
        moved = (persons != orders) & (steady(self._seed, 34, orders) < _MOVED)
        luck = steady(self._seed, 35, np.where(moved, orders, persons))
        weights = self._geography.customers
        return np.searchsorted(weights, luck * weights[-1], side="right").clip(max=len(weights) - 1)

    def rows(self, orders: Ints, persons: Ints, addresses: Ints) -> pa.StringArray:
        """Records of the customers feed, one for each order."""
        places = self._geography
        city = places.city[addresses].copy()
        for number, name in enumerate(_VARIANTS):
            odd = (city == places.plain.index(name)) & (steady(self._seed, 36, orders) < _VARIANT)
            city[odd] = len(places.plain) + number
        return text.records(
            [
                text.id_column(identifiers(self._seed, CUSTOMER_ID, orders)),
                text.id_column(identifiers(self._seed, PERSON_ID, persons)),
                text.zip_column(places.prefix[addresses]),
                text.choice_column(self._pool, city),
                text.choice_column(places.states, places.state[addresses]),
            ]
        )
