"""Themes that meet colours of the author's own, through `plots.draw`."""

from __future__ import annotations

import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from gallery import matplotlib_plots, seaborn_plots
from gallery.measuring import contrast, texts_read
from plotroute import Plots

plots = Plots()
PAPERS = {"light": (255, 255, 255), "dark": (22, 25, 29)}


@plots.plot
def black_note(color: str = "black", alpha: float = 1.0, weight: str = "normal"):
    fig, ax = plt.subplots()
    ax.axis("off")
    ax.text(0.1, 0.5, "a note", color=color, alpha=alpha, size=30, weight=weight, gid="note")
    return fig


@plots.plot
def own_theme(theme: str = "light"):
    fig, ax = plt.subplots()
    ax.axis("off")
    ax.text(0.1, 0.5, theme, color="black", size=30)
    fig.set_facecolor("#111111")
    return fig


@plots.plot
def marks(kind: str, color: str = "black"):
    fig, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    if kind == "line":
        ax.plot([0, 1], [0.5, 0.5], color=color, linewidth=6)
    elif kind == "markers":
        ax.plot([0.2, 0.8], [0.5, 0.5], "s", color=color, markersize=20)
    elif kind == "scatter":
        ax.scatter([0.2, 0.8], [0.5, 0.5], color=color, s=400)
    elif kind == "error bars":
        ax.errorbar([0.5], [0.5], yerr=0.3, color=color, elinewidth=6)
    elif kind == "bars":
        ax.bar([0.5], [0.5], color=color)
    elif kind == "arrow":
        ax.annotate("", (0.1, 0.1), (0.9, 0.9), arrowprops={"arrowstyle": "-", "color": color, "lw": 6})
    elif kind == "field":
        ax.quiver([0.2, 0.6], [0.5, 0.5], [1, 1], [0, 0], scale=3)
    elif kind == "separator":
        ax.bar([0.5], [0.8], width=0.9, color="tab:blue")
        ax.plot([0.2, 0.8], [0.5, 0.5], color=color, linewidth=6)
    return fig


@plots.plot
def on_white_axes():
    fig, ax = plt.subplots()
    ax.set_facecolor("white")
    ax.set(xticks=[], yticks=[], frame_on=True)
    ax.plot([0, 1], [0, 1], linewidth=8)
    ax.plot([0], [1], "o", markersize=30)
    return fig


@plots.plot
def legend_of_error_bars():
    fig, ax = plt.subplots()
    ax.errorbar([0], [0], yerr=1, fmt="o", color="black", label="black", markersize=20)
    ax.legend()
    return fig


@plots.plot
def key_of_a_field():
    fig, ax = plt.subplots()
    ax.quiverkey(ax.quiver([0], [0], [1], [0]), 0.5, 0.8, 1, "key")
    return fig


@plots.plot
def touching_bars(style: str = "default", color: str = "black"):
    if style != "default":
        plt.style.use(style)
    fig, ax = plt.subplots()
    ax.axis("off")
    ax.bar(range(5), [3, 2, 4, 1, 5], width=1, color=color)
    return fig


@plots.plot
def fails():
    plt.text(0.5, 0.5, "text", color="black")
    raise RuntimeError("on purpose")


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(body)).convert("RGB")).astype(int)


def most_contrast(picture: np.ndarray) -> float:
    """The contrast of what stands out most from the corner of a picture."""
    return float(contrast(picture.reshape(-1, 3), picture[0, 0]).max())


SOME = {
    seaborn_plots.plots: ("errorband_lineplots", "kde_ridgeplot", "grouped_boxplot", "spreadsheet_heatmap"),
    matplotlib_plots.plots: (
        "directed_network",
        "table",
        "arrows",
        "text_boxes",
        "three_dimensions",
        "light_axes",
        "objects",
        "objects_compiled",
        "objects_with_an_axes_color",
        "style_ggplot",
        "style_dark_background",
    ),
}
"""A tenth of `tests/gallery`."""


@pytest.mark.parametrize("theme", PAPERS)
@pytest.mark.parametrize(
    ("gallery", "name"), [pytest.param(of, name, id=name) for of, names in SOME.items() for name in names]
)
@pytest.mark.filterwarnings("default")  # libraries' own, about their calls of each other
def test_every_text_can_be_read(gallery: Plots, name: str, theme: str) -> None:
    with texts_read(PAPERS[theme]) as readings:
        gallery.draw(name, theme=theme)
    assert readings
    assert [reading for reading in readings if reading.contrast < 3] == []


@pytest.mark.parametrize(
    "wish", [{}, {"width": 300}, {"width": 300, "dpr": 2}, {"background": "transparent"}]
)
@pytest.mark.parametrize("theme", PAPERS)
def test_texts_can_be_read_at_every_size(theme: str, wish: dict[str, object]) -> None:
    for color in ("black", "white", "navy", "lightyellow"):
        with texts_read(PAPERS[theme]) as readings:
            plots.draw("black_note", color=color, theme=theme, **wish)
        assert min(reading.contrast for reading in readings) >= 3


@pytest.mark.parametrize("theme", PAPERS)
def test_an_svg_has_the_colours_of_the_png(theme: str) -> None:
    for color, new in (("black", {"dark": "#e6e9ed"}), ("white", {"light": "#1b1f24"})):
        for wish in ({}, {"width": 300}):
            svg = plots.draw("black_note", color=color, theme=theme, format="svg", **wish).body.decode()
            note = svg[svg.index('id="note"') :].split("</g>")[0]
            fill = re.search(r"fill: (#[0-9a-f]{6})", note)
            # Black is what an SVG's shapes are filled with when nothing is said.
            kept = {"black": None, "white": "#ffffff"}[color]
            assert (fill[1] if fill else None) == new.get(theme, kept)


def test_a_pdf_has_the_colours_of_the_png() -> None:
    pictures = [
        plots.draw("black_note", color=c, theme="dark", format="pdf").body for c in ("black", "#e6e9ed")
    ]
    assert pictures[0] == pictures[1]
    assert pictures[0] != plots.draw("black_note", color="yellow", theme="dark", format="pdf").body


def test_a_colour_keeps_its_hue() -> None:
    for color, channel in (("navy", 2), ("darkred", 0), ("darkgreen", 1)):
        picture = pixels(plots.draw("black_note", color=color, theme="dark", weight="bold").body)
        brightest = picture.reshape(-1, 3)[picture.sum(axis=2).argmax()]
        assert brightest.argmax() == channel
        assert contrast(brightest, picture[0, 0]) >= 4


def test_a_watermark_stays_one() -> None:
    picture = pixels(plots.draw("black_note", alpha=0.1, theme="dark", weight="bold").body)
    assert 1.2 < most_contrast(picture) < 2


def test_a_function_that_takes_theme_is_in_charge_of_its_colours() -> None:
    assert most_contrast(pixels(plots.draw("own_theme", theme="dark").body)) < 1.2


@pytest.mark.parametrize("kind", ["line", "markers", "scatter", "error bars", "bars", "arrow", "field"])
def test_what_is_black_is_seen_on_dark_and_stays_black_on_light(kind: str) -> None:
    assert most_contrast(pixels(plots.draw("marks", kind=kind, theme="dark").body)) > 4
    assert most_contrast(pixels(plots.draw("marks", kind=kind, theme="light").body)) > 19


@pytest.mark.parametrize("name", ["legend_of_error_bars", "key_of_a_field"])
def test_a_legend_follows_what_it_explains(name: str) -> None:
    picture = pixels(plots.draw(name, theme="dark").body)
    assert not (picture.sum(axis=2) < 20).any()  # darker than the paper: nothing black is left


def test_a_white_separator_stays_white_and_a_colour_stays_as_it_is() -> None:
    for theme in PAPERS:
        picture = pixels(plots.draw("marks", kind="separator", color="white", theme=theme).body)
        assert tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2]) == (255, 255, 255)
        picture = pixels(plots.draw("marks", kind="bars", color="#d62728", theme=theme).body)
        assert (picture == (0xD6, 0x27, 0x28)).all(axis=2).sum() > 1000


def test_black_on_a_bright_area_stays_black_on_dark_paper() -> None:
    picture = pixels(plots.draw("marks", kind="separator", color="black", theme="dark").body)
    assert tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2]) == (0, 0, 0)


@pytest.mark.parametrize("theme", PAPERS)
@pytest.mark.parametrize("style", ["default", "seaborn-v0_8-white"])
@pytest.mark.parametrize("color", ["black", "#03051a"])
def test_marks_of_one_colour_keep_one_colour(color: str, style: str, theme: str) -> None:
    picture = plots.draw("touching_bars", color=color, style=style, theme=theme).body
    colors, counts = np.unique(pixels(picture).reshape(-1, 3), axis=0, return_counts=True)
    areas = colors[counts > 2000]
    assert len(areas) == 2
    assert contrast(areas[0], areas[1]) >= 3
    if style != "default" or theme == "light":  # paper on which the author's colour is seen
        assert areas[0].tolist() == [int(part * 255 + 0.5) for part in to_rgb(color)]


def test_the_themes_own_colours_are_seen_on_axes_that_are_white() -> None:
    picture = pixels(plots.draw("on_white_axes", theme="dark").body).reshape(-1, 3)
    for color in ((0x1F, 0x77, 0xB4), (0xD3, 0x54, 0x00)):  # blue and orange of the light theme
        assert (picture == color).all(axis=1).any()


def test_without_a_theme_a_picture_is_what_savefig_writes() -> None:
    for color in ("black", "white", "navy"):
        drawn = pixels(plots.draw("black_note", color=color).body)
        file = BytesIO()
        figure = black_note(color)
        figure.savefig(file)
        plt.close(figure)
        assert (drawn == pixels(file.getvalue())).all()


@pytest.mark.parametrize("theme", PAPERS)
@pytest.mark.filterwarnings("default")
def test_a_seaborn_plot_has_the_theme_but_for_what_it_sets_itself(theme: str) -> None:
    def corner(name: str) -> list[int]:
        return pixels(matplotlib_plots.plots.draw(name, theme=theme).body)[1, 1].tolist()

    assert corner("objects") == corner("objects_with_an_axes_color") == list(PAPERS[theme])
    assert corner("objects_with_a_theme") == [255, 255, 255]


def test_the_next_picture_is_as_if_there_had_been_no_theme() -> None:
    before = plots.draw("black_note").body
    plots.draw("black_note", theme="dark")
    with pytest.raises(Exception, match="raised an error"):
        plots.draw("fails", theme="dark")
    assert plots.draw("black_note").body == before
