from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import backend_bases
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL.PngImagePlugin import PngInfo, iTXt

from encode.pngs import content
from plotroute.encode.base import Target
from plotroute.encode.matplotlib import agg_canvas
from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
from plotroute.model import Options


def pyplot() -> Figure:
    return plt.figure(layout="constrained")


def without_pyplot() -> Figure:
    return Figure()


def on_another_canvas() -> Figure:
    figure = Figure(layout="tight")
    FigureCanvasSVG(figure)
    return figure


def saved_before() -> Figure:
    figure = plt.figure(dpi=70)
    figure.savefig(io.BytesIO(), format="png")
    figure.dpi = 90
    return figure


MAKERS = (pyplot, without_pyplot, on_another_canvas, saved_before)


def drawn(make: Callable[[], Figure]) -> Figure:
    figure = make()
    ax = figure.subplots()
    ax.scatter([1, 2, 3], [3, 1, 2], c=[1, 2, 3], alpha=0.5)
    ax.set_title("words $x^2$")
    ax.text(1.2, 0.5, "beside the axes", transform=ax.transAxes)
    return figure


def saved(figure: Figure, **options: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", **options)
    return file.getvalue()


def ours(figure: Figure, **options: Any) -> bytes:
    backend = agg_canvas.backend(figure)
    assert backend
    return saved(figure, **backend, **options)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dpi": 150},
        {"dpi": 33.3, "bbox_inches": "tight", "pad_inches": 0.3},
        {"transparent": True},
        {"facecolor": "#204060", "edgecolor": "red"},
        {"facecolor": (0.1, 0.2, 0.3, 0.4)},
        {"metadata": {"Title": "Größe", "Author": "Łukasz", "Software": None}},
        {"metadata": {"Title": b"bytes", "Author": iTXt("Ada", "en")}},
        {"pil_kwargs": {"dpi": (33, 33), "compress_level": 1}},
        {"pil_kwargs": {"pnginfo": PngInfo()}},
    ],
)
def test_the_picture_is_the_one_of_matplotlib_s_own_writer(
    make: Callable[[], Figure], options: dict[str, Any]
) -> None:
    assert content(ours(drawn(make), **options)) == content(saved(drawn(make), **options))


@pytest.mark.parametrize(
    "rc",
    [
        {"savefig.dpi": 120},
        {"savefig.bbox": "tight", "figure.dpi": 61},
        {"savefig.transparent": True},
        {"savefig.facecolor": "navy", "savefig.edgecolor": "red"},
    ],
)
def test_the_author_s_rcparams_count(rc: dict[str, Any]) -> None:
    mpl.rcParams.update(rc)
    assert content(ours(drawn(pyplot))) == content(saved(drawn(pyplot)))


@pytest.mark.parametrize("make", MAKERS)
def test_the_figure_keeps_its_canvas(make: Callable[[], Figure]) -> None:
    figure = drawn(make)
    before = figure.canvas
    ours(figure)
    assert figure.canvas is before


def test_a_file_name_is_written_to(tmp_path: Any) -> None:
    figure = drawn(pyplot)
    figure.savefig(tmp_path / "picture.png", **agg_canvas.backend(figure))
    assert (tmp_path / "picture.png").read_bytes() == ours(drawn(pyplot))


# --- other canvases ----------------------------------------------------------------------------


class OwnCanvas(FigureCanvasAgg):
    """A canvas with a way of its own to write PNG."""

    def print_png(self, filename_or_obj: Any, **_: Any) -> None:
        FigureCanvasAgg.draw(self)
        pixels = np.asarray(self.buffer_rgba()).copy()
        pixels[:5, :5] = (1, 2, 3, 255)
        mpl.image.imsave(filename_or_obj, pixels, format="png")


class GuiCanvas(FigureCanvasAgg):
    """A canvas that shows pictures in a window and saves them like Agg."""


@pytest.mark.parametrize("options", [Options(), Options(png8=True)])
def test_a_canvas_that_writes_png_by_itself_does_so(options: Options) -> None:
    figure = drawn(without_pyplot)
    OwnCanvas(figure)
    assert agg_canvas.backend(figure) == {}
    assert MatplotlibEncoder().encode(figure, Target(options=options)).body == saved(figure)


def test_a_canvas_that_saves_like_agg_is_ours() -> None:
    figure = drawn(without_pyplot)
    GuiCanvas(figure)
    assert content(ours(figure)) == content(saved(figure))


def test_a_backend_that_is_registered_for_png_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backend_bases._default_backends, "png", OwnCanvas)
    assert agg_canvas.backend(Figure()) == {}
    assert agg_canvas.backend(plt.figure())
