"""Find out which files a drawing depends on: files that it opens, and files whose content was kept before.

Content that `functools.cache` or a variable (`CACHE["d"] = …`) keeps is read by the first drawing of a
process only; the next drawings, of other plots too, open nothing, and depend on the file all the same.
Matplotlib caches fonts in this way, so its cache is cleared after a drawing that opened an author's font.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from plotroute.data.opened_files import States, changed
from plotroute.render.drawing import variables
from plotroute.render.drawing.variables import Variables

_CACHED = type(functools.cache(len))
_FONTS = (".ttf", ".otf", ".ttc", ".otc")


class Reads:
    """The files that were read in one process, by plot, and by the author's cached function and variable."""

    def __init__(self, modules: Callable[[], Iterable[ModuleType]]) -> None:
        """Watch the author's modules; `modules` returns those that are imported now."""
        self.outdated: list[str] = []
        """Files that have changed since they were read here, and that the last drawing has not read again.

        It may show their old content.
        """
        self._modules = modules
        self._plots: dict[str, dict[str, str | None]] = {}
        self._functions: dict[int, tuple[Any, dict[str, str | None]]] = {}
        self._before: dict[int, tuple[int, int]] = {}
        self._imported = 0
        self._variables = Variables(modules)
        self._shapes: dict[tuple[str, str], variables.Shape] = {}
        self._kept: dict[str, dict[str, str | None]] = {}
        """Name of a variable → the files that were opened in drawings that have changed the variable."""
        self._used: set[str] = set()
        self._look()

    def begin(self, function: Callable[..., Any]) -> None:
        """Note the call counts of cached functions and the contents of variables, right before a drawing."""
        self._before = {id(function): _counts(function) for function, _ in self._functions.values()}
        self._shapes = self._variables.shapes()
        self._used = self._variables.used_by(function) if self._kept else set()

    def of(self, plot: str, opened: States) -> dict[str, str | None]:
        """Return the files that a drawing depends on: `opened` by itself, or kept from earlier drawings."""
        found = dict(self._plots.get(plot, {}))
        for function, files in self._functions.values():
            if _counts(function)[0] > self._before.get(id(function), (0, 0))[0]:
                found.update(files)
        for name in self._used & self._kept.keys():
            found.update(self._kept[name])
        return {**found, **opened}

    def end(self, plot: str, opened: States, *, live: bool) -> None:
        """Note which files a drawing has read, also if the drawing failed.

        The files of a live plot may change all the time, and the plot is drawn anew anyway: for it, only the
        content that it keeps for other plots counts.
        """
        kept = {name: state for name, state in self.of(plot, opened).items() if name not in opened}
        self.outdated = changed(kept)
        if not live:
            self._plots.setdefault(plot, {}).update(opened)
        if opened:
            for name in variables.changed(self._shapes, self._variables.shapes()):
                self._kept.setdefault(name, {}).update(opened)
        self._used = set()
        if any(name.lower().endswith(_FONTS) for name in opened):
            _forget_fonts()
        if len(sys.modules) != self._imported:
            self._look()
        for function, files in self._functions.values():
            if _counts(function)[1] > self._before.get(id(function), (0, 0))[1]:
                files.update(opened)

    def _look(self) -> None:
        """Find the cached functions in the author's modules."""
        self._imported = len(sys.modules)
        for module in self._modules():
            for function in _in(module):
                self._functions.setdefault(id(function), (function, {}))


def _forget_fonts() -> None:
    """Clear Matplotlib's cache of fonts, so that the next drawing opens its fonts: a few milliseconds."""
    manager = sys.modules.get("matplotlib.font_manager")
    for name in ("_get_font", "_cached_realpath"):
        with contextlib.suppress(AttributeError):  # another version of Matplotlib
            getattr(manager, name).cache_clear()


def _counts(function: Any) -> tuple[int, int]:
    """Return the cache hits and misses of a cached function."""
    hits, misses, *_ = function.cache_info()
    return hits, misses


def _in(module: ModuleType) -> Iterator[Any]:
    for value in list(vars(module).values()):
        if isinstance(value, _CACHED):
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from (method for method in list(vars(value).values()) if isinstance(method, _CACHED))
