"""The kinds of parameters, a class for each: text ↔ canonical JSON ↔ Python. `base` is the protocol."""

from __future__ import annotations

from collections.abc import Mapping

from plotroute.model import Param
from plotroute.params.kinds.base import Kind
from plotroute.params.kinds.boolean import Bool
from plotroute.params.kinds.choice import Choice
from plotroute.params.kinds.duration import Duration
from plotroute.params.kinds.moments import Date, Datetime
from plotroute.params.kinds.numbers import Float, Int
from plotroute.params.kinds.text import Text
from plotroute.params.kinds.time_range import Range
from plotroute.params.kinds.values import Series

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Int(), Float(), Bool(), Text(), Choice(), Date(), Datetime(), Duration(), Range(), Series(),
    )
}  # fmt: skip
"""By `Param.kind`, in the order in which messages name them. A new kind is a class and its entry here."""


def kind_of(param: Param) -> Kind:
    """Return the kind of `param`, with its choices or its step."""
    return KINDS[param.kind].for_param(param)
