"""Find values of parameters that no axis can show: drawing them fails, and it is no fault of the author.

Python's dates end at the years 1 and 9999, numbers at 1.8e308, and axes have margins around both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plotroute.catalog.tracebacks import author_traceback
from plotroute.errors import CannotDraw
from plotroute.model import Param
from plotroute.params import durations, kind_of

_FAILS_WITH = (OverflowError, ValueError, FloatingPointError)
"""Errors of Python, NumPy and Matplotlib for a number or a date out of range."""

FIRST_YEAR, LAST_YEAR = 1000, 8999
"""Years between which any two dates leave room for margins and ticks."""

MOST = 1e300
"""Largest number whose sums and differences stay finite, however an axis rounds them."""

MOST_SECONDS = 1e10
"""Longest duration in seconds (some 300 years) that can be added to any date within these years."""

_YEARS = re.compile(r"(\d{4})-\d\d-\d\d")


def error_for(error: BaseException, params: Iterable[Param], values: Mapping[str, Any]) -> CannotDraw | None:
    """Return an error that tells the user which value is too far out.

    Args:
        error: What drawing has raised.
        params: The parameters of the plot.
        values: Their canonical values.

    Returns:
        The error; None if `error` is of a kind that such values do not cause, or no value is far out.
    """
    if not isinstance(error, _FAILS_WITH):
        return None
    for param in params:
        for item in _items(values.get(param.name)):
            if (why := _too_far(kind_of(param).measures, item)) is not None:
                return CannotDraw(
                    f"{param.name}: {item!s:.60} is too far out to be drawn, because {why}",
                    detail=author_traceback(error),
                )
    return None


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    else:
        yield value


def _too_far(measures: str, item: Any) -> str | None:
    if isinstance(item, float | int):
        return f"axes have room for numbers up to {MOST:g}" if abs(item) > MOST else None
    if not isinstance(item, str):
        return None
    if measures == "durations":
        return "dates end in the year 9999" if durations.parse(item).total_seconds() > MOST_SECONDS else None
    if measures == "moments":
        years = [int(year) for year in _YEARS.findall(item)]
        if any(not FIRST_YEAR <= year <= LAST_YEAR for year in years):
            return f"axes have room around dates of the years {FIRST_YEAR} to {LAST_YEAR}"
    return None
