"""A plots file whose addresses are all its own: `/plot.png` and `/<x>/<y>/plot.png`.

plotroute serve examples/own_addresses.py
http://localhost:5000/plot.png
http://localhost:5000/years/population/plot.png
"""

import matplotlib.pyplot as plt
import numpy as np

from plotroute import CannotDraw, Plots

plots = Plots()

YEARS = np.arange(1950, 2021, 10)
VALUES = {
    "years": YEARS,
    "population": np.array([2.5, 3.0, 3.7, 4.4, 5.3, 6.1, 7.0, 7.8]),  # thousand million people
    "angle": np.linspace(0, 4 * np.pi, 200),
    "sine": np.sin(np.linspace(0, 4 * np.pi, 200)),
    "cosine": np.cos(np.linspace(0, 4 * np.pi, 200)),
}


@plots.plot("/plot.png")
def random_points():
    """A hundred random points, different ones for every request."""
    fig, ax = plt.subplots(layout="constrained")
    ax.scatter(*np.random.default_rng().random((2, 100)))
    ax.set_title("100 random points")
    return fig


@plots.plot(
    "/<x_values_source>/<y_values_source>/plot.png",
    ttl="forever",
    examples={"x_values_source": "years", "y_values_source": "population"},
)
def two_sources(x_values_source: str, y_values_source: str):
    """One named series of values against another."""
    x, y = values(x_values_source), values(y_values_source)
    if len(x) != len(y):
        raise CannotDraw(f"{x_values_source} has {len(x)} values, {y_values_source} has {len(y)}.")

    fig, ax = plt.subplots(layout="constrained")
    ax.plot(x, y, marker="o" if len(x) < 30 else None)
    ax.set(xlabel=x_values_source, ylabel=y_values_source)
    return fig


def values(name):
    """Return the values called `name`."""
    if name not in VALUES:
        raise CannotDraw(f"There are no values called {name}: choose from {', '.join(VALUES)}.")
    return VALUES[name]
