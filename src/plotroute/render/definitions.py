"""The functions, classes and methods of the libraries that draw, put back where a plot has replaced them.

`Axes.plot = …` in a plot would change every later picture of its process, silently. Done where the author's
module is imported it is meant for all, and stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import is_
from types import ModuleType
from typing import Any

# All of NumPy and pandas would cost 2 ms per picture, where these take 0.3 ms.
_LIBRARIES = ("matplotlib", "mpl_toolkits", "seaborn")

# What the libraries themselves replace: pyplot its backend, which `State` puts back.
_CHANGE = {"_backend_mod"}

_ABSENT = object()


@dataclass(slots=True)
class _Namespace:
    """A module or a class, and what its names meant."""

    owner: ModuleType | type
    now: Mapping[str, Any]
    before: dict[str, Any]

    def put_back(self) -> Iterator[str]:
        """Put back what was replaced; yield the names."""
        if len(self.now) == len(self.before) and all(map(is_, self.now.values(), self.before.values())):
            return
        for name in [*self.before, *(self.now.keys() - self.before.keys())]:
            was, found = self.before.get(name, _ABSENT), self.now.get(name, _ABSENT)
            if was is found or name in _CHANGE:
                continue
            if _defines(was):
                setattr(self.owner, name, was)
            elif was is _ABSENT and isinstance(self.owner, type) and _defines(found):
                delattr(self.owner, name)  # it may hide what is inherited
            else:  # a setting, a cache, a submodule
                continue
            yield f"{self.owner.__name__}.{name}"
        self.before = dict(self.now)


class Definitions:
    """A snapshot of what those libraries define, as far as they are imported."""

    def __init__(self) -> None:
        self._modules = 0
        self._seen: set[int] = set()
        self._namespaces: list[_Namespace] = []
        self._look()

    def put_back(self) -> list[str]:
        """Put back every definition that was replaced, and return their names."""
        replaced = [name for namespace in self._namespaces for name in namespace.put_back()]
        if len(sys.modules) != self._modules:
            self._look()
        return replaced

    def _look(self) -> None:
        """Take in what was imported since."""
        self._modules = len(sys.modules)
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in _LIBRARIES and isinstance(module, ModuleType):
                self._add(module)
                for value in list(vars(module).values()):
                    if isinstance(value, type) and value.__module__.partition(".")[0] in _LIBRARIES:
                        self._add(value)

    def _add(self, owner: ModuleType | type) -> None:
        if id(owner) not in self._seen:
            self._seen.add(id(owner))
            self._namespaces.append(_Namespace(owner, vars(owner), dict(vars(owner))))


def _defines(value: object) -> bool:
    """Whether a value is a function, a class, a method, a property or the like."""
    return callable(value) or hasattr(type(value), "__get__")
