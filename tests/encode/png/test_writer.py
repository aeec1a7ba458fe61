from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from encode.pngs import content
from plotroute.encode.budgets import Output
from plotroute.encode.png import writer
from plotroute.encode.png.writer import encode_png
from plotroute.errors import CannotDraw

NUMBERS = np.random.default_rng(1)
RED, GREEN, CLEAR = (255, 0, 0, 255), (0, 128, 0, 255), (0, 0, 0, 0)


def filled(height: int, width: int, colour: tuple[int, ...]) -> Any:
    return np.full((height, width, 4), colour, np.uint8)


def noise(height: int, width: int, opaque: bool = False) -> Any:
    rgba = NUMBERS.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if opaque:
        rgba[..., 3] = 255
    return rgba


def slope(height: int, width: int) -> Any:
    """A surface that changes everywhere, and every row like the one above."""
    y, x = np.mgrid[:height, :width]
    channels = [3 * x + 2 * y, x + 5 * y, 7 * x + y, np.full_like(x, 255)]
    return np.stack(channels, axis=2).astype(np.uint8)


def greys(height: int, width: int) -> Any:
    rgba = np.repeat(NUMBERS.integers(0, 256, (height, width, 1), dtype=np.uint8), 4, axis=2)
    rgba[..., 3] = 255
    return rgba


def of_colours(number: int) -> Any:
    """A picture of exactly that many colours, transparent ones among them."""
    rgba = np.zeros((20, number, 4), np.uint8)
    rgba[..., 0] = np.arange(number) % 256
    rgba[..., 3] = 200 + np.arange(number) // 256
    return rgba


PICTURES = {
    "one pixel": filled(1, 1, RED),
    "one clear pixel": filled(1, 1, CLEAR),
    "one row": noise(1, 77),
    "one column": noise(77, 1),
    "odd sides": noise(31, 33, opaque=True),
    "clear": filled(9, 17, CLEAR),
    "clear, of many colours": noise(40, 40) * np.array([1, 1, 1, 0], np.uint8),
    "one colour": filled(40, 50, GREEN),
    "half clear": np.hstack([filled(9, 8, RED), filled(9, 9, (10, 20, 30, 128))]),
    "grey": greys(64, 64),
    "opaque": noise(64, 65, opaque=True),
    "alpha": noise(64, 65),
    "slope": slope(64, 100),
    "256 colours": of_colours(256),
    "257 colours": of_colours(257),
    "several bands": np.vstack([slope(300, 400), noise(90, 400, opaque=True), filled(200, 400, RED)]),
    "a row longer than a band": noise(3, writer.BAND + 1, opaque=True),
}


def pillow(body: bytes) -> Any:
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGBA"))


def matplotlib_reads(body: bytes) -> Any:
    # It gives RGB where there is no alpha, and fractions.
    values = np.round(matplotlib.image.imread(io.BytesIO(body), format="png") * 255).astype(np.uint8)
    if values.shape[2] == 3:
        values = np.dstack([values, np.full(values.shape[:2], 255, np.uint8)])
    return values


def chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks, each with the check that is behind it."""
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(body):
        (length,) = struct.unpack_from(">I", body, at)
        kind, data = body[at + 4 : at + 8], body[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", body, at + 8 + length) == (zlib.crc32(kind + data),)
        yield kind, data
        at += 12 + length


def color_type(body: bytes) -> int:
    return dict(chunks(body))[b"IHDR"][9]


# --- the pixels --------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [pillow, matplotlib_reads])
@pytest.mark.parametrize("name", PICTURES)
def test_every_pixel_is_read_as_it_was(name: str, read: Any) -> None:
    assert np.array_equal(read(encode_png(PICTURES[name])), PICTURES[name])


SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4))


@given(arrays(np.uint8, SHAPES) | arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 1, 254, 255])))
def test_every_pixel_of_any_picture_is_read_as_it_was(rgba: Any) -> None:
    body = encode_png(rgba)
    assert np.array_equal(pillow(body), rgba)
    assert np.array_equal(matplotlib_reads(body), rgba)


@pytest.mark.parametrize("alphas", [(0, 10), (10, 0), (0, 10, 255)])
def test_alphas_that_look_like_the_end_of_a_line_are_read_as_they_were(alphas: Any) -> None:
    rgba = np.array([[[0, 0, 0, alpha] for alpha in alphas]], dtype=np.uint8)
    assert np.array_equal(pillow(encode_png(rgba)), rgba)
    assert np.array_equal(matplotlib_reads(encode_png(rgba)), rgba)


def test_the_pixels_of_an_array_that_does_not_lie_in_one_piece() -> None:
    whole = noise(40, 60)
    for rgba in (whole[::-1], whole[:, ::2], whole[5:9, 7:11], whole.transpose(1, 0, 2)):
        assert np.array_equal(pillow(encode_png(rgba)), rgba)


def test_the_picture_is_left_as_it_is_and_may_be_read_only() -> None:
    rgba = slope(30, 40)
    before = rgba.copy()
    rgba.flags.writeable = False
    encode_png(rgba)
    assert np.array_equal(rgba, before)


def test_the_same_pixels_give_the_same_bytes() -> None:
    for rgba in PICTURES.values():
        assert encode_png(rgba, 100, {"Software": "a test"}) == encode_png(
            rgba.copy(order="F"), 100, {"Software": "a test"}
        )


# --- what makes a file small -------------------------------------------------------------------

INDEXED, RGB, RGBA = 3, 2, 6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one colour", INDEXED),
        ("clear", INDEXED),
        ("half clear", INDEXED),
        ("grey", INDEXED),
        ("256 colours", INDEXED),
        ("257 colours", RGBA),
        ("opaque", RGB),
        ("alpha", RGBA),
    ],
)
def test_the_form_is_the_smallest_that_holds_every_pixel(name: str, expected: int) -> None:
    assert color_type(encode_png(PICTURES[name])) == expected


def test_only_colours_that_are_not_opaque_have_an_alpha_of_their_own() -> None:
    found = dict(chunks(encode_png(PICTURES["half clear"])))
    assert found[b"PLTE"] == bytes((10, 20, 30, 255, 0, 0))
    assert found[b"tRNS"] == b"\x80"
    assert b"tRNS" not in dict(chunks(encode_png(PICTURES["grey"])))


def test_a_surface_is_filtered_and_a_repeated_row_is_not() -> None:
    stripes = np.tile(noise(1, 300, opaque=True), (100, 1, 1))
    stripes[::2] = noise(1, 300, opaque=True)
    for rgba, filter in ((slope(300, 300), 2), (stripes, 0)):
        rows = zlib.decompress(dict(chunks(encode_png(rgba)))[b"IDAT"])
        assert set(rows[:: 1 + 3 * 300]) == {filter}


def test_the_same_pixels_give_the_same_bytes_whatever_memory_held_before() -> None:
    found = set()
    for _ in range(100):
        figure = Figure(dpi=200, layout="constrained")
        figure.subplots().plot([1, 3, 2])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        found.add(encode_png(np.array(canvas.buffer_rgba())))
    assert len(found) == 1


def test_the_first_bytes_are_compressed_apart_so_that_isa_l_never_hashes_an_address() -> None:
    """In one process of a thousand a picture had other bytes: what a test that draws would see too rarely."""
    for rgba in (slope(300, 300), filled(300, 300, RED), noise(30, 30)):
        body = dict(chunks(encode_png(rgba)))[b"IDAT"]
        begun, empty_block, rest = body.partition(b"\x00\x00\xff\xff")
        assert rest
        assert len(zlib.decompressobj().decompress(begun + empty_block)) == 16


def test_a_large_picture_is_copied_once_at_most() -> None:
    rgba = np.vstack([slope(100, 2000), filled(1900, 2000, RED)])  # 16 MB
    tracemalloc.start()
    try:
        encode_png(rgba)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < rgba.nbytes * 1.1


# --- what it says beside the pixels ------------------------------------------------------------


@pytest.mark.parametrize("dpi", [1, 72, 100, 99.9, 254, 1200])
def test_the_resolution_is_the_one_that_pillow_writes(dpi: float) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURES["alpha"]).save(file, format="PNG", dpi=(dpi, dpi))
    assert content(encode_png(PICTURES["alpha"], dpi)) == content(file.getvalue())


def test_texts_are_those_that_were_given_in_latin_1_or_utf_8() -> None:
    text = {"Software": "plotroute", "Title": "Größe", "Author": "Łukasz 📈", "Empty": ""}
    body = encode_png(PICTURES["grey"], text=text)
    assert content(body).text == text
    kinds = [kind for kind, _ in chunks(body)]
    assert (kinds.count(b"tEXt"), kinds.count(b"iTXt")) == (3, 1)


def test_the_chunks_are_in_the_order_that_png_wants() -> None:
    body = encode_png(PICTURES["half clear"], 100, {"Software": "a test"})
    assert [kind for kind, _ in chunks(body)] == [
        b"IHDR", b"tEXt", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND",
    ]  # fmt: skip


def test_without_words_and_resolution_there_are_none() -> None:
    assert [kind for kind, _ in chunks(encode_png(noise(20, 20)))] == [b"IHDR", b"IDAT", b"IEND"]


def test_a_file_over_its_budget_is_refused() -> None:
    body = encode_png(PICTURES["alpha"])
    Output(len(body)).write(body)
    with pytest.raises(CannotDraw, match="more than the"):
        Output(len(body) - 1).write(body)
