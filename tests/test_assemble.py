"""What the jobs of a sweep share, and what they must not."""

import pytest
import tiny
from candlelab.config import compose
from candlelab.task.assemble import assemble


@pytest.mark.parametrize(("first", "second", "shared"), [("seed=0", "seed=1", True), ("model.net.width=16", "model.net.width=24", True),
                                                        ("data/label=direction", "data/label=three_class", False)])
def test_jobs_share_the_data_that_are_equal(first, second, shared):
    one, two = (assemble(compose(*tiny.TINY, words)).data for words in (first, second))
    assert (one.prepared is two.prepared) == shared
    assert not shared or one.tokens[0] is two.tokens[0]


def test_seeds_that_remove_other_bars_share_nothing():
    one, two = (assemble(compose(*tiny.TINY, "data.thin=0.2", f"seed={seed}")).data for seed in (0, 1))
    assert one.prepared is not two.prepared and (one.prepared.candles.missing != two.prepared.candles.missing).any()
