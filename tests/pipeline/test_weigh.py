"""A net too large for the machine is told before anything is allocated."""

import pytest
import tiny
import torch

from candlelab.config import build, compose
from candlelab.core import refusals
from candlelab.core.errors import UserError
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.training.weigh import check_weight
from candlelab.trainer.trainer import Diverged

HUGE = ("model.net.width=1000000", "model.net.heads=1", "model.net.fusion_heads=1")


def test_a_net_of_terabytes_is_refused_before_it_is_made():
    with pytest.raises(UserError, match=r"model.net has [\d,]+ parameters, and training them takes [\d,]+ GB"):
        assemble(compose(*tiny.TINY, *HUGE))


def test_a_net_beyond_every_address_is_refused():
    with pytest.raises(UserError, match="more parameters than any computer can hold"):
        assemble(compose(*tiny.TINY, *(word.replace("=1000000", "=1000000000") for word in HUGE)))


def test_weighing_a_net_draws_no_random_number():
    cfg = compose(*tiny.LOGISTIC)
    shapes = build(cfg, "data", None).shapes
    before = torch.get_rng_state()
    check_weight(cfg, shapes)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_net_is_weighed_with_gradient_and_moments():
    cfg = compose(*tiny.LOGISTIC)
    shapes = build(cfg, "data", None).shapes
    count = sum(part.numel() for part in build(cfg, "model.net", shapes).parameters())
    check_weight(cfg, shapes, held=16 * count)
    with pytest.raises(UserError, match="choose a smaller net"):
        check_weight(cfg, shapes, held=16 * count - 1)


def test_a_chart_of_too_many_patches_is_refused():
    with pytest.raises(UserError, match="patches of a chart of 20000x16"):
        assemble(compose(*tiny.TINY, "render.height=20000", "model.net.stem=patch"))


def test_a_chart_of_too_many_columns_is_refused():
    with pytest.raises(UserError, match="20,000 tokens of a chart 20000 pixels wide"):
        assemble(compose(*tiny.TINY, "render.width=20000", "model.net.patch=1"))


def test_what_the_allocator_says_is_one_sentence(tmp_path):
    error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes")
    assert "not enough memory" in refusals.refusal(error, tmp_path)


def test_training_that_diverges_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda logits, *rest, **more: logits.sum() * torch.nan)
    cfg = compose(*tiny.LOGISTIC, f"outputs={tmp_path}")
    with pytest.raises(Diverged, match=r"no epoch of .* had a finite validation loss; lower model.optimizer.lr"):
        build(cfg, "task", cfg)
