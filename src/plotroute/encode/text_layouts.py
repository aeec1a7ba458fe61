"""Laying out a text once per picture: a line plot asks for 14 layouts 145 times, a fifth of all its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

_READ_IN = ("3.11.",)
"""Versions of Matplotlib whose `Text._get_layout` was read: it depends on nothing but what is in `_key`."""


@contextmanager
def layouts_remembered() -> Iterator[None]:
    """Have Agg lay out equal texts once while the body runs.

    Matplotlib has no public door to it, so this is for the versions that are known, and for the whole
    process meanwhile.
    """
    if not mpl.__version__.startswith(_READ_IN):
        yield
        return
    known: dict[Any, Any] = {}
    rc: Any = mpl.rcParams
    about_text = [name for name in rc if name.startswith(("font.", "mathtext.", "text."))]
    of: Any = partial(
        dict.__getitem__, rc
    )  # without the check of every access, which costs ten times as much
    lay_out: Any = Text._get_layout  # type: ignore[attr-defined]

    def lay_out_once(self: Any, renderer: Any) -> Any:
        # Other renderers measure otherwise, and what is wrapped depends on where it stands.
        if type(renderer) is not RendererAgg or self.get_wrap():
            return lay_out(self, renderer)
        # An artist may set rcParams while it draws.
        fonts = tuple(tuple(v) if type(v) is list else v for v in map(of, about_text))
        key = fonts, _key(self, renderer)
        found = known.get(key)
        if found is None:
            found = known[key] = lay_out(self, renderer)
        return found

    Text._get_layout = lay_out_once  # type: ignore[attr-defined]
    try:
        yield
    finally:
        Text._get_layout = lay_out  # type: ignore[attr-defined]


def _key(text: Any, renderer: Any) -> tuple[Any, ...]:
    """Return everything that the layout of a text depends on, but for the rcParams."""
    return (
        type(text),
        text.get_text(),
        hash(text.get_fontproperties()),
        renderer.dpi,
        text.get_figure(root=True).dpi,
        text.get_usetex(),
        text.get_parse_math(),
        text._linespacing,
        text._get_multialignment(),
        text.get_rotation(),
        text.get_rotation_mode(),
        text._horizontalalignment,
        text._verticalalignment,
    )
