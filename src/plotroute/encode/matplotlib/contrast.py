"""Measure contrast as WCAG 2.2 does, and find the nearest colour with enough contrast. Pure numbers.

Colours are (red, green, blue) from 0 to 1; backgrounds are given by the luminances of their pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB = tuple[float, float, float]
Luminances = NDArray[np.float64]

READABLE = 3.0
"""Contrast below which a text gets another colour: WCAG's least for large text, and for graphics."""

COMFORTABLE = 4.5
"""Contrast that the text has afterwards, if its hue allows: WCAG's least for any text (level AA)."""

AREA = 6.0
"""Contrast of a recoloured black area: less than white and light greys have, which may be its neighbours."""

BLACK_ON_WHITE = 21.0

SEEN = 2.0
"""Contrast below which a grey line is hardly seen. Authors draw reference lines that faint, but no data."""

TOLERATED = 0.1
"""Part of the background that a text may hardly differ from: a grid line, the edge of a bar."""

GREY = 0.12
"""Range of the channels of a colour (0 to 1) up to which it reads as a grey: as ink, not as data."""

_STEPS = np.linspace(0.0, 1.0, 11)
"""Parts of ink to mix into a colour, the least first."""


def _linear(channel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
_OF_BYTE = _linear(np.arange(256) / 255)[:, np.newaxis] * _WEIGHTS
"""Luminance that a channel of 0 to 255 adds, for red, green and blue."""


def luminance(color: Iterable[float]) -> float:
    """Return the relative luminance of an RGB colour: 0 for black, 1 for white.

    >>> round(luminance((0.5, 0.5, 0.5)), 3)
    0.214
    """
    return float(_linear(np.array(tuple(color), float)[:3]) @ _WEIGHTS)


def luminances(pixels: NDArray[np.uint8], paper: RGB) -> Luminances:
    """Return the luminances of RGBA pixels (n × 4, straight alpha) that lie on `paper`."""
    if (pixels[:, 3] < 255).any():
        alpha = pixels[:, 3:] / 255
        pixels = np.rint(pixels[:, :3] * alpha + np.array(paper) * 255 * (1 - alpha)).astype(np.uint8)
    seen: Luminances = _OF_BYTE[pixels[:, 0], 0] + _OF_BYTE[pixels[:, 1], 1] + _OF_BYTE[pixels[:, 2], 2]
    return seen


def contrast(one: Any, two: Any) -> Any:
    """Return the contrast of luminances (numbers or arrays), from 1 to 21.

    >>> contrast(0.0, 1.0)
    21.0
    """
    return (np.maximum(one, two) + 0.05) / (np.minimum(one, two) + 0.05)


def blend(color: Sequence[float], under: Sequence[float], alpha: float) -> RGB:
    """Return what `color` looks like at `alpha` over `under`."""
    red, green, blue = (alpha * c + (1 - alpha) * u for c, u in zip(color[:3], under[:3], strict=True))
    return red, green, blue


def is_grey(color: Sequence[float]) -> bool:
    """Whether a colour reads as a grey, black and white included."""
    return max(color[:3]) - min(color[:3]) <= GREY


def readable(color: RGB, behind: Luminances, inks: Sequence[RGB]) -> RGB | None:
    """Return the colour that a text needs on its background, or None if `color` is readable.

    A grey becomes the better of the two inks. Another colour keeps its hue, and gets as much of that ink as
    it needs. If no colour is better (half of the text lies on white, half on black), the text keeps its own.

    Args:
        color: The colour of the text.
        behind: The luminances of the pixels behind the text.
        inks: The light and the dark colour of text.
    """
    unread = float((contrast(luminance(color), behind) < READABLE).mean())
    if unread <= TOLERATED:
        return None
    shares = [float((contrast(luminance(ink), behind) < READABLE).mean()) for ink in inks]
    # Of two readable inks the more readable.
    worst = [float(contrast(luminance(ink), behind).mean()) for ink in inks]
    best = min(range(len(inks)), key=lambda index: (round(shares[index], 2), -worst[index]))
    if shares[best] >= unread:
        return None
    if is_grey(color):
        return inks[best]
    return _towards(color, inks[best], behind)


def _towards(color: RGB, ink: RGB, behind: Luminances) -> RGB:
    """Return `color` with the least part of `ink` that makes it comfortable to read, or else `ink`."""
    for part in _STEPS:
        mixed = blend(ink, color, part)
        if float((contrast(luminance(mixed), behind) < COMFORTABLE).mean()) <= TOLERATED:
            return mixed
    return ink


def mirrored(
    color: RGB, alpha: float, meant_on: RGB, paper: RGB, ink: RGB, *, area: bool = False
) -> RGB | None:
    """Return the grey that stands out from `paper` as `color` stands out from the paper it was meant for.

    An area stands out less (`AREA`), but a darker area more than a lighter area.

    Args:
        color: The colour that the author chose.
        alpha: Its opacity, and that of the result.
        meant_on: The background for which the author chose it.
        paper: The background that it is drawn on.
        ink: The colour of text on `paper`.
        area: The colour fills an area, and is no line.

    Returns:
        The grey; None if `color` is no grey, or can be seen on `paper`.

    >>> mirrored((0, 0, 0), 1, meant_on=(1, 1, 1), paper=(0, 0, 0), ink=(1, 1, 1))
    (1.0, 1.0, 1.0)
    """
    if not is_grey(color):
        return None
    meant = float(contrast(luminance(blend(color, meant_on, alpha)), luminance(meant_on)))
    under = luminance(paper)
    if float(contrast(luminance(blend(color, paper, alpha)), under)) >= min(meant, SEEN):
        return None
    if area and meant > SEEN:
        meant = SEEN + (meant - SEEN) * (AREA - SEEN) / (BLACK_ON_WHITE - SEEN)
    low, high = 0.0, 1.0
    for _ in range(8):  # halvings: to a step of one in 255
        part = (low + high) / 2
        seen = float(contrast(luminance(blend(blend(ink, paper, part), paper, alpha)), under))
        low, high = (part, high) if seen < meant else (low, part)
    return blend(ink, paper, high)
