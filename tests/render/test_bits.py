"""Bits of two-coloured pictures are packed as NumPy packs them."""

import numpy as np
import pytest

from candlelab.render.storage import bits


@pytest.mark.parametrize("width", [8, 60, 400])
@pytest.mark.parametrize("levels", [(255, 0), (0, 255), (7, 5), (3, 130)])
def test_packed_bits_are_numpys(levels, width, monkeypatch):
    monkeypatch.setattr(bits, "at_hand", lambda numbers: True)
    inked = np.random.default_rng(width).random((3, 9, width)) < 0.3
    pictures = np.where(inked, levels[1], levels[0]).astype(np.uint8)
    np.testing.assert_array_equal(bits.packed(pictures, levels), np.packbits(inked, axis=-1))
