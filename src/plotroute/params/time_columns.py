"""Columns of times in pandas, Polars or NumPy: which times lie in a range, naive or aware.

None of the libraries is imported here: a column comes from code that has imported its library.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any

_CURE = "Pass one column of times: period.mask(orders['at'])"


def between(times: Any, start: datetime, end: datetime, zone: tzinfo) -> Any:
    """Return a mask of `times`: True from `start` on and before `end` (both aware), False for a missing time.

    Args:
        times: A Series or Index of pandas, a Series of Polars, or an array of NumPy.
        start: The first moment, aware.
        end: The moment after the last, aware.
        zone: The time zone of naive times.

    Returns:
        What the library returns for a comparison: a Series for a Series, an array for an Index or array.

    Raises:
        TypeError: `times` are not times. The message has the cure.
    """
    library = type(times).__module__.partition(".")[0]
    if library == "pandas" and hasattr(times, "dtype"):
        return _pandas(times, start, end, zone)
    if library == "polars" and hasattr(times, "dtype"):
        return _polars(times, start, end, zone)
    if getattr(getattr(times, "dtype", None), "kind", "") == "M":
        return _numpy(times, start, end, zone)
    raise TypeError(f"{_called(times)} is no column of times. {_CURE}.")


def _pandas(times: Any, start: datetime, end: datetime, zone: tzinfo) -> Any:
    name = str(times.dtype)
    if name.startswith("period"):
        times = getattr(times, "dt", times).start_time
    elif name == "object" and _holds_dates(times):
        times = sys.modules["pandas"].to_datetime(times)
    elif name.startswith(("date", "timestamp")) and name.endswith("[pyarrow]"):
        # Arrow's own comparison knows no year before 1678, and answers neither yes nor no for a missing time.
        times = times.astype("datetime64[us, UTC]" if "tz=" in name else "datetime64[us]")
    if getattr(times.dtype, "kind", "") != "M":
        raise TypeError(
            f"The column {times.name!r} holds {name}, not times: read it with parse_dates=[…], or convert it "
            "with pd.to_datetime(…)."
        )
    if getattr(times, "dt", times).tz is None:
        start, end = _naive(start, zone), _naive(end, zone)
    return (times >= start) & (times < end)


def _holds_dates(times: Any) -> bool:
    """Whether all are dates or datetimes of Python, as databases return them; a table may be empty."""
    return all(isinstance(each, date) for each in times[times.notna()])


def _polars(times: Any, start: datetime, end: datetime, zone: tzinfo) -> Any:
    polars = sys.modules["polars"]
    if times.dtype == polars.Date:
        times = times.cast(polars.Datetime("us"))
    if not isinstance(times.dtype, polars.Datetime):
        raise TypeError(f"The column {times.name!r} holds {times.dtype}, not times: str.to_datetime(…).")
    # Microseconds: neither end of the calendar has a number of nanoseconds.
    times = times.dt.cast_time_unit("us")
    if times.dtype.time_zone is None:
        start, end = _naive(start, zone), _naive(end, zone)
    else:  # Polars compares times of one zone only
        times = times.dt.convert_time_zone("UTC")
    return ((times >= start) & (times < end)).fill_null(False)


def _numpy(times: Any, start: datetime, end: datetime, zone: tzinfo) -> Any:
    import numpy as np

    # Microseconds: in nanoseconds an end beyond 2262 would turn around, silently.
    times = times.astype("datetime64[us]")
    first, last = (np.datetime64(_naive(each, zone), "us") for each in (start, end))
    return (times >= first) & (times < last)


def _naive(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # beyond the calendar there
        return datetime.min if moment.year == 1 else datetime.max


def _called(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


# The messages of pandas, Polars, NumPy and Python when an aware time is compared to a naive time.
_MIXED = re.compile(
    r"Invalid comparison between dtype=(datetime64|date32|timestamp|str|object)"
    r"|Cannot compare tz-naive and tz-aware"
    r"|can't compare offset-naive and offset-aware"
    r"|can't compare datetime\.datetime to datetime\.date"
    r"|datetime time zone .* does not match Series timezone"
    r"|comparison between series .* of dtype: Datetime\("
    r"|not supported between instances of '(int|str|Timestamp|numpy\.ndarray)' and 'datetime\.datetime'"
)


def explain(error: BaseException, ranges: Callable[[], list[str]]) -> None:
    """Add a note with the cure to an error of comparing an end of a range with naive times.

    Args:
        error: Any error of the author's code.
        ranges: Returns the names of the parameters that are ranges of time.
    """
    names = ranges() if _MIXED.search(str(error)[:2000]) else []
    if names:
        error.add_note(
            f"{names[0]}.start and {names[0]}.end are aware, in UTC, and the other times are not. Ask the "
            f"range which times lie in it, naive ones too: orders[{names[0]}.mask(orders['at'])]"
        )
