import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import style
from loading import read

from plotroute import Plots

plots = Plots()


@plots.dataset
def requests():
    return read("requests")


@plots.plot
def histogram(requests, bins=20, color="tab:blue", log=False):
    """How long requests take."""
    plt.figure(figsize=(7, 4), layout="constrained")
    plt.title("Response times")
    plt.xlabel("ms")
    plt.ylabel("requests")
    return plt.hist(requests["milliseconds"], bins=bins, color=color, log=log, edgecolor="white")


@plots.plot
def boxes(requests):
    groups = {name: part["milliseconds"] for name, part in requests.groupby("endpoint")}
    _, ax = plt.subplots()
    ax.set_yscale("log")
    ax.set_ylabel("ms")
    return ax.boxplot(list(groups.values()), tick_labels=list(groups), showmeans=True)


@plots.plot
def percentiles(requests, limit=300.0):
    """Percentiles of the response time of each endpoint, and the limit we promised."""
    q = np.arange(1, 100)
    for name, part in requests.groupby("endpoint"):
        plt.plot(q, np.percentile(part["milliseconds"], q), label=name)
    plt.axhline(limit, color=style.BAD, ls="--", label=f"limit, {limit:g} ms")
    plt.yscale("log")
    plt.xlabel("percentile")
    plt.ylabel("ms")
    plt.legend()
    plt.tight_layout()
    plt.show()


@plots.plot
def by_endpoint(requests):
    """One histogram per endpoint."""
    g = sns.FacetGrid(requests, col="endpoint", hue="endpoint", height=3, sharex=False)
    g.map(plt.hist, "milliseconds", bins=25)
    g.set_titles("{col_name}")
    return g
