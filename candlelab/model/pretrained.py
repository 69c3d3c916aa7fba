"""Where weights come from: the local cache, the hub, a folder; never a silent fall-back to random ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from candlelab.core.errors import UserError
from candlelab.core.online import hub_silence

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS = "model.safetensors"


def origin(pretrained: bool | str) -> str:
    """`pretrained`, `local` or `random`: what every table says beside a net."""
    if isinstance(pretrained, str):
        return "local"
    return "pretrained" if pretrained else "random"


def weights_file(repo: str) -> str:
    """Path of a hub repository's safetensors file, from the cache or downloaded; ValueError within seconds without network."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    cached = try_to_load_from_cache(repo, WEIGHTS)
    if isinstance(cached, str):
        return cached
    require_hub(repo)
    try:
        return hf_hub_download(repo, WEIGHTS)
    except (OSError, HfHubHTTPError) as error:
        raise UserError(_unreachable(repo, type(error).__name__)) from error


def backbone(kind: type[PreTrainedModel], name: str, pretrained: bool | str) -> PreTrainedModel:
    """A transformers model with its weights.

    pretrained   True: by name, the local cache first; a string: a folder that holds it under the last part of `name`, or is it.
    Raises UserError, within seconds, if there is neither network nor a copy.
    """
    if isinstance(pretrained, str):
        return _load(kind, str(local_folder(name, pretrained)), local=True)
    try:
        return _load(kind, name, local=True)
    except ValueError:
        require_hub(name)
    return _load(kind, name, local=False)


def _load(kind: type[PreTrainedModel], place: str, *, local: bool) -> PreTrainedModel:
    try:
        return kind.from_pretrained(place, local_files_only=local, use_safetensors=True, add_pooling_layer=False)
    except OSError as error:
        raise UserError(_unreachable(place, "no usable copy there")) from error


def local_folder(name: str, folder: str) -> Path:
    """The folder that holds the weights of `name`: `folder` itself or its subfolder; ValueError if neither does."""
    places = [Path(folder).expanduser() / name.rsplit("/", 1)[-1], Path(folder).expanduser()]
    for place in places:
        if (place / WEIGHTS).is_file():
            return place
    raise UserError(f"pretrained={folder} holds no {WEIGHTS} for {name}; looked in {places[0]} and {places[1]}.")


def require_hub(name: str) -> None:
    """Raise ValueError unless the hub answers."""
    why = hub_silence()
    if why is not None:
        raise UserError(_unreachable(name, why))


def _unreachable(name: str, why: str) -> str:
    return (
        f"the pretrained weights of {name} could not be reached ({why}); set model.net.pretrained=false for random weights, "
        "or to a local folder that holds them."
    )


def fit_positions(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Stretch a ViT's position table (1, 1 + side², width) to `grid` (rows, columns) of patches, bicubic; [CLS] stays."""
    tokens, width = table.shape[1] - 1, table.shape[2]
    side = int(tokens**0.5)
    if (side, side) == grid:
        return table
    square = table[:, 1:].reshape(1, side, side, width).permute(0, 3, 1, 2)
    square = torch.nn.functional.interpolate(square, size=grid, mode="bicubic", align_corners=False)
    return torch.cat([table[:, :1], square.permute(0, 2, 3, 1).reshape(1, -1, width)], dim=1)


def fit_channels(kernel: Tensor, channels: int) -> Tensor:
    """A first convolution (out, 3, h, w) for `channels` input channels; grey takes the sum, as if it were repeated."""
    if channels == kernel.shape[1]:
        return kernel
    if channels == 1:
        return kernel.sum(1, keepdim=True)
    raise UserError(
        f"the chart has {channels} channels but the pretrained backbone reads {kernel.shape[1]}; draw 1 or {kernel.shape[1]}."
    )
