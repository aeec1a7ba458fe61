"""Plots that behave: the picture that every case is followed by, and what must not rub off on it."""

from typing import Annotated, Literal

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field

from plotroute import Plots

plots = Plots()

Title = Annotated[str, Field(max_length=200)]


@plots.plot("/sine")
def sine(
    freq: Annotated[float, Field(ge=0.01, le=100)] = 1.0,
    n: Annotated[int, Field(ge=2, le=10_000)] = 200,
    lw: Annotated[float, Field(ge=0.1, le=50)] = 1.5,
    ms: Annotated[float, Field(ge=0, le=100)] = 0.0,
    ls: Literal["solid", "dashed", "dotted", "dashdot"] = "solid",
    color: Literal["tab:blue", "tab:orange", "black"] = "tab:blue",
    style: Literal["default", "ggplot"] = "default",
    font: Literal["DejaVu Sans", "DejaVu Serif"] = "DejaVu Sans",
    cmap: Literal["viridis", "magma"] = "viridis",
    grid: bool = False,
    title: Title = "",
):
    """A sine wave, with a bound on everything."""
    plt.style.use(style)
    figure, ax = plt.subplots()
    x = np.linspace(0, 2 * np.pi, n)
    ax.plot(x, np.sin(freq * x), lw=lw, ls=ls, color=color, marker="o" if ms else None, ms=ms)
    ax.scatter([0, 1], [0, 0], c=[0, 1], cmap=cmap)
    ax.grid(grid)
    ax.set_title(title, family=font)
    return figure


@plots.plot("/math")
def math(title: Title = "$a=b$"):
    figure, ax = plt.subplots()
    ax.set_title(title)
    return figure


@plots.plot("/formula")
def formula():
    """A formula of the author's own: a parser that another formula has confused spaces it differently."""
    figure, ax = plt.subplots()
    ax.set_title("$a=b$")
    return figure


@plots.plot("/broken_formula")
def broken_formula():
    """The parser gives up in the middle of this one, and keeps a flag that it has set."""
    figure, ax = plt.subplots()
    ax.set_title(r"$\sin_$")
    return figure


@plots.plot("/pyplot")
def pyplot():
    """Leaves its figure to pyplot, as scripts do, and changes the defaults of all later ones."""
    plt.rcParams["lines.linewidth"] = 7
    plt.style.use("ggplot")
    plt.plot([1, 3, 2])


@plots.plot("/pyplot_raise")
def pyplot_raise():
    """Gives up half way, with a figure open."""
    plt.xkcd()
    plt.plot([1, 2, 3], "r")
    raise RuntimeError("half way")


@plots.plot("/seaborn_themed")
def seaborn_themed():
    import seaborn as sns

    sns.set_theme(style="darkgrid", palette="deep", color_codes=True)
    figure, ax = plt.subplots()
    ax.plot([1, 3, 2], "b")
    return figure
