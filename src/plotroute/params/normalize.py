"""One value of one parameter, from a URL, a JSON body or Python → canonical JSON within its bounds. Pure.

All three go through here, so the same value is the same JSON, and so the same picture, from each of them.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from plotroute.model import Json, Param
from plotroute.params import bounds
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds import kind_of


def to_canonical(param: Param, value: Any, max_values: int) -> Json:
    """Return the canonical JSON of a value of `param`. A relative range of time stays relative.

    Args:
        param: The parameter.
        value: Text, JSON, or Python as `plain` returns it.
        max_values: The number of items that a list may have.

    Raises:
        InvalidValue: `value` does not fit `param`.
    """
    if value is None:
        if not param.optional:
            raise InvalidValue("cannot be None", quoted=False)
        return None
    canonical = kind_of(param).read(value, many=param.many, max_values=max_values)
    bounds.validate_bounds(param, canonical)
    return canonical


def plain(param: Param, value: Any) -> Any:
    """Return a Python value as something that `to_canonical` reads: not an Enum, an array or a tuple."""
    if isinstance(value, Enum):
        return next((choice for choice in param.choices if choice == value.value), value.name)
    if not isinstance(value, (str, list, tuple)) and callable(tolist := getattr(value, "tolist", None)):
        value = tolist()  # NumPy, pandas
    if isinstance(value, (list, tuple, range)):
        return [plain(param, item) for item in value]
    return value
