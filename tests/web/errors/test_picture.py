"""An error as a picture: the size that was asked for, and no word cut off."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from plotroute.errors import (
    CannotDraw,
    InvalidParameters,
    ParameterError,
)
from web.errors.answers import SVG, WRONG, answer, words


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
