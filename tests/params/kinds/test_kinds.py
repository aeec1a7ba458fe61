"""Every kind of parameter, and that none is left out."""

from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Literal

import pytest

from params.kinds.conformance import NOW, Conformance, from_query
from plotroute.errors import InvalidParameters
from plotroute.model import Param
from plotroute.params import Values
from plotroute.params.kinds import KINDS, kind_of
from plotroute.params.timerange import TimeRange


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class TestInt(Conformance):
    name, hint = "int", int
    texts = {"5": 5, "-3": -3, "007": 7, "-0": 0, "9223372036854775807": 2**63 - 1}
    python = [(5, 5), (-(2**63), -(2**63))]
    wrong = {
        "5.0": "'5.0' is not a whole number",
        "1_000": "'1_000' is not a whole number",
        "9223372036854775808": "'9223372036854775808' is beyond 64 bits",
    }
    wrong_json = [(5.0, "5.0 is not a whole number"), (True, "true is not a whole number")]
    bounds = {
        "ge": (2, "2", "1", "must be at least 2"),
        "gt": (2, "3", "2", "must be more than 2"),
        "le": (2, "2", "3", "must be at most 2"),
        "lt": (2, "1", "2", "must be less than 2"),
        "multiple_of": (5, "10", "11", "must be a multiple of 5"),
    }


class TestFloat(Conformance):
    name, hint = "float", float
    texts = {"0.5": 0.5, "5": 5.0, ".5": 0.5, "1e16": 1e16, "-0": 0.0, "1E-3": 0.001}
    python = [(0.5, 0.5), (1e300, 1e300)]
    wrong = {
        "nan": "'nan' is not a number",
        "inf": "'inf' is not a number",
        "1e999": "'1e999' is not a finite number",
        "1,5": "'1,5' is not a number",
    }
    wrong_json = [(True, "true is not a number"), ([1.5], "a value of type list is not a number")]
    bounds = {
        "ge": (0.5, "0.5", "0.4", "must be at least 0.5"),
        "gt": (1.0, "1.1", "1", "must be more than 1"),
        "le": (1e16, "1e16", "2e16", "must be at most 1e16"),
        "lt": (2, "1.9", "2", "must be less than 2"),
        "multiple_of": (0.5, "1.5", "1.6", "must be a multiple of 0.5"),
    }


class TestBool(Conformance):
    name, hint = "bool", bool
    texts = {"true": True, "TRUE": True, "1": True, "on": True, "false": False, "No": False}
    python = [(True, True), (False, False)]
    wrong = {"2": "'2' is neither true nor false", "falsely": "'falsely' is neither true nor false"}
    wrong_json = [(1, "1 is neither true nor false"), (0.0, "0.0 is neither true nor false")]


class TestText(Conformance):
    name, hint = "str", str
    texts = {"Größe": "Größe", "": "", " a, b ": " a, b ", "1": "1", "$x$": "$x$", '"': '"'}
    python = [("a\tb\n", "a\tb\n")]
    wrong = {"a\x00": "'a\\x00' holds a control character (U+0000) at position 2"}
    wrong_json = [(1, "1 is not text"), (["a"], "a value of type list is not text")]
    bounds = {
        "min_length": (2, "ab", "a", "must have at least 2 characters"),
        "max_length": (1, "a", "ab", "must have at most 1 character"),
        "pattern": ("^[a-c]+$", "abc", "d", "must match ^[a-c]+$"),
    }

    def test_a_text_has_a_length_even_where_the_author_bounds_none(self, param):
        with pytest.raises(InvalidParameters) as raised:
            from_query(param, "a" * 10_001)

        assert raised.value.errors[0]["message"] == "must have at most 10,000 characters"


class TestChoice(Conformance):
    name, hint = "choice", Literal["low", "", 1, 2.5, True]
    texts = {"low": "low", "1": 1, "2.5": 2.5, "2.50": 2.5, "true": True}
    python = [("low", "low"), (1, 1), (2.5, 2.5), (True, True)]
    wrong = {"lo": "'lo' is not one of low, , 1, 2.5, true", "yes": "'yes' is not one of low, , 1, 2.5, true"}
    wrong_json = [
        (2, "2 is not one of low, , 1, 2.5, true"),
        (1.0, "1.0 is not one of low, , 1, 2.5, true"),
    ]


class TestEnum(Conformance):
    name, hint = "choice", Color
    texts = {"red": "red", "blue": "blue"}
    python = [(Color.RED, "red"), (Color.BLUE, "blue")]
    wrong = {"RED": "'RED' is not one of red, blue"}
    wrong_json = [(1, "1 is not one of red, blue")]


class TestDate(Conformance):
    name, hint = "date", date
    texts = {"2024-01-31": "2024-01-31", "0001-01-01": "0001-01-01", "2024-02-29": "2024-02-29"}
    python = [(date(2024, 1, 31), "2024-01-31")]
    wrong = {
        "2023-02-29": "'2023-02-29' is not on the calendar",
        "20240131": "'20240131' is not a date: write it as 2024-01-31",
    }
    wrong_json = [(1706659200, "1706659200 is not a date")]
    bounds = {
        "ge": (date(2024, 1, 1), "2024-01-01", "2023-12-31", "must be at least 2024-01-01"),
        "gt": (date(2024, 1, 1), "2024-01-02", "2024-01-01", "must be more than 2024-01-01"),
        "le": (date(2024, 1, 1), "2024-01-01", "2024-01-02", "must be at most 2024-01-01"),
        "lt": (date(2024, 1, 1), "2023-12-31", "2024-01-01", "must be less than 2024-01-01"),
    }


class TestDatetime(Conformance):
    name, hint = "datetime", datetime
    texts = {
        "2024-01-31T06:00": "2024-01-31T06:00:00",
        "2024-01-31 06:00": "2024-01-31T06:00:00",
        "2024-01-31": "2024-01-31T00:00:00",
        "2024-01-31T06:00Z": "2024-01-31T06:00:00+00:00",
        "2024-01-31T06:00+02:00": "2024-01-31T04:00:00+00:00",
        "2024-01-31T06:00 02:00": "2024-01-31T04:00:00+00:00",
    }
    python = [
        (datetime(2024, 1, 31, 6), "2024-01-31T06:00:00"),
        (datetime(2024, 1, 31, 6, tzinfo=UTC), "2024-01-31T06:00:00+00:00"),
    ]
    wrong = {"noon": "'noon' is not a time: write it as 2024-01-31T06:00 or 2024-01-31T06:00Z"}
    wrong_json = [(1706659200, "1706659200 is not a time")]
    bounds = {
        "ge": (datetime(2024, 1, 1), "2024-01-01", "2023-12-31", "must be at least 2024-01-01T00:00:00"),
        "gt": (datetime(2024, 1, 1), "2024-01-02", "2024-01-01", "must be more than 2024-01-01T00:00:00"),
        "le": (datetime(2024, 1, 1), "2024-01-01", "2024-01-02", "must be at most 2024-01-01T00:00:00"),
        "lt": (datetime(2024, 1, 1), "2023-12-31", "2024-01-01", "must be less than 2024-01-01T00:00:00"),
    }


class TestDuration(Conformance):
    name, hint = "timedelta", timedelta
    texts = {"7d": "1w", "90m": "1h30m", "PT0.5S": "500ms", "0s": "0s", "P1DT12H": "1d12h"}
    python = [(timedelta(hours=36), "1d12h"), (timedelta(0), "0s")]
    wrong = {
        "7": "'7' is not a duration: write a number and a unit, such as 90s, 15m, 1h, 7d or 2w "
        "(ISO 8601 works too: PT15M, P7D)",
        "0.1ms": "'0.1ms' is not a duration of whole milliseconds, zero or more",
    }
    wrong_json = [(7, "7 is not a duration")]
    bounds = {
        "ge": (timedelta(hours=1), "1h", "59m", "must be at least 1h"),
        "gt": (timedelta(hours=1), "61m", "1h", "must be more than 1h"),
        "le": (timedelta(days=7), "7d", "8d", "must be at most 1w"),
        "lt": (timedelta(days=7), "6d", "1w", "must be less than 1w"),
    }


class TestTimeRange(Conformance):
    name, hint = "timerange", TimeRange
    texts = {
        "2024-01-01..2024-02-01": "2024-01-01T00:00:00+00:00..2024-02-01T00:00:00+00:00",
        "2024-01-01T06:00Z..2024-02-01": "2024-01-01T06:00:00+00:00..2024-02-01T00:00:00+00:00",
        "-7d": str(TimeRange("-7d").resolve(NOW)),
    }
    python = [(TimeRange("now-7d..now-1d"), "now-7d..now-1d")]
    wrong = {
        "2024-02-01..2024-01-01": "'2024-02-01..2024-01-01' does not end after it starts: write -7d, "
        "now-7d..now-1d, 2024-01-01..2024-02-01 or 2024-01-01T06:00Z..now (a time without an offset is UTC)",
    }
    wrong_json = [(7, "7 is not a range of time")]

    def test_the_step_of_the_author_rounds_the_ends(self):
        daily = Param(name="x", kind="timerange", step="1d")

        resolved = kind_of(daily).resolve("-7d", NOW)

        assert resolved == "2026-02-26T00:00:00+00:00..2026-03-05T00:00:00+00:00"


class TestValues(Conformance):
    name, hint = "values", Values
    texts = {
        "1,2.5,3": [1, 2.5, 3],
        "1e3,nan,-0": [1000, None, 0],
        "2024-01-31": ["2024-01-31"],
        "2024-01-31T06:00Z,2024-02-01T06:00Z": ["2024-01-31T06:00:00+00:00", "2024-02-01T06:00:00+00:00"],
        "temperature": {"source": "temperature"},
        "weather.temperature": {"source": "weather.temperature"},
        '"nan"': [None],
    }
    python = [([1, None], [1, None]), ({"source": "hours"}, {"source": "hours"})]
    wrong = {
        "1,two": "value 2, 'two', is not a number",
        "2024-01-31,5": "value 2, '5', is not a date or time, as value 1 is",
        "2024-01-31T06:00Z,2024-01-31T06:00": "value 2, '2024-01-31T06:00', has no UTC offset, unlike value 1",
    }
    wrong_json = [
        ([True], "value 1, true, is not a number"),
        ({"a": 1}, "value 1, a value of type dict, is not a number"),
    ]
    bounds = {
        "min_length": (2, "1,2", "1", "must have at least 2 values"),
        "max_length": (1, "1", "1,2", "must have at most 1 value"),
    }


def test_every_kind_is_here():
    assert {case.name for case in Conformance.__subclasses__()} == set(KINDS)


def test_the_table_knows_a_kind_by_its_name():
    for name, kind in KINDS.items():
        assert kind.name == name
        assert type(kind_of(Param(name="x", kind=name))) is type(kind)


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("values", {"source": "hours"}, "hours"),
        ("values", [1, 2], None),
        ("values", None, None),
        ("str", "hours", None),
        ("str", {"source": "hours"}, None),
    ],
)
def test_only_a_parameter_of_values_asks_for_a_source(kind, value, name):
    assert kind_of(Param(name="x", kind=kind)).source(value) == name
