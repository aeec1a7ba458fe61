"""Several values in one text: a CSV record such as `1,2,3` or `"Washington, DC",Rome`. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from plotroute.model import Json
from plotroute.params.invalid import InvalidValue, shown

_QUOTED = re.compile(r'[",\r\n]')


def split(text: str) -> list[str]:
    """Return the items of one CSV record; an empty text has none.

    Raises:
        InvalidValue: `text` is not one CSV record.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        rows = []
    # The CSV reader drops one line end after the record. A line end belongs to no item here, so refuse it.
    if len(rows) != 1 or text.endswith(("\r", "\n")):
        raise InvalidValue('is not a list such as 1,2,3 or "Washington, DC",Rome')
    return rows[0]


def join(items: Iterable[str]) -> str:
    """Return the CSV record that `split` takes apart into `items` (at least one)."""
    return ",".join(
        '"' + item.replace('"', '""') + '"' if not item or _QUOTED.search(item) else item for item in items
    )


def items_of(given: Any, max_values: int) -> Sequence[Any]:
    """Return the items of a list, which is given as one text, as a list, or as one value.

    Raises:
        InvalidValue: There are more than `max_values` items, or the text is not a CSV record.
    """
    items = split(given) if isinstance(given, str) else given if isinstance(given, (list, tuple)) else [given]
    if len(items) > max_values:
        raise InvalidValue(
            f"must have at most {max_values:,} values, not {len(items):,}", "out_of_bounds", quoted=False
        )
    return items


def each(items: Sequence[Any], convert: Callable[[Any], Json]) -> list[Json]:
    """Return the result of `convert` for every item.

    Raises:
        InvalidValue: What `convert` raised for the first bad item, with its position and text.
    """
    converted = []
    for position, item in enumerate(items, 1):
        try:
            converted.append(convert(item))
        except InvalidValue as error:
            why = f"value {position}, {shown(item)}, {error.why}"
            if item == "":
                why = f"value {position} is empty"
            elif not error.quoted:
                why = f"value {position} {error.why}"
            raise InvalidValue(
                why, error.code, quoted=False, allowed=error.allowed, nearest=error.nearest
            ) from None
    return converted
