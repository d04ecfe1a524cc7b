"""The candidates with the largest predicted ratings. Spark's Python workers run this: it loads nothing but NumPy and Arrow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# So many persons' ratings are predicted at once: with 5,000 candidates they take 20 MB.
PERSONS_AT_ONCE = 1024


@dataclass(frozen=True)
class Candidates:
    """Products that may be recommended, in an order that decides between equal ratings.

    Attributes:
        products: identifiers by place.
        factors: by place and factor; places behind the last product fill up the last group.
        place: by item number, the place of an item; -1 for all others. Larger numbers than it has count as its last.
        groups: number of groups of neighbouring places of equal width.
    """

    products: pa.Array
    factors: np.ndarray
    place: np.ndarray
    groups: int

    @staticmethod
    def of(items: np.ndarray, products: pa.Array, factors: np.ndarray, size: int) -> Candidates:
        """From the item number, identifier and factors of each (at least one), of whom a person gets `size`."""
        count = len(items)
        groups = max(size, math.ceil(count / math.isqrt(count)))
        place = np.full(items.max() + 2, -1)
        place[items] = np.arange(count)
        return Candidates(products, np.pad(factors, ((0, -count % groups), (0, 0))), place, groups)


def largest(scores: np.ndarray, size: int, groups: int) -> np.ndarray:
    """Columns of the `size` largest values of each row, in no order; of equal ones the first. They lie in the groups of neighbouring
    columns (at least `size` of equal width) that have the largest maxima; to partition all columns takes ten times as long."""
    maxima = scores.reshape(len(scores), groups, -1).max(axis=2)
    leading = np.argpartition(maxima, -size, axis=1)[:, -size:]
    width = scores.shape[1] // groups
    columns = (leading[:, :, None] * width + np.arange(width)).reshape(len(scores), -1)
    values = np.take_along_axis(scores, columns, axis=1)
    best = np.argpartition(values, -size, axis=1)[:, -size:]
    found = np.take_along_axis(columns, best, axis=1)
    least = np.take_along_axis(values, best, axis=1).min(axis=1, keepdims=True)
    # The partition takes any of those that share the last place.
    for row in np.flatnonzero(((values >= least).sum(axis=1) > size) | ((maxima >= least).sum(axis=1) > size)):
        found[row] = np.argsort(-scores[row], kind="stable")[:size]
    return found


def ranked(batches: Iterator[pa.RecordBatch], candidates: Candidates, size: int) -> Iterator[pa.RecordBatch]:
    """The `size` candidates of each person by predicted rating, without those that the person has bought.

    Args:
        batches: person, features (the person's factors), bought (numbers of the items that the person has bought).

    Returns:
        Batches of person, rank, product, score (rounded to 4 digits).
    """
    for batch in batches:
        for start in range(0, batch.num_rows, PERSONS_AT_ONCE):
            yield _ranked(batch.slice(start, PERSONS_AT_ONCE), candidates, size)


def _ranked(persons: pa.RecordBatch, candidates: Candidates, size: int) -> pa.RecordBatch:
    count = persons.num_rows
    scores = persons.column("features").flatten().to_numpy().reshape(count, -1) @ candidates.factors.T
    scores[:, len(candidates.products) :] = -np.inf
    bought = candidates.place[np.minimum(persons.column("bought").flatten().to_numpy(), len(candidates.place) - 1)]
    owner = np.repeat(np.arange(count), pc.list_value_length(persons.column("bought")).to_numpy())
    scores[owner[bought >= 0], bought[bought >= 0]] = -np.inf
    best = largest(scores, size, candidates.groups)
    chosen = np.round(np.take_along_axis(scores, best, axis=1).astype(np.float64), 4)
    order = np.lexsort((best, -chosen), axis=1)
    best, chosen = (np.take_along_axis(each, order, axis=1).ravel() for each in (best, chosen))
    # Fewer than `size` where there are no more.
    there = np.isfinite(chosen)
    person, rank = np.divmod(np.flatnonzero(there), size)
    columns = {
        "person": persons.column("person").take(pa.array(person)),
        "rank": pa.array(rank + 1, pa.int32()),
        "product": candidates.products.take(pa.array(best[there])),
        "score": pa.array(chosen[there]),
    }
    return pa.RecordBatch.from_pydict(columns)
