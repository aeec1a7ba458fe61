"""Reduce a picture to 256 colours, for pages where bytes matter: a third of the file, and text as sharp.

Areas keep their colour exactly; the rest of the palette is spread so that no pixel becomes a colour far from
its own. Nothing is dithered: a reader would take noise in an even area for data, and noise compresses badly.

Pillow's methods were tried. Its fast octree, the only method that keeps alpha, turns white into #fefefe and a
smooth surface into visible steps; its maximum coverage looks as good as this method, and takes five minutes
for sixteen million random pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plotroute.encode.png.writer import MOST_COLOURS, Bytes, Pixels, bands, colours_of, indices_of, pixels_of

KEPT = MOST_COLOURS // 4
"""Entries for the commonest colours: enough for the areas of a legible plot and the insides of letters."""

SAMPLE = 2**16
"""Pixels that are counted to find the commonest: enough for an area of a thousandth of the picture."""

MOST_KNOWN = 2**14
"""Most colours that are compared with each entry (30 ms for all). Of more, near colours count as equal."""

COARSER = (8, 6, 5, 4, 3)
"""Bits per channel that are tried in turn: with three there are 2**12 colours at most."""


def reduced(rgba: Bytes) -> Bytes:
    """Return `rgba` (height × width × 4) in at most 256 colours; unchanged if it has no more."""
    pixels = pixels_of(rgba)
    if colours_of(pixels) is not None:
        return rgba
    areas = _commonest(pixels)
    for bits in COARSER:
        seen = _coarse(pixels, bits, areas)
        colours = colours_of(seen, MOST_KNOWN)
        if colours is not None:
            break
    assert colours is not None
    becomes = colours[_entries(colours, areas)]
    picture = np.empty_like(pixels)
    for band, painted in zip(bands(seen), bands(picture), strict=True):
        painted[...] = becomes[indices_of(colours, band)]
    return picture[..., np.newaxis].view(np.uint8)


def _commonest(pixels: Pixels) -> Pixels:
    """Return the commonest colours, the commonest first."""
    # An odd step: with an even step, some columns of a picture 4,096 pixels wide would never be counted.
    sample = pixels.ravel()[:: pixels.size // SAMPLE | 1]
    colours, counts = np.unique(sample, return_counts=True)
    return colours[np.argsort(-counts, kind="stable")[:KEPT]]


def _coarse(pixels: Pixels, bits: int, areas: Pixels) -> Pixels:
    """Return pixels with the highest `bits` of each channel only; the colours in `areas` are kept."""
    if bits == 8:
        return pixels
    steps = 2**bits - 1  # none (0) and all (255) of a channel are among them
    table = ((np.arange(256) * steps + 127) // 255 * 255 // steps).astype(np.uint8)
    coarse = table[pixels[..., np.newaxis].view(np.uint8)].view(pixels.dtype)[..., 0]
    return np.where(np.isin(pixels, areas), pixels, coarse)


def _entries(colours: Pixels, areas: Pixels) -> NDArray[np.intp]:
    """Return for each of the ascending `colours` the index of the colour that it becomes."""
    channels = colours[:, np.newaxis].view(np.uint8).astype(np.float32)
    # Weighted by alpha, as they are seen: the more transparent a pixel, the less its colour matters.
    channels[:, :3] *= channels[:, 3:] / 255
    commonest = np.searchsorted(colours, areas)
    distances = np.full(len(colours), np.inf, np.float32)
    entries = np.zeros(len(colours), np.intp)
    for number in range(MOST_COLOURS):
        # After the commonest colours, always the colour that is farthest from all entries so far.
        entry = commonest[number] if number < len(commonest) else distances.argmax()
        to_entry = np.square(channels - channels[entry]).sum(axis=1)
        nearer = to_entry < distances
        distances[nearer] = to_entry[nearer]
        entries[nearer] = entry
    return entries
