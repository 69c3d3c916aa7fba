"""Optimizers: who decays, and the learning rate at every step."""

import pytest
import torch
from torch import nn

from candlelab.model.optimizer.adam import Adam
from candlelab.model.optimizer.sgd import Sgd

RATE = {
    "lr": 1e-3,
    "schedule": "constant",
    "warmup_ratio": 0.0,
    "lr_min": 0.0,
    "restart_epochs": 10,
    "restart_factor": 2,
    "plateau_epochs": 1,
    "plateau_factor": 0.5,
}
ADAM = {"decoupled": True, "weight_decay": 0.01, "betas": [0.9, 0.999], "eps": 1e-8}


def net():
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def rates(steps, per_epoch=10, **changes):
    """Learning rate at each of `steps` steps."""
    made = Adam(**ADAM, **{**RATE, **changes}).configure(net(), steps, per_epoch)
    optimizer, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def test_norms_and_biases_do_not_decay():
    groups = Adam(**ADAM, **RATE).configure(net(), 10, 10)["optimizer"].param_groups
    assert [(len(g["params"]), g["weight_decay"]) for g in groups] == [(2, 0.01), (4, 0.0)]


def test_frozen_parameters_are_left_out():
    part = net()
    part[0].requires_grad_(False)
    groups = Adam(**ADAM, **RATE).configure(part, 10, 10)["optimizer"].param_groups
    assert sum(len(g["params"]) for g in groups) == 4


def test_a_wholly_frozen_net_is_refused():
    with pytest.raises(ValueError, match="nothing to train"):
        Adam(**ADAM, **RATE).configure(net().requires_grad_(False), 10, 10)


def test_the_schedule_moves_every_step():
    assert Adam(**ADAM, **RATE).configure(net(), 10, 10)["lr_scheduler"]["interval"] == "step"


def test_warm_up_rises_to_the_full_rate():
    assert rates(10, warmup_ratio=0.4)[:6] == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 1e-3, 1e-3])


def test_linear_falls_evenly():
    assert rates(5, schedule="linear") == pytest.approx([1e-3, 8e-4, 6e-4, 4e-4, 2e-4])


def test_cosine_is_half_way_at_the_middle():
    assert rates(10, schedule="cosine", lr_min=1e-4)[5] == pytest.approx(5.5e-4)


def test_cosine_restarts_equal_torch_at_every_epoch():
    parameter = nn.Parameter(torch.zeros(1))
    reference = torch.optim.AdamW([parameter], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(reference, T_0=10, T_mult=2, eta_min=1e-6)
    ours = rates(80, per_epoch=1, schedule="cosine_restarts", lr_min=1e-6)
    theirs = []
    for _ in range(80):
        theirs.append(reference.param_groups[0]["lr"])
        reference.step()
        schedule.step()
    assert ours == pytest.approx(theirs)


@pytest.mark.parametrize(
    "made",
    [Adam(**ADAM, **RATE), Adam(**{**ADAM, "decoupled": False}, **RATE), Sgd(weight_decay=0.0, momentum=0.9, **RATE)],
)
def test_other_optimizers_lower_a_loss(made):
    torch.manual_seed(0)
    part, x = net(), torch.randn(32, 4)
    optimizer = made.configure(part, 20, 20)["optimizer"]
    losses = []
    for _ in range(20):
        loss = part(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lr": 0.0}, "lr above 0"),
        ({"warmup_ratio": 1.0}, "fraction of all steps"),
        ({"restart_epochs": 0}, "at least 1"),
        ({"schedule": "step"}, "cosine_restarts"),
        ({"schedule": "plateau", "warmup_ratio": 0.1}, "takes no warm-up"),
        ({"plateau_factor": 1.0}, "between 0 and 1"),
        ({"eps": 0.0}, "between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_named(changes, says):
    with pytest.raises(ValueError, match=says):
        Adam(**{**ADAM, **RATE, **changes})


def test_adam_decays_in_the_gradient_and_adamw_beside_it():
    kinds = [
        type(Adam(**{**ADAM, "decoupled": decoupled}, **RATE).configure(net(), 10, 10)["optimizer"])
        for decoupled in (False, True)
    ]
    assert kinds == [torch.optim.Adam, torch.optim.AdamW]


def test_plateau_halves_the_rate_after_the_epochs_it_bears():
    made = Adam(**ADAM, **{**RATE, "schedule": "plateau", "lr_min": 4e-4}).configure(net(), 10, 10)
    scheduler, seen = made["lr_scheduler"]["scheduler"], []
    assert (made["lr_scheduler"]["interval"], made["lr_scheduler"]["monitor"]) == ("epoch", "val/loss")
    for loss in (1.0, 0.9, 0.9, 0.95, 0.8, 0.8, 0.8):
        scheduler.step(loss)
        seen.append(made["optimizer"].param_groups[0]["lr"])
    assert seen == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 5e-4, 5e-4, 4e-4])
