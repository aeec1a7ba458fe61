"""Python values → canonical JSON."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from pydantic import Field

from params.reading import (
    Color,
    Level,
    error,
    read,
)
from plotroute import params
from plotroute.params import Values
from plotroute.params.timerange import TimeRange


def test_arrays_are_lists() -> None:
    class Array:
        def tolist(self) -> list[Any]:
            return [1.5, math.nan]

    assert params.canonical(read(Values), Array()) == [1.5, None]


def test_numpy_and_pandas() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    assert params.canonical(read(int), numpy.int64(5)) == 5
    assert params.canonical(read(Values), numpy.array([[1, 2], [3, 4]])[0]) == [1, 2]
    assert params.canonical(read(Values), pandas.Series([1.5, None])) == [1.5, None]
    stamps = pandas.Series(pandas.to_datetime(["2024-01-31T06:00Z"]))
    assert params.canonical(read(Values), stamps) == ["2024-01-31T06:00:00+00:00"]
    assert params.canonical(read(datetime), pandas.Timestamp("2024-01-31")) == "2024-01-31T00:00:00"
    assert error(params.canonical, read(datetime), pandas.NaT)["code"] == "malformed"
    assert error(params.canonical, read(int), pandas.DataFrame())["message"].startswith(
        "a value of type DataFrame"
    )


def test_a_relative_range_stays_relative_without_a_clock() -> None:
    param = read(TimeRange, "-7d", name="period")
    assert params.canonical(param, "now-7d..now-1d") == "now-7d..now-1d"
    assert params.to_query(param, params.canonical(param, TimeRange("-7d"))) == ["-7d"]


@pytest.mark.parametrize(
    ("annotation", "given_value", "code"),
    [
        (int, None, "malformed"),
        (int, object(), "malformed"),
        (list[int], [10**5000], "malformed"),
        (date, datetime(2024, 1, 31), "malformed"),
        (Color, Level.LOW, "not_allowed"),
        (Color, "green", "not_allowed"),
        (Annotated[int, Field(ge=2)], 1, "out_of_bounds"),
        (timedelta, timedelta(-1), "malformed"),
        (datetime, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "malformed"),
    ],
)
def test_python_values_that_do_not_fit(annotation: Any, given_value: Any, code: str) -> None:
    assert error(params.canonical, read(annotation), given_value)["code"] == code
