import matplotlib.pyplot as plt
import style
from loading import note, read, thousands

from plotroute import Plots

plots = Plots()


@plots.dataset
def sales():
    return read("sales", parse_dates=["week"])


@plots.plot
def revenue(sales, region="North", smooth=4):
    """Weekly revenue of a region."""
    df = sales[sales["region"] == region].set_index("week")

    fig, ax = plt.subplots(figsize=(10, 4))
    ax.plot(df.index, df["revenue"], color="lightgray", label="weekly")
    ax.plot(df.index, df["revenue"].rolling(smooth).mean(), color=style.GOOD, lw=2, label=f"{smooth} weeks")
    ax.set_title(f"Revenue {region}")
    ax.set_ylabel("revenue")
    thousands(ax.yaxis)
    ax.legend()
    fig.autofmt_xdate()
    fig.tight_layout()
    return fig


@plots.plot
def revenue_by_region(sales, stacked=False):
    table = sales.pivot_table(index="week", columns="region", values="revenue").resample("QS").sum()
    table.index = [f"{d:%Y} Q{d.quarter}" for d in table.index]
    ax = table.plot.bar(stacked=stacked, rot=0, figsize=(9, 4.5), title="Revenue per quarter")
    ax.set_xlabel("")
    thousands(ax.yaxis)
    return ax


@plots.plot
def average_order(sales):
    """Average value of an order, each region against the others."""
    df = sales.assign(value=sales["revenue"] / sales["orders"])
    fig, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, sharey=True)
    for ax, (region, part) in zip(axes.flat, df.groupby("region"), strict=True):
        for _, other in df.groupby("region"):
            ax.plot(other["week"], other["value"].rolling(6).mean(), color="0.85", lw=1)
        ax.plot(part["week"], part["value"].rolling(6).mean(), color="C3")
        ax.set_title(region, fontsize=10)
        ax.tick_params(axis="x", rotation=45)
    note(axes[1, 1], "mean of 6 weeks")
    plt.suptitle("Value of an order")
    plt.tight_layout()
    return fig, axes
