"""Series of values: `Values`, which are numbers, dates or times, or the name of a source of them."""

from __future__ import annotations

import re
import sys
from datetime import date
from typing import Any

from plotroute.model import Json
from plotroute.params import lists
from plotroute.params.invalid import InvalidValue, shown
from plotroute.params.kinds.base import LIST_WORDS, Kind
from plotroute.params.kinds.moments import Date, Datetime
from plotroute.params.kinds.numbers import INT_LIMIT, Float, Int
from plotroute.params.kinds.text import Text

# One bare word: `temperature`, `weather.temperature` (a column), `values:temperature` (a function of a name).
_SOURCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[^,]{1,100})?(?::[^,]{1,100})?")
_MAX_SOURCE = 300

_INT, _FLOAT, _DATE, _DATETIME, _TEXT = Int(), Float(), Date(), Datetime(), Text()


class Values:
    """A type hint: the parameter takes numbers or ISO dates, or the name of a source of values.

    A reader writes them into the query, separated by commas (`?x=1,2,4`), or names a dataset whose author
    allows it (`source=True`). The function receives them as a one-dimensional array of NumPy.

    Example:
        >>> @plots.plot
        ... def spread(ax, x: Values):
        ...     ax.hist(x)
    """


class Series(Kind):
    """A list of numbers (None: a gap), a list of ISO dates or times, or {"source": name}.

    One bare word is always the name of a source. Whole numbers are ints, `1e3` too; `nan` is a gap.
    """

    name = "values"
    hint = Values
    json_type = {"type": ["array", "string"], "items": {"type": ["number", "string", "null"]}}
    bounds = LIST_WORDS
    is_listable = False
    is_series = True
    default_may_be_text = True
    measures = "moments"

    def parse(self, text: str) -> Json:
        return self.read(text, many=False, max_values=sys.maxsize)

    def accept(self, value: Any) -> Json:
        return self.read(value, many=False, max_values=sys.maxsize)

    def read(self, given: Any, *, many: bool, max_values: int) -> Json:
        if isinstance(given, dict) and list(given) == ["source"]:
            given = given["source"]
            if not isinstance(given, str) or not _is_source(given):
                raise InvalidValue("is not the name of a source of values", quoted=True)
        if isinstance(given, str) and _is_source(given):
            return {"source": _TEXT.parse(given)}
        items = lists.items_of(given, max_values)
        first = next((item for item in items if not _is_gap(item)), None)
        if not _is_time(first):
            return lists.each(items, _number)
        times = lists.each(items, _time)
        aware = [_has_offset(time) for time in times]
        if len(set(aware)) > 1:
            position = aware.index(not aware[0]) + 1
            has = "has a UTC offset" if aware[position - 1] else "has no UTC offset"
            raise InvalidValue(
                f"value {position}, {shown(items[position - 1])}, {has}, unlike value 1", quoted=False
            )
        return times

    def to_text(self, canonical: Json) -> str:
        """Return the text of a source, or of at least one value."""
        if isinstance(canonical, dict):
            return str(canonical["source"])
        if canonical == [None]:
            return '"nan"'  # a bare word would be a source
        return lists.join("nan" if value is None else _value_text(value) for value in canonical)

    def to_json(self, canonical: Json) -> Json:
        source = self.source(canonical)
        return canonical if source is None else source

    def source(self, canonical: Json) -> str | None:
        return canonical["source"] if isinstance(canonical, dict) else None


def _is_source(text: str) -> bool:
    return len(text) <= _MAX_SOURCE and _SOURCE.fullmatch(text) is not None


def _is_gap(item: Any) -> bool:
    if isinstance(item, str):
        return len(item) == 3 and item.lower() == "nan"
    return item is None or (isinstance(item, float) and item != item)


def _number(item: Any) -> Json:
    """Return a number. Below 64 bits a whole float is the equal int: 1e3, 1000.0 and 1000 are one value."""
    if _is_gap(item):
        return None
    try:
        return _INT.item(item)
    except InvalidValue:
        number = _FLOAT.item(item)
    return int(number) if abs(number) < INT_LIMIT and number.is_integer() else number


def _is_time(item: Any) -> bool:
    if not isinstance(item, str):
        return isinstance(item, date)
    try:
        _time(item)
    except InvalidValue:
        return False
    return True


def _time(item: Any) -> Json:
    try:
        return _DATE.item(item)
    except InvalidValue:
        pass
    try:
        return _DATETIME.item(item)
    except InvalidValue:
        raise InvalidValue("is not a date or time, as value 1 is") from None


def _has_offset(time: str) -> bool:
    return time.endswith("+00:00")


def _value_text(value: Json) -> str:
    kind: Kind = _DATETIME if isinstance(value, str) else _INT if isinstance(value, int) else _FLOAT
    return kind.to_text(value)
