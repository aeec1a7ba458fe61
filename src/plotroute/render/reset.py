"""The state that a plot may change and the next one must not see, put back after every render.

Measured with Matplotlib 3.11: `plt.style.use`, `sns.set_theme`, rcParams, `plt.xkcd`, `matplotlib.use`, a
figure left open after an error, colour codes, and a failed `$\\sin_$` (which leaves a flag in the shared
mathtext parser, so that the next formula is spaced differently) all changed the following picture.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import locale
import logging
import os
import sys
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, cast

from plotroute.render.definitions import Definitions

log = logging.getLogger("plotroute.render")


def import_matplotlib() -> None:
    """Import Matplotlib in an empty directory: a `matplotlibrc` in the working directory would win."""
    if "matplotlib" in sys.modules:
        return
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="plotroute-") as empty:
        os.chdir(empty)
        try:
            import matplotlib.pyplot  # noqa: F401  # imported for its effect
        finally:
            os.chdir(before)


class State:
    """A snapshot of the process, taken after the author's module was imported."""

    def __init__(self) -> None:
        import matplotlib
        import matplotlib.pyplot as plt
        import numpy as np
        from matplotlib import colors, dates, units

        scale: Any = importlib.import_module("matplotlib.scale")
        colormaps: Any = matplotlib.colormaps
        self._backend = matplotlib.get_backend()
        self._rc = _copied({key: value for key, value in matplotlib.rcParams.items() if key != "backend"})
        self._interactive = matplotlib.is_interactive()
        self._tables: list[tuple[Any, dict[Any, Any]]] = [
            (table, dict(table))
            for table in (
                colors.colorConverter.colors,  # sns.set_theme(color_codes=True) redefines "b", "g", …
                units.registry,  # with pandas' converters every plot of dates has other ticks
                scale._scale_mapping,
                colormaps._cmaps,
                os.environ,
            )
        ]
        self._libraries_add_to = (scale._scale_mapping, colormaps._cmaps)
        self._imported = set(sys.modules)
        self._numpy_errors, self._numpy_print = np.geterr(), np.get_printoptions()
        self._directory = os.getcwd()
        self._filters = warnings.filters[:]
        self._locale = locale.setlocale(locale.LC_ALL)
        self._pandas = _pandas_options()
        self._plt = plt
        # What `set_epoch` has set, or the first plot of dates, after which it cannot be set: a plot that does
        # so would work once in each process.
        self._dates: Any = dates
        self._epoch = self._dates._epoch
        self.definitions = Definitions()

    def restore(self) -> None:
        """Put everything back. Takes 0.05 ms."""
        import matplotlib
        import numpy as np
        from matplotlib import colors

        self._plt.close("all")
        if matplotlib.get_backend() != self._backend:
            self._plt.switch_backend(self._backend)
        # Without the validation of every value, which was done when it was set: 1.4 ms saved.
        dict.update(cast(Any, matplotlib.rcParams), _copied(self._rc))
        if matplotlib.is_interactive() != self._interactive:
            matplotlib.interactive(self._interactive)
        if len(sys.modules) != len(self._imported):
            # A plot was the first to import a library: what that put in (seaborn its colormaps) was put in
            # for good, since it will not be imported again.
            self._adopt(set(sys.modules) - self._imported)
        for table, before in self._tables:
            if dict(table) != before:
                table.clear()
                table.update(before)
                colors.colorConverter.cache.clear()
        mathtext: Any = importlib.import_module("matplotlib.mathtext")
        if not _ended_well(mathtext.MathTextParser._parser):
            mathtext.MathTextParser._parser = None
        mathtext.MathTextParser._parse_cached.cache_clear()
        self._dates._epoch = self._epoch
        np.seterr(**self._numpy_errors)
        np.set_printoptions(**self._numpy_print)
        os.chdir(self._directory)
        if warnings.filters != self._filters:
            warnings.resetwarnings()  # says as well that the cache of decisions is out of date
            warnings.filters[:] = self._filters  # type: ignore[index]
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        _restore_pandas(self._pandas)

    def _adopt(self, imported: set[str]) -> None:
        """Keep the names that newly imported modules have registered, and no other."""
        self._imported |= imported
        for table, before in self._tables:
            if any(table is growing for growing in self._libraries_add_to):
                added = {name: value for name, value in table.items() if name not in before}
                # A colormap is registered as a copy, so its module has one of the same name.
                named = {
                    getattr(value, "name", None)
                    for module in (imported if added else ())
                    for value in list(vars(sys.modules[module]).values())
                    if type(value).__module__ == "matplotlib.colors"
                }
                before.update(
                    {n: v for n, v in added.items() if n in named or getattr(v, "__module__", "") in imported}
                )

    @contextlib.contextmanager
    def clean(self) -> Iterator[None]:
        """Run the body on the state as it was, and put it back whatever happens.

        Figures that were open before (a notebook's) are set aside and come back untouched.
        """
        from matplotlib._pylab_helpers import Gcf

        aside: OrderedDict[int, Any] = OrderedDict(Gcf.figs)
        Gcf.figs.clear()
        try:
            self.restore()
            yield
        finally:
            self.restore()
            for name in self.definitions.put_back():
                log.warning(
                    "%s was replaced while drawing, and is put back for the next picture. What is meant for "
                    "all pictures is done at the top of the plots file.",
                    name,
                )
            Gcf.figs.update(aside)


# All that a parser of Matplotlib 3.11 holds: its grammar, and what is set while a formula is parsed.
_GRAMMAR = {"_expression", "_math_expression"}
_AFTER_A_FORMULA = {"_state_stack": [], "_needs_space_after_subsuper": False, "_em_width_cache": {}}


def _ended_well(parser: Any) -> bool:
    """Whether mathtext's parser is as a new one: making that takes 5 ms of the next formula's time.

    A formula that fails leaves its state in the parser. One that holds anything else is of a Matplotlib that
    is not known here.
    """
    held = vars(parser) if parser is not None else {}
    return held.keys() == _GRAMMAR | _AFTER_A_FORMULA.keys() and all(
        held[name] == value for name, value in _AFTER_A_FORMULA.items()
    )


def _copied(rc: dict[str, Any]) -> dict[str, Any]:
    """Return rcParams with lists of their own: `rcParams["font.sans-serif"].insert(0, …)` is common."""
    return {key: value[:] if isinstance(value, list) else value for key, value in rc.items()}


def _pandas_options() -> dict[str, Any] | None:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    config = pandas._config.config._global_config
    return copy.deepcopy(config) if isinstance(config, dict) else None


def _restore_pandas(before: dict[str, Any] | None) -> None:
    pandas = sys.modules.get("pandas")
    if before is None or pandas is None:
        return
    config = pandas._config.config._global_config
    if config != before:
        config.clear()
        config.update(copy.deepcopy(before))
