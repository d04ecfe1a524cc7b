"""How orders are paid: the order_payments feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.generator import text
from lake.generator.baskets import ORDER_ID
from lake.generator.draws import Dealer, Ints, Rng, identifiers

TYPES = ["credit_card", "boleto", "voucher", "debit_card", "not_defined"]
CREDIT, BOLETO, VOUCHER, DEBIT, UNDEFINED = range(5)
_ORDERS = 99_441
_MAIN = [76_505, 19_784, 1_623, 1_529]
_INSTALLMENTS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 18, 20, 24])
_INSTALLMENT_WEIGHTS = [25455, 12413, 10461, 7098, 5239, 3920, 1626, 4268, 644, 5328, 23, 133, 74, 27, 17, 18]
_MORE_VOUCHERS = [0.82, 0.11, 0.03, 0.013, 0.008, 0.005, 0.004, 0.003, 0.002, 0.002, 0.001, 0.001, 0.001]


@dataclass(frozen=True)
class Payments:
    """One element for each payment, sorted by order; `order` is the position within the block. Value in cents."""

    order: Ints
    sequential: Ints
    kind: Ints
    installments: Ints
    value: Ints

    def rows(self, seed: int, orders: Ints) -> pa.StringArray:
        """CSV records; `orders` are the numbers of the block's orders."""
        return text.records(
            [
                text.id_column(identifiers(seed, ORDER_ID, orders[self.order])),
                text.number_column(self.sequential),
                text.choice_column(TYPES, self.kind),
                text.number_column(self.installments),
                text.money_column(self.value),
            ]
        )


class Till:
    """Takes payments; keeps count of the rare kinds over all blocks."""

    def __init__(self) -> None:
        self._dealer = Dealer()

    def main_types(self, rng: Rng, n: int) -> Ints:
        """How each order is mainly paid; a boleto is approved days later."""
        return self._dealer.deal(rng, "main", n, _MAIN)

    def payments(self, rng: Rng, main: Ints, due: Ints, canceled: np.ndarray, delivered: np.ndarray) -> Payments:
        """Payments of orders over `due` cents each."""
        dealer, n = self._dealer, len(main)
        due = self._mistaken(rng, due)
        count = np.ones(n, dtype=np.int64)
        helped = dealer.pick(rng, "helped", np.flatnonzero(main == CREDIT), 2_246 / 76_505)
        count[helped] += 1 + dealer.deal(rng, "vouchers", len(helped), _MORE_VOUCHERS)
        count[dealer.pick(rng, "two cards", np.setdiff1d(np.flatnonzero(main == CREDIT), helped), 245 / 74_259)] = 2
        several = dealer.pick(rng, "several", np.flatnonzero(main == VOUCHER), 470 / 1_623)
        count[several] = 2 + dealer.deal(rng, "more vouchers", len(several), [5, 3, 2, 1, 0.6, 0.4, 0.2, 0.1, 0.05, 0.05])
        undefined = dealer.pick(rng, "undefined", np.flatnonzero(canceled), 3 / 625)
        count[undefined] = 1
        count[dealer.pick(rng, "unpaid", np.flatnonzero(delivered), 1 / 96_478)] = 0
        # No part may be less than a cent.
        count = np.minimum(count, np.maximum(due, 1))
        order = np.repeat(np.arange(n), count)
        position = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
        kind = main[order]
        is_helped = np.zeros(n, dtype=bool)
        is_helped[helped] = True
        kind[is_helped[order] & (position > 0)] = VOUCHER
        value = _split(rng, due, count, order, position)
        nothing = np.isin(order, undefined)
        kind[nothing], value[nothing] = UNDEFINED, 0
        # Six vouchers of nothing stand beside the real ones.
        zero = dealer.pick(rng, "zero voucher", np.flatnonzero((kind == VOUCHER) & (position > 0)), 6 / 3_600)
        value[zero - 1] += value[zero]
        value[zero] = 0
        late_start = dealer.pick(rng, "from two", np.arange(n), 80 / _ORDERS)
        sequential = position + 1 + np.isin(order, late_start)
        return Payments(order, sequential, kind, self._installments(rng, kind, value), value)

    def _mistaken(self, rng: Rng, due: Ints) -> Ints:
        """A few orders are paid a cent or some reais more than their items cost."""
        due = due.copy()
        cent = self._dealer.pick(rng, "cent", np.arange(len(due)), 273 / _ORDERS)
        due[cent] += 1
        more = self._dealer.pick(rng, "more", np.arange(len(due)), 303 / _ORDERS)
        due[more] += (rng.gamma(1.2, 900, len(more))).astype(np.int64) + 2
        return due

    def _installments(self, rng: Rng, kind: Ints, value: Ints) -> Ints:
        installments = np.ones(len(kind), dtype=np.int64)
        cards = np.flatnonzero(kind == CREDIT)
        hand = np.sort(self._dealer.deal(rng, "installments", len(cards), _INSTALLMENT_WEIGHTS))
        # Dear things are paid in more installments: numbers are handed out along the value, shaken well.
        liking = np.log1p(value[cards]) + rng.normal(0, 1.1, len(cards))
        installments[cards[np.argsort(liking, kind="stable")]] = _INSTALLMENTS[hand]
        installments[self._dealer.pick(rng, "no installment", cards, 2 / 76_795)] = 0
        return installments


def _split(rng: Rng, due: Ints, count: Ints, order: Ints, position: Ints) -> Ints:
    """The sums due in `count` parts of at least a cent each."""
    share = rng.random(len(order)) + 0.05
    total = np.bincount(order, share, minlength=len(due))
    parts = np.maximum((due[order] * share / total[order]).astype(np.int64), 1)
    # What rounding leaves goes to the first part; it may have to give where parts were rounded up.
    left = due - np.bincount(order, parts, minlength=len(due)).astype(np.int64)
    first = np.flatnonzero(position == 0)
    parts[first] += left[order[first]]
    return np.maximum(parts, 1)
