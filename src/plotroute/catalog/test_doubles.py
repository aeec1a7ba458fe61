"""Find the functions that an app's test has put in the place of the author's.

`monkeypatch.setattr(shop.charts, "orders", lambda: [1, 2])` replaces a name of a module, while a dataset has
been registered as the function that the name stood for.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plotroute.catalog.binding import BoundDataset, BoundPlot
from plotroute.catalog.catalog import Catalog


def as_patched(catalog: Catalog) -> Catalog:
    """Return the catalog with the functions that the names of their modules stand for now."""
    return replace(
        catalog,
        plots={name: _plot(plot) for name, plot in catalog.plots.items()},
        datasets={name: _dataset(dataset) for name, dataset in catalog.datasets.items()},
    )


def _plot(plot: BoundPlot) -> BoundPlot:
    function = _now(plot.function)
    return plot if function is plot.function else replace(plot, function=function)


def _dataset(dataset: BoundDataset) -> BoundDataset:
    declared = dataset.declared
    function, version = _now(declared.function), declared.version
    if callable(version):
        version = _found(version)
    if function is declared.function and version is declared.version:
        return dataset
    return replace(dataset, declared=replace(declared, function=function, version=version))


def _now(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function to call: itself, or the function that its name stands for now."""
    found = _found(function)
    if found is function:
        return function

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        taken = inspect.signature(found).parameters.values()
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
            return found(**given)
        return found(**{p.name: given[p.name] for p in taken if p.name in given})

    return call


def _found(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the value of a function's name at the top of its module, or the function itself."""
    name = getattr(function, "__name__", "")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    found = getattr(module, name, function)
    # A function inside of another, or under a decorator, never was the value of that name.
    if getattr(function, "__qualname__", "") != name or not callable(found):
        return function
    return function if inspect.unwrap(found) is function or _same(function, found) else found


def _same(function: Callable[..., Any], found: Any) -> bool:
    """Whether two functions have one name and file: of several from a loop, the last has the name."""
    mine, other = getattr(function, "__code__", None), getattr(found, "__code__", None)
    return (
        mine is not None
        and other is not None
        and (mine.co_filename, mine.co_name) == (other.co_filename, other.co_name)
    )
