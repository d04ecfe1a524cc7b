"""The postal codes of a generated Brazil, and the geolocation feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.cities import cities
from lake.generator.draws import Dealer, Floats, Ints, Rng, stream, weighted

# Orders and sellers by state, as the source's facts give them.
CUSTOMER_STATES = dict(
    SP=41746, RJ=12852, MG=11635, RS=5466, PR=5045, SC=3637, BA=3380, DF=2140, ES=2033, GO=2020, PE=1652, CE=1336, PA=975,
    MT=907, MA=747, MS=715, PB=536, PI=495, RN=485, AL=413, SE=350, TO=280, RO=253, AM=148, AC=81, AP=68, RR=46,
)  # fmt: skip
SELLER_STATES = dict(
    SP=1849, PR=349, MG=244, SC=190, RJ=171, RS=129, GO=40, DF=30, ES=23, BA=19, CE=13, PE=9, PB=6, RN=5, MS=5, MT=4, RO=2,
    SE=2, AC=1, MA=1, PA=1, PI=1, AM=1,
)  # fmt: skip
# Parcels to these states take longer than their distance says: poor roads, or (RJ) trouble of the carriers.
SLOW_STATES = dict(RJ=1.3, AL=1.3, MA=1.15, SE=1.15, CE=1.1, BA=1.15, PA=1.15, AM=1.3, AP=1.3, RR=1.4, PI=1.1)

GEOLOCATION_ROWS = 1_000_163
_ZIPS = 19_180
_COPIES = 261_831 / GEOLOCATION_ROWS
_ACCENTED = 0.13
_ABROAD = 40 / GEOLOCATION_ROWS
_VARIANTS = {
    "santa barbara d'oeste": ("santa barbara d oeste", "santa bárbara d`oeste"),
    "mogi mirim": ("mogi-mirim", "moji mirim"),
    "dias d'avila": ("dias d avila",),
    "manhuacu": ("realeza (manhuaçu)",),
    "sao paulo": ("sao  paulo", "são paulo - sp"),
    "mogi guacu": ("moji-guacu",),
    "embu das artes": ("embu",),
}


@dataclass(frozen=True)
class Geography:
    """Postal codes, one array element each; `city` and `state` index `names`, `plain` and `states`.

    Attributes:
        prefix: the five digits as a number; lat, lng in degrees.
        names: city names with accents; plain: the same without; states: two-letter codes.
        located: whether the geolocation feed knows the code.
        customers, sellers: running sums of the weights to draw addresses by.
        slowness: factor on transit times, by state.
    """

    prefix: Ints
    city: Ints
    state: Ints
    lat: Floats
    lng: Floats
    names: list[str]
    plain: list[str]
    states: list[str]
    located: np.ndarray
    customers: Floats
    sellers: Floats
    slowness: Floats

    def kilometres(self, one: Ints, other: Ints) -> Floats:
        """Great-circle distance between postal codes (haversine, km)."""
        lat1, lat2 = np.radians(self.lat[one]), np.radians(self.lat[other])
        half = np.sin((lat2 - lat1) / 2) ** 2
        half += np.cos(lat1) * np.cos(lat2) * np.sin(np.radians(self.lng[other] - self.lng[one]) / 2) ** 2
        return 12_742 * np.arcsin(np.sqrt(half))


def build_geography(seed: int, scale: float) -> Geography:
    """Postal codes in their cities' ranges; fewer at scales below 1, never more than Brazil has."""
    rng = stream(seed, 1)
    rows = cities()
    states = list(CUSTOMER_STATES)
    state_of = np.array([states.index(row[0]) for row in rows])
    weight = np.array([row[2] for row in rows])
    in_state = np.bincount(state_of, weight, minlength=len(states))

    def shares(by_state: dict[str, int]) -> Floats:
        return np.array([by_state.get(s, 0) for s in states])[state_of] * weight / in_state[state_of]

    demand = shares(CUSTOMER_STATES)
    wanted = demand**0.6 / (demand**0.6).sum() * _ZIPS * min(scale, 1.0) ** 0.5
    prefix, city = [], []
    for number, row in enumerate(rows):
        pool = np.concatenate([np.arange(first, last + 1) for first, last in row[5]])
        count = int(np.clip(round(wanted[number]), 1, len(pool)))
        prefix.append(np.sort(rng.choice(pool, count, replace=False)))
        city.append(np.full(count, number))
    prefix_of, city_of = np.concatenate(prefix), np.concatenate(city)
    n, sizes = len(prefix_of), np.array([len(p) for p in prefix])
    liking = rng.lognormal(0, 0.7, n)
    liking /= np.bincount(city_of, liking)[city_of]
    spread = np.where(sizes > 50, 0.05, 0.02)[city_of]
    # Codes that the geolocation feed misses are mostly new and seldom used.
    rare = np.flatnonzero((liking * sizes[city_of] < 1.0) & (sizes[city_of] > 3))
    located = np.ones(n, dtype=bool)
    located[rng.choice(rare, min(len(rare), round(n * 0.0086)), replace=False)] = False
    return Geography(
        prefix=prefix_of,
        city=city_of,
        state=state_of[city_of],
        lat=np.array([row[3] for row in rows])[city_of] + rng.normal(0, 1, n) * spread,
        lng=np.array([row[4] for row in rows])[city_of] + rng.normal(0, 1, n) * spread,
        names=[row[1] for row in rows],
        plain=[text.without_accents(row[1]) for row in rows],
        states=states,
        located=located,
        customers=np.cumsum(demand[city_of] * liking),
        sellers=np.cumsum(shares(SELLER_STATES)[city_of] * liking),
        slowness=np.array([SLOW_STATES.get(s, 1.0) for s in states]),
    )


def _spellings(geography: Geography) -> tuple[list[str], list[Ints]]:
    """All spellings of city names, and for each city where its own begin and how many odd ones there are."""
    pool = [*geography.plain, *geography.names]
    odd = []
    for plain in geography.plain:
        extra = _VARIANTS.get(plain, ())
        odd.append(np.arange(len(pool), len(pool) + len(extra)))
        pool += extra
    return pool, odd


def geolocation_blocks(seed: int, scale: float, geography: Geography, block: int = 250_000) -> Iterator[pa.StringArray]:
    """Records of the geolocation feed, at most `block` rows at a time; a quarter of them repeat others."""
    return _Points(seed, geography).blocks(round(GEOLOCATION_ROWS * min(scale, 1.0)), block)


class _Points:
    def __init__(self, seed: int, geography: Geography) -> None:
        self.rng: Rng = stream(seed, 2)
        self.dealer = Dealer()
        self.geography = geography
        self.pool, self.odd = _spellings(geography)
        # Every known code has a point; busy ones have many.
        known = np.flatnonzero(geography.located)
        self.uncovered = self.rng.permutation(known)
        weights = np.diff(geography.customers, prepend=0.0)
        self.weights = np.cumsum(np.where(geography.located, weights**0.7, 0.0))

    def blocks(self, total: int, block: int) -> Iterator[pa.StringArray]:
        for start in range(0, total, block):
            yield self._rows(min(block, total - start))

    def _rows(self, n: int) -> pa.StringArray:
        rng, geography, dealer = self.rng, self.geography, self.dealer
        fresh = n - round(n * _COPIES)
        covering, self.uncovered = self.uncovered[:fresh], self.uncovered[fresh:]
        where = np.concatenate([covering, weighted(rng, self.weights, fresh - len(covering))])
        lat = geography.lat[where] + rng.normal(0, 0.006, fresh)
        lng = geography.lng[where] + rng.normal(0, 0.006, fresh)
        abroad = dealer.pick(rng, "abroad", np.arange(fresh), _ABROAD)
        lat[abroad], lng[abroad] = rng.uniform(-36, 45, len(abroad)), rng.uniform(-101, 121, len(abroad))
        city = geography.city[where]
        spelling = city + np.where(rng.random(fresh) < _ACCENTED, len(geography.names), 0)
        for number in np.flatnonzero([len(odd) > 0 for odd in self.odd]):
            some = dealer.pick(rng, f"odd {number}", np.flatnonzero(city == number), 0.02)
            spelling[some] = rng.choice(self.odd[number], len(some))
        rows = text.records(
            [
                text.zip_column(geography.prefix[where]),
                text.number_column(lat),
                text.number_column(lng),
                text.choice_column(self.pool, spelling),
                text.choice_column(geography.states, geography.state[where]),
            ]
        )
        order = rng.permutation(np.concatenate([np.arange(fresh), rng.integers(0, fresh, n - fresh)]))
        return rows.take(pa.array(order))
