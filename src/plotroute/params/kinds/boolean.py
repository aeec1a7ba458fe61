"""Truth values: `bool`."""

from __future__ import annotations

from typing import Any

from plotroute.model import Json
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Kind

_BOOLS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_LONGEST = max(map(len, _BOOLS))


class Bool(Kind):
    """True and false. The numbers 1 and 0 are texts of them, but not JSON of them."""

    name = "bool"
    hint = bool
    spelled = "bool"
    json_type = {"type": "boolean"}

    def parse(self, text: str) -> bool:
        """Read any case, because Python writes True and spreadsheets TRUE."""
        if (value := _BOOLS.get(text.lower() if len(text) <= _LONGEST else "")) is None:
            raise InvalidValue("is neither true nor false")
        return value

    def accept(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidValue("is neither true nor false")
        return value

    def to_text(self, canonical: Json) -> str:
        return "true" if canonical else "false"
