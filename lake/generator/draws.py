"""Random draws with exact shares, and identifiers that follow from an index alone."""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator
Ints = np.ndarray
Floats = np.ndarray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def stream(seed: int, *place: int) -> Rng:
    """A generator of its own for one place of the work, so that a change in one place leaves the others' draws alone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *place])))


def _mix(value: Ints) -> Ints:
    """The finaliser of splitmix64: a bijection of 64-bit numbers that looks random."""
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _words(seed: int, kind: int, index: Ints) -> Ints:
    with np.errstate(over="ignore"):
        salt = _mix(np.array([seed * 1_000_003 + kind], dtype=np.uint64) * _GOLDEN)
        return _mix(np.asarray(index).astype(np.uint64) * _GOLDEN + salt)


def identifiers(seed: int, kind: int, index: Ints) -> np.ndarray:
    """16 random-looking bytes for each index, shape (n, 16). Different indices of a kind never share one: the first
    eight bytes are a bijection of the index."""
    first = _words(seed, kind, index)
    with np.errstate(over="ignore"):
        second = _mix(first + _GOLDEN)
    return np.stack([first, second], axis=1).astype(">u8").view(np.uint8).reshape(-1, 16)


def steady(seed: int, kind: int, index: Ints) -> Floats:
    """A number in [0, 1) that belongs to an index: the same whenever it is asked for."""
    return (_words(seed, kind, index) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def weighted(rng: Rng, cumulative: Floats, n: int) -> Ints:
    """n indices drawn by weights, given as their running sum."""
    return np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right").clip(max=len(cumulative) - 1)


class Dealer:
    """Deals shares exactly over all blocks together, where independent draws would only come near them.

    The quirks of the source are rare (2 rows of 100,000); they have to be there at scale 1 and no more than that.
    """

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._picked: dict[str, int] = {}
        self._hands: dict[str, Ints] = {}

    def pick(self, rng: Rng, name: str, positions: Ints, rate: float) -> Ints:
        """A share of the positions, sorted; `rate` of all positions ever offered under the name, rounded."""
        asked, picked = self._asked.get(name, 0) + len(positions), self._picked.get(name, 0)
        count = min(max(int(asked * rate + 0.5) - picked, 0), len(positions))
        self._asked[name], self._picked[name] = asked, picked + count
        return np.sort(rng.choice(positions, count, replace=False)) if count else np.zeros(0, dtype=np.int64)

    def deal(self, rng: Rng, name: str, n: int, weights: Floats | list[int]) -> Ints:
        """n class numbers in random order; over all calls of the name each class has its share, rounded."""
        shares = np.cumsum(np.asarray(weights, dtype=np.float64))
        given = self._hands.get(name, np.zeros(len(shares), dtype=np.int64))
        bounds = np.floor((given.sum() + n) * (shares / shares[-1]) + 0.5).astype(np.int64)
        # Rounding may have given a rare class one too many in an earlier block; cutting the hand makes up for it.
        wanted = np.maximum(np.diff(bounds, prepend=0) - given, 0)
        hand = np.repeat(np.arange(len(shares)), wanted)
        rng.shuffle(hand)
        hand = hand[:n]
        self._hands[name] = given + np.bincount(hand, minlength=len(shares))
        return hand
