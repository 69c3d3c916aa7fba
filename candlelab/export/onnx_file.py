"""What an ONNX file says of itself, read before anything runs it: metadata, operator sets, and that it keeps everything inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from candlelab.core.errors import UserError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

OPSETS = range(17, 24)  # of the standard operators: what our files are written with and onnxruntime surely runs
REPEATING = frozenset({"Loop", "Scan", "SequenceMap"})  # a file says how often: a billion times is a few bytes
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # operators that onnxruntime brings itself


@dataclass
class Card:
    """Metadata of a file, the versions of the operator sets that it names, and the domains of the operators that it uses."""

    metadata: dict[str, str]
    opsets: dict[str, int]
    domains: set[str]


def read_card(path: Path) -> Card:
    """Return the card of a model file; weights in other files are never opened.

    Raises UserError, in one sentence, if the file is missing, cut off or no ONNX file, keeps weights in other files, repeats
    operators as often as it likes, or uses some that onnxruntime does not bring.
    """
    if not path.is_file() or not path.stat().st_size:
        raise UserError(f"there is no model in '{path}': write it with task=export task.run=FOLDER")
    model = _loaded(path)
    if not model.opset_import:
        raise UserError(f"'{path}' is no ONNX model: it names no operator set, export the run again")
    nodes = list(_nodes(model))
    _check_tensors([*_weights(model), *(tensor for node in nodes for tensor in _constants(node))], path)
    _check_repeats(nodes, path)
    card = Card(
        {entry.key: entry.value for entry in model.metadata_props},
        {entry.domain: entry.version for entry in model.opset_import},
        {node.domain for node in nodes},
    )
    _check_operators(card, path)
    return card


def _loaded(path: Path) -> ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError:
        raise UserError("ONNX files need the onnx extra: pip install candlelab[onnx]") from None
    try:
        return onnx.load(path, format="protobuf", load_external_data=False)
    except DecodeError:  # graphs nested deeper than protocol buffers allow are refused here too
        raise UserError(f"'{path}' is cut off or no ONNX file: copy it again, or export the run again") from None


def _graphs(model: ModelProto) -> list[GraphProto]:
    own = [model.graph]
    return own + [graph for step in model.training_info for graph in (step.initialization, step.algorithm)]


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Every node, those of functions and of graphs inside nodes included."""
    waiting = [
        *(node for graph in _graphs(model) for node in graph.node),
        *(n for f in model.functions for n in f.node),
    ]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            waiting += [inner for graph in (attribute.g, *attribute.graphs) for inner in graph.node]


def _weights(model: ModelProto) -> Iterator[TensorProto]:
    inner = [g for node in _nodes(model) for a in node.attribute for g in (a.g, *a.graphs)]
    for graph in [*_graphs(model), *inner]:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def _constants(node: NodeProto) -> Iterator[TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)


def _check_tensors(tensors: list[TensorProto], path: Path) -> None:
    if any(tensor.external_data or tensor.data_location for tensor in tensors):
        raise UserError(
            f"'{path}' keeps weights in other files, which are never opened: export the run again, as one file"
        )


def _check_repeats(nodes: list[NodeProto], path: Path) -> None:
    found = next((node.op_type for node in nodes if node.op_type in REPEATING), None)
    if found:
        raise UserError(f"'{path}' repeats a part of itself ({found}), without an end perhaps: export the run again")


def _check_operators(card: Card, path: Path) -> None:
    strange = sorted(card.domains - set(DOMAINS))
    if strange:
        raise UserError(
            f"'{path}' uses operators of '{strange[0]}', which onnxruntime does not bring: export the run again"
        )
    version = card.opsets.get("", card.opsets.get("ai.onnx"))
    if version not in OPSETS:
        raise UserError(
            f"'{path}' is written for operator set {version}, not {OPSETS[0]} to {OPSETS[-1]}: export the run again"
        )
