"""Find out which variables of the author's modules a drawing has changed, and which a plot may use.

Data that one plot keeps in a variable (`CACHE["day"] = pd.read_csv("day.csv")`) is used by other plots
without opening the file. Python reports nothing of that, so the variables are compared before and after a
drawing, by the identities of their contents. A plot may use the variables that its code names, directly or
indirectly.
"""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from itertools import islice
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

Shape = tuple[int, ...]

# Objects of one variable that are compared: some 0.1 ms. The rest counts by its number.
_MOST = 1000

# Levels that are compared: an object's list in a dict. Deeper levels are known by the levels above them.
_DEPTH = 2

_EMPTY = CellType()
_PLAIN = {int, float, complex, str, bytes, bool, type(None)}
_CONTAINERS = (list, tuple, set, frozenset, deque)


class Variables:
    """The variables of the author's modules. A name means the variables of that name in all modules."""

    def __init__(self, modules: Callable[[], Iterable[ModuleType]]) -> None:
        """Watch the author's modules; `modules` returns those that are imported now."""
        self._modules = modules

    def shapes(self) -> dict[tuple[str, str], Shape]:
        """Return by module and name a shape that differs once a variable has another content."""
        modules = list(self._modules())
        names = {module.__name__ for module in modules}
        return {
            (module.__name__, name): _shape(value, names)
            for module in modules
            for name, value in list(vars(module).items())
            if not name.startswith("__") and not isinstance(value, ModuleType)
        }

    def used_by(self, function: Any) -> set[str]:
        """Return the names in the code of `function`, and in all of the author's code that they lead to."""
        modules = list(self._modules())
        names = {module.__name__ for module in modules}
        found: set[str] = set()
        seen: set[int] = set()
        waiting = list(_codes(function, names))
        while waiting:
            code = waiting.pop()
            if id(code) in seen:
                continue
            seen.add(id(code))
            waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
            for name in {*code.co_names, *code.co_freevars} - found:
                found.add(name)
                for module in modules:
                    waiting += _codes(vars(module).get(name), names)
        return found


def changed(before: dict[tuple[str, str], Shape], after: dict[tuple[str, str], Shape]) -> list[str]:
    """Return the names of variables that are new or have changed."""
    return [key[1] for key, shape in after.items() if before.get(key) != shape]


def _shape(value: Any, modules: set[str]) -> Shape:
    """Return the identities of a value and of its contents, level by level."""
    found, waiting = [id(value)], deque([(value, 0)])
    try:
        while waiting and len(found) < _MOST:
            one, depth = waiting.popleft()
            members = _members(one, modules)
            if members is None:
                continue
            found.append(len(members))
            for member in islice(members, _MOST - len(found)):
                found.append(id(member))
                if depth < _DEPTH and type(member) not in _PLAIN:
                    waiting.append((member, depth + 1))
    except RuntimeError:  # a thread of the author's is writing to it
        pass
    return tuple(found)


def _members(value: Any, modules: set[str]) -> Any:
    """Return the contents of a container, or of an object of the author's; None for anything else.

    Types are inspected, not values: a proxy (`current_app`) answers for another object, or fails.
    """
    kind = type(value)
    if issubclass(kind, dict):
        return dict.values(value)
    if issubclass(kind, _CONTAINERS):
        return value
    if kind is FunctionType:
        return _around(value)
    if kind.__module__ in modules or issubclass(kind, MutableMapping):  # also a cache of cachetools'
        return getattr(value, "__dict__", {}).values()
    if kind is type and value.__module__ in modules:
        return [one for name, one in list(vars(value).items()) if not name.startswith("__")]
    return None


def _around(function: FunctionType) -> list[Any]:
    """Return what a function keeps beside its code: attributes, defaults, variables of its closure."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if cell != _EMPTY]
    return [
        *vars(function).values(),
        *(function.__defaults__ or ()),
        *(function.__kwdefaults__ or {}).values(),
        *cells,
    ]


def _codes(value: Any, modules: set[str]) -> Iterator[CodeType]:
    """Yield the code that a value leads to: of a function and what it wraps, of an author's methods."""
    kind = type(value)
    if kind is FunctionType:
        yield value.__code__
        for inner in _around(value):
            if type(inner) is FunctionType and inner is not value and inner.__module__ in modules:
                yield inner.__code__
    elif kind is functools.partial:
        yield from _codes(value.func, modules)
    elif kind is property:
        yield from _codes(value.fget, modules)
    elif kind in (staticmethod, classmethod):
        yield from _codes(value.__func__, modules)
    elif (wrapped := inspect.getattr_static(value, "__wrapped__", None)) is not None:
        yield from _codes(wrapped, modules)  # by functools.cache, or any other decorator's object
    else:
        for one in (value if issubclass(kind, type) else kind).__mro__:
            if one.__module__ in modules:
                for method in list(vars(one).values()):
                    if not issubclass(type(method), type):
                        yield from _codes(method, modules)
