"""What several scripts need: reading the files in data/, and a few small things for axes."""

import pandas as pd


def read(name, **kwargs):
    return pd.read_csv(f"data/{name}.csv", **kwargs)


def thousands(axis):
    axis.set_major_formatter(lambda value, position: f"{value / 1000:,.0f}k")


def note(ax, text):
    ax.text(0.99, 0.02, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=9, alpha=0.7)
