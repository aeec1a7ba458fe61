"""Draw texts of the query as they are: `$` starts no mathtext in them, and `_` hides no legend entry."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from matplotlib.text import Text

from plotroute.encode.matplotlib.replaced import replaced

_INTERNAL = re.compile(r"_(child|container)\d+|_nolegend_")
"""Labels that Matplotlib makes up for unlabelled artists, and the label by which authors hide an entry."""


def _plain(text: str) -> str:
    """Return a text without what authors change in a title: line breaks, padding and capitals."""
    return " ".join(text.split()).casefold()


@contextmanager
def literal_texts(texts: Sequence[str]) -> Iterator[None]:
    """Parse no mathtext or TeX in Matplotlib texts that contain one of `texts`, and show them in legends.

    Only texts with a `$`, or with a `_` at the beginning, matter; without such a text nothing is changed. It
    has to be active while the author's function runs (`tight_layout` measures text) and while the figure is
    encoded. Matplotlib is changed for the whole process meanwhile.
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
    """Show artists in legends whose label begins with one of `labels`."""
    # All automatic legends call this function, and it leaves out labels that begin with `_`.
    module: Any = importlib.import_module("matplotlib.legend")
    handles_of = module._get_legend_handles

    def shown(label: Any) -> bool:
        if not (isinstance(label, str) and label.startswith("_")):
            return bool(label)
        return label.startswith(labels) and not _INTERNAL.fullmatch(label)

    def find_typed_ones_too(axs: Any, legend_handler_map: Any = None) -> Any:
        handles = [handle for handle in handles_of(axs, legend_handler_map) if shown(handle.get_label())]
        return handles, [handle.get_label() for handle in handles]

    with replaced(module, _get_legend_handles_labels=find_typed_ones_too):
        yield


@contextmanager
def _no_mathtext(wanted: tuple[str, ...]) -> Iterator[None]:
    """Parse no mathtext or TeX in texts that contain one of `wanted`."""
    # Everything that measures or draws a Text calls this method for each line: tick labels, legends and
    # texts made later included.
    parse, uses_tex = Text._preprocess_math, Text.get_usetex  # type: ignore[attr-defined]

    def holds(text: str) -> bool:
        return "$" in text and any(part in _plain(text) for part in wanted)

    def parse_unless_typed(self: Text, line: str) -> Any:
        return (line, False) if holds(self.get_text()) or holds(line) else parse(self, line)

    def uses_tex_unless_typed(self: Text) -> bool:
        return bool(uses_tex(self)) and not holds(self.get_text())

    with replaced(Text, _preprocess_math=parse_unless_typed, get_usetex=uses_tex_unless_typed):
        yield
