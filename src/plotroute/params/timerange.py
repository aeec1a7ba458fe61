"""A range of time, as authors and URLs spell it: `-7d`, `2024-01-01..2024-02-01`, `now-7d..now-1d`.

Pure, except that a relative range reads the clock when its ends are read without `resolve`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from plotroute.params import durations, time_columns

SPELLING = (
    "write -7d, now-7d..now-1d, 2024-01-01..2024-02-01 or 2024-01-01T06:00Z..now "
    "(a time without an offset is UTC)"
)

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|([+ -])[0-9]{2}:[0-9]{2})?)?"
)
# The longest moment has 32 characters, the longest duration 40.
_MAX_LENGTH = 100

# A shift by 1/500 of the range is hardly visible in a picture, and all requests share one picture for that
# long. Below a minute, each request would have a picture of its own.
_STEPS_IN_RANGE = 500
_LEAST_STEP = timedelta(minutes=1)
# Dates begin with the year 1. The limit is checked before a duration is subtracted from the clock.
_LONGEST_AGO = timedelta(days=366 * 1000)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def moment(text: str) -> datetime:
    """Return the datetime that `text` spells: aware and in UTC if it has an offset, else naive.

    Args:
        text: `YYYY-MM-DD`, or `YYYY-MM-DD[T ]HH:MM[:SS[.ffffff]]` with or without `Z` or `±HH:MM`. A space
            before the offset is a `+` that a URL turned into a space.

    Raises:
        ValueError: `text` is anything else, a number of seconds since the epoch too.
    """
    found = _MOMENT.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None:
        raise ValueError(f"{text[:_MAX_LENGTH]!r} is not a date or time")
    if found[1] == " ":
        text = f"{text[:-6]}+{text[-5:]}"
    try:
        spelled = datetime.fromisoformat(text)
        return spelled if spelled.tzinfo is None else spelled.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not on the calendar") from None


class TimeRange:
    """A range of time, from a moment until before a later one, absolute or relative to now.

    It is immutable, and equal to every range with the same meaning. As a type hint it makes a parameter of a
    plot a range of time.

    Args:
        start: The whole range as text ("-7d", "2024-01-01..now"), or its first moment: a datetime, a date, or
            text ("now-7d"). Without an offset it is in UTC.
        end: The moment before which the range ends, if `start` is not the whole range.
        step: What an end that is relative to now is rounded to: "1h", or a timedelta of whole seconds. By
            default 1/500 of the range, and at least a minute, so that the picture is the same for as long.

    Raises:
        ValueError: This is no range of time, or it does not end after it starts. The message shows the
            spellings.
        TypeError: One end is missing, or is neither text nor a date.

    Example:
        >>> @plots.plot
        ... def revenue(ax, orders, period: TimeRange = TimeRange("-7d", step="1h")):
        ...     recent = orders[period.mask(orders["ordered_at"])]
        ...     recent.plot(ax=ax, x="ordered_at", y="revenue")
    """

    __slots__ = ("_end", "_start", "_step", "_text")

    # An end is either a moment, or the duration from it to now.
    _start: datetime | timedelta
    _end: datetime | timedelta
    _step: timedelta | None
    _text: str

    def __init__(
        self, start: str | date, end: str | date | None = None, *, step: str | timedelta | None = None
    ) -> None:
        if end is None:
            if not isinstance(start, str):
                raise TypeError("a TimeRange between moments needs both: TimeRange(start, end)")
            text = start
            start, end = _split(start)
        else:
            text = f"{_spell(start)}..{_spell(end)}"
        store = object.__setattr__
        store(self, "_start", _end(start, text))
        store(self, "_end", _end(end, text))
        store(self, "_step", _step(step))
        store(self, "_text", text)
        self._check_order()

    def _check_order(self) -> None:
        start, end = self._start, self._end
        if isinstance(start, datetime) and isinstance(end, datetime):
            ordered = start < end
        elif isinstance(start, timedelta) and isinstance(end, timedelta):
            ordered = start > end
        else:
            ordered = True  # known only when now is
        if not ordered:
            _refuse(self._text, "does not end after it starts")

    @property
    def start(self) -> datetime:
        """The first moment, aware; of a relative range as of now, rounded to the step."""
        return self.resolve(datetime.now(UTC))._start  # type: ignore[return-value]

    @property
    def end(self) -> datetime:
        """The moment before which it ends, aware; of a relative range as of now, rounded to the step."""
        return self.resolve(datetime.now(UTC))._end  # type: ignore[return-value]

    @property
    def duration(self) -> timedelta:
        """Its length, as a timedelta."""
        now = self.resolve(datetime.now(UTC))
        return now.end - now.start

    @property
    def step(self) -> str | None:
        """What ends relative to now are rounded to, such as "1h"; None is 1/500 of the range."""
        return None if self._step is None else durations.spell(self._step)

    @property
    def relative(self) -> bool:
        """Whether it moves with the clock."""
        return isinstance(self._start, timedelta) or isinstance(self._end, timedelta)

    def mask(self, times: Any, tz: str | tzinfo = UTC) -> Any:
        """Return which times lie in the range: True from its start on, and before its end.

        Args:
            times: A Series or Index of pandas, a Series of Polars, or an array of NumPy (datetime64). Aware
                times are compared as the moments that they are. A missing time is False.
            tz: The time zone of naive times: "Europe/Berlin". By default UTC, as for the range.

        Returns:
            As many booleans as there are times: a Series for a Series, else an array of NumPy.

        Raises:
            TypeError: `times` are no times. The message says the cure.

        Example:
            >>> recent = orders[period.mask(orders["ordered_at"])]
        """
        now = self.resolve(datetime.now(UTC))
        return time_columns.between(times, now.start, now.end, ZoneInfo(tz) if isinstance(tz, str) else tz)

    def resolve(self, now: datetime) -> TimeRange:
        """Return the absolute range that this one is at a moment.

        The moment is rounded *up* to the step, counted from the Unix epoch, and both ends follow from it. So
        every process and machine gets the same range until the next step, its length is exact, and what has
        happened by now is in it. A range of fixed length has the step 1/500 of it, in whole seconds. A range
        with a single end at now grows (or shrinks), so its step is the largest of 1, 2, 4, 8… minutes that is
        at most 1/500 of it. An absolute range is returned unchanged.

        Args:
            now: The moment, an aware datetime.

        Raises:
            ValueError: At that moment the range does not end after it starts, or leaves the calendar; or the
                moment is naive.

        Example:
            >>> TimeRange("-7d").resolve(datetime(2024, 1, 8, tzinfo=UTC)).start
            datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
        """
        if now.tzinfo is None:
            raise ValueError("now must be an aware datetime")
        if not self.relative:
            return self
        try:
            rounded = self._rounded(now.astimezone(UTC))
            start, end = _at(self._start, rounded), _at(self._end, rounded)
        except OverflowError:
            _refuse(self._text, "leaves the calendar")
        if start >= end:
            _refuse(self._text, "does not end after it starts")
        return TimeRange(start, end)

    def _rounded(self, now: datetime) -> datetime:
        if self._step is not None:
            return _round_up(now, self._step)
        if isinstance(self._start, timedelta) and isinstance(self._end, timedelta):
            share = (self._start - self._end) // _STEPS_IN_RANGE
            return _round_up(now, max(_LEAST_STEP, timedelta(seconds=share // timedelta(seconds=1))))
        # Compare at the end of each candidate's own step. Steps nest, so all moments within the chosen step
        # choose that step.
        rounded = _round_up(now, _LEAST_STEP)
        step = _LEAST_STEP * 2
        while True:
            coarser = _round_up(now, step)
            if _at(self._end, coarser) - _at(self._start, coarser) < step * _STEPS_IN_RANGE:
                return rounded
            rounded, step = coarser, step * 2

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a TimeRange cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a TimeRange cannot be changed")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._text, self._step)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeRange):
            return NotImplemented
        return (self._start, self._end, self._step) == (other._start, other._end, other._step)

    def __hash__(self) -> int:
        return hash((self._start, self._end, self._step))

    def __str__(self) -> str:
        """Return a text that `TimeRange` reads back as this range."""
        return self._text

    def __repr__(self) -> str:
        step = "" if self._step is None else f", step={self.step!r}"
        return f"TimeRange({self._text!r}{step})"


def _rebuild(text: str, step: timedelta | None) -> TimeRange:
    return TimeRange(text, step=step)


def _refuse(text: str, why: str) -> NoReturn:
    shown = text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "…"
    raise ValueError(f"{shown!r} {why}: {SPELLING}")


def _split(text: str) -> tuple[str, str]:
    """Return the spellings of both ends."""
    if len(text) <= _MAX_LENGTH:
        if text.startswith("-"):
            return f"now{text}", "now"
        ends = text.split("..")
        if len(ends) == 2:
            return ends[0], ends[1]
    return _refuse(text, "is not a range of time")


def _spell(end: str | date) -> str:
    if isinstance(end, str):
        return end
    try:
        return _moment_of(end).astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError(f"{end} leaves the calendar in UTC") from None


def _moment_of(day: date) -> datetime:
    """Return an aware datetime: in UTC if `day` has no time zone, at midnight if it has no time."""
    if not isinstance(day, date):
        raise TypeError(f"an end of a TimeRange is text or a datetime, not {type(day).__name__}")
    if not isinstance(day, datetime):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    # A new datetime, because a subclass (pandas' Timestamp) may hold nanoseconds, which no text can spell.
    return datetime.combine(day.date(), day.time(), day.tzinfo or UTC)


def _end(end: str | date, text: str) -> datetime | timedelta:
    """Return one end: a moment, or the duration from it to now. `text` is the whole range, for the error."""
    if not isinstance(end, str):
        return _moment_of(end)
    if end == "now":
        return timedelta(0)
    try:
        if end.startswith("now-"):
            ago = durations.parse(end[4:])
            if ago > _LONGEST_AGO:
                raise ValueError(end)
            return ago
        return _moment_of(moment(end))
    except ValueError:
        return _refuse(text, "is not a range of time")


def _step(step: str | timedelta | None) -> timedelta | None:
    length = durations.parse(step) if isinstance(step, str) else step
    if length is not None and (length < timedelta(seconds=1) or length.microseconds):
        raise ValueError(f"step must be whole seconds, at least 1s, not {step}")
    return length


def _at(end: datetime | timedelta, now: datetime) -> datetime:
    return end if isinstance(end, datetime) else now - end


def _round_up(now: datetime, step: timedelta) -> datetime:
    """Return the next multiple of `step` since the epoch, exactly: whole microseconds, no floats."""
    size = step // _TICK
    return now + -((now - _EPOCH) // _TICK) % size * _TICK
