"""A run's net as one ONNX file, alone or with everything between raw candles and its inputs inside the graph."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from candlelab.core import files
from candlelab.core.errors import UserError

TENSORS = {"image": ("image",), "caption": ("caption", "caption_mask"), "series": ("series",)}
DISCLAIMER = "A research model. Not financial advice: no signal of it is a recommendation to trade."
EXAMPLES = 2  # rows of the example that is traced


class NetGraph(nn.Module):
    """A net whose inputs and outputs have an order: `names` in, `answers` out."""

    net: nn.Module
    names: tuple[str, ...]
    answers: tuple[str, ...]

    def __init__(self, net: nn.Module, names: tuple[str, ...], answers: tuple[str, ...]) -> None:
        super().__init__()
        self.net, self.names, self.answers = net, names, answers

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return self.answer(dict(zip(self.names, tensors, strict=True)))

    def answer(self, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the answers to a batch in their order; whatever the batch holds can be asked for too."""
        said = dict(batch) | dict(self.net(batch))
        if "logits" in said:
            said["probabilities"] = said["logits"].float().softmax(-1)
        return tuple(said[name] for name in self.answers)


class CandlesGraph(NetGraph):
    """The same with `ohlcv` (B, warmup + window, 5) float64 in place of chart and indicators.

    makers  input name -> function from ohlcv to it, in tensor operations.
    """

    def __init__(
        self, net: nn.Module, names: tuple[str, ...], answers: tuple[str, ...], makers: dict[str, Callable[..., Any]]
    ) -> None:
        super().__init__(net, names, answers)
        self.makers = makers

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        batch = dict(zip(self.names, tensors, strict=True))
        candles = batch.pop("ohlcv")
        return self.answer(batch | {name: make(candles) for name, make in self.makers.items()})


def input_names(reads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the tensors that a net reads, in the order of the graph."""
    return tuple(name for kind, names in TENSORS.items() if kind in reads for name in names)


def answer_names(net: nn.Module, batch: dict[str, Tensor]) -> tuple[str, ...]:
    """Return what a net says of a batch, as the outputs are called: logits and probabilities, forecast."""
    with torch.inference_mode():
        said = net(batch)
    return ("logits", "probabilities") * ("logits" in said) + ("forecast",) * ("forecast" in said)


def write_graph(graph: NetGraph, example: dict[str, Tensor], path: Path, *, opset: int, card: dict[str, Any]) -> Path:
    """Write the graph to one file with a dynamic batch and the card in its metadata; return the path.

    example  one tensor per name of the graph, EXAMPLES rows or more.
    Raises UserError if a package is missing.
    """
    rows = torch.export.Dim("batch", min=1, max=1 << 20)
    tensors = tuple(example[name][:EXAMPLES] for name in graph.names)
    with files.atomic(path) as temporary, quiet():
        try:
            torch.onnx.export(
                graph.eval(),
                tensors,
                temporary,
                input_names=list(graph.names),
                output_names=list(graph.answers),
                dynamic_shapes=(tuple({0: rows} for _ in tensors),),
                opset_version=opset,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
        except ModuleNotFoundError as error:
            raise UserError(f"the package {error.name} is missing: pip install candlelab[onnx]") from None
        put_card(temporary, card)
    return path


def put_card(path: Path, card: dict[str, Any]) -> None:
    """Write the card into the metadata of a model file, in place; stale shapes of inner values, which quantization trips over, go."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    texts = {"candlelab": json.dumps(card), "license": card["licence"], "disclaimer": DISCLAIMER}
    for key, value in texts.items():
        model.metadata_props.add(key=key, value=value)
    model.doc_string, model.producer_name = DISCLAIMER, "candlelab"
    onnx.save(model, path)


@contextmanager
def quiet():
    """Keep the tools' notes and warnings off the screen: what matters is checked afterwards, against torch."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
