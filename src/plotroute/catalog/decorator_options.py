"""Check what authors write into a decorator: the names of its options, sizes, durations.

The error for a wrong name says which option is meant, which a TypeError of Python's does not know.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from plotroute.data import freshness
from plotroute.errors import BadRegistration

M = TypeVar("M", bound=Callable[..., Any])

LEAST_SIDE = 50
"""CSS pixels. A size with both sides below it is too small to show axes, and is as large as figures are in
inches. One side may be below it: a sparkline is 200 pixels by 30."""

MOST_SIDE = 8000
"""CSS pixels: above them, a size is taken for a mistake."""

_ADDRESS = 'the address comes first and has no name: write @plots.plot("sales/revenue")'
_DESCRIPTION = (
    "the description is the function's docstring below its first line; title= and alt= are texts of a line"
)
_FRESH = 'how long a picture stays fresh is ttl=, such as ttl="10m"'
_SIZE = "write size=(width, height), in CSS pixels"
_READS = "a plot reads a dataset by an argument of that name: def plot(ax, orders)"
_FILES = 'data in files is named by plots.files("orders", "data/*.csv")'
_LOADED = 'how long loaded data is good is ttl=, such as ttl="10m"; what tells its state is version='

_MEANT: Mapping[str, Mapping[str, str]] = {
    "@plots.plot": {
        **dict.fromkeys(("name", "path", "url", "route", "address", "endpoint", "slug"), _ADDRESS),
        **dict.fromkeys(("description", "doc", "docs", "help", "summary", "caption"), _DESCRIPTION),
        **dict.fromkeys(("cache", "expires", "lifetime", "refresh"), _FRESH),
        **dict.fromkeys(("width", "height"), _SIZE),
        **dict.fromkeys(("data", "dataset", "datasets"), _READS),
        "dpi": "readers ask for a sharper picture with dpr= in its address; size= is in CSS pixels",
        "format": "readers ask for a format by the end of the address: sales/revenue.svg",
        "params": "the parameters are the function's own arguments, with type hints",
        "theme": "readers ask for a theme with theme= in the address; an argument `theme` receives it",
    },
    "@plots.dataset": {
        "name": 'the name comes first, without a keyword: write @plots.dataset("orders")',
        **dict.fromkeys(("path", "file", "files", "pattern"), _FILES),
        **dict.fromkeys(("cache", "expires", "lifetime", "refresh", "max_age", "stale"), _LOADED),
        "every": 'how often a version= is looked at is poll=, such as poll="5s"',
        "description": "the description is the function's docstring",
    },
}
"""Decorator → option that it does not have → what to write instead."""


def checked(decorator: str) -> Callable[[M], M]:
    """Wrap a decorator, so that its error for an unknown option says which option is meant.

    The signature stays what it is, for type checkers and for `help`.

    Args:
        decorator: the name of it, as authors write it: `@plots.plot`.
    """

    def of(method: M) -> M:
        known = [
            parameter.name
            for parameter in inspect.signature(method).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]

        @functools.wraps(method)
        def call(self: Any, first: Any = None, /, *rest: Any, **options: Any) -> Any:
            if rest:
                why = (
                    f"{decorator} takes its options by name, and got {rest[0]!r} without one: write "
                    f"{decorator}(…, {known[0]}=…), or one of {', '.join(f'{name}=' for name in known[1:])}."
                )
                return self.registry.refuse(decorator.rpartition(".")[2], first, why)
            for name, value in options.items():
                if name not in known:
                    why = _unknown(decorator, name, value, known)
                    return self.registry.refuse(decorator.rpartition(".")[2], first, why)
            return method(self, first, **options)

        return call  # type: ignore[return-value]

    return of


def _unknown(decorator: str, name: str, value: Any, known: list[str]) -> str:
    meant = _MEANT[decorator].get(name)
    if name == "figsize" and "size" in known:
        sides = _in_pixels(value)
        meant = f"sizes are in CSS pixels of 1/100 inch: write size={sides or '(width, height)'}"
    elif meant is None:
        nearest = difflib.get_close_matches(name, known, n=1)
        all_of_them = ", ".join(f"{other}=" for other in known)
        meant = f"did you mean {nearest[0]}=?" if nearest else f"it has {all_of_them}"
    return f"{decorator} has no option {name}=: {meant}" + ("" if meant.endswith("?") else ".")


def size(option: str, value: Any) -> tuple[int, int] | None:
    """Return a size in CSS pixels, or None.

    Raises:
        BadRegistration: it is no size, or one in inches. It says what to write.
    """
    if value is None:
        return None
    try:
        width, height = (int(side) for side in value)
    except (TypeError, ValueError, OverflowError):
        width = height = 0
    if 0 < max(width, height) < LEAST_SIDE and (pixels := _in_pixels(value)):
        raise BadRegistration(
            f"{option}={value!r} is in CSS pixels: did you mean {pixels}? An inch is 100 of them."
        )
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        raise BadRegistration(
            f"{option}={value!r} must be (width, height) in CSS pixels, such as (800, 500)."
        )
    return width, height


def _in_pixels(inches: Any) -> tuple[int, int] | None:
    """Return a `figsize` in CSS pixels; None: it is no figsize."""
    try:
        width, height = (round(float(side) * 100) for side in inches)
    except (TypeError, ValueError, OverflowError):
        return None
    return (width, height) if 0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE else None


# Seconds that caches take for "forever": HTTP cannot write an infinity.
_YEAR = 365 * 24 * 3600


def positive(option: str, value: Any) -> Any:
    """Return a number above 0, or None; raise BadRegistration if it is neither."""
    if value is not None and not (isinstance(value, (int, float)) and 0 < value < float("inf")):
        raise BadRegistration(f"{option}={value!r} must be a number above 0.")
    return value


def load_times(ttl: Any, version: Any, poll: Any) -> tuple[float | None, float]:
    """Return the seconds that loaded data is fresh, or None, and the seconds between polls of its version.

    Raises:
        BadRegistration: the two exclude each other, or are no durations.
    """
    if ttl is not None and version is not None:
        raise BadRegistration(
            "A dataset has a ttl= or a version=, not both: a version says already when the data has "
            "changed. Leave one out."
        )
    seconds, every = duration("ttl", ttl), duration("poll", poll)
    if seconds == 0:
        raise BadRegistration(
            "ttl=0: such data would be loaded for every request. Leave ttl= out: the content then tells "
            "whether it has changed. Or load it in a plot that reads no dataset and is drawn every time."
        )
    if not every or every < 0.1:
        raise BadRegistration(f"poll={poll!r} must be at least 100ms.")
    return seconds, every


def duration(option: str, value: Any) -> float | None:
    """Return the seconds of a duration, or None; raise BadRegistration if it is neither."""
    try:
        return freshness.ttl(value)
    except (ValueError, TypeError) as error:
        raise BadRegistration(f"{option}={value!r}: {error}") from None


def bounded(option: str, value: Any) -> float | None:
    """Return the seconds of a duration, or None; at most a year, so that HTTP can write them."""
    seconds = duration(option, value)
    return None if seconds is None else min(seconds, _YEAR)


def columns(option: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns; raise BadRegistration if they are no list of texts."""
    if isinstance(names, str) or not all(isinstance(column, str) for column in names):
        truth = "True or " if option == "source" else ""
        raise BadRegistration(f'{option}={names!r} must be {truth}a list of columns: ["at", "temperature"].')
    return tuple(names)
