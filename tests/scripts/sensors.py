import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import style

from plotroute import Plots

plots = Plots()

ROOMS = ["cellar", "attic", "garden"]


@plots.dataset
def sensors():
    df = pd.read_csv("data/sensors.csv", parse_dates=["time"])
    return df.set_index("time")


@plots.plot
def rooms(sensors):
    """The temperature in three places, one above the other."""
    return sensors.plot(subplots=True, figsize=(8, 6), sharex=True, ylabel="°C")


@plots.plot
def last_reading(sensors, room="attic"):
    # nothing is returned: the figure is pyplot's open one
    s = sensors[room]
    plt.figure(figsize=(6, 3))
    plt.plot(s)
    plt.plot(s.index[-1], s.iloc[-1], "o", color=style.BAD)
    plt.annotate(
        f"{s.iloc[-1]:.1f} °C",
        (s.index[-1], s.iloc[-1]),
        textcoords="offset points",
        xytext=(4, -18),
        ha="right",
    )
    plt.gca().xaxis.set_major_formatter(mdates.DateFormatter("%a"))
    plt.title(room.title())
    plt.grid(visible=True)
    plt.tight_layout()


@plots.plot
def gaps(sensors):
    """Where readings are missing."""
    plt.figure(figsize=(8, 2.5))
    plt.imshow(sensors[ROOMS].isna().T, aspect="auto", cmap="Greys", interpolation="nearest")
    plt.yticks(range(len(ROOMS)), ROOMS)
    plt.xlabel("reading")
    plt.grid(visible=False)
    plt.tight_layout()
    return plt.gcf()


@plots.plot
def hour_of_day(ax, sensors, room="garden", band=True):
    """The usual day: mean temperature by hour, and its spread."""
    hours = sensors[room].groupby(sensors.index.hour).agg(["mean", "std"])
    ax.plot(hours.index, hours["mean"], marker=".")
    if band:
        ax.fill_between(
            hours.index, hours["mean"] - hours["std"], hours["mean"] + hours["std"], alpha=0.2, lw=0
        )
    ax.set_xticks(np.arange(0, 25, 6))
    ax.set_xlabel("hour")
    ax.set_ylabel("°C")
    ax.set_title(f"A day in the {room}")
