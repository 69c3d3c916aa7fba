"""Where a net looked: heat maps over test charts, right and wrong ones, beside the same for a net that learnt nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.config import ConfigError, build
from candlelab.core import files
from candlelab.core.batch import shapes_of
from candlelab.core.contracts import HasPixels
from candlelab.data.tokenizer import Tokenizer
from candlelab.model.columns import ColumnTokens
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.explorer import has_explorer, write_explorer
from candlelab.pipeline.scores.scoring import own_scores, write_page_again

LEAST = 4  # places a feature map must have to show where, 2 x 2
WORDS = 6  # words of a caption that are shown
# Layers whose (B, C, h, w) is a picture even where its sides have another ratio than the chart's: strides may differ by direction.
PICTURES = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.MaxPool2d, torch.nn.AvgPool2d)


@dataclass(frozen=True)
class Layer:
    """A layer whose output (B, …) has a place on the chart for each feature; `to_map` makes (B, C, h, w) of it."""

    module: torch.nn.Module
    to_map: Callable[[torch.Tensor], torch.Tensor]


def explain(cfg: DictConfig, *, run: str) -> None:
    """Colour the charts of a finished run's report: figures/explained.npz, figures/explained.png and a section of the report.

    Nothing is scored: the run's metrics, threshold and verdict stay as they are.
    """
    found = load_or_download(run)
    if "image" not in found.preprocessing["reads"]:
        raise ConfigError(
            f"the model in '{run}' reads no charts, so there is nothing to colour: choose a run of an image model"
        )
    if not found.charts:
        raise ConfigError(f"the run in '{run}' keeps no charts of its test rows: train it again with resume=never")
    rows = found.charts["rows"]
    batch = found.data.assemble(torch.from_numpy(found.data.samples("test")[rows]))
    images, learnt, random = batch["image"].numpy(), heat_maps(found.model, batch), heat_maps(untrained(found), batch)
    alike, path = rank_correlation(learnt, random), found.folder / runs.EXPLAINED_PICTURE
    said = spoken_for(found.model, batch, found.data.tokenizer) if "caption" in batch else [""] * len(rows)
    learnt, random = overlay(images, learnt), overlay(images, random)
    with runs.locked(found.folder):
        with runs.rewriting(found.folder, runs.EXPLAINED):
            runs.write_arrays(
                found.folder / runs.EXPLAINED,
                rows=rows,
                learnt=learnt,
                random=random,
                likeness=alike,
                words=np.array(said),
            )
            _contact_sheet(path, learnt, random)
        write_page_again(found, own_scores(found))
        if has_explorer(found) and found.data.fingerprint == found.preprocessing["data_hash"]:
            write_explorer(found, found.data)
    print(f"figure {path}   (rank correlation with random weights {alike.mean():+.2f})", flush=True)


def untrained(found: runs.Run) -> torch.nn.Module:
    """The run's net with random weights but its pixel statistics.

    Source of the check: Adebayo et al. (2018), Sanity checks for saliency maps, section 4: a map that does not change when the
    weights are random shows the picture, not what was learnt.
    """
    cfg = OmegaConf.create(OmegaConf.to_container(found.cfg, resolve=True))
    if "pretrained" in cfg.model.net:
        cfg.model.net.pretrained = False
    torch.manual_seed(0)
    shapes = shapes_of(found.preprocessing["shapes"])
    net = build(cfg, "model.net", shapes)
    if isinstance(net, HasPixels):
        net.pixels.load_state_dict(found.model.pixels.state_dict())
    return net.eval()


def heat_maps(net: torch.nn.Module, batch: dict[str, Any]) -> np.ndarray:
    """Grad-CAM in its element-wise form on the last layer that knows places; (B, H, W) in [0, 1], 0 for what spoke against.

    Gradient of the answered class times activation, summed over channels, negative parts cut. Source: Draelos & Carin (2020),
    Use HiResCAM instead of Grad-CAM; for nets that end in pooling and one linear layer the two are equal.
    Raises ConfigError if no layer of the net knows places.
    """
    net.requires_grad_(True)
    first = {name: value[:1] for name, value in batch.items()}
    # behind the last attention only the class token counts, so the gradient of the other places is zero there: look further ahead
    chosen = next((layer for layer in reversed(layers(net, first)) if _gradients(net, first, layer).any()), None)
    if chosen is None:
        raise ConfigError(
            "this net has no layer that knows places on the chart: heat maps are for convolutional nets and transformers"
        )
    maps = _gradients(net, batch, chosen).sum(1, keepdim=True).clamp_min(0).float()
    maps = torch.nn.functional.interpolate(maps, batch["image"].shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return (maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-12)).numpy()


def _gradients(net: torch.nn.Module, batch: dict[str, Any], layer: Layer) -> torch.Tensor:
    """Gradient of the answered class times activation of a layer; (B, C, h, w)."""
    try:
        from captum.attr import LayerGradientXActivation
    except ImportError:
        raise ConfigError("heat maps need captum: pip install candlelab[explain]") from None

    def answer(image):
        return net({**batch, "image": image})["logits"]

    with torch.no_grad():
        target = answer(batch["image"]).argmax(1)
    found = LayerGradientXActivation(answer, layer.module).attribute(batch["image"].float(), target=target)
    return layer.to_map(_tensor(found)).detach()


def layers(net: torch.nn.Module, batch: dict[str, Any]) -> list[Layer]:
    """The layers with at least LEAST places on the chart, in the order in which they work."""
    found: list[Layer] = []

    seen: dict[torch.nn.Module, torch.Tensor] = {}
    by_columns = any(isinstance(module, ColumnTokens) for module in net.modules())

    def remember(module, inputs, output):
        seen[module] = _tensor(output)

    def look(module, inputs, output):
        tensor, before = _tensor(output), seen.get(module)
        if not isinstance(tensor, torch.Tensor) or not isinstance(before, torch.Tensor) or torch.equal(tensor, before):
            return  # it does not hang on the chart: the words of a caption lie in rows of tokens too
        if by_columns and tensor.ndim == 3:
            return  # tokens that are columns are no grid; the layers before them still know heights
        to_map = _as_map(module, tensor, batch["image"].shape)
        if to_map is not None:
            found.append(Layer(module, to_map))

    _hooked(net, remember, {**batch, "image": 255 - batch["image"]})
    _hooked(net, look, batch)
    return found


def _hooked(net: torch.nn.Module, hook: Callable[..., Any], batch: dict[str, Any]) -> None:
    """Let every layer of a net but its pixel statistics tell what it gives to a batch."""
    hooks = [
        module.register_forward_hook(hook)
        for name, module in net.named_modules()
        if name and not name.startswith("pixels")
    ]
    with torch.no_grad():
        net(batch)
    for each in hooks:
        each.remove()


def _tensor(output):
    return output[0] if isinstance(output, tuple) and output else output


def _as_map(module: torch.nn.Module, tensor: torch.Tensor, image: torch.Size) -> Callable[..., Any] | None:
    """How to read a layer's output as (B, C, h, w): it may be that, (B, h, w, C), or (B, tokens, C) with tokens ahead."""
    ratio = image[2] / image[3]
    if tensor.ndim == 4:
        _, a, b, c = tensor.shape
        if b * c >= LEAST and abs(b - ratio * c) < 1:
            return lambda found: found
        if isinstance(module, PICTURES):
            return (lambda found: found) if b * c >= LEAST else None
        return (lambda found: found.permute(0, 3, 1, 2)) if a * b >= LEAST and abs(a - ratio * b) < 1 else None
    if tensor.ndim != 3:
        return None
    width = int((tensor.shape[1] / ratio) ** 0.5)
    height = round(width * ratio)
    ahead = tensor.shape[1] - width * height  # class and distillation tokens
    if width * height < LEAST or not 0 <= ahead <= 2:
        return None
    return lambda found: found[:, ahead:].transpose(1, 2).unflatten(2, (height, width))


def spoken_for(net: torch.nn.Module, batch: dict[str, Any], tokenizer: Tokenizer) -> list[str]:
    """The words of each caption that spoke most for the answer, with their shares of all that did; one text per row of the batch.

    Gradient of the answered class times the word's vector, summed over the vector, negative sums cut.
    """
    layer = Layer(_words_layer(net, batch), lambda found: found)
    weights = _gradients(net, batch, layer).sum(-1).clamp_min(0) * batch["caption_mask"]
    shares = (weights / weights.sum(1, keepdim=True).clamp_min(1e-12)).numpy()
    return [
        _strongest(tokenizer.words(ids), share) for ids, share in zip(batch["caption"].tolist(), shares, strict=True)
    ]


def _strongest(words: list[str], shares: np.ndarray) -> str:
    """up 42 %, 80.47 20 %: the same word in several places counts once, signs and special tokens do not."""
    totals: dict[str, float] = {}
    for word, share in _joined(words, shares.tolist()):
        if word[:1].isalnum():
            totals[word] = totals.get(word, 0.0) + share
    best = sorted(totals.items(), key=lambda item: -item[1])[:WORDS]
    return ", ".join(f"{word} {100 * share:.0f} %" for word, share in best if share >= 0.005)


def _joined(words: list[str], shares: list[float]) -> list[tuple[str, float]]:
    """Words with their shares, the digits of a number and the pieces of a word put together."""
    made: list[tuple[str, float]] = []
    for word, share in zip(words, shares, strict=True):
        before, so_far = made[-1] if made else ("", 0.0)
        number = (before[-1:].isdigit() and (word.isdigit() or word == ".")) or (
            before[-1:] == "." and before[:-1].isdigit() and word.isdigit()
        )
        if word.startswith("##") or number:
            made[-1] = before + word.removeprefix("##"), so_far + share
        else:
            made.append((word, share))
    return made


def _words_layer(net: torch.nn.Module, batch: dict[str, Any]) -> torch.nn.Module:
    """The embedding that reads the caption's ids."""
    found: list[torch.nn.Module] = []

    def look(module, inputs, output):
        if isinstance(module, torch.nn.Embedding) and inputs and torch.equal(inputs[0], batch["caption"]):
            found.append(module)

    _hooked(net, look, batch)
    return found[0]


def overlay(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Grey charts under a warm glow where the map is high; (B, 3, H, W) uint8.

    images  (B, C, H, W) uint8; maps (B, H, W) in [0, 1].
    """
    grey = images.mean(axis=1)
    warm = np.array([215, 48, 39], float)[:, None, None]
    share = 0.75 * maps[:, None]
    return np.rint((1 - share) * grey[:, None] + share * warm).astype(np.uint8)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation of two maps of each chart; (B,), 1 where they look the same, 0 where a map is flat."""
    from scipy.stats import spearmanr

    pairs = zip(first.reshape(len(first), -1), second.reshape(len(second), -1), strict=True)
    return np.array([0.0 if a.std() == 0 or b.std() == 0 else float(spearmanr(a, b).statistic) for a, b in pairs])


def _contact_sheet(path: Path, learnt: np.ndarray, random: np.ndarray) -> None:
    from PIL import Image

    sheet = np.concatenate([np.concatenate(list(part), axis=2) for part in (learnt, random)], axis=1)
    with files.atomic(path) as temporary:
        Image.fromarray(np.ascontiguousarray(sheet.transpose(1, 2, 0))).save(temporary, format="png")
