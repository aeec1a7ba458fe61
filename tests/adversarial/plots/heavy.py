"""Plots whose cost follows their parameters. The bounds are types, so nothing is drawn beyond them."""

from datetime import date
from typing import Annotated

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from notes import note
from pydantic import Field

from plotroute import Plots

plots = Plots()

Numbers = Annotated[list[float], Field(max_length=1500)]
Bins = Annotated[int, Field(ge=1, le=1000)]
Label = Annotated[str, Field(max_length=40)]


@plots.plot("/bars", examples={"labels": ["a"], "values": [1]})
def bars(
    labels: Annotated[list[Label], Field(max_length=100)],
    values: Annotated[list[float], Field(max_length=100)],
):
    note("bars")
    figure, ax = plt.subplots()
    ax.bar(labels, values)
    return figure


@plots.plot("/hist", examples={"x": [1, 2, 3]})
def hist(x: Numbers, bins: Bins = 10):
    note("hist")
    figure, ax = plt.subplots()
    ax.hist(x, bins=bins)
    return figure


@plots.plot("/hist_auto", timeout=1, examples={"x": [1, 2, 3]})
def hist_auto(x: Numbers):
    """The number of bins comes from the data, unchecked: one outlier makes a million."""
    note("hist_auto")
    figure, ax = plt.subplots()
    ax.hist(x, bins="fd")
    return figure


@plots.plot("/hist2d")
def hist2d(bins: Bins = 10):
    note("hist2d")
    figure, ax = plt.subplots()
    ax.hist2d(np.arange(100.0), np.arange(100.0), bins=bins)
    return figure


@plots.plot("/hexbin")
def hexbin(gridsize: Annotated[int, Field(ge=1, le=500)] = 20):
    note("hexbin")
    figure, ax = plt.subplots()
    ax.hexbin(np.arange(100.0), np.arange(100.0), gridsize=gridsize)
    return figure


@plots.plot("/grid")
def grid(
    rows: Annotated[int, Field(ge=1, le=5)] = 1,
    cols: Annotated[int, Field(ge=1, le=5)] = 1,
):
    note("grid")
    return plt.subplots(rows, cols)[0]


@plots.plot("/pie", examples={"values": [1, 2]})
def pie(values: Annotated[list[float], Field(max_length=50)]):
    note("pie")
    figure, ax = plt.subplots()
    ax.pie(values)
    return figure


@plots.plot("/scatter")
def scatter(n: Annotated[int, Field(ge=1, le=100_000)] = 100):
    note("scatter")
    figure, ax = plt.subplots()
    ax.plot(np.arange(n), np.arange(n) ** 2 % 977, "o", ms=1)
    return figure


@plots.plot("/dates", timeout=1)
def dates(start: date = date(2024, 1, 1), end: date = date(2024, 2, 1)):
    """A tick per day, unchecked: a century has 36,525 of them, and Matplotlib only warns."""
    note("dates")
    figure, ax = plt.subplots()
    ax.plot([start, end], [0, 1])
    ax.xaxis.set_major_locator(mdates.DayLocator())
    return figure


@plots.plot("/categories", timeout=1)
def categories(n: Annotated[int, Field(ge=1, le=20_000)] = 10):
    """Texts as x make a tick each."""
    note("categories")
    figure, ax = plt.subplots()
    ax.plot([f"number {i}" for i in range(n)], range(n))
    return figure


@plots.plot("/huge")
def huge(inches: Annotated[int, Field(ge=1, le=1000)] = 200):
    """A figure that is too large by itself, whoever asks for whatever size."""
    note("huge")
    return plt.figure(figsize=(inches, inches), dpi=100).add_subplot()
