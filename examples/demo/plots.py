"""Every plot gets a URL. `plotroute serve examples/demo`, then open http://localhost:5000/report.html."""

from io import BytesIO
from typing import Annotated, Literal

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from pydantic import Field

from plotroute import CannotDraw, Plots, TimeRange, files

sns.set_theme(style="whitegrid", font_scale=0.95)
plt.rcParams.update(
    {
        "figure.figsize": (7.2, 4.2),
        "figure.constrained_layout.use": True,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

plots = Plots()


# --- The breast cancer features: /plots/breast_cancer_data/correlation_matrix ------------------------


@plots.dataset(ttl="forever")
def breast_cancer_data():
    """Measurements of 569 tumours, 30 features each."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).data


@plots.plot(min_size=(760, 680))  # below this, thirty labels would run into each other
def correlation_matrix(
    breast_cancer_data,
    method: Literal["pearson", "spearman", "kendall"] = "pearson",
    features: Annotated[int, Field(ge=2, le=30)] = 30,
):
    """Correlation between every pair of features."""
    correlation = breast_cancer_data.iloc[:, :features].corr(method=method)
    above = np.triu(np.ones_like(correlation, dtype=bool), k=1)

    fig, ax = plt.subplots(figsize=(10, 8.8))
    sns.heatmap(
        correlation,
        mask=above,
        vmin=-1,
        vmax=1,
        cmap="RdBu_r",
        square=True,
        xticklabels=True,
        yticklabels=True,
        cbar_kws={"shrink": 0.6, "label": f"{method.capitalize()} correlation"},
        ax=ax,
    )
    ax.grid(False)
    ax.tick_params(labelsize=10)
    ax.tick_params(axis="x", rotation=90)
    ax.tick_params(axis="y", rotation=0)
    ax.set_title(f"Correlation of {features} breast cancer features")
    return fig


# --- Drawn anew for every request, because it reads no dataset: /random.png -------------------------


@plots.plot("/random.png")
def random_points(points: Annotated[int, Field(ge=1, le=5000)] = 100):
    """Random points, different ones for every request."""
    x, y = np.random.default_rng().normal(size=(2, points))

    fig, ax = plt.subplots(figsize=(5, 4))
    ax.scatter(x, y, c=np.hypot(x, y), cmap="viridis", alpha=0.8)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), title=f"{points} points, {pd.Timestamp.now('UTC'):%H:%M:%S} UTC")
    return fig


# --- Two years of a bike-sharing scheme: /plots/rides/… ---------------------------------------------


@plots.dataset(
    version=files("data/rides.csv"),
    source=["date", "rides", "member", "casual", "temperature", "rain", "wind"],
)
def rides():
    """Rides of every day of 2023 and 2024, and the weather of the day."""
    return pd.read_csv("data/rides.csv", parse_dates=["date"])


LAST_YEAR = TimeRange("2024-01-01..2025-01-01")


@plots.plot
def daily(
    rides,
    period: TimeRange = LAST_YEAR,
    window: Annotated[int, Field(ge=1, le=60, description="Days in the moving average")] = 7,
):
    """Rides per day, with a moving average."""
    chosen = rides[period.mask(rides["date"])]
    if chosen.empty:
        day = rides["date"]
        raise CannotDraw(
            f"There are no rides in this period: try one between {day.min():%F} and {day.max():%F}."
        )

    fig, ax = plt.subplots()
    ax.plot(chosen["date"], chosen["rides"], lw=1, alpha=0.45, label="each day")
    average = chosen["rides"].rolling(window, center=True, min_periods=1).mean()
    ax.plot(chosen["date"], average, color="C0", lw=2.5, label=f"average of {window} days")
    ax.set(ylim=(0, 1.2 * chosen["rides"].max()), ylabel="rides", title="Rides per day")
    dates = mdates.AutoDateLocator(maxticks=7)
    ax.xaxis.set(major_locator=dates, major_formatter=mdates.ConciseDateFormatter(dates))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.legend(loc="upper left", ncols=2)
    return fig


@plots.plot
def by_month(rides):
    """Rides per month, of members and of occasional riders."""
    monthly = rides.set_index("date")[["member", "casual"]].resample("MS").sum() / 1000
    monthly.columns = ["members", "occasional riders"]
    monthly.index = monthly.index.strftime("%b %y")
    return monthly.plot.bar(
        stacked=True, width=0.8, ylim=(0, 160), xlabel="", ylabel="thousand rides", title="Rides per month"
    )


@plots.plot(size=(640, 400))
def weekdays(ax, rides, riders: Literal["rides", "member", "casual"] = "rides"):
    """How many rides there are on each day of the week."""
    day = rides["date"].dt.day_name().str[:3]
    sns.violinplot(
        x=day,
        y=rides[riders],
        order=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        color="C0",
        cut=0,
        linewidth=1,
        ax=ax,
    )
    who = {"rides": "all riders", "member": "members", "casual": "occasional riders"}[riders]
    ax.set(xlabel="", ylabel="rides per day", title=f"Days of the week: {who}")
    ax.yaxis.set_major_formatter("{x:,.0f}")


@plots.plot
def calendar(rides, year: Annotated[int, Field(ge=2023, le=2024)] = 2024):
    """Every day of a year as a coloured square."""
    days = rides[rides["date"].dt.year == year]
    week = (days["date"].dt.day_of_year - 1 + days["date"].iloc[0].day_of_week) // 7
    squares = days.assign(week=week, weekday=days["date"].dt.day_of_week).pivot(
        index="weekday", columns="week", values="rides"
    )

    fig, ax = plt.subplots(figsize=(11, 2.4))
    mesh = ax.pcolormesh(squares, cmap="YlGnBu", edgecolors=ax.get_facecolor(), linewidth=2)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    first_of_month = days["date"].dt.day == 1
    ax.set_xticks(week[first_of_month] + 0.5, days.loc[first_of_month, "date"].dt.strftime("%b"))
    ax.set_yticks([0.5, 2.5, 4.5, 6.5], ["Mon", "Wed", "Fri", "Sun"])
    ax.set_title(f"Rides in {year}")
    fig.colorbar(mesh, ax=ax, format="{x:,.0f}", pad=0.01, aspect=12)

    picture = BytesIO()
    fig.savefig(picture, format="png", dpi=100)
    return picture


# --- Values that anyone may plot: /hours/temperature/plot.png, /hours/bikes_out/plot.png -----------


@plots.dataset(version=files("data/july_week.csv"), source=True)
def hours():
    """Hours since Monday 0:00, in a week of July."""
    return pd.read_csv("data/july_week.csv")["hour"]


@plots.dataset(version=files("data/july_week.csv"), source=True)
def temperature():
    """Degrees Celsius at each of these hours."""
    return pd.read_csv("data/july_week.csv")["temperature"]


@plots.dataset(version=files("data/july_week.csv"), source=True)
def bikes_out():
    """Bicycles on the road at each of these hours."""
    return pd.read_csv("data/july_week.csv")["bikes_out"]
