"""Numbers: `int` and `float`."""

from __future__ import annotations

import math
import re
from typing import Any

from plotroute.model import Json
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Kind

# 64 bits, because NumPy and Arrow go no further.
INT_LIMIT = 2**63
_INT_DIGITS = 19
_INT = re.compile(r"-?[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MAX_NUMBER_LENGTH = 100
_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}


class Int(Kind):
    """Whole numbers of 64 bits."""

    name = "int"
    hint = int
    spelled = "int"
    json_type = {"type": "integer"}
    bounds = _BOUNDS

    def parse(self, text: str) -> int:
        if not _INT.fullmatch(text):
            raise InvalidValue("is not a whole number")
        if len(text.removeprefix("-")) > _INT_DIGITS:
            raise InvalidValue("is beyond 64 bits")
        return self.accept(int(text))

    def accept(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValue("is not a whole number")
        if not -INT_LIMIT <= value < INT_LIMIT:
            raise InvalidValue("is beyond 64 bits")
        return int(value)


class Float(Kind):
    """Finite numbers. A whole number is accepted and becomes a float."""

    name = "float"
    hint = float
    spelled = "float"
    json_type = {"type": "number"}
    bounds = _BOUNDS

    def parse(self, text: str) -> float:
        if len(text) > _MAX_NUMBER_LENGTH or not _FLOAT.fullmatch(text):
            raise InvalidValue("is not a number")
        return self.accept(float(text))

    def accept(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidValue("is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise InvalidValue("is not a finite number")
        return number + 0.0  # -0.0 becomes 0.0

    def to_text(self, canonical: Json) -> str:
        """Return it as short as people write it, without the + of 1e+16, which a URL turns into a space."""
        return repr(canonical).replace("e+", "e").removesuffix(".0")
