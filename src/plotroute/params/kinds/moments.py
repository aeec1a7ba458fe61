"""Moments: `date` and `datetime`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from plotroute.model import Json
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds.base import Ordered
from plotroute.params.timerange import moment

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Date(Ordered):
    """Days: 2024-01-31."""

    name = "date"
    hint = date
    spelled = "date"
    json_type = {"type": "string", "format": "date"}
    measures = "moments"

    def parse(self, text: str) -> str:
        if len(text) > 10 or not _DAY.fullmatch(text):
            raise InvalidValue("is not a date: write it as 2024-01-31")
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise InvalidValue("is not on the calendar") from None

    def accept(self, value: Any) -> str:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise InvalidValue("is not a date")
        return self.parse(value.isoformat())

    def to_python(self, canonical: Json) -> date:
        return date.fromisoformat(canonical)


class Datetime(Ordered):
    """Times, naive or aware; an aware time becomes UTC. A date is its midnight, naive."""

    name = "datetime"
    hint = datetime
    spelled = "datetime"
    json_type = {"type": "string", "format": "date-time"}
    measures = "moments"

    def parse(self, text: str) -> str:
        try:
            return moment(text).isoformat()
        except ValueError:
            raise InvalidValue("is not a time: write it as 2024-01-31T06:00 or 2024-01-31T06:00Z") from None

    def accept(self, value: Any) -> str:
        if not isinstance(value, date):
            raise InvalidValue("is not a time")
        if not isinstance(value, datetime):
            return f"{value.isoformat()}T00:00:00"
        try:
            # A new datetime, because a subclass (pandas' Timestamp) may hold nanoseconds.
            plain = datetime.combine(value.date(), value.time(), value.tzinfo)
            return (plain if plain.tzinfo is None else plain.astimezone(UTC)).isoformat()
        except (ValueError, OverflowError):
            raise InvalidValue("is not on the calendar") from None

    def to_text(self, canonical: Json) -> str:
        """Return UTC as Z: a URL would turn the + of +00:00 into a space."""
        return str(canonical).replace("+00:00", "Z")

    def to_python(self, canonical: Json) -> datetime:
        return datetime.fromisoformat(canonical)
