"""Which precision and memory format a training step is computed with."""

import copy
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from candlelab.core.forms import STEP
from candlelab.core.reading import Unreadable, objection
from candlelab.trainer.step_choice import StepChoice, StepMode, choice_of_run, choose, ways

PLAIN, LAST = StepMode("32-true", "contiguous"), StepMode("32-true", "channels_last")
HALF, BOTH = StepMode("bf16-mixed", "contiguous"), StepMode("bf16-mixed", "channels_last")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(288, 2)
        )

    def forward(self, batch):
        return {"logits": self.body(batch["image"]), "way": self.way()}

    def way(self):
        laid_out = self.body[0].weight.is_contiguous(memory_format=torch.channels_last)
        return StepMode(
            "bf16-mixed" if torch.is_autocast_enabled("cpu") else "32-true",
            "channels_last" if laid_out else "contiguous",
        )


class Loss(nn.Module):
    """Takes as many seconds as the way of computing the step is said to take; in bf16 it is `wrong` times as large."""

    def __init__(self, seconds: Mapping[StepMode, float], *, wrong: float = 1.0):
        super().__init__()
        self.seconds, self.wrong, self.now = seconds, wrong, 0.0

    def forward(self, output, batch):
        self.now += self.seconds.get(output["way"], 1e-3)
        times = self.wrong if output["way"].precision == "bf16-mixed" else 1.0
        return {"loss": times * nn.functional.cross_entropy(output["logits"], batch["label"])}


def chosen(loss: Loss, *, planned=10_000):
    batch = {"image": torch.randn(16, 3, 8, 8), "label": torch.arange(16) % 2, "row": torch.arange(16)}
    steps = ways(["32-true", "bf16-mixed"], ["contiguous", "channels_last"])
    return choose(Net(), loss, batch, steps, planned=planned, clock=lambda: loss.now)


def test_the_way_that_is_clearly_fastest_is_chosen():
    assert chosen(Loss({PLAIN: 3e-3, LAST: 1e-3, HALF: 2e-3, BOTH: 2e-3})).step == LAST


def test_a_small_gain_is_not_worth_other_digits():
    assert chosen(Loss({PLAIN: 1.1e-3})).step == PLAIN


def test_what_computes_something_else_is_not_chosen():
    made = chosen(Loss({PLAIN: 2e-3, LAST: 2e-3}, wrong=-1.0))
    assert made.step == PLAIN and [each.agrees for each in made.tried] == [True, False, False]


def test_what_is_no_number_agrees_with_nothing_and_can_be_written_down():
    made = chosen(Loss({PLAIN: 2e-3, LAST: 2e-3}, wrong=float("nan")))
    assert made.step == PLAIN and objection(made.as_dict(), STEP) is None
    assert [each.cosine > 0 for each in made.tried] == [True, False, False]


def test_a_fit_too_short_to_measure_is_computed_as_ever():
    made = chosen(Loss(dict.fromkeys((PLAIN, LAST, HALF, BOTH), 1.0)), planned=1)
    assert made.step == PLAIN and made.tried == ()


def test_measuring_takes_no_more_than_a_hundredth_of_the_fit():
    loss = Loss(dict.fromkeys((PLAIN, LAST, HALF, BOTH), 0.5))
    assert chosen(loss, planned=4_000).tried and loss.now <= 0.01 * 4_000 * 0.5


def test_measuring_leaves_net_and_random_numbers_as_they_were():
    net, loss = Net(), Loss({PLAIN: 2e-3})
    batch = {"image": torch.randn(16, 3, 8, 8), "label": torch.arange(16) % 2, "row": torch.arange(16)}
    before, state = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    choose(net, loss, batch, ways(["32-true"], ["contiguous", "channels_last"]), planned=9, clock=lambda: loss.now)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.way() == PLAIN and net.training and torch.equal(torch.get_rng_state(), state)


def test_a_resumed_run_keeps_what_was_chosen(tmp_path):
    first = choice_of_run(tmp_path / "step.json", lambda: StepChoice(LAST, 16, ()))
    assert choice_of_run(tmp_path / "step.json", lambda: pytest.fail("measured again")) == first


def test_the_record_has_its_form_and_comes_back():
    made = chosen(Loss({PLAIN: 2e-3}))
    assert objection(made.as_dict(), STEP) is None and StepChoice.of_dict(made.as_dict()) == made


def test_a_damaged_record_is_refused(tmp_path):
    (tmp_path / "step.json").write_text('{"precision": "8-bit"}')
    with pytest.raises(Unreadable):
        choice_of_run(tmp_path / "step.json", lambda: pytest.fail("measured again"))


def test_what_was_found_is_told():
    said = chosen(Loss({PLAIN: 3e-3, LAST: 1e-3}, wrong=-1.0)).words()
    assert said.startswith(
        "training steps in 32-true, channels_last; against the plain step 32-true channels_last 3.00 x as fast, bf16"
    )
    assert "disagrees (loss 200" in said
