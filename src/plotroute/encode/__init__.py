"""Turn a figure into bytes: the table of encoders and their drawing surfaces. Door of the folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotroute.encode.base import Encoder, Surface

TABLE: Mapping[str, tuple[str, str]] = {
    "raw": ("plotroute.encode.raw", "RawEncoder"),
    "matplotlib": ("plotroute.encode.matplotlib.encoder", "MatplotlibEncoder"),
}
"""Name → module, class. The first encoder that accepts a value encodes it."""


def load() -> None:
    """Import all encoders and surfaces ahead.

    Within a drawing, every import is watched, and takes twice as long.
    """
    surfaces()


def find(value: Any) -> Encoder:
    """Return the encoder of `value`.

    Raises:
        NotAFigure: No encoder accepts the value. The text says what to return instead.

    >>> find(b"\\x89PNG…").encode(b"\\x89PNG…", Target())
    """
    for encoder in _encoders():
        if encoder.accepts(value):
            return encoder
    from plotroute.encode.hints_for_authors import refusal

    raise refusal(value)


def surfaces() -> list[Surface]:
    """Return the drawing surfaces of all encoders that have one."""
    return [surface for encoder in _encoders() if (surface := encoder.surface()) is not None]


def surface_for(names: Collection[str]) -> Surface:
    """Return the surface that makes the arguments `names`; the first surface if there are none."""
    return next(surface for surface in surfaces() if all(name in surface.makes for name in names))


def _encoders() -> Iterator[Encoder]:
    """Yield the encoders, each imported when its turn comes."""
    for module, name in TABLE.values():
        encoder: Encoder = getattr(import_module(module), name)()
        yield encoder
