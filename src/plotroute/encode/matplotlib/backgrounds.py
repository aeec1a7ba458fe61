"""Read what is behind a text or a mark when Agg draws it: the luminances of the pixels there."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, isfinite, radians, sin
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray

from plotroute.encode.matplotlib.contrast import RGB, Luminances, luminance, luminances

ROWS, COLUMNS = 8, 32
"""Most pixels behind a text that are read: enough to tell a bar from a grid line."""

POINTS = 64
"""Points along a line, or marks of a group, at which pixels are read."""

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top in pixels, from the lower left."""


def behind_text(text: Text, renderer: Any, paper: RGB) -> Luminances | None:
    """Return the luminances behind the letters of `text`; None if they are out of the picture.

    An outline and a box of the text's own count, though they are drawn with it. `paper` is the colour behind
    transparent pixels.
    """
    halo = _halo(text)
    if halo is not None:
        return np.array([luminance(halo)])
    pixels = _pixels_behind(text, renderer)
    if pixels is None:
        return None
    box = text.get_bbox_patch()
    if box is not None and box.get_visible() and box.get_fill():
        pixels = _covered(pixels, box.get_facecolor())
    return luminances(pixels, paper)


def behind_mark(mark: Any, renderer: Any, paper: RGB) -> Luminances:
    """Return the luminances behind points of a line, patch or collection; that of `paper` without points."""
    points = _points(mark)
    buffer = np.asarray(renderer.buffer_rgba())
    height, width = buffer.shape[:2]
    x0, y0, x1, y1 = _clip(mark, (0.0, 0.0, float(width), float(height)))
    x, y = points[:, 0], points[:, 1]
    with np.errstate(invalid="ignore"):
        inside = (x >= x0) & (x < x1) & (y > y0) & (y <= y1)
    if not inside.any():
        return np.array([luminance(paper)])
    rows, columns = (height - y[inside]).astype(int), x[inside].astype(int)
    return luminances(buffer[rows, columns], paper)


def is_projected(mark: Artist) -> bool:
    """Whether `mark` belongs to 3D axes, which place it anew when it is drawn."""
    # 3D axes also compute its colours anew for each drawing, from the depth.
    return type(mark).__module__.startswith("mpl_toolkits.mplot3d")


def _pixels_behind(text: Text, renderer: Any) -> Pixels | None:
    """Return some of the pixels (n × 4) where `text` will be; None if it is out of the picture."""
    # Text's own method: that of an annotation would add its arrow.
    box = Text.get_window_extent(text, renderer)
    buffer = np.asarray(renderer.buffer_rgba())
    height, width = buffer.shape[:2]
    if not all(isfinite(side) for side in (box.x0, box.y0, box.x1, box.y1)):
        return None
    x0, y0, x1, y1 = _clip(text, (max(box.x0, 0), max(box.y0, 0), min(box.x1, width), min(box.y1, height)))
    if x1 <= x0 or y1 <= y0:
        return None
    angle = text.get_rotation() % 90
    if min(angle, 90 - angle) > 1:
        return _pixels_along(text, box, buffer, (x0, y0, x1, y1))
    left, right = int(x0), max(int(x1), int(x0) + 1)
    top, bottom = int(height - y1), max(int(height - y0), int(height - y1) + 1)
    down, along = max(1, (bottom - top) // ROWS), max(1, (right - left) // COLUMNS)
    pixels: Pixels = buffer[top:bottom:down, left:right:along].reshape(-1, 4)
    return pixels if pixels.size else None


def _pixels_along(text: Text, box: Any, buffer: Any, within: Sequence[float]) -> Pixels | None:
    """Return the pixels along the middle of a slanting text: its upright box contains much else."""
    x0, y0, x1, y1 = within
    angle = radians(text.get_rotation())
    across, upwards = cos(angle), sin(angle)
    figure: Any = text.get_figure(root=True)
    thick = text.get_fontsize() * figure.dpi / 72 * (text.get_text().count("\n") + 1)
    if abs(across) >= abs(upwards):
        half = max(box.width - thick * abs(upwards), thick) / abs(across) / 2
    else:
        half = max(box.height - thick * abs(across), thick) / abs(upwards) / 2
    along = np.linspace(-half, half, COLUMNS)
    x, y = (box.x0 + box.x1) / 2 + along * across, (box.y0 + box.y1) / 2 + along * upwards
    inside = (x >= x0) & (x < x1) & (y > y0) & (y <= y1)
    if not inside.any():
        return None
    rows = np.clip((buffer.shape[0] - y[inside]).astype(int), 0, buffer.shape[0] - 1)
    pixels: Pixels = buffer[rows, x[inside].astype(int)]
    return pixels


def _clip(artist: Artist, within: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the part of a box (pixels, from the lower left) in which `artist` may draw."""
    clip = artist.get_clip_box() if artist.get_clip_on() else None
    if clip is None:
        return within
    x0, y0, x1, y1 = within
    return max(x0, clip.x0), max(y0, clip.y0), min(x1, clip.x1), min(y1, clip.y1)


def _points(mark: Any) -> Points:
    """Return points (pixels, n × 2) on `mark`; none for a mark of 3D axes, which is placed when drawn."""
    if isinstance(mark, Line2D):
        paths = [] if is_projected(mark) else _along(mark)
    elif isinstance(mark, Patch):
        verts: Any = mark.get_verts()
        paths = [_some(np.asarray(verts, float).reshape(-1, 2))] if len(verts) else []
        if paths and mark.get_fill():
            # Inside of the patch: at its edge lies the bar that was drawn before.
            middle = np.nanmean(paths[0], axis=0, keepdims=True)
            paths = [middle + 0.7 * (paths[0] - middle), middle]
    elif (offsets := np.ma.filled(mark.get_offsets(), np.nan)).any():
        return np.asarray(mark.get_offset_transform().transform(_some(offsets)), float)
    else:
        paths = [mark.get_transform().transform(_some(path.vertices)) for path in _some(mark.get_paths())]
    if not paths:
        return np.empty((0, 2))
    return np.vstack([_between(np.asarray(np.ma.filled(path, np.nan), float)) for path in paths])


def _along(line: Line2D) -> list[Points]:
    path: Any = line.get_path()
    points: Points = line.get_transform().transform(_some(path.vertices))
    if line.get_marker() in ("None", "none", None, " ", ""):
        return [points]
    # On both sides of a marker's middle: there may lie the line of an error bar that was drawn before.
    figure: Any = line.get_figure(root=True)
    aside = np.array([line.get_markersize() * figure.dpi / 72 * 0.35, 0.0])
    return [points - aside, points + aside]


def _some(things: Any) -> Any:
    return things[:: max(1, len(things) // POINTS)]


def _between(points: Points) -> Points:
    """Return `points` with more of them in between where they are few: a straight line has two."""
    if not 1 < len(points) < POINTS:
        return points
    wanted = np.linspace(0, len(points) - 1, POINTS // 4 * 2)
    known = np.arange(len(points))
    return np.column_stack([np.interp(wanted, known, points[:, side]) for side in (0, 1)])


def _covered(pixels: Pixels, color: Any) -> Pixels:
    """Return `pixels` under a box of that colour."""
    alpha = color[3]
    under = pixels[:, 3:] / 255 * (1 - alpha)
    total = alpha + under
    mixed = (np.array(color[:3]) * 255 * alpha + pixels[:, :3] * under) / np.where(total == 0, 1, total)
    covered: Pixels = np.rint(np.hstack([mixed, total * 255])).astype(np.uint8)
    return covered


def _halo(text: Text) -> RGB | None:
    """Return the colour of the outline that an author has put around the letters of `text`, if any."""
    for effect in text.get_path_effects() or ():
        options = getattr(effect, "_gc", None)
        if isinstance(options, dict) and options.get("foreground") and options.get("linewidth", 1) > 1:
            return to_rgb(options["foreground"])
    return None
