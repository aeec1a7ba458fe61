"""An error as `application/problem+json` (RFC 9457), for programs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from plotroute.errors import AnswerError
from plotroute.web.errors.wording import text_of, title_of

_RESERVED = {"type", "title", "status", "code", "request_id", "detail"}
# JSON allows invisible and direction-changing characters in a string. They are escaped, because a terminal
# would obey them.
_INVISIBLE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def problem(error: AnswerError, request_id: str, development: bool) -> str:
    """Return the document; `detail` (a traceback) is in it in development only."""
    members: dict[str, Any] = {
        "type": f"urn:plotroute:{error.code}",
        "title": title_of(error),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    members |= {name: value for name, value in error.members.items() if name not in _RESERVED}
    if development and error.detail:
        members["detail"] = error.detail
    text = json.dumps(_plain(members), ensure_ascii=False, allow_nan=False, indent=2)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as JSON that every parser reads: no NaN, half surrogate pair or Python object."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Keeps a pair of surrogates together and replaces a half of one.
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int) and value.bit_length() <= 1024:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth < 10:  # ours have three levels; a value that holds itself must end somewhere
        if isinstance(value, Mapping):
            return {_plain(text_of(key)): _plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, depth + 1) for item in value]
    return _plain(text_of(value))
