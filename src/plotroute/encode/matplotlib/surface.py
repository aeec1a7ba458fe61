"""Make, theme and reset what a plot function draws on: Matplotlib's part of a drawing before encoding."""

from __future__ import annotations

import importlib
import inspect
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib._pylab_helpers import Gcf
from matplotlib.colors import to_hex, to_rgba

from plotroute.encode.geometry import PX
from plotroute.encode.matplotlib import text_layout_cache
from plotroute.encode.matplotlib.given_figure import PyplotFigure
from plotroute.encode.matplotlib.literal_text import literal_texts
from plotroute.encode.matplotlib.missing_glyphs import warn_once_of_missing_glyphs
from plotroute.encode.matplotlib.renderer_cache import keep_renderers
from plotroute.encode.matplotlib.theme import RC


class MatplotlibSurface:
    """Pyplot's figures, Matplotlib's rcParams and backend."""

    makes = frozenset({"ax", "fig"})

    def natural_size(self) -> tuple[int, int]:
        """Return the size (CSS pixels) of a figure that is made without a size, by the rcParams of now."""
        width, height = mpl.rcParams["figure.figsize"]
        return round(width * PX), round(height * PX)

    def background(self) -> str:
        """Return the background of axes by the rcParams of now; that of the figure if axes have none."""
        face = to_rgba(mpl.rcParams["axes.facecolor"])
        return to_hex(face if face[3] else mpl.rcParams["figure.facecolor"])

    def apply_theme(self, theme: str) -> None:
        """Set the rcParams of a theme. They are reset with all others after the drawing."""
        mpl.rcParams.update(dict(RC[theme]))  # type: ignore[arg-type]

    def give(self, names: Collection[str], size: tuple[int, int] | None) -> PyplotFigure:
        """Make the pyplot figure, and axes on it, that a plot function asks for."""
        return PyplotFigure.make(names, size)

    @contextmanager
    def drawing(self, texts: Sequence[str], function: Callable[..., Any]) -> Iterator[None]:
        """Draw texts of the query literally, keep renderers, and warn once of missing characters."""
        with literal_texts(texts), keep_renderers(), warn_once_of_missing_glyphs(inspect.unwrap(function)):
            yield

    def snapshot(self) -> Callable[[], None]:
        """Return a function that closes all figures and resets backend, interactive mode and mathtext."""
        text_layout_cache.install()
        backend, interactive = mpl.get_backend(), mpl.is_interactive()

        def reset() -> None:
            plt.close("all")
            if mpl.get_backend() != backend:
                plt.switch_backend(backend)
            if mpl.is_interactive() != interactive:
                mpl.interactive(interactive)
            _reset_mathtext()

        return reset

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Hide pyplot's open figures (a notebook's), and bring them back afterwards."""
        open_before: OrderedDict[int, Any] = OrderedDict(Gcf.figs)
        Gcf.figs.clear()
        try:
            yield
        finally:
            Gcf.figs.update(open_before)

    @contextmanager
    def without_windows(self) -> Iterator[None]:
        """Draw with Agg if the backend of now opens windows.

        A notebook's inline backend opens none: it draws with Agg already.
        """
        backend = mpl.get_backend()
        opens_windows = backend.lower() != "agg" and "inline" not in backend
        if opens_windows:
            plt.switch_backend("agg")
        try:
            yield
        finally:
            if opens_windows:
                plt.switch_backend(backend)


# All attributes of a parser of Matplotlib 3.11: its grammar, and what is set while a formula is parsed.
_GRAMMAR = {"_expression", "_math_expression"}
_AFTER_A_FORMULA = {"_state_stack": [], "_needs_space_after_subsuper": False, "_em_width_cache": {}}


def _reset_mathtext() -> None:
    """Forget parsed formulas, and the parser too if a formula that failed has left its state in it.

    A failed `$\\sin_$` leaves a flag in the shared parser, and the next formula is spaced differently.
    """
    mathtext: Any = importlib.import_module("matplotlib.mathtext")
    if not _is_as_new(mathtext.MathTextParser._parser):
        mathtext.MathTextParser._parser = None
    mathtext.MathTextParser._parse_cached.cache_clear()


def _is_as_new(parser: Any) -> bool:
    """Whether mathtext's parser is as a new one: making a new one takes 5 ms of the next formula's time.

    A parser that holds anything else is of a version of Matplotlib that is not known here.
    """
    held = vars(parser) if parser is not None else {}
    return held.keys() == _GRAMMAR | _AFTER_A_FORMULA.keys() and all(
        held[name] == value for name, value in _AFTER_A_FORMULA.items()
    )
