"""Text from a query is drawn as it was typed: a `$` in it never starts mathtext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib.text import Text


def _plain(text: str) -> str:
    """Authors wrap, pad and capitalise what they put in a title: none of that makes it another text."""
    return " ".join(text.split()).casefold()


@contextmanager
def literal_texts(texts: Sequence[str]) -> Iterator[None]:
    """Draw every Matplotlib text that holds one of `texts` without parsing mathtext or TeX.

    Only texts with a `$` matter; without one nothing at all is changed. It has to be active while the
    author's function runs (`tight_layout` measures text) and while the figure is encoded, and changes
    Matplotlib for the whole process meanwhile.
    """
    wanted = tuple(_plain(text) for text in texts if "$" in text)
    if not wanted:
        yield
        return
    # Every way of measuring and drawing a Text asks this method, line by line: tick labels, legends and
    # texts made later included. Matplotlib has no public door to it.
    parse, uses_tex = Text._preprocess_math, Text.get_usetex  # type: ignore[attr-defined]

    def holds(text: str) -> bool:
        return "$" in text and any(part in _plain(text) for part in wanted)

    def parse_unless_typed(self: Text, line: str) -> Any:
        return (line, False) if holds(self.get_text()) or holds(line) else parse(self, line)

    def uses_tex_unless_typed(self: Text) -> bool:
        return bool(uses_tex(self)) and not holds(self.get_text())

    Text._preprocess_math = parse_unless_typed  # type: ignore[attr-defined]
    Text.get_usetex = uses_tex_unless_typed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Text._preprocess_math = parse  # type: ignore[attr-defined]
        Text.get_usetex = uses_tex  # type: ignore[method-assign]
