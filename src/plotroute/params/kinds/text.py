"""Free texts: `str`."""

from __future__ import annotations

import re
from typing import Any

from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Kind

MAX_TEXT = 10_000
"""Characters of a text without a `max_length` of its own: more than fits a picture."""

# C0 but tab and newline, DEL, C1, surrogates and what Unicode calls non-characters: fonts, XML (SVG) or
# UTF-8 have no way to show them.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


class Text(Kind):
    """Any text without control characters. The plot function receives it unchanged."""

    name = "str"
    hint = str
    spelled = "str"
    json_type = {"type": "string"}
    # A pattern is pydantic's Rust regex, which takes linear time whatever the text.
    bounds = {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}
    default_bounds = {"max_length": MAX_TEXT}
    is_text = True
    default_may_be_text = True

    def parse(self, text: str) -> str:
        if found := _CONTROL.search(text):
            raise InvalidValue(
                f"holds a control character (U+{ord(found[0]):04X}) at position {found.start() + 1}"
            )
        return str(text)

    def accept(self, value: Any) -> str:
        raise InvalidValue("is not text")
