"""Cache-Control of pictures, for browsers and for caches on the way."""

import pytest

from plotroute.model import Param, PlotSpec
from plotroute.web.headers import cache_control


@pytest.mark.parametrize(("max_age", "header"), [(0, "no-cache"), (60, "max-age=60")])
def test_a_browser_asks_every_time_unless_the_author_said_more(max_age, header):
    plot = PlotSpec(name="a", addresses=("/plots/a",), max_age=max_age)

    assert cache_control(plot) == header


@pytest.mark.parametrize(
    ("stale", "max_age", "header"),
    [
        (600.0, 0, "max-age=0, stale-while-revalidate=600"),
        (600.0, 60, "max-age=60, stale-while-revalidate=600"),
        (1.5, 0, "max-age=0, stale-while-revalidate=1"),
        (0.0, 0, "no-cache"),
        (0.0, 60, "max-age=60"),
        (None, 0, "no-cache"),
    ],
)
def test_who_may_show_outdated_pictures_is_told_for_how_long(stale, max_age, header):
    plot = PlotSpec(name="a", addresses=("/plots/a",), max_age=max_age, stale=stale)

    assert cache_control(plot) == header


@pytest.mark.parametrize(
    ("plot", "header"),
    [
        (PlotSpec(name="a", addresses=()), "private, no-cache"),
        (PlotSpec(name="a", addresses=(), max_age=60), "private, max-age=60"),
        # The next to log in there has the same address.
        (
            PlotSpec(name="a", addresses=(), max_age=60, users=(Param(name="u", kind="str"),)),
            "private, no-cache",
        ),
    ],
)
def test_what_is_private_is_kept_by_the_readers_browser_alone(plot, header):
    assert cache_control(plot, private=True) == header
    assert cache_control(plot).startswith("private") == bool(plot.users)
