import matplotlib.pyplot as plt
import numpy as np
import style
from mpl_toolkits.axes_grid1 import make_axes_locatable

from plotroute import Plots

plots = Plots()


def peaks(n=80):
    x, y = np.meshgrid(np.linspace(-3, 3, n), np.linspace(-3, 3, n))
    z = 3 * (1 - x) ** 2 * np.exp(-(x**2) - (y + 1) ** 2)
    z = z - 10 * (x / 5 - x**3 - y**5) * np.exp(-(x**2) - y**2)
    return x, y, z - np.exp(-((x + 1) ** 2) - y**2) / 3


@plots.plot(ttl="forever")
def contours(levels=12, cmap="RdBu_r"):
    """A landscape, seen from above."""
    fig, ax = plt.subplots(figsize=(6, 5))
    x, y, z = peaks()
    filled = ax.contourf(x, y, z, levels=levels, cmap=cmap)
    cax = make_axes_locatable(ax).append_axes("right", size="4%", pad=0.1)
    fig.colorbar(filled, cax=cax)
    return filled


@plots.plot(ttl="forever")
def surface(elevation=30, azimuth=-60):
    """The same landscape, in three dimensions."""
    fig = plt.figure(figsize=(6, 5))
    ax = fig.add_subplot(projection="3d")
    ax.plot_surface(*peaks(40), cmap="viridis", lw=0)
    ax.view_init(elevation, azimuth)
    return ax


@plots.plot(ttl="forever")
def wind_rose(seed=3, sectors=16):
    rng = np.random.RandomState(seed)
    angles = np.linspace(0, 2 * np.pi, sectors, endpoint=False)
    fig, ax = plt.subplots(subplot_kw={"projection": "polar"}, figsize=(5, 5))
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.bar(angles, rng.gamma(3, 2, sectors), width=2 * np.pi / sectors, alpha=0.7, color=style.GOOD)
    return fig, ax


@plots.plot(ttl="forever")
def walk(steps=500, seed=0):
    # the old global generator, as in so many notebooks
    np.random.seed(seed)
    plt.plot(np.random.randn(steps).cumsum())
    plt.fill_between(range(steps), -2 * np.sqrt(range(steps)), 2 * np.sqrt(range(steps)), alpha=0.1)
    plt.title("Random walk")
