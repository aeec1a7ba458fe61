"""Texts and JSON of requests → canonical values, or every error; and canonical values → texts."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from params.reading import (
    EMPTY,
    LAST_WEEK,
    NOW,
    Color,
    Level,
    Shape,
    error,
    errors,
    parse,
    read,
    value,
)
from plotroute import params
from plotroute.errors import InvalidParameters
from plotroute.model import Json
from plotroute.params import Values
from plotroute.params.timerange import TimeRange

# Text → value


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (int, "5", 5),
        (int, "-007", -7),
        (int, "-0", 0),
        (int, "9223372036854775807", 2**63 - 1),
        (float, "1", 1.0),
        (float, "1.", 1.0),
        (float, "-.5e-3", -0.0005),
        (float, "1E+300", 1e300),
        (float, "-0.0", 0.0),
        (float, "1e-999", 0.0),
        (bool, "true", True),
        (bool, "False", False),
        (bool, "ON", True),
        (bool, "0", False),
        (bool, "no", False),
        (str, "", ""),
        (str | None, "", ""),
        (str, " a\tb\n$x$ 日本\U0001f600\ufffd ", " a\tb\n$x$ 日本\U0001f600\ufffd "),
        (date, "2024-02-29", "2024-02-29"),
        (datetime, "2024-02-29", "2024-02-29T00:00:00"),
        (datetime, "2024-02-29T06:00:00.500", "2024-02-29T06:00:00.500000"),
        (datetime, "2024-02-29T06:00 02:00", "2024-02-29T04:00:00+00:00"),
        (timedelta, "PT90M", "1h30m"),
        (timedelta, "0s", "0s"),
        (TimeRange, "-7d", LAST_WEEK),
        (TimeRange, "-P7D", LAST_WEEK),
        (TimeRange, "2024-01-01..2024-02-01", "2024-01-01T00:00:00+00:00..2024-02-01T00:00:00+00:00"),
        (Literal["a", 1, 2.5, True], "a", "a"),
        (Literal["a", 1, True], "1", 1),
        (Literal["a", 1, True], "true", True),
        (Literal["", "a"], "", ""),
        (Color, "blue", "blue"),
        (Level, "2", 2),
        (Shape, "SQUARE", "SQUARE"),
        (list[int], "1,2,3", [1, 2, 3]),
        (list[str], '"Washington, DC",Rome,,"say ""hi"""', ["Washington, DC", "Rome", "", 'say "hi"']),
        (list[str], '"a\nb"', ["a\nb"]),
        (list[bool], "1,no", [True, False]),
        (list[date], "2024-01-31,2024-02-29", ["2024-01-31", "2024-02-29"]),
        (list[Color], "red,red", ["red", "red"]),
        (Values, "1,2.5,1e3,-0.0,nan", [1, 2.5, 1000, 0, None]),
        (Values, "9007199254740993", [9007199254740993]),
        (Values, "100000000000000000000", [1e20]),
        (Values, '"nan"', [None]),
        (Values, "2024-01-31,2024-02-29T06:00", ["2024-01-31", "2024-02-29T06:00:00"]),
        (Values, "2024-01-31T06:00Z", ["2024-01-31T06:00:00+00:00"]),
        (Values, "temperature", {"source": "temperature"}),
        (Values, "nan", {"source": "nan"}),
        (Values, "weather.air temperature", {"source": "weather.air temperature"}),
        (Values, "values:temperature", {"source": "values:temperature"}),
    ],
)
def test_what_is_read(annotation: Any, text: str, expected: Json) -> None:
    param = read(annotation)
    found = value(param, text)
    assert repr(found) == repr(expected)
    assert repr(value(param, *params.to_query(param, found))) == repr(expected)
    assert repr(params.from_json([param], {"x": found}, now=NOW)["x"]) == repr(expected)


@pytest.mark.parametrize(
    ("annotation", "texts"),
    [
        (
            int,
            [
                "1_000",
                "+5",
                "5.0",
                " 5",
                "5\n",
                "0x10",
                "１２",
                "--5",
                "1e3",
                "9" * 5000,
                str(2**63),
                "-",
                "٣",
            ],
        ),
        (
            float,
            [
                *["nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "1_0", "0x1p3", " 1", "1 ", "+1"],
                *[".", "1e", "1,5", "１", "1" * 500, "1e+ 5", "1e1000"],
            ],
        ),
        (bool, ["maybe", "2", "t", " true", "truе", "y", "tru" + "e" * 10_000]),
        (
            date,
            ["2024-02-30", "20240131", "2024-01-31T00:00", "1704067200", "0000-01-01", "2024-1-1", "today"],
        ),
        (datetime, ["1704067200", "20240131T0600", "2024-01-31T25:00", "0001-01-01T00:00+05:00", "now"]),
        (timedelta, ["7", "-7d", "1y", "0.0001s", "99999999999999999999d", "7 d"]),
        (TimeRange, ["7d", "now", "-99999999d", "2024-02-01..2024-01-01", "2030-01-01..now", "../../etc"]),
        (
            str,
            [
                "a\0",
                "\x07",
                "a\rb",
                "\x1b[0m",
                "\x7f",
                "\x85",
                "\ud800",
                "\ufffe",
                "\uffff",
                "\ufdd0",
                "\U0001fffe",
            ],
        ),
        (list[int], ["1,,3", "1,2,", ",", '"1', "1\n", "1\n2", "1;2", "1, 2", "1,+2"]),
        (list[str], ['"a"b', "a,\0", "a\nb", '"']),
        (
            Values,
            ["1,inf", "1,abc", "1,,2", "1,1e400", "1," + "1" + "0" * 400, "1 2", "2024-01-31,5", "-inf"],
        ),
        (
            Values,
            ["5,2024-01-31", "2024-01-31,2024-01-31T06:00Z", "a,b", "@pd.io()", "a\0:b,", "a.b\x07", "/etc"],
        ),
    ],
)
def test_what_is_malformed(annotation: Any, texts: list[str]) -> None:
    for text in texts:
        found = error(value, read(annotation), text)
        assert (found["parameter"], found["code"]) == ("x", "malformed"), text
        assert len(found["message"]) < 400
        assert len(found["sent"]) <= 200


@pytest.mark.parametrize(
    ("annotation", "texts", "message"),
    [
        (int, ["abc"], "'abc' is not a whole number"),
        (int, ["9" * 26], f"'{'9' * 26}' is beyond 64 bits"),
        (int, ["-10000000000000000000"], "'-10000000000000000000' is beyond 64 bits"),
        (list[int], ["1,1" + "0" * 20], f"value 2, '1{'0' * 20}', is beyond 64 bits"),
        (list[int], ["1,2,abc"], "value 3, 'abc', is not a whole number"),
        (list[int], ["1,,3"], "value 2 is empty"),
        (list[int], ["1,2", "3"], "value 1, '1,2', is not a whole number"),
        (Values, ["1,2,abc"], "value 3, 'abc', is not a number"),
        (Values, ["1,2,inf"], "value 3, 'inf', is not a number"),
        (Values, ["2024-01-31,5"], "value 2, '5', is not a date or time, as value 1 is"),
        (
            Values,
            ["2024-01-31,2024-02-29T00:00Z"],
            "value 2, '2024-02-29T00:00Z', has a UTC offset, unlike value 1",
        ),
        (str, ["ab\x07"], "'ab\\x07' holds a control character (U+0007) at position 3"),
        (Color, ["rd"], "'rd' is not one of red, blue"),
        (Annotated[int, Field(ge=2)], ["1"], "must be at least 2"),
        (Annotated[int, Field(gt=2)], ["2"], "must be more than 2"),
        (Annotated[float, Field(le=2)], ["2.5"], "must be at most 2"),
        (Annotated[float, Field(lt=0.5)], ["0.5"], "must be less than 0.5"),
        (Annotated[int, Field(multiple_of=3)], ["4"], "must be a multiple of 3"),
        (Annotated[str, Field(min_length=2)], ["a"], "must have at least 2 characters"),
        (Annotated[str, Field(max_length=1)], ["aa"], "must have at most 1 character"),
        (str, ["a" * 10_001], "must have at most 10,000 characters"),
        (list[str], ["b," + "a" * 10_001], "value 2 must have at most 10,000 characters"),
        (Annotated[str, Field(pattern="^a+$")], ["b"], "must match ^a+$"),
        (Annotated[list[int], Field(min_length=2)], ["1"], "must have at least 2 values"),
        (Annotated[Values, Field(max_length=2)], ["1,2,3"], "must have at most 2 values"),
        (list[Annotated[int, Field(ge=2)]], ["2,1"], "value 2 must be at least 2"),
        (Annotated[date, Field(ge=date(2024, 1, 1))], ["2023-12-31"], "must be at least 2024-01-01"),
        (Annotated[timedelta, Field(le=timedelta(days=1))], ["25h"], "must be at most 1d"),
        (
            Annotated[datetime, Field(lt=datetime(2024, 1, 1))],
            ["2024-01-02"],
            "must be less than 2024-01-01T00:00:00",
        ),
    ],
)
def test_messages(annotation: Any, texts: list[str], message: str) -> None:
    found = error(value, read(annotation), *texts)
    assert found["message"] == message
    if message.startswith("must"):
        assert found["code"] == "out_of_bounds"


def test_a_choice_that_is_none_of_them() -> None:
    param = read(Literal["pearson", "spearman", "kendall"], "pearson", name="method")
    assert error(value, param, "spearmann") == {
        "parameter": "method",
        "code": "not_allowed",
        "sent": "spearmann",
        "allowed": ["pearson", "spearman", "kendall"],
        "nearest": "spearman",
        "message": "'spearmann' is not one of pearson, spearman, kendall",
    }
    assert error(value, read(list[Color]), "red,blu")["nearest"] == "blue"
    assert error(value, read(Level), "low")["allowed"] == [1, 2]


@pytest.mark.parametrize(
    ("annotation", "default", "texts", "expected"),
    [
        (int, 20, [""], 20),
        (int | None, 20, [""], 20),
        (float, 1, ["1"], 1.0),
        (list[int], [1], [""], [1]),
        (list[int], [1], ["", ""], [1]),
        (list[str], ["a"], [""], ["a"]),
        (list[str], ["a"], ['""'], [""]),
        (list[str], ["a"], ["", ""], ["", ""]),
        (list[str], ["a"], ["b,c", "d"], ["b,c", "d"]),
        (list[int], [1], ["2", "3"], [2, 3]),
        (Values, [1], [""], [1]),
        (Values, [1], ["2", "nan"], [2, None]),
        (str, "a", [""], ""),
        (Color, Color.RED, [""], "red"),
        (TimeRange, "-7d", [], LAST_WEEK),
        (TimeRange, "-7d", ["now-7d..now"], LAST_WEEK),
        (TimeRange | None, None, [], None),
    ],
)
def test_empty_and_several(annotation: Any, default: Any, texts: list[str], expected: Json) -> None:
    assert value(read(annotation, default), *texts) == expected


def test_a_default_is_not_shared() -> None:
    param = read(list[int], [1])
    value(param).append(2)
    assert value(param) == [1]


def test_every_mistake_at_once_in_order() -> None:
    declared = [
        read(int, EMPTY, name="customer"),
        read(int, 20, name="bins"),
        read(Literal["light", "rainbow"], "light", name="palette"),
        read(Annotated[int, Field(ge=2)], 3, name="features"),
        read(int, EMPTY, name="region"),
    ]
    query = [
        ("palette", "rainbo"),
        ("bin", "5"),
        ("bins", "1"),
        ("bins", "1"),
        ("features", "1"),
        ("wdth", "3"),
    ]
    query += [("_", "1"), ("_v", "x"), ("_v", "y"), ("customer", "8")]
    found = errors(parse, declared, *query, path={"customer": "7"}, known=["width"])
    assert [(entry["parameter"], entry["code"], entry.get("nearest")) for entry in found] == [
        ("customer", "repeated", None),
        ("palette", "not_allowed", "rainbow"),
        ("bin", "unknown", "bins"),
        ("bins", "repeated", None),
        ("features", "out_of_bounds", None),
        ("wdth", "unknown", "width"),
        ("region", "missing", None),
    ]
    assert found[2]["allowed"] == ["customer", "bins", "palette", "features", "region"]
    assert found[2]["sent"] == "5"


def test_a_path_gives_values_too() -> None:
    declared = [read(int, name="customer"), read(int, 20, name="bins")]
    assert parse(declared, path={"customer": "7"}) == {"customer": 7, "bins": 20}
    assert error(parse, declared, path={"customer": "seven"})["code"] == "malformed"


def test_a_flood_of_names_is_one_error() -> None:
    found = error(parse, [read(int, 1)], *((f"a{i}", "1") for i in range(600)))
    assert found["code"] == "unknown"
    assert "600" in found["message"]
    assert len(errors(parse, [read(int, 1)], *((f"a{i}", "1") for i in range(64)))) == 64
    assert value(read(list[int]), *["1"] * 600) == [1] * 600
    many = [read(int, 1, name=f"p{i}") for i in range(100)]
    assert len(parse(many, *((f"p{i}", "2") for i in range(100)))) == 100


def test_answers_repeat_little_and_no_half_characters() -> None:
    found = error(parse, [read(int, 1)], ("\ud800" + "a" * 5000, "\udfff" * 5000))
    assert found["parameter"] == "?" + "a" * 199
    assert found["sent"] == "?" * 200
    assert len(found["message"]) < 200


def test_too_many_values() -> None:
    assert error(value, read(list[int]), ",".join("1" * 2001))["code"] == "out_of_bounds"
    assert "at most 3 values, not 4" in error(value, read(Values), "1,2,3,4", max_values=3)["message"]
    assert "at most 3 values" in error(value, read(Values), *"1234", max_values=3)["message"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "now-7d", "to": "now"}, LAST_WEEK),
        ({"from": "now-7d"}, LAST_WEEK),
        ({"from": "now-P7D", "to": ""}, LAST_WEEK),
        ({"period": "", "from": "now-7d"}, LAST_WEEK),
        ({"from": "", "to": ""}, LAST_WEEK),
        ({"from": "2024-01-01", "to": "2024-02-01"}, "2024-01-01T00:00:00+00:00..2024-02-01T00:00:00+00:00"),
    ],
)
def test_from_and_to(query: dict[str, str], expected: str) -> None:
    period = read(TimeRange, "-7d", name="period")
    assert parse([period], *query.items()) == {"period": expected}
    assert params.from_json([period], query, now=NOW) == {"period": expected}


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ([("to", "now")], "from", "missing"),
        ([("from", "now-7d"), ("period", "-7d")], "from", "conflict"),
        ([("period", "-7d"), ("to", "now")], "to", "conflict"),
        ([("from", "now-7d"), ("from", "now-7d")], "from", "repeated"),
        ([("from", "now-7d"), ("to", "now"), ("to", "now")], "to", "repeated"),
        ([("from", "-7d")], "from", "malformed"),
        ([("from", "now-7d"), ("to", "soon")], "to", "malformed"),
        ([("from", "2024-01-01..2024-02-01")], "from", "malformed"),
        ([("from", "2024-02-01"), ("to", "2024-01-01")], "to", "malformed"),
        ([("from", "2030-01-01")], "from", "malformed"),
        ([("form", "now-7d")], "form", "unknown"),
    ],
)
def test_from_and_to_that_are_no_range(query: list[tuple[str, str]], parameter: str, code: str) -> None:
    found = error(parse, [read(TimeRange, "-7d", name="period")], *query)
    assert (found["parameter"], found["code"]) == (parameter, code)


def test_from_and_to_need_one_range_and_free_names() -> None:
    two = [read(TimeRange, "-7d", name="a"), read(TimeRange, "-7d", name="b")]
    assert error(parse, two, ("from", "now-7d"))["code"] == "unknown"
    taken = [read(TimeRange, "-7d", name="period"), read(int, 1, name="to")]
    assert parse(taken, ("to", "5"))["to"] == 5
    assert error(parse, taken, ("from", "now-7d"))["code"] == "unknown"
    assert params.from_json([two[0]], {}, now=NOW) == {"a": LAST_WEEK}
    assert error(params.from_json, [two[0]], {"from": 0}, now=NOW)["code"] == "malformed"
    required = [read(TimeRange, name="period")]
    assert error(parse, required, ("to", "now"))["code"] == "missing"
    assert error(parse, required)["parameter"] == "period"


def test_a_default_that_is_no_range_now() -> None:
    assert error(parse, [read(TimeRange, "2030-01-01..now")])["code"] == "malformed"


# JSON body → value


@pytest.mark.parametrize(
    ("annotation", "body", "expected"),
    [
        (int, 5, 5),
        (int, "5", 5),
        (float, 5, 5.0),
        (bool, False, False),
        (str, "", ""),
        (int | None, None, None),
        (Level, 2, 2),
        (Level, "2", 2),
        (Literal[True, "a"], True, True),
        (list[int], [1, "2"], [1, 2]),
        (list[int], 1, [1]),
        (list[int], "1,2", [1, 2]),
        (list[int], [], []),
        (Values, [1, 2.5, None, "nan", 3.0], [1, 2.5, None, None, 3]),
        (Values, ["2024-01-31"], ["2024-01-31"]),
        (Values, "temperature", {"source": "temperature"}),
        (Values, {"source": "a.b"}, {"source": "a.b"}),
        (Values, [], []),
    ],
)
def test_from_json(annotation: Any, body: Any, expected: Json) -> None:
    found = params.from_json([read(annotation)], {"x": body}, now=NOW)["x"]
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("annotation", "body"),
    [
        (int, True),
        (int, 1.0),
        (int, [1]),
        (int, {}),
        (list[int], [10**5000]),
        (float, True),
        (float, 10**400),
        (float, math.nan),
        (float, math.inf),
        (bool, 1),
        (str, 5),
        (str, "\ud800"),
        (date, 5),
        (datetime, 1704067200),
        (timedelta, 60),
        (TimeRange, 5),
        (list[int], [1, None]),
        (list[int], [[1]]),
        (list[int], {"a": 1}),
        (Values, [True]),
        (Values, [1, [2]]),
        (Values, [math.inf]),
        (Values, {"source": "a,b"}),
        (Values, {"source": 5}),
        (Values, {"a": 1}),
        (Values, [10**5000]),
    ],
)
def test_json_of_another_type_is_malformed(annotation: Any, body: Any) -> None:
    found = error(params.from_json, [read(annotation)], {"x": body}, now=NOW)
    assert (found["parameter"], found["code"]) == ("x", "malformed")
    assert len(found["message"]) < 300


def test_json_null_is_not_given() -> None:
    assert params.from_json([read(int, 5)], {"x": None}, now=NOW) == {"x": 5}
    assert params.from_json([read(int | None, 5)], {"x": None}, now=NOW) == {"x": None}
    assert error(params.from_json, [read(int)], {"x": None}, now=NOW)["code"] == "missing"
    assert error(params.from_json, [read(Level)], {"x": 3}, now=NOW)["code"] == "not_allowed"


def test_json_has_the_same_errors() -> None:
    declared = [read(Annotated[int, Field(ge=2)], 3, name="bins"), read(Values, name="y")]
    found = errors(params.from_json, declared, {"bin": 5, "bins": 1, "_": 1}, now=NOW, known=["width"])
    assert [(entry["parameter"], entry["code"]) for entry in found] == [
        ("bin", "unknown"),
        ("bins", "out_of_bounds"),
        ("y", "missing"),
    ]
    assert found[1]["sent"] == "1"
    assert (
        error(params.from_json, [declared[1]], {"y": [1] * 4}, now=NOW, max_values=3)["code"]
        == "out_of_bounds"
    )


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8)
)
def test_any_json_is_a_value_or_invalid(body: Any) -> None:
    for param in EVERY:
        try:
            found = params.from_json([param], {param.name: body}, now=NOW)
        except InvalidParameters as invalid:
            json.dumps(invalid.errors).encode()
        else:
            assert params.from_json([param], found, now=NOW) == found


def test_a_number_that_python_refuses_to_print() -> None:
    found = error(params.from_json, [read(int)], {"x": 10**5000}, now=NOW)
    assert found["message"] == "a huge number is beyond 64 bits"


# value → text


@pytest.mark.parametrize(
    ("annotation", "canonical", "text"),
    [
        (float, 1.0, "1"),
        (float, 1e16, "1e16"),
        (bool, True, "true"),
        (datetime, "2024-01-31T06:00:00+00:00", "2024-01-31T06:00:00Z"),
        (timedelta, "1d12h", "1d12h"),
        (list[str], ["Washington, DC", "Rome"], '"Washington, DC",Rome'),
        (list[str], [""], '""'),
        (Values, {"source": "a.b"}, "a.b"),
        (Values, [1, None, 2.5], "1,nan,2.5"),
    ],
)
def test_to_query(annotation: Any, canonical: Json, text: str) -> None:
    assert params.to_query(read(annotation), canonical) == [text]


def test_what_has_no_text() -> None:
    assert params.to_query(read(int | None, None), None) == []
    assert params.to_query(read(list[int], []), []) == []
    for param, missing in ((read(int | None, 5), None), (read(list[int], [1]), []), (read(Values), [])):
        assert "URL" in error(params.to_query, param, missing)["message"]


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n"), max_size=20
).filter(lambda text: not any((ord(c) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF for c in text))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes() | st.datetimes(
    datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(timezone(timedelta(hours=-7)))
)
LENGTHS = st.integers(0, 10**12).map(lambda ms: timedelta(milliseconds=ms))
RANGES = st.lists(MOMENTS.map(lambda at: at.replace(tzinfo=UTC)), min_size=2, max_size=2, unique=True)

EVERY = [
    read(int, name="int"),
    read(float, name="float"),
    read(bool, name="bool"),
    read(Annotated[str, Field(pattern="^[^x]*$")], name="str"),
    read(Level, name="level"),
    read(Literal["a", "b c", 1, 2.5, True], name="choice"),
    read(date, name="date"),
    read(datetime | None, name="datetime"),
    read(timedelta, name="timedelta"),
    read(TimeRange, name="timerange"),
    read(Values, name="values"),
    read(list[int], name="ints"),
    read(list[Annotated[str, Field(max_length=100)]], name="strs"),
    read(list[date], name="dates"),
]


@given(
    st.one_of(
        st.tuples(st.just(int), INT64),
        st.tuples(st.just(float), FINITE),
        st.tuples(st.just(bool), st.booleans()),
        st.tuples(st.just(str), TEXT),
        st.tuples(st.just(Color), st.sampled_from(Color)),
        st.tuples(st.just(Literal["a", "1", 2, 2.5, True]), st.sampled_from(["a", "1", 2, 2.5, True])),
        st.tuples(st.just(date), st.dates()),
        st.tuples(st.just(datetime), MOMENTS),
        st.tuples(st.just(timedelta), LENGTHS),
        st.tuples(st.just(TimeRange), RANGES.map(lambda ends: TimeRange(*sorted(ends)))),
        st.tuples(st.just(list[int]), st.lists(INT64, min_size=1)),
        st.tuples(st.just(list[float]), st.lists(FINITE, min_size=1)),
        st.tuples(st.just(list[str]), st.lists(TEXT, min_size=1)),
        st.tuples(st.just(list[datetime]), st.lists(MOMENTS, min_size=1)),
        st.tuples(st.just(Values), st.lists(st.none() | FINITE | INT64, min_size=1)),
        st.tuples(st.just(Values), st.lists(st.dates() | st.datetimes(), min_size=1)),
    )
)
@example((list[str], ["a\n"]))
@example((Values, [None]))
@example((Values, [2.0**53, -(2.0**63), 2.0**63, 1e16]))
def test_value_to_text_to_value(case: tuple[Any, Any]) -> None:
    annotation, python = case
    param = read(annotation)
    canonical = params.canonical(param, python, now=NOW)
    assert repr(value(param, *params.to_query(param, canonical))) == repr(canonical)
    assert params.from_json([param], json.loads(json.dumps({"x": canonical})), now=NOW) == {"x": canonical}
    received = params.decode(param, annotation, canonical)
    if annotation is not Values:
        assert received == python


@given(st.lists(st.text(st.characters(), max_size=30), min_size=1, max_size=3))
@example(["9" * 5000])
@example([","])
@example(["-999999999d"])
def test_any_text_is_a_value_or_invalid(texts: list[str]) -> None:
    for param in EVERY:
        try:
            found = value(param, *texts)
        except InvalidParameters as invalid:
            json.dumps(invalid.errors).encode()
        else:
            json.dumps(found, allow_nan=False).encode()
            if param.kind != "timerange":
                params.decode(param, None, found)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=100))
def test_any_query_is_values_or_invalid(query: list[tuple[str, str]]) -> None:
    try:
        count = len(parse([], *query))
    except InvalidParameters as invalid:
        count = len(invalid.errors)
    assert count <= 64
