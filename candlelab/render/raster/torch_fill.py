"""Spans to pixels in plain tensor operations: any device, and exportable to ONNX."""

from __future__ import annotations

import torch

from candlelab.render.spans import Canvas, Spans


def paint(spans: Spans, canvas: Canvas) -> torch.Tensor:
    """Return uint8 images (B, C, H, W) on the device of the spans."""
    device = spans.top.device
    palette = torch.as_tensor(canvas.palette, device=device)
    rows = torch.arange(canvas.height, dtype=torch.int32, device=device)[:, None]
    images = palette[0][None, :, None, None]
    ink = spans.ink.expand(spans.top.shape)
    for runs in canvas.run_of_column:
        place = torch.as_tensor(runs, device=device).long()
        here = place.clamp(min=0)
        top, bottom = spans.top[:, here][:, None, None, :], spans.bottom[:, here][:, None, None, :]
        inked = (rows >= top) & (rows <= bottom) & (place >= 0)
        colour = palette[ink[:, here].long()].permute(0, 2, 1)[:, :, None, :]
        images = torch.where(inked, colour, images)
    return images
