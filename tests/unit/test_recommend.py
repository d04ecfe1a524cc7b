"""The part of the recommender that chooses, without Spark."""

from __future__ import annotations

import numpy as np
import pytest

from lake.recommend import largest


@pytest.mark.parametrize(("groups", "width"), [(5, 1), (5, 2), (12, 3), (100, 50)])
def test_the_largest_are_those_of_a_full_sort(groups: int, width: int) -> None:
    scores = np.random.default_rng(7).normal(size=(300, groups * width)).astype(np.float32)
    assert np.array_equal(np.sort(largest(scores, 5, groups), axis=1), np.sort(np.argsort(-scores, axis=1)[:, :5], axis=1))


def test_what_fills_up_the_last_group_is_chosen_last() -> None:
    scores = np.full((2, 10), -np.inf, np.float32)
    scores[:, :3] = [[1, 3, 2], [3, -1, 2]]
    assert all({0, 1, 2} < set(chosen) for chosen in largest(scores, 5, 5))
