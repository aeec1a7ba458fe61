"""Texts that wrap: the same lines at every density, seen through `plots.draw`."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import RendererAgg

from plotroute import Plots

WORDS = "Revenue of all the regions in the north and the west of the country by week since the beginning of the year"

plots = Plots()


@plots.plot
def titled(ax: Any, n: int = 0) -> None:
    ax.plot([1, 3, 2])
    ax.set_title(WORDS[n:], wrap=True)
    ax.set_xlabel(WORDS[n:], wrap=True)


@plots.plot
def finished(n: int = 0) -> Any:
    figure, ax = plt.subplots()
    ax.set_title(WORDS[n:], wrap=True)
    ax.text(0.1, 0.5, WORDS[n:], wrap=True)
    return figure


@plots.plot
def parts(fig: Any, n: int = 0) -> None:
    left, right = fig.subfigures(1, 2)
    left.suptitle(WORDS[n : n + 40], wrap=True)
    left.subplots().plot([1, 2])
    right.subplots().set_title(WORDS[n : n + 40], wrap=True)


@plots.plot
def typed(ax: Any, title: str = "") -> None:
    ax.set_title(title, wrap=True)


@pytest.fixture
def lines(matplotlib_as_installed: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    drawn: list[str] = []
    draw_text: Any = RendererAgg.draw_text

    def noted(self: Any, gc: Any, x: float, y: float, s: str, *arguments: Any, **options: Any) -> None:
        drawn.append(s)
        draw_text(self, gc, x, y, s, *arguments, **options)

    monkeypatch.setattr(RendererAgg, "draw_text", noted)

    def of(name: str, **options: Any) -> list[str]:
        """Return the lines of the words in a picture, as they are drawn."""
        drawn.clear()
        plots.draw(name, **options)
        return [line for line in drawn if line and line in WORDS]

    return of


@pytest.mark.parametrize("name", ["titled", "finished", "parts"])
@pytest.mark.parametrize("size", [{"width": 280}, {"width": 640, "height": 400}, {}])
def test_a_text_has_the_same_lines_at_every_density(lines: Any, name: str, size: dict[str, int]) -> None:
    for n in (0, 6, 8):  # of which two or more had other lines at one of these densities
        first = lines(name, n=n, **size)
        assert len(first) >= 2
        assert [lines(name, n=n, dpr=dpr, **size) for dpr in (1.5, 2)] == [first, first]


def test_a_text_that_wraps_and_holds_a_query_is_drawn_as_it_was_typed() -> None:
    body = plots.draw("typed", title=f"costs of $a$ and $b$ {WORDS}", width=280, format="svg").body
    assert b"$a$" in body
