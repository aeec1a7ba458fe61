"""The plots of the plain view, as a plots file, and two more for what only plotroute does.

`fresh` changes nothing in the picture: another number is another picture for the cache, so it is drawn.
`vary` changes its data, title and labels.
"""

import os
import time
from pathlib import Path

import plain_view
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def cancer():
    return load_breast_cancer(as_frame=True).data


@plots.plot("/line", ttl="forever")
def line(x: list[float], y: list[float], vary: int = 0, fresh: int = 0):
    return plain_view.draw_line(x, y, vary)


@plots.plot("/matrix")
def matrix(cancer, vary: int = 0, fresh: int = 0):
    return plain_view.draw_matrix(cancer, vary)


@plots.plot("/counted", ttl="forever")
def counted(x: list[float], y: list[float], fresh: int = 0):
    """The line plot; a byte in a file for every drawing."""
    with Path(os.environ["BENCH_FOLDER"], "drawn").open("ab") as file:
        file.write(b".")
    figure = Figure(layout="constrained")
    figure.subplots().plot(x, y)
    return figure


@plots.plot("/slow", ttl="forever")
def slow(ax, seconds: float = 0.0, fresh: int = 0):
    """A plot that waits, as for a slow database."""
    time.sleep(seconds)
    ax.plot([1, 2])
