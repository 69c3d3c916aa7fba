"""Which test charts a report shows."""

import numpy as np

from candlelab.pipeline.scores.scoring import disjoint_windows


def test_the_charts_of_a_gallery_share_no_bar():
    ends = np.array([100, 101, 102, 131, 132, 200])
    rows = disjoint_windows(np.arange(6), ends, 32, 6)
    assert rows.tolist() == [0, 4, 5]


def test_a_gallery_begins_with_the_surest_and_ends_when_it_is_full():
    rows = disjoint_windows(np.array([3, 0, 2, 1]), np.arange(0, 400, 100), 32, 2)
    assert rows.tolist() == [3, 0]


def test_a_gallery_without_charts_is_empty():
    assert disjoint_windows(np.array([], dtype=int), np.array([]), 32, 6).dtype == np.int64
