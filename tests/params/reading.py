"""Parameters as a function declares them, and requests for them: shared by the tests of this folder."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Any, NewType

import pytest

from plotroute import params
from plotroute.errors import InvalidParameters
from plotroute.model import Json, Param
from plotroute.params.timerange import TimeRange

EMPTY = inspect.Parameter.empty
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LAST_WEEK = str(TimeRange("-7d").resolve(NOW))


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Shape(Enum):
    ROUND = (1, 2)
    SQUARE = (3, 4)


class Word(StrEnum):
    YES = "yes"
    NO = "no"


Bins = NewType("Bins", int)


def read(annotation: Any = EMPTY, default: Any = EMPTY, name: str = "x") -> Param:
    return params.read(name, annotation, default, plot="plot 'sales'")


def parse(declared: Sequence[Param], *query: tuple[str, str], **options: Any) -> dict[str, Json]:
    return params.parse(declared, query, options.pop("path", {}), now=NOW, **options)


def value(param: Param, *texts: str, **options: Any) -> Json:
    return parse([param], *((param.name, text) for text in texts), **options)[param.name]


def errors(call: Any, *args: Any, **options: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidParameters) as caught:
        call(*args, **options)
    found: list[dict[str, Any]] = json.loads(json.dumps(caught.value.errors))
    return found


def error(call: Any, *args: Any, **options: Any) -> dict[str, Any]:
    (found,) = errors(call, *args, **options)
    return found
