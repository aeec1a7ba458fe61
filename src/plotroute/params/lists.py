"""Several values in one text: a CSV record (`1,2,3`, `"Washington, DC",Rome`), and the kind `values`.

Pure. Whatever cannot be read is a `InvalidValue` that names the position and the text of the first bad item.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from plotroute.model import Json, Param
from plotroute.params.converters import InvalidValue, accept, read_str, shown, write

# One bare word: `temperature`, `weather.temperature` (a column), `values:temperature` (a function of a name).
_SOURCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[^,]{1,100})?(?::[^,]{1,100})?")
_MAX_SOURCE = 300
_QUOTED = re.compile(r'[",\r\n]')
# Below it a whole float is the int that it equals, so that 1e3, 1000.0 and 1000 are one value.
_INT_LIMIT = 2**63

_INT = Param(name="", kind="int")
_FLOAT = Param(name="", kind="float")
_DATE = Param(name="", kind="date")
_DATETIME = Param(name="", kind="datetime")


def split(text: str) -> list[str]:
    """Return the items of one CSV record; an empty text has none. Refused if it is no such record."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        rows = []
    # The reader takes one line end after the record for its own; here it belongs to no item.
    if len(rows) != 1 or text.endswith(("\r", "\n")):
        raise InvalidValue('is not a list such as 1,2,3 or "Washington, DC",Rome')
    return rows[0]


def join(items: Iterable[str]) -> str:
    """Return the one CSV record that `split` takes apart into `items` (at least one)."""
    return ",".join(
        '"' + item.replace('"', '""') + '"' if not item or _QUOTED.search(item) else item for item in items
    )


def items_of(given: Any, max_values: int) -> Sequence[Any]:
    """Return the items of a list, given as one text, as a list, or as one value; Refused if too many."""
    items = split(given) if isinstance(given, str) else given if isinstance(given, (list, tuple)) else [given]
    if len(items) > max_values:
        raise InvalidValue(
            f"must have at most {max_values:,} values, not {len(items):,}", "out_of_bounds", quoted=False
        )
    return items


def each(items: Sequence[Any], take: Callable[[Any], Json]) -> list[Json]:
    """Return what `take` makes of every item; its Refused is raised with the item's position."""
    taken = []
    for position, item in enumerate(items, 1):
        try:
            taken.append(take(item))
        except InvalidValue as error:
            said = f"value {position}, {shown(item)}, {error.why}"
            if item == "":
                said = f"value {position} is empty"
            elif not error.quoted:
                said = f"value {position} {error.why}"
            raise InvalidValue(
                said, error.code, quoted=False, allowed=error.allowed, nearest=error.nearest
            ) from None
    return taken


def read_list(param: Param, given: Any, max_values: int) -> list[Json]:
    """Return the canonical list of a parameter of several values."""
    return each(items_of(given, max_values), lambda item: accept(param, item))


def write_list(param: Param, canonical: Sequence[Json]) -> str:
    """Return the record that `read_list` takes for `canonical` (at least one item)."""
    return join(write(param, item) for item in canonical)


def read_values(given: Any, max_values: int) -> Json:
    """Return canonical `values`: {"source": name}, a list of numbers (None: a gap) or of ISO dates or times.

    One bare word is always the name of a source. Whole numbers are ints, `1e3` too; `nan` is a gap.
    """
    if isinstance(given, dict) and list(given) == ["source"]:
        given = given["source"]
        if not isinstance(given, str) or not _is_source(given):
            raise InvalidValue("is not the name of a source of values", quoted=True)
    if isinstance(given, str) and _is_source(given):
        return {"source": read_str(given)}
    items = items_of(given, max_values)
    first = next((item for item in items if not _is_gap(item)), None)
    if not _is_time(first):
        return each(items, _number)
    times = each(items, _time)
    aware = [_has_offset(time) for time in times]
    if len(set(aware)) > 1:
        position = aware.index(not aware[0]) + 1
        said = "has a UTC offset" if aware[position - 1] else "has no UTC offset"
        raise InvalidValue(
            f"value {position}, {shown(items[position - 1])}, {said}, unlike value 1", quoted=False
        )
    return times


def write_values(canonical: Json) -> str:
    """Return the text that `read_values` takes for `canonical` (a source, or at least one value)."""
    if isinstance(canonical, dict):
        return str(canonical["source"])
    if canonical == [None]:
        return '"nan"'  # a bare word would be a source
    return join("nan" if value is None else _write_value(value) for value in canonical)


def _is_source(text: str) -> bool:
    return len(text) <= _MAX_SOURCE and _SOURCE.fullmatch(text) is not None


def _is_gap(item: Any) -> bool:
    if isinstance(item, str):
        return len(item) == 3 and item.lower() == "nan"
    return item is None or (isinstance(item, float) and item != item)


def _number(item: Any) -> Json:
    if _is_gap(item):
        return None
    try:
        return accept(_INT, item)
    except InvalidValue:
        number = accept(_FLOAT, item)
    return int(number) if abs(number) < _INT_LIMIT and number.is_integer() else number


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
        return accept(_DATE, item)
    except InvalidValue:
        pass
    try:
        return accept(_DATETIME, item)
    except InvalidValue:
        raise InvalidValue("is not a date or time, as value 1 is") from None


def _has_offset(time: str) -> bool:
    return time.endswith("+00:00")


def _write_value(value: Json) -> str:
    if isinstance(value, str):
        return write(_DATETIME, value)
    return write(_INT if isinstance(value, int) else _FLOAT, value)
