"""FLOP counter for one forward pass: matrix products, convolutions, attention and recurrent layers; other costs are nothing beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from candlelab.core.batch import Batch

# Operators without a matrix product: their cost grows with the values they touch, not with the weights that they hold.
NAMES = """
_adaptive_avg_pool2d _adaptive_avg_pool3d _batch_norm_no_update _batch_norm_with_update
_fused_rms_norm _linalg_vector_norm _local_scalar_dense _log_softmax
_native_batch_norm_legit _native_batch_norm_legit_no_training _pack_padded_sequence _pad_packed_sequence _softmax _to_copy
_unsafe_index _unsafe_view _upsample_bicubic2d_aa _upsample_bilinear2d_aa adaptive_max_pool2d all amax amin any arange argmax
argmin as_strided avg_pool1d avg_pool2d batch_norm_elemt bernoulli cat celu clone col2im constant_pad_nd copy
cudnn_batch_norm cumsum detach elu embedding empty empty_like empty_strided exponential eye fill flip full full_like gather
gelu glu hardshrink hardsigmoid hardswish hardtanh im2col index index_put index_select isfinite leaky_relu lift lift_fresh
linalg_vector_norm linspace log_sigmoid_forward logsumexp masked_fill max max_pool2d_with_indices mean min mish
native_batch_norm native_dropout native_group_norm native_layer_norm new_empty new_full new_ones new_zeros nonzero norm
normal ones ones_like pixel_shuffle pixel_unshuffle polygamma prod rand rand_like randint randn randn_like random
reflection_pad1d reflection_pad2d repeat repeat_interleave replication_pad1d replication_pad2d resize roll rrelu
scalar_tensor scatter selu set sgn silu slice_scatter softplus softshrink sort split_with_sizes_copy squeeze stack std sum
sum_to_size t threshold topk transpose tril triu unfold uniform unsafe_chunk unsafe_split unsqueeze upsample_bicubic2d
upsample_bilinear2d upsample_nearest2d var var_mean where zero zeros zeros_like
"""
LIGHT = frozenset(NAMES.split())


def flops(net: torch.nn.Module, batch: Batch) -> int | None:
    """Floating-point operations of one forward pass over a batch, an addition and a multiplication as two; None if a layer is unknown."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(
        False
    )  # else a whole transformer layer is one operator that says nothing of its sizes
    try:
        with _Counter() as counter, torch.no_grad():
            net(batch)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return None if counter.unknown else counter.total


class _Counter(TorchDispatchMode):
    """Adds up the operations of every operator that runs, and notes the names of those it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name, packet = func.name().partition("::")[2].partition(".")[0], func.overloadpacket
        known = name in RECURRENT or packet in flop_registry or _light(func, name)
        if not known and func.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd):
            return func.decompose(*args, **kwargs)
        said = func(*args, **kwargs)
        if name in RECURRENT:
            self.total += RECURRENT[name](args)
        elif packet in flop_registry:
            self.total += flop_registry[packet](*args, **kwargs, out_val=said)
        elif not known:
            self.unknown.add(name)
        return said


def _light(func, name: str) -> bool:
    """Whether an operator works value by value, only looks at memory in another way, or is one of LIGHT."""
    views = any(result.alias_info is not None and not result.alias_info.is_write for result in func._schema.returns)
    return func.namespace in ("aten", "prim", "prims") and (
        views or torch.Tag.pointwise in func.tags or name.rstrip("_") in LIGHT
    )


def _of_mkldnn(args: tuple[Any, ...]) -> int:
    """One direction of one LSTM layer: input (T, B, F) or packed (rows, F), input and recurrent weights, …"""
    given, weights = args[0], args[1:3]
    return 2 * _rows(given) * sum(weight.numel() for weight in weights)


def _of_cudnn(args: tuple[Any, ...]) -> int:
    """All layers and directions of an LSTM or GRU: input, list of weights and biases, …; every matrix is applied once a step."""
    given, weights = args[:2]
    return 2 * _rows(given) * sum(weight.numel() for weight in weights if weight.ndim == 2)


def _rows(given: torch.Tensor) -> int:
    return given.numel() // given.shape[-1]


RECURRENT: dict[str, Callable[[tuple[Any, ...]], int]] = {
    "mkldnn_rnn_layer": _of_mkldnn,
    "_cudnn_rnn": _of_cudnn,
    "miopen_rnn": _of_cudnn,
}
