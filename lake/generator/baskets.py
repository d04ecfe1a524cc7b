"""What is in an order and what it costs: the order_items feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.catalogue import PRODUCT_ID, SELLER_ID, Products, Sellers
from lake.generator.draws import Dealer, Floats, Ints, Rng, identifiers, steady, weighted
from lake.generator.geography import Geography
from lake.generator.people import stratified

ORDER_ID = 13
_SIZES = [88863, 7516, 1322, 505, 204, 198, 22, 8, 3, 8, 4, 5, 1, 2, 2, 0, 0, 0, 0, 1, 1]
# Orders of several items: most repeat one product; the others hold a companion of it, or anything else.
_TWO_PRODUCTS, _COMPANION = 0.335, 0.62
_OTHER_SHOP = 0.3
_SAME_CATEGORY = 0.4
_FREE_FREIGHT, _FAR_LIMIT = 383 / 112_650, 4 / 112_650


@dataclass(frozen=True)
class Items:
    """One element for each item, sorted by order; `order` is the position within the block. Money in cents."""

    order: Ints
    number: Ints
    product: Ints
    seller: Ints
    limit: Ints
    price: Ints
    freight: Ints

    def rows(self, seed: int, orders: Ints) -> pa.StringArray:
        """CSV records; `orders` are the numbers of the block's orders."""
        return text.records(
            [
                text.id_column(identifiers(seed, ORDER_ID, orders[self.order])),
                text.number_column(self.number),
                text.id_column(identifiers(seed, PRODUCT_ID, self.product)),
                text.id_column(identifiers(seed, SELLER_ID, self.seller)),
                text.time_column(self.limit),
                text.money_column(self.price),
                text.money_column(self.freight),
            ]
        )


def cover_positions(seed: int, products: int, orders: int) -> Ints:
    """Numbers of the orders that sell a product which may never be sold otherwise, ascending; as many as products."""
    return stratified(seed, 41, products, orders)


class Shelf:
    """Chooses products: every product is sold at least once, popular ones often, repeat customers keep to their tastes."""

    def __init__(self, seed: int, orders: int, products: Products, sellers: Sellers, geography: Geography) -> None:
        self._seed, self._products, self._sellers, self._geography = seed, products, sellers, geography
        self._dealer = Dealer()
        count = len(products.category)
        # Order number _cover_at[i] holds product _covered[i], whatever its popularity.
        self._cover_at = cover_positions(seed, count, orders)
        self._covered = np.argsort(steady(seed, 42, np.arange(count)), kind="stable")
        self._by_category = np.argsort(products.category, kind="stable")
        weight = np.diff(products.popularity, prepend=0.0)[self._by_category]
        self._running = np.cumsum(weight)
        kinds = int(products.category.max()) + 1
        self._starts = np.searchsorted(products.category[self._by_category], np.arange(kinds + 1))

    def is_covering(self, orders: Ints) -> np.ndarray:
        """Orders that have to be sold because a product depends on them."""
        return self._cover_at[self._rank(orders)] == orders

    def _rank(self, orders: Ints) -> Ints:
        return np.searchsorted(self._cover_at, orders).clip(max=len(self._cover_at) - 1)

    def main_products(self, orders: Ints, persons: Ints) -> Ints:
        """The first product of each order."""
        luck, popularity = steady(self._seed, 43, orders), self._products.popularity
        product = np.searchsorted(popularity, luck * popularity[-1], side="right").clip(max=len(popularity) - 1)
        covering = self.is_covering(orders)
        product[covering] = self._covered[self._rank(orders[covering])]
        loyal = np.flatnonzero((persons != orders) & ~covering & (steady(self._seed, 44, orders) < _SAME_CATEGORY))
        if len(loyal):
            liked = self._products.category[self.main_products(persons[loyal], persons[loyal])]
            low = np.concatenate([[0.0], self._running])[self._starts[liked]]
            high = self._running[self._starts[liked + 1] - 1]
            at = np.searchsorted(self._running, low + steady(self._seed, 45, orders[loyal]) * (high - low), side="right")
            product[loyal] = self._by_category[at.clip(self._starts[liked], self._starts[liked + 1] - 1)]
        return product

    def items(self, rng: Rng, orders: Ints, main: Ints, sold: np.ndarray, addresses: Ints, start: Ints) -> Items:
        """Items of the orders that are `sold`; `start` is when the sellers' time to send begins to run."""
        products, dealer = self._products, self._dealer
        which = np.flatnonzero(sold)
        size = dealer.deal(rng, "size", len(which), _SIZES) + 1
        order = np.repeat(which, size)
        number = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size) + 1
        mixed = np.repeat((size > 1) & (rng.random(len(which)) < _TWO_PRODUCTS), size) & (number % 2 == 0)
        product = main[order]
        other = np.where(rng.random(len(order)) < _COMPANION, products.companion[product], weighted(rng, products.popularity, len(order)))
        product = np.where(mixed, other, product)
        # The same product comes from the same shop within an order, and a product's own shop sells it when it is covered.
        elsewhere = (steady(self._seed, 46, orders[order]) < _OTHER_SHOP) & ~self.is_covering(orders[order])
        seller = np.where(elsewhere, products.other_seller[product], products.seller[product])
        drift = 1 + 0.06 * np.round(3 * (steady(self._seed, 47, orders[order] + product) - 0.5))
        price = np.maximum(np.round(products.price[product] * drift / 10) * 10, 85).astype(np.int64)
        price = np.where(drift == 1, products.price[product], price)
        days = rng.choice(np.arange(2, 9), len(which), p=[0.04, 0.1, 0.2, 0.22, 0.28, 0.12, 0.04])
        limit = start[order] + (np.repeat(days, size) * 86_400).astype("timedelta64[s]")
        far = dealer.pick(rng, "far limit", np.arange(len(order)), _FAR_LIMIT)
        limit[far] += np.timedelta64(700 * 86_400, "s")
        freight = self._freight(rng, product, seller, addresses[order], price)
        return Items(order, number, product, seller, limit, price, freight)

    def _freight(self, rng: Rng, product: Ints, seller: Ints, address: Ints, price: Ints) -> Ints:
        """Freight grows with distance, weight and (insurance) price; `rng` only adds what two carriers differ by."""
        grams = self._products.weight[product]
        km = self.kilometres(seller, address)
        reais = 6.9 + 0.0062 * km**0.98 + grams / 1000 * (1.15 + 0.0011 * km) + price / 100 * 0.012
        reais *= 1.27 * np.where(self._geography.state[address] == self._geography.state[self._sellers.zip[seller]], 0.92, 1.08)
        cents = np.round(reais * rng.lognormal(0, 0.12, len(km)) * 100).clip(1, 40_968).astype(np.int64)
        cents[self._dealer.pick(rng, "free", np.arange(len(cents)), _FREE_FREIGHT)] = 0
        return cents

    def kilometres(self, seller: Ints, address: Ints) -> Floats:
        """Distance between sellers and addresses."""
        return self._geography.kilometres(self._sellers.zip[seller], address)
