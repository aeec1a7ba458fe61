"""One parameter, one value: what a URL, a JSON body or Python gives → canonical JSON within its bounds. Pure.

All three meet here, so that the same value is the same JSON, and so the same picture, from each of them.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from plotroute.model import Json, Param
from plotroute.params import bounds, converters, lists
from plotroute.params.converters import InvalidValue
from plotroute.params.timerange import TimeRange


def take(param: Param, value: Any, max_values: int) -> Json:
    """Return the canonical JSON of `value` (text, JSON or `plain` Python); Refused if it does not fit.

    `max_values` is the number of items that a list may have. A relative range of time stays relative.
    """
    if value is None:
        if not param.optional:
            raise InvalidValue("cannot be None", quoted=False)
        return None
    if param.kind == "values":
        taken = lists.read_values(value, max_values)
    elif param.many:
        taken = lists.read_list(param, value, max_values)
    else:
        taken = converters.accept(param, value)
    bounds.check(param, taken)
    return taken


def resolve(param: Param, taken: Json, now: datetime) -> Json:
    """Return `taken`, and of a range of time its ends at `now` (aware), in UTC; Refused if it has none."""
    if param.kind != "timerange" or taken is None:
        return taken
    try:
        absolute = TimeRange(taken, step=param.step).resolve(now)
        # Anew, because its own text is as it was sent: many spellings.
        return str(TimeRange(absolute.start, absolute.end))
    except ValueError as error:
        raise InvalidValue(str(error), quoted=False) from None


def plain(param: Param, value: Any) -> Any:
    """Return a Python value as something that `take` knows: no Enum, no array, no tuple."""
    if isinstance(value, Enum):
        return next((choice for choice in param.choices if choice == value.value), value.name)
    if not isinstance(value, (str, list, tuple)) and callable(tolist := getattr(value, "tolist", None)):
        value = tolist()  # NumPy, pandas
    if isinstance(value, (list, tuple, range)):
        return [plain(param, item) for item in value]
    return value
