"""Plots that meet a theme with colours of their own: hard-coded by their authors, by a library, by a style."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import seaborn as sns
import seaborn.objects as so
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier, plot_tree

from plotroute import Plots

mpl.rcParams["savefig.dpi"] = 50

plots = Plots()
WAVE = np.sin(np.linspace(0, 6, 50))
FRAME = pd.DataFrame({"x": range(12), "y": [3, 1, 2] * 4, "kind": list("abc") * 4})


@plots.plot
def network(ax):
    nx.draw_networkx(nx.petersen_graph(), ax=ax, pos=nx.circular_layout(nx.petersen_graph()))


@plots.plot
def directed_network(ax):
    graph = nx.DiGraph([("one", "two"), ("two", "three"), ("three", "one")])
    places = nx.circular_layout(graph)
    nx.draw_networkx(graph, ax=ax, pos=places, node_color="#ffffff00")
    nx.draw_networkx_edge_labels(graph, places, {("one", "two"): "label"}, ax=ax)


@plots.plot
def table(ax):
    ax.axis("off")
    made = plt.table(
        [["1", "2"], ["3", "4"]], colLabels=["left", "right"], rowLabels=["up", "down"], loc="center"
    )
    made[0, 0].set_facecolor("#1b1f24")
    made[1, 1].set_facecolor("yellow")


@plots.plot
def tree():
    fig, axes = plt.subplots(1, 2, figsize=(8, 4))
    irises = load_iris()
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(irises.data, irises.target)
    plot_tree(model, ax=axes[0])
    plot_tree(model, ax=axes[1], filled=True)
    return fig


@plots.plot
def error_bars(ax):
    ax.errorbar(range(3), [1, 3, 2], yerr=0.4, fmt="o", color="black", ecolor="black", label="black")
    ax.bar(range(3), [1, 3, 2], yerr=0.2, capsize=4, alpha=0.5)
    ax.axhline(1.5, color="k", linestyle="--")
    ax.legend()


@plots.plot
def arrows(ax):
    x, y = np.meshgrid(range(4), range(4))
    made = ax.quiver(x, y, np.cos(x), np.sin(y))
    ax.quiverkey(made, 0.9, 0.9, 1, "key")
    ax.barbs(x + 5, y, 30 * np.cos(x), 40 * np.sin(y))


@plots.plot
def text_boxes(ax):
    ax.plot(WAVE)
    ax.text(5, 0.5, "white box", bbox={"facecolor": "white", "edgecolor": "none"})
    ax.text(5, 0.0, "wheat box", bbox={"boxstyle": "round", "facecolor": "wheat", "alpha": 0.5})
    ax.text(5, -0.5, "black box", color="white", bbox={"facecolor": "black"})
    ax.text(25, 0.5, "black", color="black", rotation=30)
    ax.text(25, 0.0, "navy\nin two lines", color="navy")
    ax.text(25, -0.5, "white", color="white")
    ax.annotate("arrow", (20, 0.1), (35, 0.8), color="0.2", arrowprops={"arrowstyle": "->", "color": "black"})
    fig = ax.figure
    fig.suptitle("dark blue", color="darkblue")
    fig.supxlabel("yellow", color="yellow")


@plots.plot
def heatmap_numbers(ax):
    values = np.arange(25).reshape(5, 5)
    ax.imshow(values, cmap="gray")
    for (row, column), value in np.ndenumerate(values):
        ax.text(column, row, str(value), ha="center", va="center", color="black")


@plots.plot
def colorbars():
    fig, ax = plt.subplots()
    surface = ax.contourf(np.outer(WAVE, WAVE))
    bar = fig.colorbar(surface, label="label of the bar")
    bar.ax.tick_params(labelcolor="black")
    lines = ax.contour(np.outer(WAVE, WAVE), colors="k")
    ax.clabel(lines)
    return fig


@plots.plot
def three_dimensions():
    fig, ax = plt.subplots(subplot_kw={"projection": "3d"})
    ax.plot(WAVE, WAVE, range(50), color="k")
    ax.set(xlabel="x label", ylabel="y label", zlabel="z label", title="title")
    ax.text(0, 0, 25, "in the middle", color="black")
    return fig


@plots.plot
def light_axes():
    fig, ax = plt.subplots()
    ax.set_facecolor("white")
    ax.plot(WAVE, label="a wave")
    ax.text(10, 0, "on white axes")
    ax.legend()
    ax.set_title("outside of the axes")
    return fig


@plots.plot
def light_figure():
    fig, ax = plt.subplots(facecolor="white")
    ax.plot(WAVE, label="a wave")
    ax.set_title("on white")
    ax.legend(facecolor="white")
    return fig


@plots.plot
def dark_figure():
    fig, ax = plt.subplots(facecolor="black")
    ax.set(facecolor="black", title="on black", xlabel="label")
    ax.plot(WAVE)
    return fig


@plots.plot
def outlined(ax):
    ax.imshow(np.outer(WAVE, WAVE), cmap="gray")
    around = [effects.withStroke(linewidth=3, foreground="white")]
    ax.text(20, 20, "outlined", path_effects=around)


@plots.plot
def pie(ax):
    ax.pie([3, 2, 1], labels=["a", "b", "c"], autopct="%d %%", colors=["black", "white", "tab:blue"])


@plots.plot
def pandas_lines(ax):
    pd.plotting.autocorrelation_plot(pd.Series(WAVE), ax=ax)


@plots.plot
def pandas_coordinates(ax):
    pd.plotting.parallel_coordinates(FRAME.assign(z=FRAME["x"] % 4), "kind", ax=ax)


@plots.plot
def objects():
    return so.Plot(FRAME, x="x", y="y", color="kind").add(so.Line()).label(title="title", x="label")


@plots.plot
def objects_compiled():
    made = so.Plot(FRAME, x="x", y="y", color="kind").add(so.Dot()).label(title="title")
    return made.plot()


@plots.plot
def objects_with_a_theme():
    made = so.Plot(FRAME, x="x", y="y", color="kind").facet("kind").add(so.Bar())
    return made.theme(sns.axes_style("ticks")).label(title="{}".format)


@plots.plot
def objects_with_an_axes_color():
    made = so.Plot(FRAME, x="x", y="y", color="kind").add(so.Line()).label(title="title")
    return made.theme({"axes.facecolor": "w"})


@plots.plot
def style_of_seaborn_alone():
    sns.set_style("whitegrid")
    fig, ax = plt.subplots()
    ax.plot(WAVE, label="a wave")
    ax.boxplot([WAVE, WAVE * 2])
    ax.set_title("title")
    ax.legend()
    return fig


def _styled(style: str):
    def plot():
        plt.style.use(style)
        fig, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
        axes[0].plot(WAVE, label="a wave")
        axes[0].set(title="title", xlabel="x label", ylabel="y label")
        axes[0].legend(title="legend")
        axes[0].annotate("a note", (20, 0), (30, 0.7), arrowprops={"arrowstyle": "->"})
        axes[1].bar(["a", "b"], [1, 2])
        axes[1].bar_label(axes[1].containers[0])
        fig.suptitle("of the figure")
        return fig

    plot.__name__ = plot.__qualname__ = "style_" + style.replace("-", "_").lstrip("_")
    return plot


STYLES = ["default", *sorted(name for name in plt.style.library)]
for name in STYLES:
    plots.plot(_styled(name))
