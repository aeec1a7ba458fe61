"""Read the arguments of a function and their type hints, each hint evaluated by itself.

A hint that cannot be evaluated (imported under TYPE_CHECKING, say) only matters where it is needed: on a
query parameter, not on a dataset or an axes.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plotroute.errors import BadRegistration

FIGURES = ("ax", "fig")
"""Arguments that receive an Axes or a Figure made by plotroute."""

EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a plot or dataset function."""

    name: str
    annotation: Any
    default: Any
    function: Callable[..., Any]

    @property
    def is_bare(self) -> bool:
        """Whether it has neither hint nor default, so that it can only be a dataset."""
        return self.annotation is EMPTY and self.default is EMPTY

    def hint(self, title: str) -> Any:
        """Return the evaluated type hint, EMPTY if there is none."""
        if not isinstance(self.annotation, str):
            return self.annotation
        function = inspect.unwrap(self.function)
        names: dict[str, Any] = {**vars(builtins), **getattr(function, "__globals__", {})}
        code = getattr(function, "__code__", None)
        if code is not None:
            for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
                with contextlib.suppress(ValueError):  # a cell that is still empty
                    names[name] = cell.cell_contents
        try:
            # The author's own source text, as typing does it. A quoted hint is a text in a text where
            # hints are postponed.
            found = eval(self.annotation, names)
            return eval(found, names) if isinstance(found, str) else found
        except Exception as error:
            raise BadRegistration(
                f"{title}: the hint `{self.annotation}` of {self.name!r} cannot be evaluated ({error}). "
                "Import or define its names at the top of the module, outside of `if TYPE_CHECKING:` "
                "and functions."
            ) from None


def arguments(function: Callable[..., Any], title: str) -> tuple[Argument, ...]:
    """Return the arguments of a function.

    Args:
        function: the author's function.
        title: what an error calls the function: its name, file and line.

    Raises:
        BadRegistration: it has arguments that plotroute cannot give by name (`*args`, `**options`, `/`).
    """
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise BadRegistration(
                f"{title}: {parameter} accepts anything, so plotroute cannot tell a query parameter from a "
                "typo. Name the parameters one by one."
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise BadRegistration(
                f"{title}: {parameter.name!r} is positional-only; remove the `/` from the signature."
            )
        found.append(Argument(parameter.name, parameter.annotation, parameter.default, function))
    return tuple(found)


def check_function(function: Any, decorator: str) -> None:
    """Check that a decorator is above something that can be registered.

    Raises:
        BadRegistration: it is a class, a coroutine, a generator or guarded as views are. It has the cure.
    """
    if inspect.isclass(function) or not callable(function) or not hasattr(function, "__name__"):
        raise BadRegistration(
            f"{decorator} goes above a function, not {type(function).__name__} {function!r}."
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise BadRegistration(
            f"{where(function)} is async, and plotroute calls plain functions only. Plots run in processes "
            "of their own and keep no other request waiting, so write a plain `def`."
        )
    if is_for_views(function):
        raise BadRegistration(
            f"{where(function)} uses the request, as views do, but plots are drawn in another process, "
            "where there is no request. Guard all plots with init_app(app, decorators=(login_required,)), or "
            "some of them with authorize=, and take the logged-in user as a parameter (user: plotroute.User)."
        )
    if inspect.isgeneratorfunction(function):
        raise BadRegistration(
            f"{where(function)} yields, which plotroute does not follow: return the one figure instead."
        )


def is_for_views(function: Callable[..., Any]) -> bool:
    """Whether a function, or a decorator around it, is for views: it would use the request."""
    own = _package(inspect.unwrap(function))
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        if _is_guard(function, own):
            return True
        function = inner
    return asks_for_request(function)


def is_guarded_by(function: Callable[..., Any], outer: Any) -> bool:
    """Whether `outer` is a decorator for views around `function`, made with `wraps` or without."""
    if outer is function or not callable(outer):
        return False
    if inspect.unwrap(outer) is inspect.unwrap(function):
        return is_for_views(outer)
    inside = (*_closed_over(_code_of(outer)), *getattr(outer, "__dict__", {}).values())
    return any(value is function for value in inside) and _is_guard(outer, _package(function))


def _is_guard(decorator: Any, own: str) -> bool:
    """Whether what a decorator has made is for views; `own` is the package of the function inside."""
    package = _package(decorator)
    # Not every package of such a name is one of Flask's extensions: it may be the author's own.
    if package != own and (package == "flask" or package.startswith("flask_")):
        return True
    return asks_for_request(decorator) or any(map(_ends_a_request, _used(_code_of(decorator))))


def asks_for_request(function: Callable[..., Any]) -> bool:
    """Whether a function's own code uses `request`, `session`, `current_user` or the like."""
    return any(map(_is_of_a_request, _used(_code_of(function))))


def _code_of(function: Any) -> Any:
    """Return the function that runs: for an object that can be called, the method of its class."""
    return function if hasattr(function, "__code__") else getattr(type(function), "__call__", None)  # noqa: B004


def _package(function: Any) -> str:
    names = getattr(_code_of(function), "__globals__", {})
    return str(names.get("__name__", "")).partition(".")[0]


def _used(function: Any) -> Iterator[Any]:
    """Yield the values that a function's own code uses: of modules, and of the functions around it."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    yield from _closed_over(function)
    yield from _loaded(code, function.__globals__)


def _closed_over(function: Any) -> Iterator[Any]:
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # a cell that is still empty
            yield cell.cell_contents


def _loaded(code: types.CodeType, names: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the globals that a code loads, and the attributes of modules, but of nothing else."""
    module: Any = None
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            module = names.get(step.argval)
            yield module
        elif step.opname == "IMPORT_NAME":
            module = sys.modules.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM") and type(module) is types.ModuleType:
            value = vars(module).get(step.argval)
            yield value
            if step.opname != "IMPORT_FROM":
                module = value
        elif not step.opname.startswith("STORE"):  # between the names of one import
            module = None
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _loaded(inner, names)


def _is_of_a_request(value: Any) -> bool:
    """Whether a value stands for something that there is only while a request is answered."""
    # Not isinstance(): such a proxy claims the type of the value that it stands for.
    if f"{type(value).__module__}.{type(value).__name__}" != "werkzeug.local.LocalProxy":
        return False
    flask = sys.modules.get("flask")
    if any(value is getattr(flask, name, None) for name in ("current_app", "g")):
        return False  # of an app's context, which plots are drawn in
    source = object.__getattribute__(value, "_LocalProxy__wrapped")
    if isinstance(source, ContextVar):
        return source.name.startswith("flask.")
    return _package(source).startswith("flask_") or asks_for_request(source)


_ENDS = ("abort", "redirect", "make_response", "flash", "Forbidden", "Unauthorized", "NotFound")


def _ends_a_request(value: Any) -> bool:
    """Whether a value is a function of Flask's, or an error of Werkzeug's, that answers a request."""
    if not isinstance(value, (types.FunctionType, type)):
        return False
    return str(value.__module__).partition(".")[0] in ("flask", "werkzeug") and value.__name__ in _ENDS


def where(function: Callable[..., Any]) -> str:
    """Return `name (file.py, line 12)`, for messages."""
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__name__", repr(inner))
    if code is None:
        return name
    return f"{name} in {Path(code.co_filename).name}, line {code.co_firstlineno}"
