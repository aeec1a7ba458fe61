"""Which files the drawings of one process depend on: those each opens, and those that are kept from before.

What `functools.cache` or a variable (`CACHE["d"] = …`) keeps is read by the first drawing of a process only;
the next ones, of other plots too, open nothing, and depend on the file all the same. Matplotlib keeps fonts
like this: it is made to open an author's anew.
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
    """The files that were read in one process, by plot, cached function and variable of the author's."""

    def __init__(self, modules: Callable[[], Iterable[ModuleType]]) -> None:
        """`modules` returns those of the author's that are imported now."""
        self.outdated: list[str] = []
        """Files that have changed since they were read here, and that the last drawing has not read again:
        it may show what they were."""
        self._modules = modules
        self._plots: dict[str, dict[str, str | None]] = {}
        self._functions: dict[int, tuple[Any, dict[str, str | None]]] = {}
        self._before: dict[int, tuple[int, int]] = {}
        self._imported = 0
        self._variables = Variables(modules)
        self._shapes: dict[tuple[str, str], variables.Shape] = {}
        self._kept: dict[str, dict[str, str | None]] = {}
        """By the name of a variable: the files that were open in drawings that have changed it."""
        self._used: set[str] = set()
        self._look()

    def begin(self, function: Callable[..., Any]) -> None:
        """Note how often each cached function was called, and what variables hold, right before a drawing."""
        self._before = {id(function): _counts(function) for function, _ in self._functions.values()}
        self._shapes = self._variables.shapes()
        self._used = self._variables.used_by(function) if self._kept else set()

    def of(self, plot: str, opened: States) -> dict[str, str | None]:
        """Return the files that a drawing depends on, which has opened some of them itself."""
        found = dict(self._plots.get(plot, {}))
        for function, files in self._functions.values():
            if _counts(function)[0] > self._before.get(id(function), (0, 0))[0]:
                found.update(files)
        for name in self._used & self._kept.keys():
            found.update(self._kept[name])
        return {**found, **opened}

    def end(self, plot: str, opened: States, *, live: bool) -> None:
        """Note what a drawing has read, also one that has failed.

        What a live plot reads may change all the time, and it is drawn anew anyway: what it keeps counts.
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
    """Have the next drawing open its fonts itself, also where it is another plot's: a few milliseconds."""
    manager = sys.modules.get("matplotlib.font_manager")
    for name in ("_get_font", "_cached_realpath"):
        with contextlib.suppress(AttributeError):  # of another version of Matplotlib
            getattr(manager, name).cache_clear()


def _counts(function: Any) -> tuple[int, int]:
    """Return how often a cached function has answered from its cache, and how often it was run."""
    hits, misses, *_ = function.cache_info()
    return hits, misses


def _in(module: ModuleType) -> Iterator[Any]:
    for value in list(vars(module).values()):
        if isinstance(value, _CACHED):
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from (method for method in list(vars(value).values()) if isinstance(method, _CACHED))
