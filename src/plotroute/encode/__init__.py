"""Figure → bytes: the table of encoders, each imported when a value first needs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotroute.encode.base import Encoder

TABLE: Mapping[str, tuple[str, str]] = {
    "raw": ("plotroute.encode.raw", "RawEncoder"),
    "matplotlib": ("plotroute.encode.matplotlib.encoder", "MatplotlibEncoder"),
}
"""Name → module, class. The first that accepts a value encodes it."""


def load() -> None:
    """Import all encoders ahead: within a drawing, every import is looked at, and takes twice as long."""
    for module, _ in TABLE.values():
        import_module(module)


def find(value: Any) -> Encoder:
    """Return the encoder of `value`; NotAFigure says what to return instead where there is none."""
    for module, name in TABLE.values():
        encoder: Encoder = getattr(import_module(module), name)()
        if encoder.accepts(value):
            return encoder
    from plotroute.encode.hints_for_authors import refusal

    raise refusal(value)
