"""Lay out a text once per picture: a line plot needs 14 layouts 145 times, a fifth of all its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

_READ_IN = ("3.11.",)
"""Versions of Matplotlib whose `Text._get_layout` was read: it depends only on what is in `_key`."""

_lay_out: Any = Text._get_layout  # type: ignore[attr-defined]
_remembered = threading.local()


@contextmanager
def remember_layouts() -> Iterator[None]:
    """Lay out equal texts once with Agg while the body runs, in this thread."""
    install()
    before = getattr(_remembered, "layouts", None)
    _remembered.layouts = {}
    try:
        yield
    finally:
        _remembered.layouts = before


def install() -> None:
    """Replace Matplotlib's layout of texts by a cached layout; it has no public hook.

    Do so once in a process, and before the state of the process is recorded: setting a method of a class
    empties Python's caches of that class's methods, which would happen twice per picture if the method were
    set and reset for each.
    """
    if mpl.__version__.startswith(_READ_IN) and Text._get_layout is _lay_out:  # type: ignore[attr-defined]
        Text._get_layout = _lay_out_once  # type: ignore[attr-defined]


def _lay_out_once(self: Any, renderer: Any) -> Any:
    known = getattr(_remembered, "layouts", None)
    # Other renderers measure differently, and a wrapped text depends on its place.
    if known is None or type(renderer) is not RendererAgg or self.get_wrap():
        return _lay_out(self, renderer)
    # An artist may set rcParams while it draws.
    fonts = tuple(tuple(v) if type(v) is list else v for v in map(_rc, _ABOUT_TEXT))
    key = fonts, _key(self, renderer)
    found = known.get(key)
    if found is None:
        found = known[key] = _lay_out(self, renderer)
    return found


_ABOUT_TEXT = [name for name in list(mpl.rcParams) if name.startswith(("font.", "mathtext.", "text."))]
# Without the check of every access, which costs ten times as much.
_rc: Any = partial(dict.__getitem__, mpl.rcParams)


def _key(text: Any, renderer: Any) -> tuple[Any, ...]:
    """Return everything that the layout of a text depends on, except rcParams."""
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
