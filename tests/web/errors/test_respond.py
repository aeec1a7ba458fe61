"""An error as a picture, a page or a problem: the truth, for every reader, and nothing more."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.errors import (
    AnswerError,
    CannotDraw,
    InvalidParameters,
    MethodNotAllowed,
    PlotFailed,
    QueueFull,
    answer_errors,
)
from plotroute.web.negotiate import ErrorForm
from web.errors.answers import FORMS, SVG, TRACEBACK, WRONG, answer, words


def every_error() -> list[AnswerError]:
    return [
        InvalidParameters([WRONG]) if kind is InvalidParameters else kind("Something is wrong here")
        for kind in answer_errors()
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.code)
def test_every_error_in_every_form_tells_the_truth_and_is_not_stored(
    error: AnswerError, form: ErrorForm
) -> None:
    response = answer(error, form)
    assert response.status_code == error.status
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-ID"] == "4f2a9b8c"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Vary"] == "Accept, Sec-Fetch-Dest"
    assert "ETag" not in response.headers
    assert "4f2a9b8c" in response.get_data(as_text=True)


def test_the_headers_of_an_error_are_sent_but_never_instead_of_ours() -> None:
    error = MethodNotAllowed("No", headers={"Allow": "GET, HEAD", "Cache-Control": "max-age=9"})
    response = answer(error, "problem")
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.headers["Cache-Control"] == "no-store"
    hostile = QueueFull(
        "Busy", headers={"Retry-After": "5\r\nSet-Cookie: x=1", "Bad\nName": "1", "Content-Type": "x"}
    )
    response = answer(hostile, "problem", request_id="a\r\nX: 1\u20ac")
    assert "Set-Cookie" not in response.headers
    assert response.headers["X-Request-ID"] == "aX: 1"
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("form", FORMS)
def test_a_traceback_is_for_development_only(form: ErrorForm) -> None:
    error = PlotFailed("This plot failed", detail=TRACEBACK)
    public = answer(error, form).get_data(as_text=True)
    assert not any(secret in public for secret in ("regoin", "plots.py", "line 12", "Traceback", "detail"))
    assert "regoin" in answer(error, form, development=True).get_data(as_text=True)


def test_in_development_a_problem_holds_the_traceback_and_the_picture_the_authors_line() -> None:
    error = PlotFailed("This plot failed", detail=TRACEBACK)
    assert json.loads(answer(error, "problem", development=True).get_data())["detail"] == error.detail
    assert "KeyError: 'regoin' (plots.py, line 12)" in words(answer(error, "picture", development=True))
    page = answer(error, "page", development=True).get_data(as_text=True)
    assert "<b>  File &#34;/home/ann/plots.py&#34;, line 12, in revenue</b>" in page


ANY = (
    st.text()
    | st.text(st.characters(codec=None))
    | st.text(st.sampled_from("<>&]\"'/\x00\x1b\ud800\ufffe{}% a\n"))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["parameter", "message", "nearest", "allowed", "sent"], JSON)
)


@given(
    title=ANY,
    detail=ANY,
    request_id=ANY,
    retry=ANY,
    members=st.dictionaries(
        st.sampled_from(["nearest", "allowed", "errors", "x"]), JSON | st.lists(ENTRY, max_size=4)
    ),
    size=st.none() | st.tuples(st.integers(), st.integers()),
    development=st.booleans(),
)
def test_no_text_breaks_an_answer(
    title: str,
    detail: str,
    request_id: str,
    retry: str,
    members: dict[str, Any],
    size: tuple[int, int] | None,
    development: bool,
) -> None:
    error = CannotDraw(title, detail=detail, headers={"Retry-After": retry}, **members)
    picture, page, problem = (
        answer(error, form, request_id=request_id, size=size, development=development) for form in FORMS
    )
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(picture.get_data()).iter()}
    assert tags <= {"svg", "title", "rect", "path", "g", "text"}
    assert "<script" not in page.get_data(as_text=True)
    assert json.loads(problem.get_data())["status"] == 422
