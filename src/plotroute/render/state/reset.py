"""Reset the state that a plot may change and the next plot must not see, after every drawing.

Measured with Matplotlib 3.11: `plt.style.use`, `sns.set_theme`, rcParams, `plt.xkcd`, `matplotlib.use`, a
figure left open after an error, colour codes, and a failed `$\\sin_$` (which leaves a flag in the shared
mathtext parser, so that the next formula is spaced differently) all changed the following picture.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

from plotroute import encode
from plotroute.render.state.artwork import Colormaps, Fonts
from plotroute.render.state.definitions import Definitions, Names
from plotroute.render.state.imports import Imports
from plotroute.render.state.interpreter import reset_interpreter
from plotroute.render.state.tables import Environment, Filters, Part, Rc, Tables, values

log = logging.getLogger("plotroute.render")


def import_matplotlib() -> None:
    """Import Matplotlib in an empty directory: a `matplotlibrc` in the working directory would win.

    A file that the user's environment names is read, and is part of every picture's key
    (`catalog/environment.py`).
    """
    if "matplotlib" in sys.modules:
        return
    before = os.getcwd()
    for name in ("MATPLOTLIBRC", "MPLCONFIGDIR"):
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])  # not from the empty directory
    # A notebook hands its backend on to processes that it starts: another Python may have no such module.
    kind, _, module = os.environ.get("MPLBACKEND", "").partition("://")
    if kind == "module" and importlib.util.find_spec(module.partition(".")[0]) is None:
        os.environ["MPLBACKEND"] = "agg"
    with tempfile.TemporaryDirectory(prefix="plotroute-") as empty:
        os.chdir(empty)
        try:
            import matplotlib.pyplot  # noqa: F401  # imported for its effect
        finally:
            os.chdir(before)


@functools.cache
def parts() -> tuple[Part, ...]:
    """Return the parts of the state that are reset before and after each drawing, in that order."""
    return (Rc(), Tables(), Fonts(), Colormaps(), Environment(), Filters(), *values())


@functools.cache
def imports() -> Imports:
    """Return the imports of this process: their changes are repeated by each drawing that imports."""
    return Imports(lambda: (*parts(), _NAMES))


_NAMES = Names()


class State:
    """A snapshot of the process, taken after the author's module was imported.

    >>> state = State()
    >>> with state.clean():
    ...     plot_function(ax)
    """

    def __init__(self, places: Sequence[str] = ()) -> None:
        """Take the snapshot.

        Args:
            places: The author's folders, in a process that may be replaced; empty in any other process.
        """
        self._surfaces = encode.surfaces()
        # Before the definitions are looked at, since both change some of them.
        imports().install()
        if places:
            imports().places = places
        self._resets = [surface.snapshot() for surface in self._surfaces]
        self._before = [part.take() for part in parts()]
        self._done = imports().done
        self._directory = os.getcwd()
        self.definitions = Definitions()
        self.broken = ""
        """Why this process cannot be reset; empty: it can."""

    def restore(self) -> None:
        """Reset everything but the definitions."""
        for reset in self._resets:
            reset()
        for part, before in zip(parts(), self._before, strict=True):
            part.put_back(before)
        imports().done = self._done
        os.chdir(self._directory)

    @contextlib.contextmanager
    def clean(self) -> Iterator[None]:
        """Run the body on the state of the snapshot, and reset it afterwards, also after an error.

        Figures that were open before (a notebook's) are set aside and come back untouched.
        """
        with contextlib.ExitStack() as stack:
            for surface in self._surfaces:
                stack.enter_context(surface.set_aside())
            stack.enter_context(reset_interpreter())
            stack.enter_context(imports().recorded())
            try:
                self.restore()
                imports().begin()
                yield
            finally:
                self._clean_up()

    def _clean_up(self) -> None:
        try:
            imports().open_guards()
            # Before everything else, which relies on the definitions.
            for name in self.definitions.put_back():
                log.warning(
                    "%s was replaced while drawing, and is put back for the next picture. To change it for "
                    "all pictures, do so at the top of the plots file.",
                    name,
                )
            self.restore()
            self.broken = self.broken or imports().hidden
        except Exception as error:  # the picture is drawn; the next picture must not come from this process
            log.exception("the state could not be put back after a drawing")
            self.broken = f"what a plot has changed cannot be put back ({type(error).__name__}: {error})"
