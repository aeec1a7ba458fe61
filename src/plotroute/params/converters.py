"""One value of one kind: text of a URL ↔ canonical JSON ↔ Python. Pure.

Strict on purpose: one value has few spellings and exactly one canonical JSON, so that one picture has
one cache key, and nothing is taken for a number that a reader would not write as one.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from plotroute.model import Json, Kind, Param
from plotroute.params import durations
from plotroute.params.timerange import TimeRange, moment

MAX_TEXT = 10_000
"""Characters of a text without a `max_length` of its own: more than fits a picture."""

# 64 bits, because NumPy and Arrow go no further.
_INT_LIMIT = 2**63
_INT_DIGITS = 19
_INT = re.compile(r"-?[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MAX_NUMBER_LENGTH = 100
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
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
# C0 but tab and newline, DEL, C1, surrogates and what Unicode calls non-characters: fonts, XML (SVG) or
# UTF-8 have no way to show them.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_MILLISECOND = timedelta(milliseconds=1)
_SHOWN = 40
# Likeness takes time in proportion to the length of both; no name is longer.
_MAX_GUESSED = 100


class InvalidValue(ValueError):
    """A text or value that is none of its kind.

    `why` goes on from the value (`is not a whole number`) if `quoted`, else stands by itself. `code` is
    one of ParameterError's.
    """

    def __init__(
        self,
        why: str,
        code: str = "malformed",
        *,
        quoted: bool = True,
        allowed: Sequence[Json] | None = None,
        nearest: str | None = None,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.quoted = quoted
        self.allowed = allowed
        self.nearest = nearest


def shown(value: Any) -> str:
    """Return a few printable characters that show `value` in a message."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= _INT_LIMIT:
        return "a huge number"  # Python itself refuses to print it beyond 4,300 digits
    if isinstance(value, (int, float, date, timedelta)):
        return str(value)
    return f"a value of type {type(value).__name__}"


def nearest(sent: str, names: Sequence[str]) -> str | None:
    """Return the one of `names` that `sent` was most likely meant to be; None if none is like it."""
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(sent[:_MAX_GUESSED].casefold(), folded, n=1)
    return folded[close[0]] if close else None


@dataclass(frozen=True, slots=True)
class _Spelling:
    type: type
    """What Python calls it."""
    read: Callable[[str], Json]
    accept: Callable[[Any], Json]
    """A Python or JSON value that is no text → canonical."""
    write: Callable[[Json], str] = str
    python: Callable[[Json], Any] = lambda canonical: canonical


def _read_int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise InvalidValue("is not a whole number")
    if len(text.removeprefix("-")) > _INT_DIGITS:
        raise InvalidValue("is beyond 64 bits")
    return _accept_int(int(text))


def _accept_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue("is not a whole number")
    if not -_INT_LIMIT <= value < _INT_LIMIT:
        raise InvalidValue("is beyond 64 bits")
    return int(value)


def _read_float(text: str) -> float:
    if len(text) > _MAX_NUMBER_LENGTH or not _FLOAT.fullmatch(text):
        raise InvalidValue("is not a number")
    return _accept_float(float(text))


def _accept_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue("is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidValue("is not a finite number")
    return number + 0.0  # -0.0 becomes 0.0


def _write_float(number: Json) -> str:
    # Without the + of 1e+16, which a URL would turn into a space, and as short as people write it.
    return repr(number).replace("e+", "e").removesuffix(".0")


def _read_bool(text: str) -> bool:
    """Any case, because Python writes True and spreadsheets TRUE."""
    if (value := _BOOLS.get(text.lower() if len(text) <= 5 else "")) is None:
        raise InvalidValue("is neither true nor false")
    return value


def _accept_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue("is neither true nor false")
    return value


def read_str(text: str) -> str:
    """Return `text` untouched; Refused if it holds a control character."""
    if found := _CONTROL.search(text):
        raise InvalidValue(
            f"holds a control character (U+{ord(found[0]):04X}) at position {found.start() + 1}"
        )
    return str(text)


def _accept_str(value: Any) -> str:
    raise InvalidValue("is not text")


def _read_date(text: str) -> str:
    if len(text) > 10 or not _DAY.fullmatch(text):
        raise InvalidValue("is not a date: write it as 2024-01-31")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidValue("is not on the calendar") from None


def _accept_date(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidValue("is not a date")
    return _read_date(value.isoformat())


def _read_datetime(text: str) -> str:
    try:
        return moment(text).isoformat()
    except ValueError:
        raise InvalidValue("is not a time: write it as 2024-01-31T06:00 or 2024-01-31T06:00Z") from None


def _accept_datetime(value: Any) -> str:
    if not isinstance(value, date):
        raise InvalidValue("is not a time")
    if not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"
    try:
        plain = datetime.combine(value.date(), value.time(), value.tzinfo)
        return (plain if plain.tzinfo is None else plain.astimezone(UTC)).isoformat()
    except (ValueError, OverflowError):
        raise InvalidValue("is not on the calendar") from None


def _read_timedelta(text: str) -> str:
    try:
        return _accept_timedelta(durations.parse(text))
    except ValueError as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(f"is not a duration: write {durations.SPELLING}") from None


def _accept_timedelta(value: Any) -> str:
    if not isinstance(value, timedelta):
        raise InvalidValue("is not a duration")
    if value < timedelta(0) or value % _MILLISECOND:
        raise InvalidValue("is not a duration of whole milliseconds, zero or more")
    return durations.spell(value)


def _read_range(text: str) -> str:
    try:
        return str(TimeRange(text))
    except ValueError as error:
        raise InvalidValue(str(error), quoted=False) from None


def _accept_range(value: Any) -> str:
    if not isinstance(value, TimeRange):
        raise InvalidValue("is not a range of time")
    return str(value)


def _write_moment(canonical: Json) -> str:
    return str(canonical).replace("+00:00", "Z")


_SPELLINGS: Mapping[Kind, _Spelling] = {
    "int": _Spelling(int, _read_int, _accept_int),
    "float": _Spelling(float, _read_float, _accept_float, _write_float),
    "bool": _Spelling(bool, _read_bool, _accept_bool, lambda value: "true" if value else "false"),
    "str": _Spelling(str, read_str, _accept_str),
    "date": _Spelling(date, _read_date, _accept_date, python=date.fromisoformat),
    "datetime": _Spelling(datetime, _read_datetime, _accept_datetime, _write_moment, datetime.fromisoformat),
    "timedelta": _Spelling(timedelta, _read_timedelta, _accept_timedelta, python=durations.parse),
    "timerange": _Spelling(TimeRange, _read_range, _accept_range, _write_moment, TimeRange),
}


def read(param: Param, text: str) -> Json:
    """Return the canonical JSON of one item of `param` (any kind but `values`); Refused if it is none.

    A relative range of time stays relative.
    """
    if param.kind != "choice":
        return _SPELLINGS[param.kind].read(text)
    for choice in param.choices:
        try:
            if _read_like(choice, text) == choice:
                return choice
        except InvalidValue:
            continue
    raise _not_among(param.choices, text)


def _read_like(choice: Json, text: str) -> Json:
    if isinstance(choice, str):
        return text
    if isinstance(choice, bool) and text not in ("true", "false"):
        raise InvalidValue("is neither true nor false")
    return _SPELLINGS[_kind_of(choice)].read(text)


def _kind_of(choice: Json) -> Kind:
    return "bool" if isinstance(choice, bool) else "int" if isinstance(choice, int) else "float"


def accept(param: Param, value: Any) -> Json:
    """Return the canonical JSON of one item of `param`, given as JSON or Python; Refused if it is none.

    Texts are read; canonical values come back unchanged.
    """
    if isinstance(value, str):
        return read(param, value)
    if param.kind != "choice":
        return _SPELLINGS[param.kind].accept(value)
    for choice in param.choices:
        if type(choice) is type(value) and choice == value:
            return choice
    raise _not_among(param.choices, shown(value))


def _not_among(choices: Sequence[Json], sent: str) -> InvalidValue:
    spelled = [write_choice(choice) for choice in choices]
    return InvalidValue(
        "is not one of " + ", ".join(spelled[:20]) + (", …" if len(spelled) > 20 else ""),
        "not_allowed",
        allowed=choices,
        nearest=nearest(sent, spelled),
    )


def write(param: Param, canonical: Json) -> str:
    """Return the text of one item of `param` that `read` takes for `canonical`."""
    return write_choice(canonical) if param.kind == "choice" else _SPELLINGS[param.kind].write(canonical)


def write_choice(choice: Json) -> str:
    """Return the text of a choice, by its type."""
    return choice if isinstance(choice, str) else _SPELLINGS[_kind_of(choice)].write(choice)


def python(kind: Kind, canonical: Json) -> Any:
    """Return the Python object of one item; for `choice` and `values` the JSON itself."""
    return canonical if kind in ("choice", "values") else _SPELLINGS[kind].python(canonical)


def python_type(kind: Kind) -> Any:
    """Return the Python type of one item; Any for `choice` and `values`."""
    return Any if kind in ("choice", "values") else _SPELLINGS[kind].type
