"""Spans to pixels on a GPU: one thread per four neighbouring pixels, every byte written once."""

from __future__ import annotations

from functools import cache
from typing import Any

from candlelab.render.spans import Canvas, Spans

SOURCE = r"""
extern "C" __global__
void paint(const int* top, const int* bottom, const unsigned char* ink, const int* run_of_column,
           const unsigned char* palette, unsigned char* images,
           const int layers, const int runs, const int ink_stride, const int channels, const int height, const int width,
           const long long quads)
{
    // A quad is four neighbouring columns of one row of one picture; it writes them in every channel.
    const int quads_per_row = (width + 3) / 4;
    const long long step = (long long)blockDim.x * gridDim.x;
    for (long long quad = (long long)blockIdx.x * blockDim.x + threadIdx.x; quad < quads; quad += step) {
        const int x0 = 4 * (int)(quad % quads_per_row);
        const long long line = quad / quads_per_row;
        const int y = (int)(line % height);
        const long long picture = line / height;
        const int* tops = top + picture * runs;
        const int* bottoms = bottom + picture * runs;
        const unsigned char* inks = ink + picture * ink_stride;
        unsigned char colour[4];
        for (int k = 0; k < 4; ++k) {
            colour[k] = 0;
            if (x0 + k >= width) continue;
            for (int layer = layers - 1; layer >= 0; --layer) {
                const int run = run_of_column[layer * width + x0 + k];
                if (run >= 0 && tops[run] <= y && y <= bottoms[run]) { colour[k] = inks[run]; break; }
            }
        }
        for (int c = 0; c < channels; ++c) {
            unsigned char* out = images + ((picture * channels + c) * height + y) * width + x0;
            const unsigned char levels[4] = {
                palette[colour[0] * channels + c], palette[colour[1] * channels + c],
                palette[colour[2] * channels + c], palette[colour[3] * channels + c]};
            if (width % 4 == 0) {
                *reinterpret_cast<uchar4*>(out) = make_uchar4(levels[0], levels[1], levels[2], levels[3]);
            } else {
                for (int k = 0; k < 4 && x0 + k < width; ++k) out[k] = levels[k];
            }
        }
    }
}
"""
THREADS, BLOCKS = 256, 16384


def paint(spans: Spans, canvas: Canvas) -> Any:
    """Return uint8 images (B, C, H, W) on the GPU of the spans: CuPy for CuPy spans, torch for torch spans."""
    import cupy
    from array_api_compat import is_torch_array

    as_torch = is_torch_array(spans.top)
    parts = [part.contiguous() if as_torch else cupy.ascontiguousarray(part) for part in spans]
    with cupy.cuda.Device(spans.top.device.index if as_torch else spans.top.device.id):
        top, bottom, ink = (cupy.from_dlpack(part) for part in parts) if as_torch else parts
        images = _launch(cupy, top, bottom, ink, canvas, _stream(cupy, as_torch))
    if not as_torch:
        return images
    import torch

    return torch.from_dlpack(images)


def _launch(cupy, top, bottom, ink, canvas, stream):
    channels, height, width = canvas.shape
    with stream:
        images = cupy.empty((len(top), channels, height, width), cupy.uint8)
        columns, palette = cupy.asarray(canvas.run_of_column), cupy.asarray(canvas.palette)
        quads = len(top) * height * ((width + 3) // 4)
        if quads:
            blocks = min(BLOCKS, -(-quads // THREADS))
            sizes = (len(canvas.layers), top.shape[1], ink.shape[1] if len(ink) > 1 else 0, channels, height, width)
            _kernel()(
                (blocks,),
                (THREADS,),
                (top, bottom, ink, columns, palette, images, *(cupy.int32(size) for size in sizes), cupy.int64(quads)),
            )
    return images


def _stream(cupy, as_torch: bool):
    """Return the stream to work on: torch's own for its tensors, so that nothing has to wait."""
    if not as_torch:
        return cupy.cuda.get_current_stream()
    import torch

    return cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream)


@cache
def _kernel():
    import cupy

    return cupy.RawKernel(SOURCE, "paint")
