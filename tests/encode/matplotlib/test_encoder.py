from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import textwrap
import warnings
import zlib
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
import seaborn.objects as so
from matplotlib.figure import Figure

from encode.conformance import RASTERS, Conformance, open_image, size_of
from encode.pngs import content
from plotroute.encode.base import Encoded, Target
from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
from plotroute.errors import CannotDraw
from plotroute.model import IMAGE_TYPES, Options

FORMATS = tuple(IMAGE_TYPES)


def encode(value: Any, format: str = "png", **target: Any) -> Encoded:
    wishes = {name: target.pop(name) for name in list(target) if name in Options.__slots__}
    target.setdefault("explicit_format", True)
    return MatplotlibEncoder().encode(value, Target(format=format, options=Options(**wishes), **target))


def finished() -> Figure:
    figure, ax = plt.subplots()
    ax.plot([1, 3, 2], label="line")
    ax.set(title="title", xlabel="x", ylabel="y")
    ax.legend()
    figure.tight_layout()
    return figure


def heatmap() -> Figure:
    names = [f"mean fractal dimension {i}" for i in range(20)]
    figure, ax = plt.subplots(figsize=(11, 9))
    values = np.cos(np.arange(400.0)).reshape(20, 20)
    sns.heatmap(pd.DataFrame(values, names, names), ax=ax, square=True, cbar_kws={"shrink": 0.5})
    figure.tight_layout()
    return figure


def outside_legend() -> Any:
    frame = pd.DataFrame({"x": range(12), "y": range(12), "who": ["a long name", "b", "c"] * 4})
    return sns.relplot(frame, x="x", y="y", hue="who", height=3)


def live() -> Figure:
    figure, ax = plt.subplots(layout="constrained")
    ax.plot([1, 3, 2], label="line")
    ax.set(title="a title of some length", xlabel="x", ylabel="y")
    ax.legend()
    return figure


def image() -> Figure:
    figure, ax = plt.subplots(layout="constrained")
    figure.colorbar(ax.imshow(np.arange(12).reshape(3, 4)), ax=ax)
    return figure


FIGURES = {f.__name__: f for f in (finished, heatmap, outside_legend, live, image)}


class TestFinished(Conformance):
    encoder = MatplotlibEncoder()

    def value(self, format: str) -> Figure:
        return finished()


class TestLive(Conformance):
    encoder = MatplotlibEncoder()

    def value(self, format: str) -> Figure:
        return live()


# --- nothing asked for: what a script gives ----------------------------------------------------

SCRIPT = """
    import json, os, sys
    import matplotlib; matplotlib.use("agg")
    import matplotlib.pyplot as plt
    for name, layout, rc, format in json.loads(sys.argv[1]):
        if child := os.fork():  # each a script of its own, but for the imports
            assert os.waitpid(child, 0)[1] == 0
            continue
        plt.rcParams.update(rc)
        figure, ax = plt.subplots(layout=layout)
        ax.plot([1, 3, 2], label="line")
        ax.set(title="title", xlabel="x", ylabel="y")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        figure.savefig(name, format=format)
        os._exit(0)
"""


def run(code: str, *arguments: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    ).stdout.strip()


LAYOUTS: list[str | None] = [None, "constrained", "tight", "compressed"]
RCS: list[dict[str, Any]] = [
    {},
    {"savefig.dpi": 150},
    {"figure.dpi": 200, "savefig.bbox": "tight"},
    {"savefig.facecolor": "navy", "savefig.pad_inches": 1.0, "savefig.transparent": True},
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str | None, int], bytes]:
    """What a script saves, by layout and the number of the rcParams."""
    folder = tmp_path_factory.mktemp("plain")
    cases = {(layout, n): folder / f"{layout}-{n}" for layout in LAYOUTS for n in range(len(RCS))}
    asked = [[str(file), layout, RCS[n], "png" if layout else "webp"] for (layout, n), file in cases.items()]
    run(SCRIPT, json.dumps(asked))
    return {case: file.read_bytes() for case, file in cases.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rc", RCS)
def test_without_wishes_the_picture_is_that_of_a_script(
    plain: dict[tuple[str | None, int], bytes], layout: str | None, rc: dict[str, Any]
) -> None:
    expected = plain[layout, RCS.index(rc)]
    format = "png" if layout else "webp"
    mpl.rcParams.update(rc)
    figure, ax = plt.subplots(layout=layout)
    ax.plot([1, 3, 2], label="line")
    ax.set(title="title", xlabel="x", ylabel="y")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ours = encode(figure, format).body
    if format == "png":
        assert content(ours) == content(expected)
    else:
        assert ours == expected


def test_same_bytes_in_every_process_and_format() -> None:
    code = """
        import hashlib, matplotlib; matplotlib.use("agg")
        import matplotlib.pyplot as plt
        from plotroute.encode.base import Target
        from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
        from plotroute.model import IMAGE_TYPES, Options
        for kind in (3, 42):
            plt.rcParams["pdf.fonttype"] = kind
            for format in IMAGE_TYPES:
                for options in (Options(), Options(width=200, height=100)):
                    figure, ax = plt.subplots(layout="constrained")
                    ax.scatter([1, 2, 3], [1, 2, 3], c=[1, 2, 3], s=[30, 60, 90], hatch="//")
                    ax.fill_between([1, 2], [1, 2], hatch="x")
                    ax.set_title("some words $x^2$")
                    target = Target(format=format, explicit_format=True, options=options, salt="key")
                    body = MatplotlibEncoder().encode(figure, target).body
                    print(format, hashlib.sha256(body).hexdigest())
                    plt.close()
    """
    one, two = (run(code, PYTHONHASHSEED=seed, TZ=zone) for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")))
    assert one == two


@pytest.mark.parametrize("box", [{}, {"width": 400}, {"width": 900, "height": 500, "dpr": 2}, {"width": 90}])
def test_png8_is_the_same_picture_in_256_colours(box: dict[str, float]) -> None:
    whole, few = encode(image(), **box), encode(image(), png8=True, **box)
    assert open_image(few).mode == "P"
    assert content(few.body)[2:] == content(whole.body)[2:]
    one, other = (np.asarray(open_image(it).convert("RGBA")).astype(int) for it in (whole, few))
    assert one.shape == other.shape
    assert np.abs(one - other).max() <= 12
    assert len(few.body) <= len(whole.body)


def test_png8_changes_no_other_format() -> None:
    for format in ("svg", "pdf", "webp", "jpg"):
        assert encode(live(), format, salt="s", png8=True) == encode(live(), format, salt="s")


# --- the size contract -------------------------------------------------------------------------


def ink(encoded: Encoded, faintest: int = 60) -> tuple[int, int, int, int]:
    """Empty pixels on the left, top, right and bottom."""
    pixels = np.asarray(open_image(encoded).convert("RGB")).astype(int)
    marked = (np.abs(pixels - pixels[0, 0]) > faintest).any(axis=2)
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    height, width = marked.shape
    return columns[0], rows[0], width - 1 - columns[-1], height - 1 - rows[-1]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("box", [(160, 120), (320, 200), (800, 600), (800, 200), (200, 800)])
def test_nothing_is_cropped(name: str, box: tuple[int, int]) -> None:
    for format in RASTERS if box == (320, 200) else ("png",):  # they are all made of the same pixels
        encoded = encode(FIGURES[name](), format, width=box[0], height=box[1])
        assert size_of(encoded) == box
        assert min(ink(encoded)) >= 1


@pytest.mark.parametrize("name", FIGURES)
def test_dpr_is_the_same_picture_with_more_pixels(name: str) -> None:
    one = open_image(encode(FIGURES[name](), width=300, height=200)).convert("RGB")
    two = open_image(encode(FIGURES[name](), width=300, height=200, dpr=2)).convert("RGB")
    difference = np.asarray(two.reduce(2)).astype(int) - np.asarray(one).astype(int)
    assert np.abs(difference).mean() < 12


def test_one_side_keeps_the_ratio_of_the_picture_and_dpr_multiplies_it() -> None:
    assert size_of(encode(heatmap(), width=110)) == (110, 90)
    assert size_of(encode(heatmap(), height=180)) == (220, 180)
    assert size_of(encode(finished(), dpr=1)) == (640, 480)
    assert size_of(encode(finished(), dpr=1.5)) == (960, 720)
    assert size_of(encode(finished(), "svg", dpr=3)) == (640, 480)


@pytest.mark.parametrize("dpi", [50, 72, 200, 300])
def test_the_author_s_dpi_changes_nothing_of_a_size_that_is_asked_for(dpi: int) -> None:
    for make in (finished, live):
        expected = open_image(encode(make(), width=400, height=300, dpr=2)).convert("L")
        with mpl.rc_context({"figure.dpi": dpi, "savefig.dpi": dpi}):
            found = open_image(encode(make(), width=400, height=300, dpr=2)).convert("L")
        # Not the same bytes: `tight_layout()` itself places things a little differently at another dpi.
        assert found.size == expected.size
        assert np.abs(np.asarray(found).astype(int) - np.asarray(expected).astype(int)).mean() < 6


def test_a_finished_figure_is_scaled_and_padded_with_its_own_background() -> None:
    for format in RASTERS:
        for width in (300, 1500):
            figure = finished()
            figure.set_facecolor("#204060")
            wide = open_image(encode(figure, format, width=width, height=width // 3)).convert("RGB")
            for x in (2, width - 3):
                corner = np.array(wide.getpixel((x, 2)))
                assert np.abs(corner - (0x20, 0x40, 0x60)).max() <= 3
    figure = finished()
    figure.set_facecolor("#204060")
    assert b"#204060" in encode(figure, "svg", width=300, height=100).body


def test_a_layout_that_is_settled_is_not_gone_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: drawings.append(self) or draw(self, renderer))
    for format in ("png", "svg"):
        drawings.clear()
        encode(live(), format, width=800, height=600)
        assert len(drawings) == 2  # its layout, and the picture


def test_a_finished_figure_keeps_its_layout() -> None:
    small = open_image(encode(finished(), width=320)).convert("L")
    large = open_image(encode(finished(), width=1280)).convert("L")
    assert np.abs(np.asarray(small).astype(int) - np.asarray(large.reduce(4)).astype(int)).mean() < 6


def widths(encoded: Encoded) -> list[float]:
    """Font sizes of an SVG, in CSS pixels of the page."""
    root = re.search(rb'width="([\d.]+)px" height="[\d.]+px" viewBox="\S+ \S+ ([\d.]+)', encoded.body)
    assert root is not None
    sizes = re.findall(rb"font: ([\d.]+)px|font-size: ([\d.]+)px", encoded.body)
    return [float(a or b) * float(root[1]) / float(root[2]) for a, b in sizes]


def test_text_of_a_live_layout_is_normal_where_there_is_room_and_smaller_in_a_thumbnail() -> None:
    mpl.rcParams["svg.fonttype"] = "none"
    title = 12 / 0.72  # points → CSS pixels
    assert max(widths(encode(live(), "svg", width=800))) == pytest.approx(title)
    assert max(widths(encode(live(), "svg", width=400))) == pytest.approx(title)
    assert max(widths(encode(live(), "svg", width=160))) == pytest.approx(title / 2)
    assert max(widths(encode(finished(), "svg", width=160))) == pytest.approx(title / 4)


def test_a_live_layout_without_room_for_its_text_is_scaled_down() -> None:
    def crowded() -> Figure:
        figure, ax = plt.subplots(layout="constrained")
        ax.bar([f"category {i}" for i in range(7)], range(7))
        return figure

    mpl.rcParams["svg.fonttype"] = "none"
    normal = 10 / 0.72
    assert max(widths(encode(crowded(), "svg", width=800))) == pytest.approx(normal)
    assert max(widths(encode(crowded(), "svg", width=320))) == pytest.approx(normal / 2)


def test_min_size_is_the_smallest_layout() -> None:
    mpl.rcParams["svg.fonttype"] = "none"
    title = 12 / 0.72
    encoded = encode(live(), "svg", width=160, height=120, min_size=(480, 200))
    assert max(widths(encoded)) == pytest.approx(title / 3)


def test_a_figure_of_ours_is_laid_out_whatever_became_of_its_engine() -> None:
    mpl.rcParams["svg.fonttype"] = "none"
    for spoil in (Figure.tight_layout, lambda figure: figure.set_layout_engine("none")):
        figure = live()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The figure layout has changed")
            spoil(figure)
        encoded = encode(figure, "svg", width=1200, height=300, made_by_us=True)
        assert size_of(encoded) == (1200, 300)
        assert max(widths(encoded)) == pytest.approx(12 / 0.72)
    figure = image()
    figure.set_layout_engine("none")
    assert size_of(encode(figure, width=300, height=300, made_by_us=True)) == (300, 300)


def beside() -> Figure:
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([1, 2], label="a legend far outside of the figure")
    ax.legend(loc="upper left", bbox_to_anchor=(1.1, 1))
    return figure


@pytest.mark.parametrize("format", FORMATS)
def test_a_tight_box_is_what_is_fitted(format: str) -> None:
    mpl.rcParams["savefig.bbox"] = "tight"
    plain = open_image(encode(beside()))
    assert plain.width > 450
    encoded = encode(beside(), format, width=300)
    assert size_of(encoded) == (300, pytest.approx(300 * plain.height / plain.width, abs=1))
    if format in RASTERS:
        assert min(ink(encoded)) >= 1


@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_a_seaborn_plot_keeps_its_theme_and_its_legend() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": [1, 2], "c": ["a", "b"]})
    plot = so.Plot(frame, x="x", y="y", color="c").add(so.Dot())
    colours = open_image(encode(plot, width=400, height=300)).convert("RGB").getcolors(10**6)
    assert colours is not None
    assert (0xEA, 0xEA, 0xF2) in {colour for _, colour in colours}
    for box in ((None, None), (400, 300), (800, 200), (200, 400)):
        assert min(ink(encode(plot, width=box[0], height=box[1]), 20)) >= 1  # the legend's frame is pale


def test_a_new_layout_brings_no_overlap_and_warns_of_nothing() -> None:
    figure, axs = plt.subplots(3, 4, layout="constrained")
    for ax in axs.flat:
        ax.set(title="a long title", xlabel="label", ylabel="label")
    assert size_of(encode(figure, width=60, height=60)) == (60, 60)


# --- background --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [None, 160, 800])
def test_a_transparent_background(width: int | None) -> None:
    for format in ("png", "webp"):
        encoded = open_image(encode(finished(), format, background="transparent", width=width))
        assert encoded.convert("RGBA").getpixel((1, 1))[3] == 0
    jpeg = encode(finished(), "jpg", background="transparent", width=width)
    assert min(open_image(jpeg).getpixel((1, 1))) > 250


# --- budgets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", RASTERS)
def test_a_figure_that_is_too_large_is_refused_before_it_is_drawn(format: str) -> None:
    for size in ((300, 300), (400, 1), (0, 3)):
        with pytest.raises(CannotDraw, match="pixels"):
            encode(Figure(figsize=size), format)


@pytest.mark.parametrize("format", ["png", "svg"])
@pytest.mark.parametrize("options", [{}, {"width": 400}])
def test_a_tight_box_that_is_too_large_is_refused_before_it_is_drawn(
    format: str, options: dict[str, int]
) -> None:
    mpl.rcParams["savefig.bbox"] = "tight"
    figure, ax = plt.subplots()
    ax.text(3000, 0.5, "far away")
    ax.text(-3000, 0.5, "farther")
    if options and format == "svg":
        assert size_of(encode(figure, format, height=300, **options)) == (400, 300)
    else:
        with pytest.raises(CannotDraw, match="pixels, more than"):
            encode(figure, format, **options)


def test_a_large_vector_needs_no_pixels() -> None:
    with mpl.rc_context({"savefig.dpi": 2400}):
        assert encode(finished(), "svg").body
        with pytest.raises(CannotDraw):
            encode(finished(), "png")


def test_writing_stops_at_the_budget() -> None:
    figure, ax = plt.subplots()
    ax.scatter(*np.random.default_rng(0).random((2, 20_000)))
    for format in ("svg", "pdf"):
        with pytest.raises(CannotDraw, match="bytes allowed"):
            encode(figure, format, max_bytes=50_000)


def test_a_buffer_written_by_the_author_is_not_needed() -> None:
    figure = finished()
    figure.savefig(io.BytesIO())
    assert encode(figure, width=200).body


# --- where Matplotlib's own ways to pad and scale go wrong ----------------------------------------


def test_a_legend_of_the_figure_stays_where_it_was_when_the_picture_is_padded() -> None:
    def make() -> Figure:
        figure, ax = plt.subplots()
        figure.legend(ax.plot([1, 2]), ["a line"], loc="upper right")
        return figure

    plain = np.asarray(open_image(encode(make(), dpr=1)).convert("L")).astype(int)
    wide = np.asarray(open_image(encode(make(), width=1600, height=480)).convert("L")).astype(int)
    assert (wide[:, :480] == 255).all()
    assert np.abs(wide[:, 480:1120] - plain).max() == 0
    wide_svg = encode(make(), "svg", width=1600, height=480, salt="s").body
    assert b'viewBox="-345.6 0 1152 345.6"' in wide_svg
    paths = re.findall(rb' d="[^"]*"', encode(make(), "svg", dpr=1, salt="s").body)
    assert [path for path in re.findall(rb' d="[^"]*"', wide_svg) if path not in paths] == []


def page_of(encoded: Encoded) -> bytes:
    """What a PDF draws on its page, after the set-up."""
    start = encoded.body.index(b"stream\n") + len(b"stream\n")
    return zlib.decompress(encoded.body[start : encoded.body.index(b"\nendstream", start)])


@pytest.mark.parametrize("box", [(64, 48), (3000, 600), (100, 900)])
def test_a_pdf_draws_the_same_in_every_size(box: tuple[int, int]) -> None:
    plain = page_of(encode(finished(), "pdf")).splitlines()[3:]
    sized = page_of(encode(finished(), "pdf", width=box[0], height=box[1])).splitlines()
    assert sized[-len(plain) :] == plain
    assert sized[-len(plain) - 1].endswith(b" cm")


def test_ticks_that_a_new_layout_brings_are_inside() -> None:
    for box in ((800, 200), (300, 700), (1200, 300), (240, 240)):
        for make in (live, image):
            assert min(ink(encode(make(), width=box[0], height=box[1]))) >= 1
