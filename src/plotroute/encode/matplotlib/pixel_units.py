"""Find out whether something in a figure is measured in pixels, so that it moves with the density."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import FigureImage
from matplotlib.legend import Legend
from matplotlib.offsetbox import AnchoredOffsetbox, AnnotationBbox, OffsetBox, OffsetImage
from matplotlib.patches import ConnectionPatch, Patch, Shadow
from matplotlib.spines import Spine
from matplotlib.text import Annotation
from matplotlib.transforms import IdentityTransform, Transform

PLACES = np.array([[0.3, 0.4], [0.6, 0.8]])
"""Parts of the figure's width and height: two places that are checked for moving."""

POINTS = 72
"""Points per inch."""


def is_measured_in_pixels(figure: Figure) -> bool:
    """Whether a place or size in `figure` is a number of pixels: `figimage`, `transform=None`, "axes pixels"…

    Matplotlib draws such a figure right at a single dpi. `figure` is unchanged afterwards.
    """
    artists = list(_artists(figure))
    if any(isinstance(it, FigureImage) or _has_raw_image(it) for it in artists):
        return True
    measures = [measure for artist in artists for measure in _measures(artist)]
    if any(isinstance(it, str) and "pixels" in it for it in measures):
        return True
    transforms = list({id(it): it for it in measures if isinstance(it, Transform)}.values())
    outlines = [it for it in artists if _has_outline(it)]
    dpi = figure.dpi
    places, shapes = [_places(it, figure) for it in transforms], [_outline(it) for it in outlines]
    figure._set_dpi(2 * dpi, forward=False)  # type: ignore[attr-defined]
    try:
        moved = (
            then is not None and not _is_doubled(then[1], it.transform(then[0]))
            for it, then in zip(transforms, places, strict=True)
        )
        reshaped = (not _is_doubled(then, _outline(it)) for it, then in zip(outlines, shapes, strict=True))
        return any(moved) or any(reshaped)
    finally:
        figure._set_dpi(dpi, forward=False)  # type: ignore[attr-defined]


def pin_shadows(figure: Figure, dpi: float) -> None:
    """Draw the shadows of patches (`pie(shadow=True)`) at any dpi where they fall at `dpi`.

    Their offset is in the units of the data, but grows with the dpi.
    """
    for shadow in _artists(figure):
        if isinstance(shadow, Shadow):
            shift = shadow._ox * dpi / POINTS, shadow._oy * dpi / POINTS  # type: ignore[attr-defined]
            shadow._update_transform = partial(_translate, shadow, shift)  # type: ignore[attr-defined]


def _translate(shadow: Any, shift: tuple[float, float], renderer: Any) -> None:
    shadow._shadow_transform.clear().translate(*shift)


def _artists(artist: Artist) -> Iterator[Artist]:
    """Yield artists that an author may have placed: no ticks or frames, no parts of legends and boxes."""
    for child in artist.get_children():
        if not child.get_visible() or isinstance(child, Axis | Spine):
            continue
        yield child
        if not isinstance(child, Legend | OffsetBox | AnnotationBbox):
            yield from _artists(child)


def _has_raw_image(artist: Any) -> bool:
    box = artist.offsetbox if isinstance(artist, AnnotationBbox) else None
    return isinstance(box, OffsetImage) and not box._dpi_cor  # type: ignore[attr-defined]


def _measures(artist: Any) -> Iterator[Any]:
    """Yield the transforms, or names of coordinates, that place `artist`."""
    if isinstance(artist, Annotation | AnnotationBbox):
        other = artist.boxcoords if isinstance(artist, AnnotationBbox) else artist.anncoords
        for coordinates in (artist.xycoords, other):
            yield from coordinates if isinstance(coordinates, tuple) else (coordinates,)
    elif isinstance(artist, Collection):
        # Markers have sizes in points, by a transform that follows the dpi only when they are drawn.
        offset = artist.get_offset_transform()
        is_moved = not isinstance(offset, IdentityTransform) or np.any(artist.get_offsets())
        yield offset if is_moved else artist.get_transform()
    elif isinstance(artist, ConnectionPatch):
        yield from (artist.coords1, artist.coords2)
    elif artist.is_transform_set() and not _has_outline(artist):
        yield Artist.get_transform(artist)


def _places(transform: Transform, figure: Figure) -> tuple[Any, Any] | None:
    """Return two points and their places in the figure (pixels); None if no inverse gives the points."""
    if not transform.has_inverse:
        return None
    try:
        points = transform.inverted().transform(PLACES * figure.bbox.size)
        places = transform.transform(points)
    except (ValueError, NotImplementedError, np.linalg.LinAlgError):
        return None
    return (points, places) if np.isfinite(points).all() and np.isfinite(places).all() else None


def _has_outline(artist: Artist) -> bool:
    """Whether the place of `artist` is in its outline, because its transform does not give it."""
    if isinstance(artist, Patch):  # a patch of `mark_inset` computes its pixels anew for every dpi
        return isinstance(Artist.get_transform(artist), IdentityTransform)
    return isinstance(artist, Legend | AnchoredOffsetbox)


def _outline(artist: Any) -> Any:
    """Return points (pixels) of `artist`, or of the box that it is anchored to."""
    if isinstance(artist, Patch):
        return artist.get_transform().transform(artist.get_path().vertices)
    return np.array(artist.get_bbox_to_anchor().extents)


def _is_doubled(before: Any, after: Any) -> bool:
    # A hundredth of a pixel: inverting a projection is not exact.
    return np.shape(before) == np.shape(after) and np.allclose(after, 2 * before, atol=0.01, equal_nan=True)
