"""What customers think of their orders: the order_reviews feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.baskets import ORDER_ID
from lake.generator.draws import Dealer, Floats, Ints, Rng, identifiers
from lake.generator.orders import DAY, Orders, seconds
from lake.generator.phrases import Writer

REVIEW_ID = 16
# Shares of the scores 1 to 5: never arrived, very late, a little late, in time.
_SCORES = np.array(
    [[0.71, 0.09, 0.08, 0.05, 0.07], [0.70, 0.09, 0.09, 0.05, 0.07], [0.28, 0.08, 0.16, 0.20, 0.28], [0.066, 0.024, 0.08, 0.205, 0.625]]
)
_LAST_SURVEY = np.datetime64("2018-08-31")
# Midnight does not exist on the days when summer time begins.
_NO_MIDNIGHT = np.array(["2016-10-16", "2017-10-15"], dtype="datetime64[D]")
_UNREVIEWED, _SECOND, _SHARED = 768 / 99_441, 551 / 98_673, 814 / 99_224
_MEDIAN_ANSWER, _ANSWER_SPREAD, _LONGEST_ANSWER = 1.67, 0.86, 518.0


@dataclass(frozen=True)
class Reviews:
    """One element for each review and order; `order` is the position within the block, `number` makes the identifier."""

    number: Ints
    order: Ints
    score: Ints
    title: pa.Array
    message: pa.Array
    creation: Ints
    answer: Ints

    def rows(self, seed: int, orders: Ints) -> pa.StringArray:
        """CSV records; `orders` are the numbers of the block's orders."""
        return text.records(
            [
                text.id_column(identifiers(seed, REVIEW_ID, self.number)),
                text.id_column(identifiers(seed, ORDER_ID, orders[self.order])),
                text.number_column(self.score),
                text.quoted(self.title),
                text.quoted(self.message),
                text.time_column(self.creation),
                text.time_column(self.answer),
            ]
        )


class Survey:
    """Asks customers; keeps count of the rare cases over all blocks."""

    def __init__(self) -> None:
        self._dealer, self._writer = Dealer(), Writer()

    def reviews(self, rng: Rng, orders: Orders, quality: Floats) -> Reviews:
        """Reviews of a block of orders. `quality` shifts the scores of a seller."""
        dealer, n = self._dealer, len(orders.number)
        everyone = np.arange(n)
        once = np.setdiff1d(everyone, dealer.pick(rng, "unreviewed", everyone, _UNREVIEWED))
        again = dealer.pick(rng, "second", once, _SECOND)
        order = np.sort(np.concatenate([once, again]))
        repeat = np.concatenate([[False], order[1:] == order[:-1]])
        number = orders.number[order] * 2 + repeat
        score = self._scores(rng, orders, order, quality)
        creation = self._creations(rng, orders, order)
        lag = rng.lognormal(np.log(_MEDIAN_ANSWER), _ANSWER_SPREAD, len(order)).clip(0.05, _LONGEST_ANSWER)
        answer = creation + seconds(lag * DAY)
        title, message = self._writer.comments(rng, score)
        # A survey about two orders: the review of the order before, with everything it says, counts for this one too.
        source = np.arange(len(order))
        shared = dealer.pick(rng, "shared", np.flatnonzero(~repeat & (source > 0)), _SHARED)
        source[shared] -= 1
        # Three orders may share one review, never more.
        source[shared] = source[source[shared]]
        take = pa.array(source)
        return Reviews(number[source], order, score[source], title.take(take), message.take(take), creation[source], answer[source])

    def _scores(self, rng: Rng, orders: Orders, order: Ints, quality: Floats) -> Ints:
        delivered, estimated = orders.delivered[order], orders.estimated[order]
        delay = (delivered - estimated).astype("timedelta64[s]").astype(np.float64) / DAY
        arrived = ~np.isnat(delivered)
        case = np.where(~arrived, 0, np.where(delay > 6, 1, np.where(delay > 0, 2, 3)))
        luck = (rng.random(len(order)) + 0.12 * quality[order]).clip(0, 0.999999)
        return 1 + (luck[:, None] >= np.cumsum(_SCORES, axis=1)[case][:, :4]).sum(axis=1)

    def _creations(self, rng: Rng, orders: Orders, order: Ints) -> Ints:
        """The survey goes out the day after delivery, or after the promised date if nothing has come by then."""
        delivered, estimated = orders.delivered[order], orders.estimated[order]
        purchase = orders.purchase[order].astype("datetime64[D]")
        promised = estimated.astype("datetime64[D]") + np.where(rng.random(len(order)) < 0.75, 1, 3)
        arrived = np.where(np.isnat(delivered), estimated, delivered).astype("datetime64[D]")
        lag = rng.choice([1, 0, 2, 3, 6], len(order), p=[0.94, 0.025, 0.02, 0.01, 0.005])
        day = np.where(np.isnat(delivered), promised, np.minimum(arrived + lag, promised))
        soon = self._dealer.pick(rng, "before purchase", np.arange(len(order)), 17 / 99_224)
        day[soon] = purchase[soon] - 2
        day = np.where(purchase > _LAST_SURVEY, np.maximum(day, purchase), np.minimum(day, _LAST_SURVEY))
        return day.astype("datetime64[s]") + np.where(np.isin(day, _NO_MIDNIGHT), 3600, 0).astype("timedelta64[s]")
