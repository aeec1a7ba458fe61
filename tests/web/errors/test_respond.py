"""An error as a picture, a page or a problem: the truth, for everybody, and nothing more."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from flask import Response
from hypothesis import given
from hypothesis import strategies as st

from plotroute.errors import (
    AnswerError,
    CannotDraw,
    InvalidParameters,
    MethodNotAllowed,
    ParameterError,
    PlotFailed,
    QueueFull,
    UnknownPlot,
    answer_errors,
)
from plotroute.model import Frame
from plotroute.web.errors.respond import respond
from plotroute.web.errors.wording import ADVICE
from plotroute.web.negotiate import ErrorForm

FORMS: tuple[ErrorForm, ...] = ("picture", "page", "problem")
SVG = "{http://www.w3.org/2000/svg}"
WRONG = ParameterError(
    "method",
    "not_allowed",
    "“spearmann” is not a method.",
    sent="spearmann",
    allowed=["pearson", "spearman", "kendall"],
    nearest="spearman",
)
SOURCE = 'frame["regoin"]'
TRACEBACK = (
    Frame("Traceback (most recent call last):\n"),
    Frame(
        f'  File "/home/ann/plots.py", line 12, in revenue\n    {SOURCE}\n',
        *("/home/ann/plots.py", 12, "revenue", SOURCE),
        is_authors=True,
    ),
    Frame("KeyError: 'regoin'\n", names_error=True),
)


def answer(
    error: AnswerError,
    form: ErrorForm,
    *,
    request_id: str = "4f2a9b8c",
    size: tuple[int, int] | None = None,
    development: bool = False,
) -> Response:
    return respond(error, form, request_id=request_id, size=size, development=development)


def words(response: Response) -> str:
    """What a picture says, its lines joined."""
    root = ET.fromstring(response.get_data())
    return " ".join(element.text or "" for element in root.iter(f"{SVG}text"))


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


def test_every_error_has_a_word_for_the_reader() -> None:
    assert set(ADVICE) == {kind.code for kind in answer_errors()}
    assert all(sentence.endswith(".") for sentence in ADVICE.values())


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


def test_a_picture_is_a_labelled_svg_that_may_do_nothing() -> None:
    response = answer(InvalidParameters([WRONG]), "picture", size=(320, 200))
    root = ET.fromstring(response.get_data())
    assert response.mimetype == "image/svg+xml"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert root.attrib["role"] == "img"
    assert (root.attrib["width"], root.attrib["height"]) == ("320", "200")
    said = "1 parameter is wrong “spearmann” is not a method. Did you mean “spearman”?"
    assert root.findtext(f"{SVG}title") == said
    assert words(response) == f"{said} Request 4f2a9b8c"


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [(None, (640, 400)), ((1, 99999), (100, 2000)), ((-5, 0), (100, 100)), ((1000, 300), (1000, 300))],
)
def test_a_picture_has_the_asked_size_within_bounds(
    asked: tuple[int, int] | None, drawn: tuple[int, int]
) -> None:
    root = ET.fromstring(answer(CannotDraw("No"), "picture", size=asked).get_data())
    assert (int(root.attrib["width"]), int(root.attrib["height"])) == drawn


@pytest.mark.parametrize("size", [(100, 100), (160, 120), (320, 200), (640, 400), (1000, 300), (100, 2000)])
@pytest.mark.parametrize(
    "text",
    ["no orders", "W" * 3000, "word " * 400, "データがありません。" * 60, "a_very_long_name_indeed=" * 9],
    ids=["short", "wide", "many", "japanese", "long"],
)
def test_no_word_is_cut_by_an_edge(size: tuple[int, int], text: str) -> None:
    error = InvalidParameters([ParameterError(f"p{i}", "malformed", f"{text} ({i})") for i in range(20)])
    response = answer(error, "picture", size=size, request_id="3f9a1c0b7e5d4f2a9b8c7d6e5f4a3b2c")
    lines = list(ET.fromstring(response.get_data()).iter(f"{SVG}text"))
    baselines = [float(line.attrib["y"]) for line in lines]
    assert baselines == sorted(set(baselines))
    assert baselines[-1] <= size[1] - 7
    assert baselines[0] >= float(lines[0].attrib["font-size"]) * 0.8
    for line in lines:
        em = (size[0] - float(line.attrib["x"])) / float(line.attrib["font-size"])
        # What DejaVu Sans, the widest of the usual faces, takes.
        assert sum(1.0 if ord(c) > 0x2FFF or c in "WM" else 0.55 for c in line.text or "") <= em
    if text != "no orders":
        assert any((line.text or "").startswith("…") for line in lines)


def test_a_small_picture_says_what_fits_and_where_the_rest_is() -> None:
    error = InvalidParameters([WRONG] * 9)
    small, large = (answer(error, "picture", size=size) for size in ((160, 120), (640, 400)))
    assert words(small).startswith("9 parameters are wrong “spearmann” is not a")
    assert "… Open" in words(small)
    assert "parameters" in words(answer(error, "picture", size=(100, 100)))  # not "paramete rs"
    assert words(large).count("is not a method.") == 9
    assert "…" not in words(large)


def test_an_error_without_parameters_says_what_helps() -> None:
    unknown = words(answer(UnknownPlot("There is no plot “revenu”", nearest="revenue"), "picture"))
    assert "Did you mean “revenue”?" in unknown
    busy = words(answer(QueueFull("Busy", headers={"Retry-After": "5"}), "picture"))
    assert "It is worth trying again in 5 seconds." in busy
    assert "Please load the page again in a moment." in busy


def test_a_message_that_names_its_parameter_is_not_told_it_twice() -> None:
    def said(message: str) -> str:
        wrong = ParameterError("bins", "malformed", message, nearest="20")
        return words(answer(InvalidParameters([wrong]), "picture", request_id=""))

    assert said("bins must be a whole number, such as 20.") == (
        "1 parameter is wrong bins must be a whole number, such as 20."
    )
    assert said("Cabins!") == "1 parameter is wrong bins: Cabins! Did you mean “20”?"


def test_an_author_may_raise_cannot_draw_with_anything() -> None:
    for title in (ValueError("no orders"), 5, ""):
        for form in FORMS:
            answer(CannotDraw(title), form)  # type: ignore[arg-type]
    assert "This picture cannot be drawn." in words(answer(CannotDraw("  "), "picture"))


def test_a_page_lists_what_is_wrong_and_leads_to_all_plots() -> None:
    response = answer(InvalidParameters([WRONG]), "page")
    text = response.get_data(as_text=True)
    assert response.mimetype == "text/html"
    assert "“spearmann” is not a method." in text
    assert "Did you mean <code>spearman</code>?" in text
    assert all(f"<code>{value}</code>" in text for value in ("pearson", "spearman", "kendall"))
    assert '<a href="/">' in text
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'")
    assert "<script" not in text


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
