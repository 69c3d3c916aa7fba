"""Finished runs in milliseconds: random weights, real folders. And small ONNX files to break."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from tiny import TINY

from candlelab import run as runs
from candlelab.config import compose, run_folder
from candlelab.run import Run, load_run

CHART = (
    "model=cnn_small",
    "model.image_size=24",
    "render=candles_grey",
    "render.volume=0.2",
    "data.window=12",
    "model.net.channels=4",
)
SERIES = ("model=cnn_lstm_attn", "data/label=three_class", "model.net.sizes=[8,8]", "model.net.heads=2")
PLAIN = tuple(word for word in TINY if not word.startswith("model."))
SMALL = ("render.height=32", "render.width=32")
KINDS = {
    "fusion": TINY,
    "series": (*PLAIN, *SMALL, *SERIES),
    "regression": (*PLAIN, *SMALL, "model=cnn_lstm_attn_regression", *SERIES[1:]),
    "recognition": (*PLAIN, *CHART, "data/label=last_candle"),
    "any": (),
}


@cache
def finished(kind: str, *more: str) -> Run:
    """Return a run whose net was never trained, with everything that export and prediction read."""
    import pytorch_lightning as pl

    from candlelab.pipeline.inputs.assemble import assemble
    from candlelab.pipeline.scores.predictions import net_rows, prediction_table, write_table
    from candlelab.pipeline.training.fit import save_model
    from candlelab.trainer.module import Learner

    cfg = compose(*KINDS[kind], *more, f"outputs={tempfile.mkdtemp(prefix='candlelab-export-')}")
    folder = run_folder(cfg)
    pl.seed_everything(1, verbose=False)
    parts = assemble(cfg)
    learner = Learner(parts.net, parts.loss, parts.optimizer, classes=len(parts.data.label.classes), seed=0)
    runs.start(folder, cfg)
    if "series" in parts.net.reads:
        assert len(parts.data.series)  # fits the scaler
    error = save_model(parts, learner, folder)
    write_table(
        folder / runs.PREDICTIONS, prediction_table(parts.data, {"net": net_rows(learner, parts.data, error=error)})
    )
    runs.write_json(folder / runs.THRESHOLD, {"threshold": 0.0, "score": "confidence"})
    runs.finish(folder, {})
    return load_run(folder)


@cache
def exported(kind: str, *more: str) -> Run:
    """Return the run with its files exported, eight bits included for the fusion alone: trying them takes seconds."""
    from candlelab.config import build

    run = finished(kind, *more)
    cfg = compose(
        "task=export",
        f"task.run={run.folder}",
        "task.n_calls=5",
        "task.n_calibration=32",
        "task.n_validation=64",
        "task.max_accuracy_drop=100",
        f"task.int8={str(kind == 'fusion').lower()}",
    )
    build(cfg, "task", cfg)
    return run


CARD = {
    "classes": ["down", "up"],
    "kind": "forecast",
    "window": 3,
    "warmup": 0,
    "threshold": 0.6,
    "score": "confidence",
    "recipe_hash": "ours",
    "data_hash": "d",
    "licence": "MIT",
}


def little_model(
    path: Path, *, opset: int = 20, weight: float = 1.0, card: dict | None = CARD, domain: str = ""
) -> Path:
    """Write softmax(weight * sum over bars) of series (batch, 3, 2): an exported model that can be worked out by hand."""
    from candlelab.export.onnx_graph import put_card

    nodes = [
        helper.make_node("Mul", ["series", "weight"], ["scaled"]),
        helper.make_node("ReduceSum", ["scaled", "axis"], ["logits"], keepdims=0),
        helper.make_node("Softmax", ["logits"], ["probabilities"], domain=domain),
    ]
    tensors = [
        helper.make_tensor("weight", TensorProto.FLOAT, [1], [weight]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
    ]
    series = helper.make_tensor_value_info("series", TensorProto.FLOAT, ["batch", 3, 2])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(nodes, "little", [series], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.save(model, path)
    if card is not None:
        put_card(path, card)
    return path


def bars(count: int = 1) -> dict[str, np.ndarray]:
    """Return inputs for the little model: all ones."""
    return {"series": np.ones((count, 3, 2), np.float32)}
