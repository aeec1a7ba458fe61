"""Parameters as JSON Schema."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from params.reading import (
    EMPTY,
    Color,
    read,
)
from plotroute import params
from plotroute.params import Values
from plotroute.params.timerange import TimeRange


def schema(annotation: Any, default: Any = EMPTY) -> dict[str, Any]:
    found: dict[str, Any] = params.json_schema([read(annotation, default)])["properties"]["x"]
    return found


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (
            Annotated[int, Field(ge=2, lt=9, multiple_of=2, description="How many")],
            4,
            {
                "type": "integer",
                "minimum": 2,
                "exclusiveMaximum": 9,
                "multipleOf": 2,
                "description": "How many",
                "default": 4,
            },
        ),
        (Annotated[float, Field(gt=0, le=1)], EMPTY, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        (bool, True, {"type": "boolean", "default": True}),
        (
            Annotated[str, Field(min_length=1, pattern="a")],
            "a",
            {"type": "string", "minLength": 1, "maxLength": 10_000, "pattern": "a", "default": "a"},
        ),
        (Color, Color.RED, {"type": "string", "enum": ["red", "blue"], "default": "red"}),
        (
            Literal["a", 1, None],
            None,
            {"type": ["integer", "string", "null"], "enum": ["a", 1, None], "default": None},
        ),
        (int | None, None, {"type": ["integer", "null"], "default": None}),
        (date, EMPTY, {"type": "string", "format": "date"}),
        (datetime, EMPTY, {"type": "string", "format": "date-time"}),
        (timedelta, timedelta(hours=36, milliseconds=500), {"default": "P1DT12H0.5S"}),
        (timedelta, timedelta(0), {"default": "PT0S"}),
        (timedelta, timedelta(days=3), {"default": "P3D"}),
        (
            Annotated[timedelta, Field(le=timedelta(days=1), description="Window")],
            EMPTY,
            {"type": "string", "format": "duration", "description": "Window; at most 1d"},
        ),
        (TimeRange, "-7d", {"type": "string", "default": "-7d"}),
        (
            Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=3)],
            [1],
            {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 3, "default": [1]},
        ),
        (list[str], EMPTY, {"type": "array", "items": {"type": "string", "maxLength": 10_000}}),
        (
            Annotated[Values, Field(min_length=1)],
            "a.b",
            {
                "type": ["array", "string"],
                "items": {"type": ["number", "string", "null"]},
                "minItems": 1,
                "default": "a.b",
            },
        ),
        (Annotated[int, Field(examples=[5])], EMPTY, {"type": "integer", "examples": [5]}),
    ],
)
def test_json_schema(annotation: Any, default: Any, expected: dict[str, Any]) -> None:
    found = schema(annotation, default)
    if "type" in expected and "format" not in expected and annotation is not TimeRange:
        assert found == expected
    assert expected.items() <= found.items()


def test_json_schema_of_all() -> None:
    found = params.json_schema([read(int, name="a"), read(TimeRange, "-7d", name="period")])
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (found["type"], found["required"], found["additionalProperties"]) == ("object", ["a"], False)
    assert "-7d" in found["properties"]["period"]["examples"]
