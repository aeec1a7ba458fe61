"""Ranges of time: `TimeRange`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from plotroute.model import Json, Param
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Kind
from plotroute.params.timerange import TimeRange


class Range(Kind):
    """Ranges of time, absolute or relative to now. `step` is what ends relative to now are rounded to."""

    name = "timerange"
    hint = TimeRange
    spelled = "TimeRange"
    json_type = {"type": "string", "examples": ["-7d", "2024-01-01..2024-02-01", "now-7d..now-1d"]}
    is_listable = False
    is_range = True
    default_may_be_text = True
    measures = "moments"

    def __init__(self, step: str | None = None) -> None:
        self.step = step

    def for_param(self, param: Param) -> Range:
        return Range(param.step)

    def parse(self, text: str) -> str:
        """Return the range; a relative one stays relative."""
        try:
            return str(TimeRange(text))
        except ValueError as error:
            raise InvalidValue(str(error), quoted=False) from None

    def accept(self, value: Any) -> str:
        if not isinstance(value, TimeRange):
            raise InvalidValue("is not a range of time")
        return str(value)

    def to_text(self, canonical: Json) -> str:
        return str(canonical).replace("+00:00", "Z")

    def to_python(self, canonical: Json) -> TimeRange:
        return TimeRange(canonical)

    def resolve(self, canonical: Json, now: datetime) -> Json:
        if canonical is None:
            return None
        try:
            absolute = TimeRange(canonical, step=self.step).resolve(now)
            # Built again from its ends, because `absolute` may keep the text of the request, and
            # one range has many spellings.
            return str(TimeRange(absolute.start, absolute.end))
        except ValueError as error:
            raise InvalidValue(str(error), quoted=False) from None
