"""Durations: `timedelta`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from plotroute.model import Json
from plotroute.params import durations
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Ordered

_MILLISECOND = timedelta(milliseconds=1)


class Duration(Ordered):
    """Lengths of time: 90s, 7d, 1d12h. Whole milliseconds, zero or more."""

    name = "timedelta"
    hint = timedelta
    spelled = "timedelta"
    json_type = {"type": "string", "format": "duration"}
    measures = "durations"

    def parse(self, text: str) -> str:
        try:
            return self.accept(durations.parse(text))
        except ValueError as error:
            if isinstance(error, InvalidValue):
                raise
            raise InvalidValue(f"is not a duration: write {durations.SPELLING}") from None

    def accept(self, value: Any) -> str:
        if not isinstance(value, timedelta):
            raise InvalidValue("is not a duration")
        if value < timedelta(0) or value % _MILLISECOND:
            raise InvalidValue("is not a duration of whole milliseconds, zero or more")
        return durations.spell(value)

    def to_python(self, canonical: Json) -> timedelta:
        return durations.parse(canonical)

    def to_json(self, canonical: Json) -> Json:
        return None if canonical is None else _iso(canonical)


def _iso(duration: str) -> str:
    """Return a duration as ISO 8601 has it, which the format `duration` means: P1DT12H, PT0.5S."""
    length = durations.parse(duration)
    clock = length % timedelta(days=1)
    minutes, milliseconds = divmod(clock // _MILLISECOND, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").removesuffix(".")
    time = "".join(
        f"{count}{unit}"
        for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S"))
        if count not in (0, "0")
    )
    days = f"{length.days}D" if length.days else ""
    return f"P{days}" + (f"T{time}" if time else "" if days else "T0S")
