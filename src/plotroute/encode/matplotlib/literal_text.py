"""Text from a query is drawn as it was typed: `$` starts no mathtext in it, and `_` hides no legend entry."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.text import Text

_INTERNAL = re.compile(r"_(child|container)\d+|_nolegend_")
"""Labels that Matplotlib gives to what has none, and the one by which authors hide an entry."""


def _plain(text: str) -> str:
    """Authors wrap, pad and capitalise what they put in a title: none of that makes it another text."""
    return " ".join(text.split()).casefold()


@contextmanager
def literal_texts(texts: Sequence[str]) -> Iterator[None]:
    """Draw every Matplotlib text that holds one of `texts` without parsing mathtext or TeX, and show all of
    them in legends.

    Only texts with a `$`, or with a `_` at the beginning, matter; without one nothing at all is changed. It
    has to be active while the author's function runs (`tight_layout` measures text) and while the figure is
    encoded, and changes Matplotlib for the whole process meanwhile.
    """
    formulas = tuple(_plain(text) for text in texts if "$" in text)
    labels = tuple(text for text in texts if text.startswith("_"))
    with ExitStack() as changes:
        if formulas:
            changes.enter_context(_no_mathtext(formulas))
        if labels:
            changes.enter_context(_in_legends(labels))
        yield


@contextmanager
def _in_legends(labels: tuple[str, ...]) -> Iterator[None]:
    """Have a legend show what is labelled with a text that begins with one of `labels`."""
    # All automatic legends ask this function, and it leaves out what begins with `_`.
    module: Any = importlib.import_module("matplotlib.legend")
    find, handles_of = module._get_legend_handles_labels, module._get_legend_handles

    def shown(label: Any) -> bool:
        if not (isinstance(label, str) and label.startswith("_")):
            return bool(label)
        return label.startswith(labels) and not _INTERNAL.fullmatch(label)

    def find_typed_ones_too(axs: Any, legend_handler_map: Any = None) -> Any:
        handles = [handle for handle in handles_of(axs, legend_handler_map) if shown(handle.get_label())]
        return handles, [handle.get_label() for handle in handles]

    module._get_legend_handles_labels = find_typed_ones_too
    try:
        yield
    finally:
        module._get_legend_handles_labels = find


@contextmanager
def _no_mathtext(wanted: tuple[str, ...]) -> Iterator[None]:
    # Here: the render server imports this before Matplotlib, which it imports in an empty directory.
    from matplotlib.text import Text

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
