import matplotlib.pyplot as plt
import numpy as np
import seaborn.objects as so
import style
from loading import read

from plotroute import Plots

plots = Plots()


@plots.dataset
def marketing():
    return read("marketing")


@plots.plot
def signups(marketing):
    """Sign-ups against spending, by channel."""
    return (
        so.Plot(marketing, x="spend", y="signups", color="channel")
        .add(so.Dots())
        .add(so.Line(), so.PolyFit(order=2))
        .label(x="spend (thousands)", y="sign-ups")
    )


@plots.plot
def by_channel(marketing, columns=2):
    return (
        so.Plot(marketing, x="spend", y="signups")
        .facet("channel", wrap=columns)
        .add(so.Dot(pointsize=4, alpha=0.6))
        .layout(size=(7, 6))
    )


@plots.plot
def cost(marketing):
    """What a sign-up costs."""
    total = marketing.groupby("channel")[["spend", "signups"]].sum()
    per = (total["spend"] / total["signups"] * 1000).sort_values()
    fig, ax = plt.subplots(figsize=(7, 3.5))
    lines = ax.hlines(per.index, 0, per, color="0.7")
    ax.scatter(per, per.index, s=90, color=style.BAD, zorder=3)
    ax.set_xlabel("per sign-up")
    ax.set_xlim(left=0)
    fig.tight_layout()
    return lines


@plots.plot
def fitted(ax, marketing, channel="email", degree=2, points=True):
    """A curve through the sign-ups of one channel."""
    df = marketing[marketing["channel"] == channel]
    x = np.linspace(df["spend"].min(), df["spend"].max(), 100)
    if points:
        ax.scatter(df["spend"], df["signups"], alpha=0.5)
    ax.plot(x, np.polyval(np.polyfit(df["spend"], df["signups"], degree), x), color="C1", lw=2)
    ax.set_title(f"{channel}, degree {degree}")
    return ax
