"""An error as problem+json: one shape, and nothing that a parser or a terminal stumbles over."""

from __future__ import annotations

import json
import math
from typing import Any

from plotroute.errors import (
    CannotDraw,
    InvalidParameters,
    UnknownPlot,
)
from web.errors.answers import WRONG, answer


def test_a_problem_has_the_documented_shape() -> None:
    response = answer(InvalidParameters([WRONG]), "problem")
    assert response.mimetype == "application/problem+json"
    assert response.get_json(force=True) == {
        "type": "urn:plotroute:invalid_parameters",
        "title": "1 parameter is wrong",
        "status": 400,
        "code": "invalid_parameters",
        "request_id": "4f2a9b8c",
        "errors": [WRONG.to_json()],
    }


def test_members_cannot_pretend_to_be_the_fixed_ones() -> None:
    error = UnknownPlot("No such plot", nearest="revenue")
    error.members |= {"status": 200, "detail": "secret", "type": "x"}
    problem = json.loads(answer(error, "problem").get_data())
    assert (problem["status"], problem["type"]) == (404, "urn:plotroute:unknown_plot")
    assert problem["nearest"] == "revenue"
    assert "detail" not in problem


def test_json_has_no_nan_and_no_python_objects() -> None:
    endless: list[Any] = []
    endless.append(endless)
    error = CannotDraw(
        "No",
        a=math.nan,
        b=[math.inf, (1, 2)],
        c={1: {3}},
        d=object,
        e=10**5000,
        f=endless,
        g="\ud800",
        h=True,
    )

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    problem = json.loads(answer(error, "problem").get_data(), parse_constant=refuse)
    assert problem["a"] == "nan"
    assert problem["b"] == ["inf", [1, 2]]
    assert problem["c"] == {"1": [3]}
    assert problem["e"] == "a value of type int"
    assert problem["g"] == "\ufffd"
    assert problem["h"] is True


def test_json_holds_letters_as_they_are_but_nothing_a_terminal_obeys() -> None:
    body = answer(CannotDraw("Zürich \x1b[31m \x9b \u202e"), "problem").get_data(as_text=True)
    assert "Zürich" in body
    assert not set(body) & set("\x1b\x9b\u202e")
    assert json.loads(body)["title"] == "Zürich \x1b[31m \x9b \u202e"
