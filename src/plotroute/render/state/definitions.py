"""Reset names of the libraries that draw, if a plot has replaced what they stand for.

`Axes.plot = …`, `Line2D.zorder = .5` or `np.sin = …` in a plot would change every later picture of its
process, silently. At the import of the author's module it is meant for all pictures, and stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain
from types import ModuleType
from typing import Any

from plotroute.render.state.tables import ABSENT, Redo

# Libraries of which every module and class is watched.
_LIBRARIES = ("matplotlib", "mpl_toolkits", "seaborn")

# Modules that are watched with these classes only: all of NumPy and pandas would take twice the time.
_MORE = {
    "builtins": (),
    "math": (),
    "numpy": (),
    "pandas": ("DataFrame", "Series", "Index"),
    "pandas.core.generic": ("NDFrame",),
    "random": (),
}

# Names that libraries replace themselves: pyplot its backend, Python the last result of an interactive line,
# and plotroute the setters of rcParams (`tables.Rc`).
_CHANGE = {"_backend_mod", "backend", "_", "__setitem__", "_update_raw"}


class _Namespaces:
    """The imported modules and classes that are watched."""

    def __init__(self) -> None:
        self._modules = 0
        self._seen: set[int] = set()
        self.owners: list[Any] = []
        self.first: list[dict[str, Any]] = []
        """The values of their names when they were first seen."""
        self._views: list[Any] = []

    def look(self) -> None:
        """Find what was imported since the last look."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        for name, module in list(sys.modules.items()):
            if not isinstance(module, ModuleType):
                continue
            if name.partition(".")[0] in _LIBRARIES:
                self._add(module)
                for value in list(vars(module).values()):
                    if isinstance(value, type) and value.__module__.partition(".")[0] in _LIBRARIES:
                        self._add(value)
            elif name in _MORE:
                self._add(module)
                for value in (vars(module).get(one) for one in _MORE[name]):
                    if isinstance(value, type):
                        self._add(value)

    def _add(self, owner: Any) -> None:
        if id(owner) not in self._seen:
            self._seen.add(id(owner))
            self.owners.append(owner)
            self.first.append(dict(vars(owner)))
            self._views.append(vars(owner).values())  # follows its namespace

    def flat(self) -> list[Any]:
        """Return the values of all names: comparing two such lists is one pass in C."""
        return list(chain.from_iterable(self._views))


_namespaces = _Namespaces()

# Owner and name of what imports have set: resetting it needs no warning.
_by_imports: set[tuple[int, str]] = set()


class Definitions:
    """A snapshot of what those libraries define, if they are imported."""

    def __init__(self) -> None:
        _namespaces.look()
        self._before = [dict(vars(owner)) for owner in _namespaces.owners]
        self._flat = _namespaces.flat()

    def put_back(self) -> list[str]:
        """Reset every name that was replaced, and return the names that a plot has set."""
        replaced = []
        for owner, name, was, found in self._differences():
            if was is not ABSENT:
                setattr(owner, name, was)
            elif isinstance(owner, type) and _is_library(owner) and _defines(found):
                delattr(owner, name)  # it may hide an inherited name
            else:
                continue
            if (id(owner), name) not in _by_imports:
                replaced.append(f"{owner.__name__}.{name}")
        return replaced

    def changes(self) -> Redo | None:
        """Return a function that gives the names their values of now again; None if none has changed."""
        redo = [(owner, name, found) for owner, name, _, found in self._differences() if found is not ABSENT]
        _by_imports.update((id(owner), name) for owner, name, _ in redo)
        return partial(_set, redo) if redo else None

    def _differences(self) -> Iterator[tuple[Any, str, Any, Any]]:
        """Yield owner, name, old and new value of each replaced name; then take the state of now."""
        _namespaces.look()
        if len(self._before) == len(_namespaces.owners):
            try:
                if _namespaces.flat() == self._flat:
                    return
            except Exception:  # arrays, and other things that cannot be compared
                pass
        self._before += _namespaces.first[len(self._before) :]
        for number, (owner, before) in enumerate(zip(_namespaces.owners, self._before, strict=True)):
            now = dict(vars(owner))
            for name in [*before, *(now.keys() - before.keys())]:
                was, found = before.get(name, ABSENT), now.get(name, ABSENT)
                if was is not found and name not in _CHANGE and _is_definition(owner, name, was, found):
                    yield owner, name, was, found
            self._before[number] = dict(vars(owner))
        self._flat = _namespaces.flat()


class Names:
    """The definitions as one part of the state among others."""

    def take(self) -> Definitions:
        """Return a snapshot."""
        return Definitions()

    def put_back(self, before: Definitions) -> None:
        """Reset every name."""
        before.put_back()

    def changes(self, before: Definitions) -> Redo | None:
        """Return a function that gives changed names their values of now again."""
        return before.changes()


def _is_definition(owner: Any, name: str, was: Any, found: Any) -> bool:
    """Whether a name is a setting or a definition of the library, and no cache or submodule."""
    if was is ABSENT:
        return isinstance(owner, type) and _defines(found)
    return _defines(was) or not (name.startswith("_") or isinstance(was, ModuleType))


def _is_library(owner: Any) -> bool:
    return owner.__module__.partition(".")[0] in _LIBRARIES


def _defines(value: object) -> bool:
    """Whether a value is a function, a class, a method, a property or the like."""
    return callable(value) or hasattr(type(value), "__get__")


def _set(names: list[tuple[Any, str, Any]]) -> None:
    for owner, name, value in names:
        setattr(owner, name, value)
