"""Status and dates of orders, and the versions of an order that were known day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.baskets import ORDER_ID
from lake.generator.calendar import LAST_BUSY_DAY
from lake.generator.draws import Dealer, Floats, Ints, Rng, identifiers
from lake.generator.payments import CREDIT
from lake.generator.people import CUSTOMER_ID

STATUSES = ["created", "approved", "invoiced", "processing", "shipped", "delivered", "unavailable", "canceled"]
CREATED, APPROVED, INVOICED, PROCESSING, SHIPPED, DELIVERED, UNAVAILABLE, CANCELED = range(8)
_COUNTS = [5, 2, 314, 301, 1_107, 96_478, 609, 625]
# Shares of the orders of a status that have no items.
_ITEMLESS = {UNAVAILABLE: 603 / 609, CANCELED: 164 / 625, CREATED: 1.0, INVOICED: 2 / 314, SHIPPED: 1 / 1_107}
# Months in which carriers could not keep up.
_CONGESTION = {"2017-11": 1.25, "2017-12": 1.1, "2018-02": 1.3, "2018-03": 1.35, "2018-06": 0.85, "2018-07": 0.8, "2018-08": 0.75}
_LAST_CARRIER, _LAST_DELIVERY = np.datetime64("2018-09-11T19:00:00"), np.datetime64("2018-10-17T12:00:00")
NEVER = np.datetime64("NaT", "s")
DAY = 86_400


def seconds(values: Floats) -> Ints:
    """Numbers of seconds as timedelta64[s]."""
    return np.round(values).astype("timedelta64[s]")


@dataclass(frozen=True)
class Orders:
    """One element for each order of a block; `number` is the order's number in the whole marketplace. NaT is an empty date."""

    number: Ints
    status: Ints
    purchase: Ints
    approved: Ints
    carrier: Ints
    delivered: Ints
    estimated: Ints

    def rows(self, seed: int, which: Ints, before: np.datetime64 | None = None) -> pa.StringArray:
        """CSV records as they were known just before a moment (None: as they are in the end).

        The greatest of the dates grows with every version, for a status changes only together with a date.
        """
        status = self.status[which]
        dates = [dates[which] for dates in (self.approved, self.carrier, self.delivered)]
        if before is not None:
            unknown = [moment >= before for moment in dates]
            dates = [np.where(hidden, NEVER, moment) for hidden, moment in zip(unknown, dates, strict=True)]
            stage = np.full(len(which), CREATED)
            for moment, reached in zip(dates, (APPROVED, SHIPPED, DELIVERED), strict=True):
                stage[~np.isnat(moment)] = reached
            status = np.where(np.any(unknown, axis=0), stage, status)
        number = self.number[which]
        return text.records(
            [
                text.id_column(identifiers(seed, ORDER_ID, number)),
                text.id_column(identifiers(seed, CUSTOMER_ID, number)),
                text.choice_column(STATUSES, status),
                text.time_column(self.purchase[which]),
                *[text.time_column(moment) for moment in dates],
                text.time_column(self.estimated[which]),
            ]
        )


class Desk:
    """Handles orders: decides how they end and when things happen to them."""

    def __init__(self, covered_share: float) -> None:
        self._dealer = Dealer()
        self._free_share = 1 - covered_share

    def statuses(self, rng: Rng, purchase: Ints, covering: np.ndarray) -> tuple[Ints, np.ndarray]:
        """How each order ends, and whether it has items. Orders that a product depends on always have some."""
        dealer = self._dealer
        status = dealer.deal(rng, "status", len(purchase), _COUNTS)
        status[purchase >= LAST_BUSY_DAY + 2] = CANCELED
        stuck = np.flatnonzero(covering & np.isin(status, [UNAVAILABLE, CREATED]))
        spare = np.flatnonzero(~covering & (status == DELIVERED))
        swap = rng.choice(spare, min(len(stuck), len(spare)), replace=False)
        stuck = stuck[: len(swap)]
        status[swap], status[stuck] = status[stuck], DELIVERED
        sold = np.ones(len(purchase), dtype=bool)
        for kind, share in _ITEMLESS.items():
            free = np.flatnonzero((status == kind) & ~covering)
            rate = share if kind in (UNAVAILABLE, CREATED) else share / self._free_share
            sold[dealer.pick(rng, f"itemless {kind}", free, min(rate, 1.0))] = False
        return status, sold

    def approvals(self, rng: Rng, purchase: Ints, main_type: Ints) -> Ints:
        """When the payment of each order was approved."""
        n = len(purchase)
        quick = rng.lognormal(np.log(900), 0.7, n)
        slow = rng.lognormal(np.log(14 * 3600), 0.5, n)
        boleto = rng.lognormal(np.log(1.15 * DAY), 0.45, n)
        lag = np.where(main_type == CREDIT, np.where(rng.random(n) < 0.82, quick, slow), boleto)
        lag[self._dealer.pick(rng, "at once", np.arange(n), 1_296 / 99_441)] = 0
        return purchase + seconds(lag)

    def orders(
        self, rng: Rng, number: Ints, status: Ints, purchase: Ints, approved: Ints, km: Floats, slowness: Floats, quality: Floats
    ) -> Orders:
        """The dates. `km`, `slowness` and `quality` are the distance, the state's roads and the seller's diligence."""
        dealer, n = self._dealer, len(number)
        everyone = np.arange(n)
        handling = rng.lognormal(np.log(1.75) - 0.5 * quality, 0.8, n).clip(0.05, 60)
        carrier = approved + seconds(handling * DAY)
        carrier = np.minimum(carrier, np.maximum(_LAST_CARRIER, approved))
        full_minute = dealer.pick(rng, "full minute", everyone, 0.28)
        carrier[full_minute] = carrier[full_minute].astype("datetime64[m]").astype("datetime64[s]")
        early = dealer.pick(rng, "carrier first", everyone, (1_359 - 166) / 97_658)
        carrier[early] = np.maximum(approved[early] - seconds(rng.uniform(60, 7_200, len(early))), purchase[early])
        before = dealer.pick(rng, "carrier before purchase", everyone, 166 / 97_658)
        carrier[before] = purchase[before] - seconds(rng.uniform(600, 40_000, len(before)))

        months = purchase.astype("datetime64[M]").astype(str)
        crowded = np.ones(n)
        for month, factor in _CONGESTION.items():
            crowded[months == month] = factor
        usual = (3.7 + 0.0053 * km) * slowness
        transit = usual * crowded * rng.lognormal(0, 0.55, n)
        lost = dealer.pick(rng, "lost for weeks", everyone, 0.012)
        transit[lost] += rng.gamma(2.0, 12.0, len(lost))
        delivered = carrier + seconds(transit * DAY)
        delivered = np.minimum(np.maximum(delivered, purchase + 3_600), np.maximum(_LAST_DELIVERY, carrier + DAY))
        delivered = np.maximum(delivered, np.maximum(approved, carrier) + 600)
        promised = 3.2 + usual * 1.25 + 11.0 + rng.normal(0, 3.6, n)
        estimated = purchase.astype("datetime64[D]") + np.round(promised.clip(2, 150)).astype("timedelta64[D]")
        approved, carrier, delivered = self._odd_dates(rng, status, purchase, approved, carrier, delivered)
        return Orders(number, status, purchase, approved, carrier, delivered, estimated.astype("datetime64[s]"))

    def _odd_dates(self, rng: Rng, status: Ints, purchase: Ints, approved: Ints, carrier: Ints, delivered: Ints) -> tuple[Ints, Ints, Ints]:
        """Dates that are missing, because the order did not come so far or by mistake, and dates in a wrong order."""
        dealer = self._dealer
        arrived, dropped = np.flatnonzero(status == DELIVERED), np.flatnonzero(status == CANCELED)

        def some(name: str, pool: Ints, rate: float) -> Ints:
            return dealer.pick(rng, name, pool, rate)

        sooner = some("delivered before approval", arrived, 61 / 96_478)
        delivered[sooner] = purchase[sooner] + seconds(rng.uniform(0.5, 2.0, len(sooner)) * DAY)
        carrier[sooner] = delivered[sooner] - seconds(rng.uniform(600, 30_000, len(sooner)))
        approved[sooner] = delivered[sooner] + seconds(rng.uniform(600, 90_000, len(sooner)))
        swapped = some("delivered before carrier", np.setdiff1d(arrived, sooner), 23 / 96_478)
        carrier[swapped] = delivered[swapped] + seconds(rng.uniform(600, 90_000, len(swapped)))
        no_approval = np.concatenate(
            [np.flatnonzero(status == CREATED), some("no approval", dropped, 141 / 625), some("unapproved", arrived, 14 / 96_478)]
        )
        unsent = some("not sent", dropped, 550 / 625)
        no_carrier = np.concatenate([np.flatnonzero(np.isin(status, [CREATED, APPROVED, INVOICED, PROCESSING, UNAVAILABLE])), unsent])
        returned = some("returned", np.setdiff1d(dropped, unsent), 6 / 75)
        undated = some("no delivery date", arrived, 8 / 96_478)
        approved[no_approval] = NEVER
        carrier[no_carrier] = NEVER
        keep = np.zeros(len(status), dtype=bool)
        keep[arrived] = keep[returned] = True
        keep[undated] = False
        delivered[~keep] = NEVER
        # One of the two that miss the carrier's date has no delivery date either.
        carrier[some("no carrier date", np.setdiff1d(arrived, undated), 1 / 96_478)] = NEVER
        carrier[some("no date at all", undated, 1 / 8)] = NEVER
        return approved, carrier, delivered
