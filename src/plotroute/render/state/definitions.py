"""The names of the libraries that draw, put back where a plot has made them mean something else.

`Axes.plot = …`, `Line2D.zorder = .5` or `np.sin = …` in a plot would change every later picture of its
process, silently. Done where the author's module is imported it is meant for all, and stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain
from types import ModuleType
from typing import Any

from plotroute.render.state.tables import ABSENT, Redo

# Of these every module and class.
_LIBRARIES = ("matplotlib", "mpl_toolkits", "seaborn")

# Of these only the module and these classes: all of NumPy and pandas would double the time that it takes.
_MORE = {
    "builtins": (),
    "math": (),
    "numpy": (),
    "pandas": ("DataFrame", "Series", "Index"),
    "pandas.core.generic": ("NDFrame",),
    "random": (),
}

# What the libraries themselves replace: pyplot its backend, Python what an interactive line has returned, and
# we how rcParams are set (`tables.Rc`).
_CHANGE = {"_backend_mod", "backend", "_", "__setitem__", "_update_raw"}


class _Namespaces:
    """The modules and classes that are looked at, of all that is imported."""

    def __init__(self) -> None:
        self._modules = 0
        self._seen: set[int] = set()
        self.owners: list[Any] = []
        self.first: list[dict[str, Any]] = []
        """What their names meant when they were first seen."""
        self._views: list[Any] = []

    def look(self) -> None:
        """Take in what was imported since."""
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
        """Return what all names mean: comparing two such lists is one pass in C."""
        return list(chain.from_iterable(self._views))


_namespaces = _Namespaces()

# Owner and name of what imports have set: putting it back is nothing to warn of.
_by_imports: set[tuple[int, str]] = set()


class Definitions:
    """A snapshot of what those libraries define, as far as they are imported."""

    def __init__(self) -> None:
        _namespaces.look()
        self._before = [dict(vars(owner)) for owner in _namespaces.owners]
        self._flat = _namespaces.flat()

    def put_back(self) -> list[str]:
        """Put back every name that was made to mean something else, and return those that a plot has set."""
        replaced = []
        for owner, name, was, found in self._differences():
            if was is not ABSENT:
                setattr(owner, name, was)
            elif isinstance(owner, type) and _is_library(owner) and _defines(found):
                delattr(owner, name)  # it may hide what is inherited
            else:
                continue
            if (id(owner), name) not in _by_imports:
                replaced.append(f"{owner.__name__}.{name}")
        return replaced

    def changes(self) -> Redo | None:
        """Return what gives the names again the meaning that they have now."""
        redo = [(owner, name, found) for owner, name, _, found in self._differences() if found is not ABSENT]
        _by_imports.update((id(owner), name) for owner, name, _ in redo)
        return partial(_set, redo) if redo else None

    def _differences(self) -> Iterator[tuple[Any, str, Any, Any]]:
        """Yield what was replaced: whose, its name, what it was and what it is; then take all as it is."""
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
        """Put back every name."""
        before.put_back()

    def changes(self, before: Definitions) -> Redo | None:
        """Return what gives the changed names the meaning that they have now."""
        return before.changes()


def _is_definition(owner: Any, name: str, was: Any, found: Any) -> bool:
    """Whether a name is a setting or a definition of the library's, and no cache or submodule of it."""
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
