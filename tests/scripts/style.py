"""The house style: every script imports it, nothing else sets it."""

import matplotlib.pyplot as plt
import seaborn as sns

sns.set_theme(style="ticks", palette="deep")
plt.rcParams.update(
    {
        "figure.figsize": (8, 5),
        "axes.grid": True,
        "grid.alpha": 0.35,
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "legend.frameon": False,
    }
)

GOOD = "#2a9d8f"
BAD = "#e76f51"
