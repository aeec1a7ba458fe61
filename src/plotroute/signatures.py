"""What a function asks for: its arguments, and their hints, each evaluated by itself.

A hint that cannot be evaluated (imported under TYPE_CHECKING, say) only matters where it is needed: on a
query parameter, not on a dataset or an axes.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
from collections.abc import Callable
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
    """Return what `function` asks for; BadRegistration if it cannot be called by name."""
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
    """Raise a BadRegistration, with the cure, if a decorator got something that it cannot register."""
    if inspect.isclass(function) or not callable(function) or not hasattr(function, "__name__"):
        raise BadRegistration(
            f"{decorator} goes above a function, not {type(function).__name__} {function!r}."
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise BadRegistration(
            f"{where(function)} is async; plots run in processes of their own, so write a plain `def`."
        )
    if inspect.isgeneratorfunction(function):
        raise BadRegistration(f"{where(function)} yields; return the one figure instead.")


def where(function: Callable[..., Any]) -> str:
    """Return `name (file.py, line 12)`, for messages."""
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__name__", repr(inner))
    if code is None:
        return name
    return f"{name} in {Path(code.co_filename).name}, line {code.co_firstlineno}"
