"""Exported files say what torch says, and what they are."""

import numpy as np
import pytest
import torch
from export_cases import exported, finished

from candlelab.config import build, compose
from candlelab.core.signal import recipe_hash
from candlelab.export.int8 import Judge, quantize
from candlelab.export.measure import disagreement, first_rows, model_outputs
from candlelab.export.onnx_graph import CandlesGraph, write_graph
from candlelab.export.predict import Predictor
from candlelab.pipeline.inputs.stored import InputMaker, raw_windows
from candlelab.task.export import (
    BATCHES,
    CANDLES,
    INT8,
    MODEL,
    candles_graph,
    drawer,
    export_card,
    torch_answers,
    windows,
)

GRAPHS = ("fusion", "series", "regression", "recognition")


def some(run, count: int = 32):
    return windows(run, InputMaker.of(run), "validation", count)


def candles_inputs(run) -> dict[str, np.ndarray]:
    judged = some(run)
    return {"ohlcv": judged.candles} | {
        name: value for name, value in judged.inputs.items() if name.startswith("caption")
    }


def torch_says(run, inputs) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        said = run.model({name: torch.from_numpy(value) for name, value in inputs.items()})
    said = {name: value.double() for name, value in said.items()}
    return {name: (v.softmax(-1) if name == "logits" else v).numpy() for name, v in said.items()} | (
        {"probabilities": said["logits"].softmax(-1).numpy()} if "logits" in said else {}
    )


@pytest.mark.parametrize("kind", ["fusion", "regression"])
def test_the_model_agrees_with_torch_at_every_batch_size(kind):
    run = exported(kind)
    inputs = some(run).inputs
    gaps = disagreement(run.folder / "export" / MODEL, inputs, torch_says(run, inputs), batches=BATCHES)
    assert set(gaps) == {1, 2, 7, 32} and max(gaps.values()) < 1e-5


def test_candles_to_signal_gives_the_probabilities_of_the_drawn_chart():
    run = exported("fusion")
    inside = model_outputs(run.folder / "export" / CANDLES, candles_inputs(run))
    np.testing.assert_allclose(inside["probabilities"], torch_says(run, some(run).inputs)["probabilities"], atol=1e-5)


def test_candles_to_signal_gives_the_forecast_of_the_computed_indicators():
    run = exported("regression")
    inside = model_outputs(run.folder / "export" / CANDLES, candles_inputs(run))
    np.testing.assert_allclose(inside["forecast"], torch_says(run, some(run).inputs)["forecast"], atol=2e-3)


class Nothing(torch.nn.Module):
    """A net that says nothing: what is asked for is the chart."""

    def forward(self, batch):
        return {}


def chart_inside(renderer, run, path) -> tuple[np.ndarray, np.ndarray]:
    """Return some charts as a graph draws them, through an output of its own, and as numba does."""
    candles, ends = run.data.prepared.candles, run.data.prepared.ends[-7:]
    ohlcv = raw_windows(candles, ends, renderer.window + renderer.warmup)
    graph = CandlesGraph(Nothing(), ("ohlcv",), ("image",), {"image": drawer(renderer)})
    write_graph(graph, {"ohlcv": torch.from_numpy(ohlcv)}, path, opset=20, card=export_card(run))
    return Predictor(path)({"ohlcv": ohlcv})["image"], renderer.draw(candles, ends)


def test_the_chart_inside_a_graph_is_numbas_to_the_byte(tmp_path):
    run = finished("fusion")
    inside, outside = chart_inside(run.data.renderer, run, tmp_path / "chart.onnx")
    assert inside.dtype == np.uint8 and np.array_equal(inside, outside)


def test_the_candles_graph_says_in_torch_what_it_says_in_onnx():
    run = exported("regression")
    inputs = candles_inputs(run)
    graph = candles_graph(run, InputMaker.of(run), ("forecast",))
    gaps = disagreement(run.folder / "export" / CANDLES, inputs, torch_answers(graph, inputs), batches=BATCHES)
    assert max(gaps.values()) < 1e-5


def test_a_file_says_what_it_is():
    run = exported("fusion")
    for name in (MODEL, CANDLES, INT8):
        card = Predictor(run.folder / "export" / name, recipe=recipe_hash(run.preprocessing)).card
        assert (
            card["classes"] == ["down", "up"]
            and card["window"] == 16
            and card["data_hash"] == run.preprocessing["data_hash"]
        )
        assert card["licence"] == "MIT" and card["threshold"] == 0.0


def test_inputs_and_outputs_have_the_agreed_names():
    run = exported("fusion")
    model, candles = (Predictor(run.folder / "export" / name) for name in (MODEL, CANDLES))
    assert list(model.inputs) == ["image", "caption", "caption_mask"] and model.outputs == [
        "logits",
        "probabilities",
        "forecast",
    ]
    assert candles.inputs["ohlcv"] == (np.float64, (16 + run.preprocessing["warmup"], 5))
    assert list(Predictor(exported("regression").folder / "export" / MODEL).inputs) == ["series"]


def test_every_file_is_one_file():
    assert sorted(p.name for p in (exported("fusion").folder / "export").iterdir()) == [
        CANDLES,
        INT8,
        MODEL,
        "report.md",
    ]


def test_the_report_tells_size_latency_agreement_and_the_gate():
    text = (exported("fusion").folder / "export" / "report.md").read_text()
    for words in (
        "batch 32, 2 threads",
        "p50 / p90",
        "Agreement with torch",
        "points lost",
        "Not financial advice",
        "recipe_hash",
    ):
        assert words in text


def test_a_gate_that_no_form_passes_writes_no_file(tmp_path):
    run = exported("fusion")
    judged = some(run)
    judge = Judge(lambda path: judged.labels if path.name == MODEL else 1 - judged.labels, judged.labels)
    tried = quantize(
        run.folder / "export" / MODEL,
        tmp_path / INT8,
        calibration_set=first_rows(judged.inputs, 8),
        judge=judge,
        max_accuracy_drop=1.0,
        n_calls=2,
        card=export_card(run),
    )
    assert all(c.refused == "it loses 100.00 percentage points of balanced accuracy, more than 1" for c in tried)
    assert not list(tmp_path.iterdir())


def test_balanced_accuracy_weighs_classes_alike():
    judge = Judge(lambda path: None, np.array([0, 0, 0, 1]))
    assert judge.accuracy(np.array([0, 0, 0, 0])) == 0.5


def test_a_chart_that_is_no_tensor_operation_is_refused():
    renderer = build(compose("render=styled"), "render")
    with pytest.raises(ValueError, match="render=styled is drawn by mplfinance"):
        drawer(renderer)


@pytest.mark.parametrize(
    "style", ["candles", "candles_grey", "candles_plain", "ohlc_bars", "line", "gramian", "jkx_i20"]
)
def test_every_style_can_be_drawn_by_tensor_operations(style):
    renderer = build(compose(f"render={style}", "data.window=20"), "render")
    run = finished("fusion")
    candles, ends = run.data.prepared.candles, run.data.prepared.ends[-5:]
    bars = torch.from_numpy(raw_windows(candles, ends, renderer.window + renderer.warmup + 3))
    assert np.array_equal(drawer(renderer)(bars).numpy(), renderer.draw(candles, ends))


@pytest.mark.slow
@pytest.mark.parametrize("kind", GRAPHS)
def test_every_kind_of_run_exports(kind):
    files = exported(kind).folder / "export"
    assert (files / MODEL).exists() and (files / CANDLES).exists()


@pytest.mark.slow
@pytest.mark.parametrize("cnn", ["true", "false"])
@pytest.mark.parametrize("attention", ["true", "false"])
@pytest.mark.parametrize("kind", ["series", "regression"])
def test_all_sequence_nets_export_in_both_modes(cnn, attention, kind):
    run = exported(kind, f"model.net.use_cnn={cnn}", f"model.net.use_attention={attention}")
    assert (run.folder / "export" / CANDLES).exists()


@pytest.mark.slow
@pytest.mark.parametrize("style", ["ohlc_bars", "line", "gramian", "jkx_i20"])
def test_every_style_is_drawn_to_the_byte_inside_a_graph(style, tmp_path):
    renderer = build(compose(f"render={style}", "data.window=20"), "render")
    inside, outside = chart_inside(renderer, finished("fusion"), tmp_path / "chart.onnx")
    assert np.array_equal(inside, outside)
