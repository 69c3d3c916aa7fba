"""Mean and standard deviation of training charts, a few charts at a time."""

import numpy as np
import pytest
import torch
from tiny import TINY

from candlelab.config import build, compose
from candlelab.data.batches import AT_ONCE, pixel_statistics


@pytest.fixture(scope="module")
def data():
    cfg = compose(*TINY)
    return build(cfg, "data", build(cfg, "render")).having(reads=("image",))


def test_they_are_those_of_all_charts_at_once(data):
    rows = data.samples("train")
    rows = rows[np.linspace(0, len(rows) - 1, 100).astype(int)]
    charts = torch.from_numpy(data.charts(data.prepared.ends[rows])).double() / 255
    mean, std = pixel_statistics(data, most=100)
    torch.testing.assert_close(mean, charts.mean((0, 2, 3)).float())
    torch.testing.assert_close(std, charts.std((0, 2, 3)).clamp_min(1e-3).float())


def test_no_more_than_a_few_charts_are_in_memory(data, monkeypatch):
    asked, charts = [], data.charts
    monkeypatch.setattr(type(data), "charts", lambda self, ends: asked.append(len(ends)) or charts(ends))
    pixel_statistics(data, most=100)
    assert max(asked) <= AT_ONCE and sum(asked) == 100
