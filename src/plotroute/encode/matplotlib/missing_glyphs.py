"""Warn of characters that no font of a picture has: once per picture, and with the cure.

Matplotlib warns of each such character whenever it lays out a text, which may be several times per picture.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plotroute.encode.matplotlib.replaced import replaced

_MOST_SHOWN = 20
"""Characters that one warning shows: a text in another script may lack hundreds."""


@contextmanager
def warn_once_of_missing_glyphs(function: Callable[..., Any]) -> Iterator[None]:
    """Collect the missing characters while the body runs, then warn once, at the first line of `function`.

    Matplotlib is changed for the whole process meanwhile.
    """
    helpers: Any = importlib.import_module("matplotlib._text_helpers")
    missing: dict[str, dict[str, None]] = {}

    def collect(codepoint: Any, fontnames: str) -> None:
        missing.setdefault(str(fontnames), {})[chr(int(codepoint))] = None

    with replaced(helpers, warn_on_missing_glyph=collect):
        yield
    code = getattr(function, "__code__", None)
    for fonts, characters in missing.items():
        file, line = (code.co_filename, code.co_firstlineno) if code else ("plotroute", 1)
        warnings.warn_explicit(_words(fonts, list(characters)), UserWarning, file, line)


def _words(fonts: str, characters: list[str]) -> str:
    shown = ", ".join(f"{each} (U+{ord(each):04X})" for each in characters[:_MOST_SHOWN])
    more = len(characters) - _MOST_SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"Glyphs missing from font(s) {fonts}: {shown}{rest}. Boxes are drawn in their place: set "
        'rcParams["font.family"] to a list that ends in a font that has them.'
    )
