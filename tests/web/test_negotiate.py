"""What is sent for which headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.model import IMAGE_TYPES
from plotroute.web.negotiate import error_form, image_format

ALL = tuple(IMAGE_TYPES)

CHROME_IMG = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX_IMG = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
OLD_FIREFOX_IMG = "image/webp,*/*"
SAFARI_IMG = (
    "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,"
    "image/svg+xml,image/*;q=0.8,*/*;q=0.5"
)
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "image/*",
        "image/png",
        "IMAGE/PNG",
        "image/webp,image/*;q=0.8",
        "text/html,*/*;q=0.8",
        "image/svg+xml;q=0.5, image/png;q=0.9, */*;q=0.1",
        "image/svg+xml, image/png;q=0.001",
        CHROME_IMG,
        FIREFOX_IMG,
        OLD_FIREFOX_IMG,
        SAFARI_IMG,
        NAVIGATION,
        JAVA,
        "*",
        "nonsense",
        "image/png;q=nonsense",
        ";;;,,,",
    ],
)
def test_a_picture_is_a_png_whatever_the_browser_likes(accept: str | None) -> None:
    assert image_format(accept, ALL) == "png"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/svg+xml", "svg"),
        ("image/svg+xml;charset=utf-8", "svg"),
        ("image/png;q=0, image/*", "svg"),
        ("image/png;q=0, image/svg+xml", "svg"),
        ("image/png;q=0, image/svg+xml;q=0.1, image/webp;q=0.9", "webp"),
        ("application/pdf", "pdf"),
        ("image/jpeg, image/webp", "webp"),
        ("image/avif, image/webp", "webp"),
    ],
)
def test_where_png_is_refused_the_best_of_the_others_is_sent(accept: str, expected: str) -> None:
    assert image_format(accept, ALL) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "image/png;q=0",
        "*/*;q=0",
        "application/pdf;q=0, text/css",
        "image/avif",
        "text/html",
    ],
)
def test_where_nothing_is_accepted_there_is_no_format(accept: str) -> None:
    assert image_format(accept, ALL) is None


def test_only_offered_formats_are_sent() -> None:
    assert image_format("image/svg+xml, image/webp;q=0.5", ["png", "webp"]) == "webp"
    assert image_format("*/*", ["webp", "svg"]) == "svg"
    assert image_format(None, ["webp", "svg"]) == "svg"
    assert image_format("*/*", []) is None
    assert image_format("image/png;q=0, */*", ["png", "csv"]) is None


@pytest.mark.parametrize(
    ("destination", "accept", "expected"),
    [
        # Sec-Fetch-Dest knows best
        ("image", CHROME_IMG, "picture"),
        ("image", None, "picture"),
        ("image", "*/*", "picture"),
        ("image", "text/html", "problem"),  # accepts no SVG
        ("Image ", OLD_FIREFOX_IMG, "picture"),
        ("document", NAVIGATION, "page"),
        ("document", "*/*", "page"),
        ("iframe", NAVIGATION, "page"),
        ("object", NAVIGATION, "page"),
        ("empty", "*/*", "problem"),
        ("empty", "image/*", "problem"),
        ("empty", "text/html, */*", "problem"),
        ("script", "*/*", "problem"),
        ("style", "text/css,*/*;q=0.1", "problem"),
        ("something-new", CHROME_IMG, "picture"),
        # plain HTTP: only Accept is there
        (None, CHROME_IMG, "picture"),
        (None, FIREFOX_IMG, "picture"),
        (None, OLD_FIREFOX_IMG, "picture"),
        (None, SAFARI_IMG, "picture"),
        (None, "image/*", "picture"),
        (None, NAVIGATION, "page"),
        (None, "text/html", "page"),
        (None, "*/*", "problem"),
        (None, None, "problem"),
        ("", "", "problem"),
        (None, "application/problem+json", "problem"),
        (None, "application/json, text/plain, */*", "problem"),
        (None, "application/json, text/html", "problem"),
        (None, "text/html, application/json;q=0.5", "page"),
        (None, "application/json;q=0, image/*", "picture"),
        (None, "nonsense", "problem"),
        # a program that cannot show an SVG
        (None, "image/png", "problem"),
        (None, "image/svg+xml;q=0, image/*", "problem"),
        ("image", "image/svg+xml;q=0, image/*", "problem"),
        (None, "image/png;q=0", "problem"),
    ],
)
def test_an_error_takes_the_form_that_serves_who_asked(
    destination: str | None, accept: str | None, expected: str
) -> None:
    form = error_form(sec_fetch_dest=destination, accept=accept, on_error=None, pictures=True)
    assert form == expected


@pytest.mark.parametrize(("on_error", "pictures"), [("status", True), (None, False), ("status", False)])
def test_pictures_of_errors_can_be_switched_off(on_error: str | None, pictures: bool) -> None:
    def form(destination: str | None, accept: str) -> str:
        return error_form(sec_fetch_dest=destination, accept=accept, on_error=on_error, pictures=pictures)

    assert form("image", CHROME_IMG) == "problem"
    assert form(None, CHROME_IMG) == "problem"
    assert form("document", NAVIGATION) == "page"
    assert form(None, NAVIGATION) == "page"


def test_another_value_of_on_error_changes_nothing() -> None:
    assert error_form(sec_fetch_dest="image", accept=None, on_error="picture", pictures=True) == "picture"


HEADER = st.text(st.sampled_from("imagepnsv/*+;,q=.0159 \"'x\\\x00é")) | st.text()


@given(HEADER, HEADER, st.lists(st.sampled_from([*ALL, "csv"]), unique=True))
def test_any_header_has_an_answer(accept: str, destination: str, formats: list[str]) -> None:
    assert image_format(accept, formats) in {*formats, None}
    form = error_form(sec_fetch_dest=destination, accept=accept, on_error=None, pictures=True)
    assert form in {"picture", "page", "problem"}
