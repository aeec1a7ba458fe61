"""Reset variables that keep a function from importing again: `if _lib is None: import lib as _lib`.

A drawing repeats the effects of an import when it reaches the import statement (`imports.py`). A module that
keeps what it has imported reaches the statement once in a process. So the variables around an import are
recorded when it happens, and variables that would prevent the next import get their old value. Recorded are
the modules of the functions that were running, their classes, and objects, dicts, lists and sets that these
modules name, and caches (`functools.cache`) of these functions. A variable counts if it

- holds the module that was imported, or something that it defines, or its name;
- was unset (absent, None, False) and is set by one of the functions that were running.

All other variables keep their value: what a plot counts or caches is its own affair. An import that is kept
in another way is noticed when the same drawing does not reach it again (`Imports.missed`).
"""

from __future__ import annotations

import contextlib
import dis
import functools
import gc
import sys
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from plotroute.render.state.tables import ABSENT

_CONTAINERS = (dict, defaultdict, OrderedDict, list, set)

# Containers that keep imports are small. Copying more entries, for each picture, would take more than 10 µs.
_MOST_ENTRIES = 1_000

# Libraries whose variables and classes are reset in other ways, and of which all figures are made.
_LIBRARIES = ("matplotlib", "mpl_toolkits")


@dataclass(slots=True)
class _Place:
    """A holder of variables: a module's namespace, a class, an object's attributes, a container."""

    holder: Any
    before: dict[Any, Any]
    variable: str = ""
    """The name of the variable that holds a container."""
    package: str = ""
    """The name of a module: its submodules are not its variables."""


class Guards:
    """The variables around the imports of one drawing."""

    def __init__(self) -> None:
        self._unset: dict[int, dict[str, Any]] = {}
        """Author's module → variables that were unset before the drawing: `_done = True` may come first."""
        self._places: dict[int, _Place] = {}
        self._modules: list[str] = []
        self._stored: set[str] = set()
        self._used: set[str] = set()
        self._caches: list[Callable[[], object]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._author: tuple[int, list[dict[str, Any]]] = (0, [])

    def begin(self, is_authors: Callable[[str], bool]) -> None:
        """Note which variables of the author's modules are unset."""
        if self._author[0] != len(sys.modules):
            modules = [
                vars(module)
                for name, module in list(sys.modules.items())
                if issubclass(type(module), ModuleType)
                and (name == "__main__" or is_authors(str(vars(module).get("__file__"))))
            ]
            self._author = len(sys.modules), modules
        self._unset = {
            id(space): {name: value for name, value in list(space.items()) if value is None or value is False}
            for space in self._author[1]
        }

    def look(self, module: str, frames: Iterator[FrameType]) -> None:
        """Record the variables around an import of `module`, whose effects show in pictures."""
        self._modules.append(module)
        for frame in frames:
            space, code = frame.f_globals, frame.f_code
            package = str(space.get("__name__")).partition(".")[0]
            # An import at the top of a module is repeated with the module.
            if package in sys.stdlib_module_names or package in _LIBRARIES or code.co_name == "<module>":
                continue
            self._look_at_module(space)
            self._stored |= _stored(code)
            self._used.update(code.co_names)
            own = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            for function in (space.get(code.co_name), vars(type(own)).get(code.co_name)):
                if getattr(getattr(function, "__wrapped__", None), "__code__", None) is code:
                    self._caches.append(getattr(function, "cache_clear", lambda: None))
            for found in _functions(code) if code.co_freevars else ():
                closure = getattr(found(), "__closure__", ())  # () if it is gone
                cells = zip(code.co_freevars, closure, strict=False)
                self._cells += [(cell, _content(cell)) for name, cell in cells if name in self._stored]
            if id(own) in {id(value) for value in space.values()}:  # an object that all drawings use
                with contextlib.suppress(AttributeError):  # it has slots, or is a proxy of another object
                    self._look_at(object.__getattribute__(own, "__dict__"))
        while module := module.rpartition(".")[0]:
            space = getattr(sys.modules.get(module), "__dict__", {})
            if "__getattr__" in space:
                self._look_at_module(space)

    def _look_at_module(self, space: dict[str, Any]) -> None:
        if id(space) in self._places or getattr(space.get("__spec__"), "_initializing", False):
            return
        name = space.get("__name__")
        self._look_at(space, before=self._unset.get(id(space), {}), package=str(name))
        for value in list(space.values()):
            if issubclass(type(value), type) and value.__module__ == name:
                self._look_at(value)

    def _look_at(self, holder: Any, *, before: dict[str, Any] | None = None, package: str = "") -> None:
        if id(holder) in self._places or not (type(holder) is dict or issubclass(type(holder), type)):
            return
        now = _entries(holder)
        self._places[id(holder)] = _Place(holder, now | (before or {}), package=package)
        for name, value in now.items():
            small = type(value) in _CONTAINERS and len(value) <= _MOST_ENTRIES
            if small and not (str(name).startswith("__") or id(value) in self._places):
                self._places[id(value)] = _Place(value, _entries(value), variable=str(name))

    def put_back(self) -> None:
        """Reset the recorded variables, so that the next drawing imports again."""
        for clear in self._caches:
            clear()
        for cell, was in self._cells:
            if (was is None or was is False) and _content(cell) is not was:
                cell.cell_contents = was
        for place in self._places.values():
            for key, value in _entries(place.holder).items():
                was = place.before.get(key, ABSENT)
                if value is not was and self._keeps(place, key, was, value):
                    self._put(place, key, was, value)
        self._places.clear()
        self._modules.clear()
        self._stored.clear()
        self._used.clear()
        self._caches.clear()
        self._cells.clear()

    def _keeps(self, place: _Place, key: Any, was: Any, value: Any) -> bool:
        """Whether this variable would keep the functions from importing again."""
        names = {name for module in self._modules for name in (module, module.rpartition(".")[2])}
        if any(type(one) is str and one in names for one in (key, value) if place.variable):
            return True
        if any(_is_of(value, module) for module in self._modules):
            return True
        unset = was is ABSENT or was is None or was is False
        if place.variable:
            return unset and value is True and place.variable in self._used
        return unset and key in self._stored

    def _put(self, place: _Place, key: Any, was: Any, value: Any) -> None:
        part = place.package and sys.modules.get(f"{place.package}.{key}") is value
        if not part:
            _set(place.holder, key, was, value)
            return
        # Python has set this attribute of the package, once, when it imported the submodule. If the package
        # has a `def __getattr__`, that is called again; otherwise `import package.part` would not find it.
        find = place.holder.get("__getattr__")
        if find is not None:
            del place.holder[key]
            try:
                found = find(key)
            except Exception:
                found = None
            place.holder.pop(key, None)
            if found is not value:
                place.holder[key] = value


@functools.lru_cache(1_000)
def _stored(code: CodeType) -> frozenset[str]:
    """Return the names of outer variables and attributes that a function sets."""
    kinds = ("STORE_GLOBAL", "STORE_ATTR", "STORE_DEREF")
    return frozenset(one.argval for one in dis.get_instructions(code) if one.opname in kinds)


@functools.lru_cache(1_000)
def _functions(code: CodeType) -> tuple[weakref.ref[FunctionType], ...]:
    """Return the functions that have this code. Searching all objects takes some 50 ms, once."""
    return tuple(weakref.ref(one) for one in gc.get_referrers(code) if type(one) is FunctionType)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return ABSENT


def _entries(holder: Any) -> dict[Any, Any]:
    if isinstance(holder, list | set):
        return {id(value): value for value in holder}
    return dict(vars(holder) if isinstance(holder, type) else holder)


def _set(holder: Any, key: Any, was: Any, value: Any) -> None:
    if isinstance(holder, set):
        holder.discard(value)
    elif isinstance(holder, list):
        holder[:] = [one for one in holder if one is not value]
    elif isinstance(holder, type):
        type.__delattr__(holder, key) if was is ABSENT else type.__setattr__(holder, key, was)
    elif was is ABSENT:
        del holder[key]
    else:
        holder[key] = was


def _is_of(value: Any, module: str) -> bool:
    """Whether a value is the module, a package that contains it, or defined in it."""
    if issubclass(type(value), ModuleType):
        name = str(vars(value).get("__name__"))
        if module.startswith(f"{name}.") and name not in _LIBRARIES:
            return True
    else:
        kind = value if issubclass(type(value), type | FunctionType) else type(value)
        name = str(getattr(kind, "__module__", ""))
    return name == module or name.startswith(f"{module}.")
