"""What authors may write as hints: as a URL, the schema and the function itself see it."""

import html

import pytest

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
