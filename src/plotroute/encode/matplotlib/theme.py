"""The themes light and dark: Matplotlib's rcParams for each, colours only. Pure data.

Colours that Matplotlib derives (a tick label's from the tick's, a title's from the text's) are left to be
derived: a style that a function sets names the first only, and expects the second to follow.

Text has a contrast of at least 7:1 on its background (WCAG 2.2, level AAA), the colours of the cycle at
least 3:1 (level AA for graphics).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

_COLORS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "light": {
            "paper": "#ffffff",
            "ink": "#1b1f24",
            "line": "#3d444d",
            "grid": "#d1d9e0",
            "pane": "#f2f4f7",
            # Matplotlib's own ten hues, darkened where they were too pale on white.
            "cycle": (
                "#1f77b4",
                "#d35400",
                "#258a25",
                "#d62728",
                "#8a5cb8",
                "#8c564b",
                "#c2478f",
                "#6b6b6b",
                "#80801a",
                "#0f8594",
            ),
        },
        "dark": {
            "paper": "#16191d",
            "ink": "#e6e9ed",
            "line": "#b4bcc6",
            "grid": "#3a424c",
            "pane": "#22272e",
            # The same ten, lightened.
            "cycle": (
                "#5aa9e6",
                "#ff9a4d",
                "#5fc75f",
                "#ff6b6b",
                "#b795e0",
                "#c49a8f",
                "#f09ad1",
                "#b0b0b0",
                "#d2d24a",
                "#4fd0e0",
            ),
        },
    }
)


def _rc(*, paper: str, ink: str, line: str, grid: str, pane: str, cycle: Sequence[str]) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            "figure.facecolor": paper,
            "figure.edgecolor": paper,
            "axes.facecolor": paper,
            "axes.edgecolor": line,
            "axes.labelcolor": ink,
            "axes.titlecolor": "auto",
            "axes.prop_cycle": f"cycler('color', {list(cycle)!r})",
            "axes3d.xaxis.panecolor": pane,
            "axes3d.yaxis.panecolor": pane,
            "axes3d.zaxis.panecolor": pane,
            # The colours that an author gave the figure win when it is saved.
            "savefig.facecolor": "auto",
            "savefig.edgecolor": "auto",
            "text.color": ink,
            "xtick.color": line,
            "ytick.color": line,
            "xtick.labelcolor": "inherit",
            "ytick.labelcolor": "inherit",
            "grid.color": grid,
            "legend.facecolor": "inherit",
            "legend.edgecolor": grid,
            "legend.labelcolor": None,
            "lines.color": cycle[0],
            "patch.facecolor": cycle[0],
            "patch.edgecolor": line,
            "hatch.color": line,
            "boxplot.boxprops.color": line,
            "boxplot.capprops.color": line,
            "boxplot.whiskerprops.color": line,
            "boxplot.flierprops.color": line,
            "boxplot.flierprops.markeredgecolor": line,
            "boxplot.medianprops.color": cycle[1],
            "boxplot.meanprops.color": cycle[2],
            "boxplot.meanprops.markerfacecolor": cycle[2],
            "boxplot.meanprops.markeredgecolor": cycle[2],
        }
    )


RC: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {theme: _rc(**colors) for theme, colors in _COLORS.items()}
)
"""Theme → rcParams; `axes.prop_cycle` is the string that rcParams accept for it."""


def _twins(theme: str, other: str) -> Mapping[str, str]:
    ours, theirs = _COLORS[theme], _COLORS[other]
    roles = ("ink", "line")
    twins = {ours[role]: theirs[role] for role in roles}
    return MappingProxyType(twins | dict(zip(ours["cycle"], theirs["cycle"], strict=True)))


TWINS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"light": _twins("light", "dark"), "dark": _twins("dark", "light")}
)
"""Theme → its colours of lines and marks → the colour with the same role in the other theme."""
