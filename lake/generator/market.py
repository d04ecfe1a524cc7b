"""The marketplace put together, one block of orders at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lake.generator.baskets import Items, Shelf
from lake.generator.calendar import Calendar
from lake.generator.catalogue import Products, Sellers, build_products, build_sellers
from lake.generator.draws import Ints, stream
from lake.generator.geography import Geography, build_geography
from lake.generator.orders import CANCELED, DELIVERED, Desk, Orders
from lake.generator.payments import Payments, Till
from lake.generator.people import People
from lake.generator.reviews import Reviews, Survey

ORDERS = 99_441
BLOCK = 50_000


@dataclass(frozen=True)
class Block:
    """Orders that follow one another in time, with everything that belongs to them."""

    orders: Orders
    persons: Ints
    addresses: Ints
    items: Items
    payments: Payments
    reviews: Reviews


class Marketplace:
    """Everything about a marketplace of one seed and scale; the same whenever it is built again."""

    def __init__(self, seed: int, scale: float) -> None:
        self.seed, self.scale = seed, scale
        self.geography: Geography = build_geography(seed, scale)
        self.sellers: Sellers = build_sellers(seed, scale, self.geography)
        self.products: Products = build_products(seed, scale, self.sellers)
        # Each product is the first of an order of its own, so there are more orders than products.
        self.size = max(round(ORDERS * scale), 3 * len(self.products.category))
        self.calendar = Calendar(seed, self.size)
        self.people = People(seed, scale, self.size, self.geography)

    def blocks(self) -> Iterator[Block]:
        """All orders by time, at most `BLOCK` at once."""
        shelf = Shelf(self.seed, self.size, self.products, self.sellers, self.geography)
        desk, till, survey = Desk(len(self.products.category) / self.size), Till(), Survey()
        for start in range(0, self.size, BLOCK):
            yield self._block(shelf, desk, till, survey, np.arange(start, min(start + BLOCK, self.size)))

    def _block(self, shelf: Shelf, desk: Desk, till: Till, survey: Survey, number: Ints) -> Block:
        rng = stream(self.seed, 10, int(number[0]))
        persons = self.people.persons(number)
        addresses = self.people.addresses(number, persons)
        purchase = self.calendar.purchases(rng, number)
        status, sold = desk.statuses(rng, purchase, shelf.is_covering(number))
        paid_by = till.main_types(rng, len(number))
        approved = desk.approvals(rng, purchase, paid_by)
        main = shelf.main_products(number, persons)
        items = shelf.items(rng, number, main, sold, addresses, approved)
        # The first item's seller stands for the order; orders without items have the one who would have sold it.
        seller = self.products.seller[main]
        seller[items.order[items.number == 1]] = items.seller[items.number == 1]
        quality = self.sellers.quality[seller]
        slowness = self.geography.slowness[self.geography.state[addresses]]
        orders = desk.orders(rng, number, status, purchase, approved, shelf.kilometres(seller, addresses), slowness, quality)
        due = np.bincount(items.order, items.price + items.freight, minlength=len(number)).astype(np.int64)
        due[~sold] = self.products.price[main[~sold]] + 1_500
        payments = till.payments(rng, paid_by, due, status == CANCELED, status == DELIVERED)
        return Block(orders, persons, addresses, items, payments, survey.reviews(rng, orders, quality))
