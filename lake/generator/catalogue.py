"""Sellers and products: who sells what, at which price, and which products are bought together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.categories import categories
from lake.generator.draws import Dealer, Floats, Ints, identifiers, stream, weighted
from lake.generator.geography import Geography

PRODUCTS, SELLERS = 32_951, 3_095
SELLER_ID, PRODUCT_ID = 11, 12

# Typed wrongly: what stands in the seller's city, and the city it is in. All kinds of dirt of the source.
_DIRT = [
    ("sp", "sao paulo"), ("sao paulo - sp", "sao paulo"), ("sao paulo sp", "sao paulo"), ("são paulo", "sao paulo"),
    ("sao paulo / sao paulo", "sao paulo"), ("sao  paulo", "sao paulo"), ("sao paluo", "sao paulo"), ("sp / sp", "sao paulo"),
    ("sao palo", "sao paulo"), ("saopaulo", "sao paulo"), ("sao paulo, sao paulo, brasil", "sao paulo"), ("centro", "sao paulo"),
    ("contato@lojadasorte.com.br", "sao paulo"), ("01310100", "sao paulo"), ("sbc", "sao bernardo do campo"),
    ("sbc/sp", "sao bernardo do campo"), ("sao bernardo do capo", "sao bernardo do campo"), ("santo andre/sao paulo", "santo andre"),
    ("garulhos", "guarulhos"), ("guarulhos/sp", "guarulhos"), ("ribeirao pretp", "ribeirao preto"), ("riberao preto", "ribeirao preto"),
    ("ribeirao preto / sao paulo", "ribeirao preto"), ("mogi das cruses", "mogi das cruzes"), ("mogi das cruzes / sp", "mogi das cruzes"),
    ("tabao da serra", "taboao da serra"), ("santa barbara d´oeste", "santa barbara d'oeste"), ("carapicuiba / sao paulo", "carapicuiba"),
    ("sao jose do rio pret", "sao jose do rio preto"), ("s jose do rio preto", "sao jose do rio preto"),
    ("rio de janeiro, rio de janeiro, brasil", "rio de janeiro"), ("rio de janeiro \\rio de janeiro", "rio de janeiro"),
    ("rio de janeiro / rio de janeiro", "rio de janeiro"), ("04482", "rio de janeiro"), ("belo horizont", "belo horizonte"),
    ("minas gerais", "belo horizonte"), ("curitiba - pr", "curitiba"), ("curitba", "curitiba"), ("vendas@pecasdosul.com.br", "curitiba"),
    ("pinhais/pr", "pinhais"), ("maringa/pr", "maringa"), ("foz do iguaçu", "foz do iguacu"), ("lages - sc", "lages"),
    ("floranopolis", "florianopolis"), ("santa catarina", "florianopolis"), ("balenario camboriu", "balneario camboriu"),
    ("novo hamburgo, rio grande do sul, brasil", "novo hamburgo"), ("caxias  do sul", "caxias do sul"), ("bahia", "salvador"),
    ("brasilia df", "brasilia"), ("goiania - go", "goiania"), ("vila  velha", "vila velha"),
]  # fmt: skip
_DIRTY, _WRONG_STATE = 75 / SELLERS, 23 / SELLERS
_PHOTOS = [16489, 6263, 3860, 2428, 1484, 968, 343, 192, 105, 95, 46, 35, 9, 5, 8, 1, 7, 2, 1, 1]
_ENDINGS = np.array([90, 99, 0, 50, 97, 49])
_ENDING_SHARES = [0.48, 0.2, 0.17, 0.05, 0.05, 0.05]


@dataclass(frozen=True)
class Sellers:
    """One element each: `zip` indexes the geography, `city` the pool of spellings, `state` its states."""

    zip: Ints
    city: Ints
    state: Ints
    spellings: list[str]
    quality: Floats

    def rows(self, seed: int, geography: Geography, which: Ints) -> pa.StringArray:
        """CSV records of the sellers with these numbers."""
        return text.records(
            [
                text.id_column(identifiers(seed, SELLER_ID, which)),
                text.zip_column(geography.prefix[self.zip[which]]),
                text.choice_column(self.spellings, self.city[which]),
                text.choice_column(geography.states, self.state[which]),
            ]
        )


@dataclass(frozen=True)
class Products:
    """One element each. Prices in cents, weights in g, sizes in cm; `bare` has no category, name, text or photos,
    `unmeasured` no weight and sizes; `companion` is the product bought with it more often than chance."""

    category: Ints
    seller: Ints
    other_seller: Ints
    price: Ints
    popularity: Floats
    companion: Ints
    name_length: Ints
    text_length: Ints
    photos: Ints
    weight: Ints
    size: Ints
    bare: np.ndarray
    unmeasured: np.ndarray

    def rows(self, seed: int, which: Ints) -> pa.StringArray:
        """CSV records of the products with these numbers."""
        bare, unmeasured = self.bare[which], self.unmeasured[which]
        return text.records(
            [
                text.id_column(identifiers(seed, PRODUCT_ID, which)),
                text.choice_column([c.name for c in categories()], self.category[which], bare),
                text.number_column(self.name_length[which], bare),
                text.number_column(self.text_length[which], bare),
                text.number_column(self.photos[which], bare),
                text.number_column(self.weight[which], unmeasured),
                *[text.number_column(self.size[which, side], unmeasured) for side in range(3)],
            ]
        )


def build_sellers(seed: int, scale: float, geography: Geography) -> Sellers:
    """Sellers where the source's facts put them, some with a city or state typed wrongly."""
    rng, dealer = stream(seed, 3), Dealer()
    n = max(round(SELLERS * scale), 20)
    where = weighted(rng, geography.sellers, n)
    city, state = geography.city[where].copy(), geography.state[where].copy()
    spellings = [*geography.plain, *(dirty for dirty, _ in _DIRT)]
    known = {name: number for number, name in enumerate(geography.plain)}
    at_home = np.bincount(city, minlength=len(geography.plain))
    # A typing error that comes up for a city without sellers is not made.
    shares = [max(min(at_home[known[right]], 40), 0) ** 0.5 for _, right in _DIRT]
    for kind, times in enumerate(np.bincount(dealer.deal(rng, "dirt", round(n * _DIRTY), shares), minlength=len(_DIRT))):
        pool = np.flatnonzero(city == known[_DIRT[kind][1]])
        city[rng.choice(pool, min(times, len(pool)), replace=False)] = len(geography.plain) + kind
    wrong = dealer.pick(rng, "wrong state", np.arange(n), _WRONG_STATE)
    state[wrong] = rng.permutation(state)[: len(wrong)]
    return Sellers(where, city, state, spellings, rng.normal(0, 0.25, n))


def build_products(seed: int, scale: float, sellers: Sellers) -> Products:
    """Products by category; each seller keeps to one or two categories and sells at least one product."""
    rng, dealer = stream(seed, 4), Dealer()
    kinds, n, shops = categories(), max(round(PRODUCTS * scale), 60), len(sellers.zip)
    counts = np.array([kind.products for kind in kinds])
    category = dealer.deal(rng, "category", n, counts)
    seller = _assign_sellers(rng, category, shops)
    bare = category == len(kinds) - 1
    demand = np.array([kind.items for kind in kinds]) / counts - 0.75
    popularity = rng.lognormal(0, 1.75, n) * demand[category]
    price = _endings(rng, np.array([k.price for k in kinds])[category], np.array([k.spread for k in kinds])[category], n)
    weight = np.array([k.weight for k in kinds])[category] * rng.lognormal(0, 0.85, n)
    # Weight and price go together within a category: the larger model costs more.
    weight *= (price / 100 / np.array([k.price for k in kinds])[category]) ** 0.35
    weight = np.clip(np.where(weight > 300, np.round(weight / 50) * 50, weight), 50, 40_425).astype(np.int64)
    # Sizes follow the volume that the weight suggests; parcels below 16 x 2 x 11 cm are not accepted by the post.
    edge = np.cbrt(weight * 4.2)
    shape = edge[:, None] * np.array([1.45, 0.75, 1.1]) * rng.lognormal(0, 0.3, (n, 3))
    size = np.clip(np.round(shape), [16, 2, 11], [105, 105, 118]).astype(np.int64)
    unmeasured = np.zeros(n, dtype=bool)
    unmeasured[dealer.pick(rng, "unmeasured, bare", np.flatnonzero(bare), 1 / 610)] = True
    unmeasured[dealer.pick(rng, "unmeasured", np.flatnonzero(~bare), 1 / 32_341)] = True
    weight[dealer.pick(rng, "weightless", np.flatnonzero(category == 0), 4 / 3029)] = 0
    # Neighbours within a shop are companions; so are those at the border of two shops, which makes some pairs cross shops.
    shelf = np.lexsort((rng.random(n), category, seller))
    companion = np.empty(n, dtype=np.int64)
    companion[shelf] = shelf[_neighbours(seller[shelf])]
    by_category = np.lexsort((rng.random(n), category))
    rival = np.empty(n, dtype=np.int64)
    rival[by_category] = seller[np.roll(by_category, 1)]
    return Products(
        category=category,
        seller=seller,
        other_seller=np.where(rng.random(n) < 0.12, rival, seller),
        price=price,
        popularity=np.cumsum(popularity),
        companion=companion,
        name_length=np.clip(np.round(60 - rng.gamma(2.0, 5.6, n)), 5, 76).astype(np.int64),
        text_length=np.clip(np.round(rng.lognormal(np.log(595), 0.8, n)), 4, 3992).astype(np.int64),
        photos=dealer.deal(rng, "photos", n, _PHOTOS) + 1,
        weight=weight,
        size=size,
        bare=bare,
        unmeasured=unmeasured,
    )


def _neighbours(shop: Ints) -> Ints:
    """Positions paired two by two along the shelf (0-1, 2-3, ...), kept within a shop where it has another product."""
    n = len(shop)
    position = np.arange(n)
    partner = np.minimum(position ^ 1, n - 1)
    outside = shop[partner] != shop
    other_side = np.clip(np.where(partner > position, position - 1, position + 1), 0, n - 1)
    better = outside & (shop[other_side] == shop) & (other_side != position)
    return np.where(better, other_side, np.where(partner == position, np.maximum(position - 1, 0), partner))


def _assign_sellers(rng: np.random.Generator, category: Ints, shops: int) -> Ints:
    n = len(category)
    seller = np.empty(n, dtype=np.int64)
    # The first product of each shop, spread over the categories as the products are, settles what the shop mainly sells.
    first = rng.permutation(n)[:shops]
    main = np.full(shops, -1)
    main[: len(first)] = category[first]
    seller[:] = -1
    seller[first] = np.arange(len(first))
    trade = rng.lognormal(0, 1.55, shops)
    everything = np.cumsum(trade)
    stray = rng.random(n) < 0.15
    for kind in np.unique(category):
        rest = np.flatnonzero((seller < 0) & (category == kind) & ~stray)
        those = np.flatnonzero(main == kind)
        if len(those):
            seller[rest] = those[weighted(rng, np.cumsum(trade[those]), len(rest))]
    rest = np.flatnonzero(seller < 0)
    seller[rest] = weighted(rng, everything, len(rest))
    return seller


def _endings(rng: np.random.Generator, median: Floats, spread: Floats, n: int) -> Ints:
    """Prices in cents that look like prices: 79.90, 129.99, 45.00."""
    reais = np.clip(median * np.exp(spread * 0.95 * rng.normal(0, 1, n)), 0.85, 6734.9)
    ending = rng.choice(_ENDINGS, n, p=_ENDING_SHARES)
    return np.where(reais < 3, np.round(reais * 100), np.floor(reais) * 100 + ending).astype(np.int64).clip(85, 673_500)


def earlier_sellers(sellers: Sellers, geography: Geography, moved: Ints, rng: np.random.Generator) -> Sellers:
    """The sellers as they were before those numbered `moved` moved to where they are now."""
    zips, city, state = sellers.zip.copy(), sellers.city.copy(), sellers.state.copy()
    zips[moved] = (zips[moved] + rng.integers(1, len(geography.prefix), len(moved))) % len(geography.prefix)
    city[moved], state[moved] = geography.city[zips[moved]], geography.state[zips[moved]]
    return replace(sellers, zip=zips, city=city, state=state)


def earlier_products(products: Products, changed: Ints, rng: np.random.Generator) -> Products:
    """The products as they were before the category, weight or photos of those numbered `changed` changed (one each)."""
    what = np.arange(len(changed)) % 3
    category, weight, photos = products.category.copy(), products.weight.copy(), products.photos.copy()
    recategorised, weighed, shown = changed[what == 0], changed[what == 1], changed[what == 2]
    named = len(categories()) - 1
    category[recategorised] = (category[recategorised] + rng.integers(1, named - 1, len(recategorised))) % named
    weight[weighed] = weight[weighed] + rng.integers(50, 500, len(weighed))
    photos[shown] = photos[shown] % 20 + 1
    return replace(products, category=category, weight=weight, photos=photos)
