from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import is_color_like, to_rgb

from plotroute.theme import RC


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
    for paper in (rc["figure.facecolor"], rc["axes.facecolor"], rc["legend.facecolor"]):
        for text in (
            "text.color",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.labelcolor",
            "ytick.labelcolor",
            "legend.labelcolor",
        ):
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
        assert key == "axes.prop_cycle" or value == "auto" or is_color_like(value)


def test_both_themes_set_the_same_and_light_is_lighter() -> None:
    assert RC["light"].keys() == RC["dark"].keys()
    assert luminance(RC["light"]["figure.facecolor"]) > luminance(RC["dark"]["figure.facecolor"])


def test_it_is_data_that_needs_no_matplotlib() -> None:
    code = "import sys, plotroute.theme; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
