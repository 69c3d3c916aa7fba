"""The controls of docs/methods.md, section 3.2: the chart's numbers without the drawing."""

import pytest
import torch
from model_cases import batch, shapes, untouched

from candlelab.model.cnn_1d import Cnn1d
from candlelab.model.logistic import Logistic
from candlelab.model.series_scale import SeriesScale

BARS = torch.tensor([[[10.0, 12.0, 8.0, 10.0, 9.0, 50.0], [10.0, 13.0, 10.0, 11.0, 10.0, 200.0]]])


def scaled(scale, series=BARS):
    return SeriesScale(shapes(series=tuple(series.shape[1:])), scale)(series)


def control(bars, layers=None, scale="image"):
    return Cnn1d(shapes(series=(bars, 6)), scale=scale, channels=64, layers=layers, dropout=0.5, fading=0.0)


def test_image_scale_puts_the_window_between_zero_and_one():
    assert scaled("image")[0].tolist() == [
        pytest.approx([0.4, 0.8, 0.0, 0.4, 0.2, 0.25]),
        pytest.approx([0.4, 1.0, 0.4, 0.6, 0.4, 1.0]),
    ]


def test_cumulative_scale_starts_at_the_first_close():
    assert scaled("cumulative")[0, 1].tolist() == pytest.approx([0.0, 0.3, 0.0, 0.1, 0.0, 1.0])


def test_volatility_scale_is_in_units_of_the_windows_deviation():
    closes = scaled("volatility")[0, :, 3]
    assert closes.tolist() == pytest.approx([0.0, 1.0], abs=1e-5)


@pytest.mark.parametrize("scale", ["image", "cumulative", "volatility"])
def test_prices_times_a_constant_change_nothing(scale):
    series = batch(series=(20, 6))["series"]
    times = torch.tensor([3.7] * 5 + [11.0])
    torch.testing.assert_close(scaled(scale, series), scaled(scale, series * times), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("scale", ["image", "cumulative", "volatility"])
def test_a_window_without_range_gives_numbers(scale):
    flat = torch.cat([torch.full((1, 4, 5), 7.0), torch.zeros(1, 4, 1)], dim=2)
    assert scaled(scale, flat).isfinite().all()


def test_scaling_refuses_other_features():
    with pytest.raises(ValueError, match="six raw channels"):
        SeriesScale(shapes(series=(20, 11)), "image")


@pytest.mark.parametrize(("bars", "layers"), [(5, 1), (20, 2), (60, 3)])
def test_cnn_1d_has_the_papers_depth(bars, layers):
    assert len(control(bars).blocks) == layers


def test_cnn_1d_parameters_for_20_bars():
    by_hand = (6 * 3 * 64 + 64 + 128) + (64 * 3 * 128 + 128 + 256) + (128 * 5 * 3 + 3)
    assert sum(p.numel() for p in control(20).parameters()) == by_hand


@pytest.mark.parametrize("net", [control(20), Logistic(shapes(series=(20, 6)), scale="image")])
def test_gradients_reach_every_parameter(net):
    torch.nn.init.normal_(net.classify.weight)
    # batch norm takes the convolution's bias away again
    assert [name for name in untouched(net, net(batch())) if not name.endswith("0.bias")] == []


def test_logistic_starts_at_chance():
    assert not Logistic(shapes(series=(20, 6)), scale="image")(batch())["logits"].any()


def test_scale_none_takes_any_indicators():
    net = Cnn1d(shapes(series=(20, 11)), scale="none", channels=8, layers=2, dropout=0.0, fading=0.0)
    assert net(batch(series=(20, 11)))["logits"].shape == (4, 3)


def test_the_1d_net_refuses_to_have_no_channels():
    with pytest.raises(ValueError, match="channels is 0; give 1 or more"):
        Cnn1d(shapes(series=(20, 6)), scale="image", channels=0, layers=2, dropout=0.0, fading=0.0)
