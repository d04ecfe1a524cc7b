"""When orders are placed: growth month by month, weekdays, Black Friday, hours of the day."""

from __future__ import annotations

import numpy as np

from lake.generator.draws import Floats, Ints, Rng, stream

FIRST_DAY = np.datetime64("2016-09-04")
LAST_BUSY_DAY = np.datetime64("2018-08-29")
BLACK_FRIDAY = np.datetime64("2017-11-24")
_END = np.datetime64("2018-10-18")

# Orders by month, as the source's facts give them; 2016-11 has none.
_MONTHS = {
    "2016-09": 4, "2016-10": 324, "2016-12": 1, "2017-01": 800, "2017-02": 1780, "2017-03": 2682, "2017-04": 2404, "2017-05": 3700,
    "2017-06": 3245, "2017-07": 4026, "2017-08": 4331, "2017-09": 4285, "2017-10": 4631, "2017-11": 7544, "2017-12": 5673,
    "2018-01": 7269, "2018-02": 6728, "2018-03": 7211, "2018-04": 6939, "2018-05": 6873, "2018-06": 6167, "2018-07": 6292,
    "2018-08": 6512, "2018-09": 16, "2018-10": 4,
}  # fmt: skip
# Days of the month with orders where not all have any.
_OPEN = {
    "2016-09": [4, 5, 13, 15],
    "2016-10": list(range(2, 11)),
    "2016-12": [23],
    "2017-01": list(range(5, 32)),
    "2018-08": list(range(1, 30)),
    "2018-09": [3, 6, 9, 11, 12, 13, 17, 18, 20, 25, 29],
    "2018-10": [1, 3, 16, 17],
}
# The sale and the four days after it.
_SALE = [1176, 499, 391, 403, 380]
_WEEKDAYS = np.array([1.13, 1.12, 1.09, 1.03, 0.99, 0.76, 0.88])
_HOURS = np.array([24, 12, 5, 3, 2, 2, 5, 12, 30, 48, 62, 66, 60, 65, 66, 65, 67, 62, 58, 60, 62, 62, 58, 41], dtype=float)


class Calendar:
    """Orders are numbered by day of purchase, so the day of an order follows from its number."""

    def __init__(self, seed: int, orders: int) -> None:
        self._days = np.arange(FIRST_DAY, _END)
        weights = _weights(stream(seed, 5), self._days)
        self._ends = np.floor(np.cumsum(weights) / weights.sum() * orders + 0.5).astype(np.int64)
        self._ends[-1] = orders

    def days(self, numbers: Ints) -> Ints:
        """The days (datetime64[D]) of the orders with these numbers."""
        return self._days[np.searchsorted(self._ends, numbers, side="right")]

    def purchases(self, rng: Rng, numbers: Ints) -> Ints:
        """Purchase times (datetime64[s]) of the orders with these numbers."""
        hours = rng.choice(24, len(numbers), p=_HOURS / _HOURS.sum())
        return self.days(numbers).astype("datetime64[s]") + (hours * 3600 + rng.integers(0, 3600, len(numbers))).astype("timedelta64[s]")

    def last_busy_days(self, count: int) -> Ints:
        """The last `count` days with orders up to 2018-08-29 (datetime64[D], ascending).

        Raises:
            ValueError: there are not as many, or none would be left for the time before them.
        """
        busy = self._days[(np.diff(self._ends, prepend=0) > 0) & (self._days <= LAST_BUSY_DAY)]
        if count >= len(busy):
            raise ValueError(f"--days {count} is too many: at this scale there are {len(busy)} days with orders")
        return busy[len(busy) - count :]


def _weights(rng: Rng, days: Ints) -> Floats:
    """How many orders each day has at scale 1."""
    months = days.astype("datetime64[M]").astype(str)
    of_month = (days - days.astype("datetime64[M]")).astype(int) + 1
    weekday = (days.astype(int) + 3) % 7
    weight = _WEEKDAYS[weekday] * rng.lognormal(0, 0.08, len(days))
    sale = np.isin(days, BLACK_FRIDAY + np.arange(len(_SALE)))
    for month in np.unique(months):
        inside = months == month
        shut = inside & ~np.isin(of_month, _OPEN.get(month, np.arange(1, 32)))
        weight[shut] = 0.0
        rest = inside & ~sale
        total = _MONTHS.get(month, 0) - (sum(_SALE) if (inside & sale).any() else 0)
        weight[rest] *= total / max(weight[rest].sum(), 1e-9)
    weight[sale] = _SALE
    return weight
