"""Weights files (safetensors) that may be damaged or hostile: header, memory budget of the net they are for, strict loading."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from candlelab.core.errors import UserError
from candlelab.core.reading import CURE, NOTHING, Unreadable, objection, size_of

if TYPE_CHECKING:
    from torch import nn

    Made = TypeVar("Made", bound=nn.Module)

LARGEST = 64 << 30  # bytes
LARGEST_HEADER = 100_000_000  # bytes, as the format has it
LENGTH = 8  # bytes that say how long the header is
SPARE = 1 << 19  # numbers that a net may make beside its weights: masks, positions, what is drawn and thrown away
TIMES = 2  # as many numbers as there are weights may be made on the way to them
TENSOR = {"dtype": str, "shape": [range(1 << 40)], "data_offsets": [range(1 << 50)], ...: NOTHING}


def numbers_in(path: Path, *, cure: str = CURE) -> int:
    """Return how many numbers a safetensors file holds, by its header alone. Raises Unreadable."""
    size = size_of(path, most=LARGEST, cure=cure)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - LENGTH):
            raise Unreadable(path, "is no safetensors file (its header is longer than it)", cure)
        head = file.read(length)
    try:
        tree = json.loads(head)
    except (ValueError, RecursionError):
        raise Unreadable(path, "is no safetensors file (its header is no JSON)", cure) from None
    trouble = objection(tree, {"__metadata__?": dict, ...: TENSOR})
    if trouble:
        raise Unreadable(path, f"is damaged ({trouble})", cure)
    counts = [math.prod(entry["shape"]) for name, entry in tree.items() if name != "__metadata__"]
    if sum(counts) > size:
        raise Unreadable(path, "is damaged (it says that it holds more numbers than it has bytes)", cure)
    return sum(counts)


def net_for(path: Path, make: Callable[[], Made], *, cure: str = CURE) -> Made:
    """Return a net with the weights of a file, in evaluation mode.

    make  builds the net; it may take no more memory than the weights pay for.
    Raises Unreadable if the file is damaged or does not fit the net, or holds a weight that is not finite.
    """
    try:
        with budget(TIMES * numbers_in(path, cure=cure) + SPARE):
            net = make()
    except OverBudget as error:
        raise Unreadable(path, f"does not fit the net of the config ({error})", cure) from None
    load_strictly(net, path, cure=cure)
    return net.eval()


def load_strictly(net: nn.Module, path: Path, *, cure: str = CURE) -> None:
    """Put the weights of a file into a net: every one of them, of its own shape and kind. Raises Unreadable."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
        kinds = {name: (value.dtype, value.shape) for name, value in net.state_dict().items()}
        for name, value in weights.items():
            if kinds.get(name, found := (value.dtype, value.shape)) != found:
                raise Unreadable(path, f"holds {name} as {_said(*found)} where the net has {_said(*kinds[name])}", cure)
        net.load_state_dict(weights, strict=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        why = " ".join(str(error).split())[:120]
        raise Unreadable(path, f"does not fit the net of the config ({why})", cure) from None
    if not all(value.isfinite().all() for value in weights.values() if value.is_floating_point()):
        raise Unreadable(path, "holds weights that are not finite: its training diverged or it is damaged", cure)


def _said(dtype: Any, shape: Any) -> str:
    return f"{dtype} {tuple(shape)}"


class OverBudget(UserError):
    """A net asks for more memory than it may have."""


@contextmanager
def budget(numbers: int) -> Iterator[None]:
    """Let torch make tensors of at most so many numbers altogether; raises OverBudget before the memory is taken.

    What is computed from other tensors is not counted: only what is made of nothing can grow without end in a constructor.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
        left = numbers

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # torch would import its compiler, a second of work, to keep it away from here

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not any("Tensor" in str(argument.type) for argument in func._schema.arguments):
                self.left -= _asked(args)
                if self.left < 0:
                    raise OverBudget(f"it asks for more than {numbers:,} numbers in memory")
            return func(*args, **(kwargs or {}))

    with Counted():  # type: ignore[no-untyped-call]
        yield


def _asked(args: tuple[Any, ...]) -> int:
    """Return how many numbers a tensor factory was asked for: the product of a shape, or the length of a range."""
    first = args[0] if args else 0
    if isinstance(first, (list, tuple)):
        return math.prod(max(1, int(side)) for side in first)
    return int(max((abs(value) for value in args if isinstance(value, (int, float))), default=1))
