"""Losses: the worked numbers of docs/methods.md, section 5 and the defects of CNN-LSTM-Attention that must not come back."""

import math

import pytest
import torch

from candlelab.model.loss.cross_entropy import CrossEntropy
from candlelab.model.loss.focal import Focal
from candlelab.model.loss.joint import Joint
from candlelab.model.loss.mse import Mse

P = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)


def focal(gamma, class_weights="none", reduction="mean", counts=None):
    return Focal(counts, gamma=gamma, class_weights=class_weights, reduction=reduction)


def score(loss, p, y):
    return loss({"logits": p.log()}, {"label": torch.tensor([y])})["loss"].item()


def joint(**changes):
    settings = {"gamma": 0.0, "class_weights": "none", "reduction": "mean", "forecast_weight": 0.5, "beta": 1.0}
    return Joint(None, **{**settings, **changes})


@pytest.mark.parametrize(
    ("y", "worked"),
    [
        (0, (0.356675, 0.107002, 0.032101, 0.000867)),
        (1, (1.609438, 1.287550, 1.030040, 0.527381)),
        (2, (2.302585, 2.072327, 1.865094, 1.359653)),
    ],
)
def test_focal_equals_the_worked_numbers(y, worked):
    assert [score(focal(g), P, y) for g in (0.0, 1.0, 2.0, 5.0)] == pytest.approx(worked, abs=1e-6)


def test_focal_weighs_each_class_by_its_own_alpha():
    losses = [score(focal(2.0, class_weights=[1.0, 0.5, 2.0]), P, y) for y in range(3)]
    assert losses == pytest.approx([0.032101, 0.515020, 3.730188], abs=1e-6)


def test_binary_focal_of_the_paper():
    p = torch.tensor([[0.1, 0.9]])
    assert score(focal(2.0, class_weights=[0.75, 0.25]), p, 1) == pytest.approx(2.634013e-4, rel=1e-5)
    assert score(focal(2.0, class_weights=[0.75, 0.25]), p.flip(1), 1) == pytest.approx(0.466273, abs=1e-6)


def test_focal_gradient_equals_the_formula():
    logits = P.float().log().requires_grad_()
    focal(2.0)({"logits": logits}, {"label": torch.tensor([1])})["loss"].backward()
    assert logits.grad[0].tolist() == pytest.approx([0.808514, -0.924016, 0.115502], abs=1e-5)


def test_gamma_zero_is_cross_entropy_exactly():
    logits, label = torch.randn(64, 3), torch.randint(0, 3, (64,))
    ours = focal(0.0)({"logits": logits}, {"label": label})["loss"]
    assert torch.equal(ours, torch.nn.functional.cross_entropy(logits, label, reduction="none").sum() / 64)


def test_weighted_mean_equals_torch():
    logits, label, alpha = torch.randn(64, 3), torch.randint(0, 3, (64,)), [1.0, 0.5, 2.0]
    ours = focal(0.0, class_weights=alpha, reduction="weighted_mean")({"logits": logits}, {"label": label})["loss"]
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(logits, label, weight=torch.tensor(alpha)))


def test_cnn_lstm_attention_no_double_softmax_bounds_the_loss():
    confident = torch.tensor([[40.0, 0.0, 0.0]])
    right = focal(2.0)({"logits": confident}, {"label": torch.tensor([0])})["loss"]
    wrong = focal(2.0)({"logits": confident}, {"label": torch.tensor([1])})["loss"]
    assert right < 1e-6
    assert wrong == pytest.approx(40.0)


def test_cnn_lstm_attention_alpha_is_a_vector_that_changes_the_balance():
    logits, label = torch.zeros(4, 2, requires_grad=True), torch.tensor([0, 0, 0, 1])
    focal(2.0, class_weights="balanced", counts=torch.tensor([3, 1]))({"logits": logits}, {"label": label})[
        "loss"
    ].backward()
    assert logits.grad.sum(0).tolist() == pytest.approx([0.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_impossible_and_certain_classes_give_finite_gradients(gamma):
    logits = torch.tensor([[1000.0, 0.0], [1000.0, 0.0]], requires_grad=True)
    loss = focal(gamma)({"logits": logits}, {"label": torch.tensor([0, 1])})["loss"]
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_balanced_weights_are_inverse_frequencies_with_mean_one():
    loss = focal(2.0, class_weights="balanced", counts=torch.tensor([10, 80, 10]))
    assert loss.alpha.tolist() == pytest.approx([24 / 17, 3 / 17, 24 / 17])


def test_rows_without_a_label_do_not_count():
    loss = CrossEntropy(None, class_weights="none", reduction="mean", label_smoothing=0.0)
    some = loss({"logits": P.log().repeat(3, 1)}, {"label": torch.tensor([1, -1, -1])})["loss"]
    assert some.item() == pytest.approx(1.609438, abs=1e-6)


def test_a_batch_without_labels_costs_nothing_and_is_no_nan():
    logits = torch.randn(2, 3, requires_grad=True)
    loss = focal(2.0)({"logits": logits}, {"label": torch.tensor([-1, -1])})["loss"]
    loss.backward()
    assert loss.item() == 0.0
    assert not logits.grad.any()


def test_joint_adds_the_weighted_forecast_error():
    batch = {"label": torch.tensor([0]), "target": torch.tensor([2.0])}
    terms = joint()({"logits": torch.zeros(1, 2), "forecast": torch.tensor([0.0])}, batch)
    assert terms["classification"].item() == pytest.approx(math.log(2))
    assert terms["regression"].item() == pytest.approx(1.5)  # |2| - 0.5 beyond beta
    assert terms["loss"].item() == pytest.approx(math.log(2) + 0.75)


def test_a_missing_target_leaves_gradients_finite():
    forecast = torch.zeros(2, requires_grad=True)
    batch = {"label": torch.tensor([0, 1]), "target": torch.tensor([1.0, math.nan])}
    terms = joint()({"logits": torch.zeros(2, 2), "forecast": forecast}, batch)
    terms["loss"].backward()
    assert terms["regression"].item() == pytest.approx(0.5)
    assert forecast.grad.tolist() == [-0.5, 0.0]


def test_mse_scores_the_forecast():
    terms = Mse(None)({"forecast": torch.tensor([1.0, 0.0])}, {"target": torch.tensor([3.0, 0.0])})
    assert terms["loss"].item() == terms["mse"].item() == 2.0


def test_cnn_lstm_attention_a_classification_loss_refuses_a_net_that_forecasts():
    with pytest.raises(ValueError, match="choose model/loss=mse"):
        focal(2.0)({"forecast": torch.zeros(1)}, {"label": torch.tensor([0])})


@pytest.mark.parametrize(
    ("class_weights", "counts", "says"),
    [
        ("balanced", torch.tensor([5, 0]), "every class needs a row"),
        ([1.0, 1.0, 1.0], torch.tensor([5, 5]), "one per class"),
        ("inverse", None, "none, balanced or a list"),
    ],
)
def test_weights_that_cannot_be_are_named(class_weights, counts, says):
    with pytest.raises(ValueError, match=says):
        focal(2.0, class_weights=class_weights, counts=counts)
