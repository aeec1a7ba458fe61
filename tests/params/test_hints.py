"""What authors may write as hints, as the parameter, a URL, the schema and the function itself see it."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, Optional

import annotated_types
import pytest
from pydantic import AfterValidator, Field, PositiveInt, StringConstraints

from params.reading import (
    EMPTY,
    NOW,
    Bins,
    Color,
    Level,
    Shape,
    Word,
    error,
    read,
)
from plotroute import params
from plotroute.errors import BadRegistration
from plotroute.params import Values
from plotroute.params.timerange import TimeRange


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (int, EMPTY, {"kind": "int", "required": True}),
        (EMPTY, 20, {"kind": "int", "default": 20}),
        (EMPTY, 2.5, {"kind": "float", "default": 2.5}),
        (EMPTY, True, {"kind": "bool", "default": True}),
        (EMPTY, "a", {"kind": "str", "default": "a"}),
        (EMPTY, date(2024, 1, 31), {"kind": "date", "default": "2024-01-31"}),
        (EMPTY, datetime(2024, 1, 31, 6), {"kind": "datetime", "default": "2024-01-31T06:00:00"}),
        (EMPTY, timedelta(hours=36), {"kind": "timedelta", "default": "1d12h"}),
        (EMPTY, TimeRange("-7d", step="1h"), {"kind": "timerange", "default": "-7d", "step": "1h"}),
        (EMPTY, Color.RED, {"kind": "choice", "choices": ("red", "blue"), "default": "red"}),
        (EMPTY, Level.HIGH, {"kind": "choice", "choices": (1, 2), "default": 2}),
        (EMPTY, Shape.ROUND, {"kind": "choice", "choices": ("ROUND", "SQUARE"), "default": "ROUND"}),
        (EMPTY, ["a", "b"], {"kind": "str", "many": True, "default": ["a", "b"]}),
        (EMPTY, (1, 2.5), {"kind": "float", "many": True, "default": [1.0, 2.5]}),
        (EMPTY, Field(30, ge=2), {"kind": "int", "default": 30, "bounds": {"ge": 2}}),
        (float, 1, {"kind": "float", "default": 1.0}),
        (float, -0.0, {"kind": "float", "default": 0.0}),
        (int | None, None, {"kind": "int", "optional": True}),
        (Optional[int], 3, {"kind": "int", "optional": True, "default": 3}),  # noqa: UP045
        (int | None, EMPTY, {"kind": "int", "optional": True, "required": True}),
        (Bins, 3, {"kind": "int", "default": 3}),
        (Literal["a", 1], "a", {"kind": "choice", "choices": ("a", 1), "default": "a"}),
        (Literal["a", None], None, {"kind": "choice", "choices": ("a",), "optional": True}),
        (Literal[Color.RED], Color.RED, {"kind": "choice", "choices": ("red",), "default": "red"}),
        (Word, Word.NO, {"kind": "choice", "choices": ("yes", "no"), "default": "no"}),
        (TimeRange, "-7d", {"kind": "timerange", "default": "-7d"}),
        (TimeRange | None, None, {"kind": "timerange", "optional": True}),
        (Values, EMPTY, {"kind": "values", "required": True}),
        (Values, "orders.total", {"kind": "values", "default": {"source": "orders.total"}}),
        (Values, [1, math.nan], {"kind": "values", "default": [1, None]}),
        (list[int], [], {"kind": "int", "many": True, "default": []}),
        (Sequence[float], (1,), {"kind": "float", "many": True, "default": [1.0]}),
        (tuple[Color, ...], (Color.RED,), {"many": True, "choices": ("red", "blue"), "default": ["red"]}),
        (
            tuple[int, int],
            (6, 4),
            {"kind": "int", "many": True, "default": [6, 4], "bounds": {"min_length": 2, "max_length": 2}},
        ),
        (
            Annotated[int, Field(ge=2, le=30, description="How many", examples=[5])],
            EMPTY,
            {"bounds": {"ge": 2, "le": 30}, "description": "How many", "example": 5, "required": True},
        ),
        (Annotated[int, Field(7, gt=2)], EMPTY, {"default": 7, "bounds": {"gt": 2}}),
        (Annotated[int | None, Field(ge=2)], None, {"bounds": {"ge": 2}, "optional": True}),
        (Annotated[float, annotated_types.Interval(ge=0, lt=1)], 0, {"bounds": {"ge": 0, "lt": 1}}),
        (PositiveInt, 3, {"bounds": {"gt": 0}}),
        (Annotated[str, StringConstraints(pattern="^a")], "ab", {"bounds": {"pattern": "^a"}}),
        (
            Annotated[list[Annotated[int, Field(ge=0)]], annotated_types.Len(1, 3)],
            [1],
            {"bounds": {"min_length": 1, "max_length": 3}, "item_bounds": {"ge": 0}},
        ),
        (
            Annotated[date, Field(ge=date(2024, 1, 1))],
            date(2024, 1, 1),
            {"bounds": {"ge": "2024-01-01"}, "default": "2024-01-01"},
        ),
    ],
)
def test_read(annotation: Any, default: Any, expected: dict[str, Any]) -> None:
    param = read(annotation, default)
    for name, wanted in expected.items():
        assert getattr(param, name) == wanted, name
    if not param.required and "default" in expected:
        assert repr(param.default) == repr(expected["default"])
    json.dumps([param.default, dict(param.bounds), param.choices])


def test_an_alias_statement_is_followed() -> None:
    class Alias:  # what `type Alias = …` is from Python 3.12 on
        __value__ = Annotated[int, Field(ge=2)]

    assert read(Alias(), 3).bounds == {"ge": 2}


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (EMPTY, None, r"x: int \| None = None"),
        (EMPTY, EMPTY, "neither"),
        (EMPTY, Field(None), r"x: int \| None = None"),
        (int, None, r"x: int \| None = None"),
        (EMPTY, [], r"x: list\[float\]"),
        (EMPTY, ["a", 1], r"x: list\[float\]"),
        (EMPTY, {}, "dict"),
        (EMPTY, b"a", "bytes"),
        (dict, EMPTY, "dict.*Use int, float.*dataset"),
        (dict[str, int], EMPTY, r"dict\[str, int\]"),
        (bytes, EMPTY, "bytes"),
        (Any, EMPTY, "Any"),
        (int | str, EMPTY, "two types.*Use int, float"),
        (list, EMPTY, "list"),
        (tuple[()], EMPTY, "tuple"),
        (list[list[int]], EMPTY, "list"),
        (list[int | None], EMPTY, "simple type"),
        (list[TimeRange], EMPTY, "simple type"),
        (tuple[int, str], EMPTY, "simple type"),
        (Literal[b"a"], EMPTY, "Literal"),
        (Literal["1", 1], "1", "look the same"),
        (int, "5", "not of its type"),
        (int, 5.0, "whole number"),
        (int, True, "whole number"),
        (int, 2**63, "64 bits"),
        (float, math.nan, "finite"),
        (bool, 1, "neither true nor false"),
        (date, "2024-01-31", "not of its type"),
        (date, datetime(2024, 1, 31), "not a date"),
        (timedelta, timedelta(seconds=-1), "zero or more"),
        (EMPTY, timedelta(microseconds=5), "whole milliseconds"),
        (str, "\0", "control character"),
        (TimeRange, "7d", "range of time"),
        (Literal["a"], "b", "not of its type"),
        (Color, "red", "not of its type"),
        (list[int], 5, "not of its type"),
        (list[str], "a,b", "not of its type"),
        (Annotated[int, Field(ge=2)], 1, "must be at least 2"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "at most 1 value"),
        (Annotated[int, Field(ge=2, examples=[1])], 2, "example 1: must be at least 2"),
        (Annotated[list[int], Field(ge=2)], [1], "Bound the items"),
        (Annotated[bool, Field(ge=0)], True, "bound ge"),
        (Annotated[int, Field(pattern="a")], 1, "bound pattern"),
        (Annotated[int, Field(ge=0.5)], 1, "pydantic"),
        (Annotated[str, Field(pattern="(?=a)")], "a", "pydantic"),
        (Annotated[PositiveInt, Field(gt=5)], 9, "twice"),
        (Annotated[float, Field(lt=math.inf)], 1, "bounds nothing"),
        (Annotated[date, Field(ge=5)], EMPTY, "not a date"),
        (Annotated[int, Field(alias="y")], 1, "alias"),
    ],
)
def test_what_cannot_be_registered(annotation: Any, default: Any, message: str) -> None:
    with pytest.raises(BadRegistration, match=message) as caught:
        read(annotation, default)
    assert "plot 'sales'" in str(caught.value)
    assert "'x'" in str(caught.value)
    assert "NAME" not in str(caught.value)


def upper(text: str) -> str:
    if text == "bad":
        raise ValueError("bad is not good")
    return text.upper()


@pytest.mark.parametrize(
    ("annotation", "given_value", "received"),
    [
        (int, 5, 5),
        (int, "5", 5),
        (float, 5, 5.0),
        (bool, True, True),
        (str, "a", "a"),
        (int | None, None, None),
        (date, date(2024, 1, 31), date(2024, 1, 31)),
        (datetime, datetime(2024, 1, 31, 6), datetime(2024, 1, 31, 6)),
        (datetime, date(2024, 1, 31), datetime(2024, 1, 31)),
        (
            datetime,
            datetime(2024, 1, 31, 6, tzinfo=timezone(timedelta(hours=2))),
            datetime(2024, 1, 31, 4, tzinfo=UTC),
        ),
        (timedelta, timedelta(hours=36), timedelta(hours=36)),
        (TimeRange, TimeRange("-7d"), TimeRange("-7d").resolve(NOW)),
        (TimeRange, "-7d", TimeRange("-7d").resolve(NOW)),
        (Color, Color.RED, Color.RED),
        (Color, "red", Color.RED),
        (Shape, Shape.SQUARE, Shape.SQUARE),
        (Word, Word.NO, Word.NO),
        (Level, Level.HIGH, Level.HIGH),
        (Level, 2, Level.HIGH),
        (Literal[1, "a", None], None, None),
        (Literal[1, True], True, True),
        (Literal[Color.RED], Color.RED, Color.RED),
        (list[Color], [Color.RED, "blue"], [Color.RED, Color.BLUE]),
        (tuple[date, ...], [date(2024, 1, 31)], (date(2024, 1, 31),)),
        (tuple[int, int], (6, 4), (6, 4)),
        (list[int], range(3), [0, 1, 2]),
        (list[int] | None, None, None),
        (Values, (1, 2.5, math.nan), [1, 2.5, None]),
        (Values, [date(2024, 1, 31)], ["2024-01-31"]),
        (Annotated[str, AfterValidator(upper)], "a", "A"),
        (list[Annotated[str, AfterValidator(upper)]], ["a"], ["A"]),
        (Annotated[str, StringConstraints(to_lower=True)], "A", "a"),
        (Annotated[TimeRange, AfterValidator(lambda period: period.duration)], "-7d", timedelta(days=7)),
        (Annotated[int | None, AfterValidator(lambda number: number or 0)], None, 0),
        (Annotated[int, {"unhashable": 1}], 5, 5),
    ],
)
def test_what_the_function_receives(annotation: Any, given_value: Any, received: Any) -> None:
    param = read(annotation)
    canonical = params.canonical(param, given_value, now=NOW)
    assert json.loads(json.dumps(canonical)) == canonical
    assert params.from_json([param], {"x": canonical}, now=NOW) == {"x": canonical}
    found = params.decode(param, annotation, canonical)
    assert repr(found) == repr(received)
    assert type(found) is type(received)


def test_the_authors_own_validator_answers_with_its_words() -> None:
    annotation = Annotated[str, AfterValidator(upper)]
    found = error(params.decode, read(annotation), annotation, "bad")
    assert found == {"parameter": "x", "code": "not_allowed", "sent": "bad", "message": "bad is not good"}


def test_decoding_without_a_hint() -> None:
    for default, received in [
        (date(2024, 1, 31), date(2024, 1, 31)),
        (TimeRange("2024-01-01..2024-02-01"), TimeRange("2024-01-01..2024-02-01")),
        ([timedelta(1)], [timedelta(1)]),
    ]:
        param = read(EMPTY, default)
        assert params.decode(param, EMPTY, param.default) == received
        assert params.decode(param, None, param.default) == received
    for default in (Color.RED, Shape.ROUND, (1, 2), Field(Level.LOW)):
        param = read(EMPTY, default)
        received = params.decode(param, params.hint_of(EMPTY, default), param.default)
        assert received == getattr(default, "default", default)
    assert params.hint_of(int, 5.0) is int


# Through an address


SOURCE = """
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from html import escape
from typing import Annotated, Literal

from pydantic import Field
from plotroute import Plots

plots = Plots()

class Color(Enum):
    RED = "red"
    BLUE = "blue"

def written(value):
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    return f"{head}<text>{escape(repr(value))}</text></svg>".encode()

@plots.plot
def texts(x: list[str] | None = None): return written(x)

@plots.plot
def numbers(x: Annotated[list[int], Field(max_length=2)] | None = None): return written(x)

@plots.plot
def colors(x: tuple[Color, ...] | None = None): return written(x)

@plots.plot
def days(x: Sequence[date] | None = None): return written(x)

@plots.plot
def steps(x: list[timedelta] | None = None): return written(x)

@plots.plot
def some(x: list[Literal["a", "b"]] | None = ["a"]): return written(x)

@plots.plot
def span(x: tuple[date, date] = (date(2024, 1, 1), date(2024, 2, 1))): return written(x)

@plots.plot
def few_days(x: Annotated[list[date], Field(min_length=2, max_length=3)] = [date(2024, 1, 1)] * 2):
    return written(x)

@plots.plot
def moments(x: tuple[datetime, datetime, datetime] | None = None): return written(x)

@plots.plot
def few_steps(x: Annotated[list[Annotated[timedelta, Field(ge=timedelta(hours=1))]], Field(max_length=1)] = []):
    return written(x)
"""

JANUARY, FEBRUARY = "datetime.date(2024, 1, 1)", "datetime.date(2024, 2, 1)"


@pytest.fixture
def ask(make_client):
    """Return what the function of an address receives, or what is wrong with the address."""
    client = make_client(SOURCE)

    def ask(address):
        answer = client.get(f"/plots/{address}", headers={"Accept": "application/json, image/svg+xml;q=0.5"})
        if answer.status_code != 200:
            return answer.get_json()["errors"][0]["message"]
        return html.unescape(answer.text.partition("<text>")[2].partition("</text>")[0])

    ask.schema = lambda name: client.get(f"/plots/{name}.schema.json").get_json()["properties"]["x"]
    return ask


def test_a_list_of_anything_may_be_left_out(ask):
    for name, query, given in [
        ("texts", "x=a&x=b", "['a', 'b']"),
        ("numbers", "x=1,2", "[1, 2]"),
        ("colors", "x=red", "(<Color.RED: 'red'>,)"),
        ("days", "x=2024-01-01", f"[{JANUARY}]"),
        ("steps", "x=90s", "[datetime.timedelta(seconds=90)]"),
        ("moments", "x=2024-01-01,2024-01-02,2024-01-03", "(datetime.datetime(2024, 1, 1, 0, 0), datetime"),
    ]:
        assert ask(name) == "None", name
        assert ask(f"{name}?x=") == "None", name
        assert ask(f"{name}?{query}").startswith(given), name
        schema = ask.schema(name)
        assert (schema["type"], schema["default"]) == (["array", "null"], None), name
    assert ask("some") == "['a']"
    assert ask("numbers?x=1,2,3") == "must have at most 2 values"


def test_a_list_of_dates_is_bounded_in_length(ask):
    assert ask("span") == f"({JANUARY}, {FEBRUARY})"
    assert ask("span?x=2024-01-01") == "must have at least 2 values"
    assert ask("few_days?x=2024-01-01,2024-02-01,2024-03-01,2024-04-01") == "must have at most 3 values"
    assert ask("moments?x=2024-01-01") == "must have at least 3 values"
    assert ask("few_steps?x=1h") == "[datetime.timedelta(seconds=3600)]"
    assert ask("few_steps?x=1h,2h") == "must have at most 1 value"
    assert "must be at least 1h" in ask("few_steps?x=5m")
    schema = ask.schema("few_days")
    assert (schema["minItems"], schema["maxItems"], schema["items"]["format"]) == (2, 3, "date")


def test_none_for_a_list_that_cannot_be_none_is_refused_with_the_hint(make_client):
    from plotroute.errors import SetupError

    with pytest.raises(SetupError, match=r"Write it: x: list\[date\] \| None = None"):
        make_client(SOURCE + "\n@plots.plot\ndef bad(x: list[date] = None): ...\n")
