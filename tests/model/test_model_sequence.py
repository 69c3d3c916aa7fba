"""The four sequence nets of CNN-LSTM-Attention, and its defects that must not come back."""

import pytest
import torch
from model_cases import batch, settings, shapes, untouched

from candlelab.model.cnn_lstm_attn import CnnLstmAttention
from candlelab.model.loss.focal import Focal
from candlelab.model.loss.mse import Mse

FORMS = [(False, False), (False, True), (True, False), (True, True)]
SERIES = (20, 11)


def sequence(**changes):
    torch.manual_seed(0)
    return CnnLstmAttention(shapes(series=SERIES), **{**settings("cnn_lstm_attn"), "mode": "classification", **changes})


def form(use_cnn, use_attention, **changes):
    return sequence(use_cnn=use_cnn, use_attention=use_attention, **changes)


@pytest.mark.parametrize(("which", "count"), list(zip(FORMS, (35_619, 37_812, 44_557, 46_750), strict=True)))
def test_parameter_counts_equal_cnn_lstm_attention(which, count):
    assert sum(p.numel() for p in form(*which).parameters()) == count


@pytest.mark.parametrize("which", FORMS)
def test_gradients_reach_every_parameter(which):
    net = form(*which, dropout=0.0)
    assert untouched(net, net(batch(series=SERIES))) == []


@pytest.mark.parametrize("which", FORMS)
def test_cnn_lstm_attention_every_form_can_forecast_and_then_names_no_class(which):
    net = form(*which, mode="regression")
    output = net(batch(series=SERIES))
    assert list(output) == ["forecast"]
    assert output["forecast"].shape == (4,)
    assert not net.gives_logits


def test_cnn_lstm_attention_no_softmax_at_the_end():
    net = sequence().eval()
    net.head[-1].bias.data.copy_(torch.tensor([30.0, 0.0, 0.0]))
    loss = Focal(None, gamma=2.0, class_weights="none", reduction="mean")
    assert loss(net(batch(series=SERIES)), {"label": torch.zeros(4, dtype=torch.long)})["loss"] < 1e-6


def test_cnn_lstm_attention_no_tanh_bounds_the_forecast():
    net = sequence(mode="regression").eval()
    net.head[-1].bias.data.fill_(5.0)
    assert (net(batch(series=SERIES))["forecast"] > 3.0).all()


def test_cnn_lstm_attention_heads_that_do_not_divide_are_named():
    with pytest.raises(ValueError, match=r"heads=12 does not divide the width 16; choose one of \[1, 2, 4, 8, 16\]"):
        sequence(heads=12)


def test_cnn_lstm_attention_the_newest_bar_is_in_the_window():
    net = form(False, False).eval()
    one = batch(series=SERIES)
    other = one["series"].clone()
    other[:, -1] += 1.0
    assert not torch.allclose(net(one)["logits"], net({**one, "series": other})["logits"])


def test_attention_knows_the_order_of_bars():
    net = sequence().eval().pool
    states = torch.randn(2, 20, 16)
    assert not torch.allclose(net(states), net(states.flip(1)))


def test_attention_equals_torch_multihead_attention():
    pool = sequence(dropout=0.0).eval().pool
    reference = torch.nn.MultiheadAttention(16, 8, batch_first=True)
    reference.in_proj_weight.data.copy_(pool.qkv.weight)
    reference.out_proj.load_state_dict(pool.project.state_dict())
    states = torch.randn(2, 20, 16)
    torch.testing.assert_close(pool._attend(states), reference(states, states, states, need_weights=False)[0])


def test_the_same_seed_gives_the_same_bits():
    first, second = (sequence().eval()(batch(series=SERIES))["logits"] for _ in range(2))
    assert torch.equal(first, second)


def test_the_forecast_learns_a_planted_number():
    torch.manual_seed(0)
    net, loss = form(False, False, mode="regression", dropout=0.0), Mse(None)
    series = torch.randn(64, 5, 11)
    given = {"series": series, "target": series[:, -1, 0]}
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss(net(given), given)["loss"].backward()
        optimizer.step()
    assert loss(net(given), given)["loss"] < 0.3 * series[:, -1, 0].var()


def test_a_net_without_numbers_says_which_to_choose():
    with pytest.raises(ValueError, match="data/indicators=classic"):
        CnnLstmAttention(shapes(), **settings("cnn_lstm_attn"))


def test_attention_refuses_a_network_without_units():
    with pytest.raises(ValueError, match="ffn_width is -1; give 1 or more"):
        sequence(ffn_width=-1)
