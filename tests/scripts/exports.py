from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import style  # noqa: F401
from matplotlib.figure import Figure

from plotroute import Plots

plots = Plots()


def to_png(fig, **kwargs):
    buf = BytesIO()
    fig.savefig(buf, format="png", **kwargs)
    plt.close(fig)
    return buf


@plots.plot(ttl="forever")
def lissajous(a=3, b=4):
    """A Lissajous figure."""
    t = np.linspace(0, 2 * np.pi, 1000)
    fig, ax = plt.subplots(figsize=(4, 4))
    ax.plot(np.sin(a * t), np.sin(b * t))
    ax.set_axis_off()
    buf = to_png(fig, bbox_inches="tight", dpi=120)
    buf.seek(0)
    return buf


@plots.plot(ttl="forever")
def mandelbrot(iterations=40):
    x, y = np.meshgrid(np.linspace(-2.2, 0.8, 480), np.linspace(-1.2, 1.2, 384))
    c = x + 1j * y
    z = np.zeros_like(c)
    count = np.zeros(c.shape)
    for _ in range(iterations):
        inside = np.abs(z) <= 2
        z[inside] = z[inside] ** 2 + c[inside]
        count += inside
    fig = plt.figure(figsize=(5, 4))
    fig.figimage(count, cmap="twilight_shifted", origin="lower", resize=True)
    return to_png(fig).getvalue()


@plots.plot(ttl="forever")
def pendulum(length=1.0, damping=0.1):
    """A damped pendulum, drawn without pyplot."""
    t = np.linspace(0, 20, 600)
    fig = Figure(figsize=(7, 3), layout="constrained")
    ax = fig.subplots()
    ax.plot(t, np.exp(-damping * t) * np.cos(np.sqrt(9.81 / length) * t))
    ax.set_xlabel("s")
    return fig
