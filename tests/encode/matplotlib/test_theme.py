from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import is_color_like, to_rgb

from plotroute.encode.matplotlib.theme import RC, TWINS


def luminance(color: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", RC)
def test_text_has_a_contrast_of_seven_and_every_colour_of_three(theme: str) -> None:
    rc = RC[theme]
    for paper in (rc["figure.facecolor"], rc["axes.facecolor"]):
        # All other texts have one of these, for as long as no style says otherwise.
        for text in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
            assert contrast(rc[text], paper) >= 7
        with mpl.rc_context({"axes.prop_cycle": rc["axes.prop_cycle"]}):
            colors = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        assert len(set(colors)) == 10
        for color in [*colors, rc["axes.edgecolor"], rc["xtick.color"], rc["hatch.color"]]:
            assert contrast(color, paper) >= 3


@pytest.mark.parametrize("theme", RC)
def test_rc_params_take_it_and_it_is_colours_only(theme: str) -> None:
    with mpl.rc_context(dict(RC[theme])):
        figure, ax = plt.subplots()
        assert to_rgb(ax.get_facecolor()[:3]) == to_rgb(RC[theme]["figure.facecolor"])
        plt.close(figure)
    for key, value in RC[theme].items():
        assert key == "axes.prop_cycle" or value in ("auto", "inherit", None) or is_color_like(value)


@pytest.mark.parametrize("theme", RC)
def test_what_styles_expect_to_be_derived_is_derived(theme: str) -> None:
    with mpl.rc_context(dict(RC[theme])):
        plt.rcParams.update({"text.color": "red", "xtick.color": "lime", "axes.facecolor": "blue"})
        figure, ax = plt.subplots()
        ax.plot([1, 2], label="a")
        legend, title = ax.legend(framealpha=1), ax.set_title("title")
        assert to_rgb(title.get_color()) == to_rgb(legend.get_texts()[0].get_color()) == to_rgb("red")
        assert to_rgb(ax.get_xticklabels()[0].get_color()) == to_rgb("lime")
        assert to_rgb(legend.get_frame().get_facecolor()[:3]) == to_rgb("blue")
        plt.close(figure)


@pytest.mark.parametrize("theme", RC)
def test_every_colour_has_a_twin_in_the_other_theme(theme: str) -> None:
    (other,) = set(RC) - {theme}
    assert {twin: color for color, twin in TWINS[theme].items()} == dict(TWINS[other])
    assert len(TWINS[theme]) == 12
    for color, twin in TWINS[theme].items():
        assert contrast(color, RC[theme]["axes.facecolor"]) >= 3
        assert contrast(twin, RC[other]["axes.facecolor"]) >= 3


def test_both_themes_set_the_same_and_light_is_lighter() -> None:
    assert RC["light"].keys() == RC["dark"].keys()
    assert luminance(RC["light"]["figure.facecolor"]) > luminance(RC["dark"]["figure.facecolor"])


def test_it_is_data_that_needs_no_matplotlib() -> None:
    code = "import sys, plotroute.encode.matplotlib.theme; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
