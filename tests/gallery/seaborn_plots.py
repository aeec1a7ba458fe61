"""Plots in the likeness of seaborn's 49 gallery examples, smaller: each sets its theme itself.

Their names are those of the examples. Data is made up: the examples load theirs from the network.
"""

from __future__ import annotations

from string import ascii_uppercase

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from gallery import datasets as data
from plotroute import Plots

# Enough to tell what is behind a text, and a quarter of the pixels of the usual 100.
mpl.rcParams["savefig.dpi"] = 50

plots = Plots()
rng = np.random.default_rng


@plots.plot
def anscombes_quartet():
    sns.set_theme(style="ticks")
    look = {"s": 50, "alpha": 1}
    return sns.lmplot(
        data=data.anscombe(), x="x", y="y", col="dataset", hue="dataset", col_wrap=2, palette="muted",
        ci=None, height=2.5, scatter_kws=look,
    )  # fmt: skip


@plots.plot
def different_scatter_variables():
    sns.set_theme(style="whitegrid")
    fig, ax = plt.subplots(figsize=(5, 5))
    sns.despine(fig, left=True, bottom=True)
    return sns.scatterplot(
        data=data.diamonds(), x="carat", y="price", hue="clarity", size="depth",
        palette="ch:r=-.2,d=.3_r", sizes=(1, 8), linewidth=0, ax=ax,
    )  # fmt: skip


@plots.plot
def errorband_lineplots():
    sns.set_theme(style="darkgrid")
    frame = data.fmri()
    return sns.lineplot(data=frame, x="timepoint", y="signal", hue="region", style="event", errorbar="sd")


@plots.plot
def faceted_histogram():
    sns.set_theme(style="darkgrid")
    return sns.displot(
        data.penguins(), x="flipper_length_mm", col="species", row="sex", binwidth=6, height=2,
        facet_kws={"margin_titles": True},
    )  # fmt: skip


@plots.plot
def faceted_lineplot():
    sns.set_theme(style="ticks")
    return sns.relplot(
        data=data.dots(), x="time", y="firing_rate", hue="coherence", size="choice", col="align",
        kind="line", size_order=["T1", "T2"], palette="rocket_r", height=3, aspect=0.75, errorbar=None,
        facet_kws={"sharex": False},
    )  # fmt: skip


@plots.plot
def grouped_barplot():
    sns.set_theme(style="whitegrid")
    grid = sns.catplot(
        data=data.penguins(), kind="bar", x="species", y="body_mass_g", hue="sex", errorbar="sd",
        palette="dark", alpha=0.6, height=4,
    )  # fmt: skip
    grid.despine(left=True)
    grid.set_axis_labels("", "Body mass (g)")
    grid.legend.set_title("")
    return grid


@plots.plot
def grouped_boxplot():
    sns.set_theme(style="ticks", palette="pastel")
    axes = sns.boxplot(data=data.tips(), x="day", y="total_bill", hue="smoker", palette=["m", "g"])
    sns.despine(offset=10, trim=True)
    return axes


@plots.plot
def grouped_violinplots():
    sns.set_theme(style="dark")
    return sns.violinplot(
        data=data.tips(), x="day", y="total_bill", hue="smoker", split=True, inner="quart", fill=False,
        palette={"Yes": "g", "No": ".35"},
    )  # fmt: skip


@plots.plot
def heat_scatter():
    sns.set_theme(style="whitegrid")
    frame = data.brain_networks()
    frame.columns = frame.columns.map("-".join)
    pairs = frame.corr().stack().reset_index(name="correlation")
    grid = sns.relplot(
        data=pairs, x="level_0", y="level_1", hue="correlation", size="correlation", palette="vlag",
        hue_norm=(-1, 1), edgecolor=".7", height=5, sizes=(20, 90), size_norm=(-0.2, 0.8),
    )  # fmt: skip
    grid.set(xlabel="", ylabel="", aspect="equal")
    grid.despine(left=True, bottom=True)
    for label in grid.ax.get_xticklabels():
        label.set_rotation(90)
    return grid


@plots.plot
def hexbin_marginals():
    sns.set_theme(style="ticks")
    x = rng(11).gamma(2, size=500)
    return sns.jointplot(x=x, y=-0.5 * x + rng(1).normal(size=500), kind="hex", color="#4CB391", height=4)


@plots.plot
def histogram_stacked():
    sns.set_theme(style="ticks")
    fig, ax = plt.subplots(figsize=(6, 4))
    sns.despine(fig)
    sns.histplot(
        data.diamonds(), x="price", hue="cut", multiple="stack", palette="light:m_r", edgecolor=".3",
        linewidth=0.5, log_scale=True, ax=ax,
    )  # fmt: skip
    ax.xaxis.set_major_formatter(mpl.ticker.ScalarFormatter())
    ax.set_xticks([500, 1000, 2000, 5000, 10000])
    return fig


@plots.plot
def horizontal_boxplot():
    sns.set_theme(style="ticks")
    fig, ax = plt.subplots(figsize=(6, 4))
    ax.set_xscale("log")
    frame = data.planets()
    sns.boxplot(
        frame, x="distance", y="method", hue="method", whis=[0, 100], width=0.6, palette="vlag", ax=ax
    )
    sns.stripplot(frame, x="distance", y="method", size=4, color=".3", ax=ax)
    ax.xaxis.grid(True)
    ax.set(ylabel="")
    sns.despine(trim=True, left=True)
    return fig


@plots.plot
def jitter_stripplot():
    sns.set_theme(style="whitegrid")
    frame = data.iris().melt(id_vars="species", var_name="measurement")
    look = {"x": "value", "y": "measurement", "hue": "species"}
    _, ax = plt.subplots()
    sns.despine(bottom=True, left=True)
    sns.stripplot(data=frame, **look, dodge=True, alpha=0.25, zorder=1, legend=False, ax=ax)
    sns.pointplot(
        data=frame, **look, dodge=0.53, palette="dark", errorbar=None, markers="d", markersize=4,
        linestyle="none", ax=ax,
    )  # fmt: skip
    sns.move_legend(ax, loc="lower right", ncol=3, frameon=True, columnspacing=1, handletextpad=0)
    return ax


@plots.plot
def joint_histogram():
    sns.set_theme(style="ticks")
    grid = sns.JointGrid(data=data.planets(), x="year", y="distance", marginal_ticks=True, height=4)
    grid.ax_joint.set(yscale="log")
    bar = grid.figure.add_axes((0.15, 0.55, 0.02, 0.2))
    grid.plot_joint(
        sns.histplot, discrete=(True, False), cmap="light:#03012d", pmax=0.8, cbar=True, cbar_ax=bar
    )
    grid.plot_marginals(sns.histplot, element="step", color="#03012d")
    return grid


@plots.plot
def joint_kde():
    sns.set_theme(style="ticks")
    look = {"x": "bill_length_mm", "y": "bill_depth_mm", "hue": "species"}
    return sns.jointplot(data=data.penguins(), **look, kind="kde", height=4)


@plots.plot
def kde_ridgeplot():
    sns.set_theme(style="white", rc={"axes.facecolor": (0, 0, 0, 0)})
    names = np.tile(list("ABCD"), 50)
    frame = pd.DataFrame({"x": rng(5).normal(size=200) + np.array([ord(name) for name in names]), "g": names})
    colors = sns.cubehelix_palette(4, rot=-0.25, light=0.7)
    grid = sns.FacetGrid(frame, row="g", hue="g", aspect=10, height=0.6, palette=colors)
    grid.map(sns.kdeplot, "x", bw_adjust=0.5, clip_on=False, fill=True, alpha=1, linewidth=1.5)
    grid.map(sns.kdeplot, "x", clip_on=False, color="w", lw=2, bw_adjust=0.5)
    grid.refline(y=0, linewidth=2, linestyle="-", color=None, clip_on=False)

    def label(x, color, label):
        ax = plt.gca()
        ax.text(0, 0.2, label, fontweight="bold", color=color, va="center", transform=ax.transAxes)

    grid.map(label, "x")
    grid.figure.subplots_adjust(hspace=-0.25)
    grid.set_titles("")
    grid.set(yticks=[], ylabel="")
    grid.despine(bottom=True, left=True)
    return grid


@plots.plot
def large_distributions():
    sns.set_theme(style="whitegrid")
    return sns.boxenplot(data.diamonds(), x="clarity", y="carat", color="b", width_method="linear")


@plots.plot
def layered_bivariate_plot():
    sns.set_theme(style="dark")
    x, y = rng(0).multivariate_normal([0, 0], [(2, 0.4), (0.4, 0.2)], 500).T
    fig, ax = plt.subplots(figsize=(5, 5))
    sns.scatterplot(x=x, y=y, s=5, color=".15", ax=ax)
    sns.histplot(x=x, y=y, bins=25, pthresh=0.1, cmap="mako", ax=ax)
    sns.kdeplot(x=x, y=y, levels=5, color="w", linewidths=1, ax=ax)
    return fig


@plots.plot
def logistic_regression():
    sns.set_theme(style="darkgrid")
    colors = {"male": "#6495ED", "female": "#F08080"}
    grid = sns.lmplot(
        x="age", y="survived", col="sex", hue="sex", data=data.titanic(), palette=colors, y_jitter=0.02,
        truncate=False, ci=None, height=3,
    )  # fmt: skip
    return grid.set(xlim=(0, 80), ylim=(-0.05, 1.05))


@plots.plot
def many_facets():
    sns.set_theme(style="ticks")
    steps = rng(4).integers(-1, 2, (8, 5)).cumsum(axis=1)
    walks = pd.DataFrame(
        {"position": steps.ravel(), "step": np.tile(range(5), 8), "walk": np.repeat(range(8), 5)}
    )
    grid = sns.FacetGrid(walks, col="walk", hue="walk", palette="tab20c", col_wrap=4, height=1.5)
    grid.refline(y=0, linestyle=":")
    grid.map(plt.plot, "step", "position", marker="o")
    grid.set(xticks=np.arange(5), yticks=[-3, 3], xlim=(-0.5, 4.5), ylim=(-3.5, 3.5))
    grid.figure.tight_layout(w_pad=1)
    return grid


@plots.plot
def many_pairwise_correlations():
    sns.set_theme(style="white")
    frame = pd.DataFrame(rng(33).normal(size=(100, 12)), columns=list(ascii_uppercase[:12]))
    mask = np.triu(np.ones((12, 12), dtype=bool))
    return sns.heatmap(
        frame.corr(), mask=mask, cmap=sns.diverging_palette(230, 20, as_cmap=True), vmax=0.3, center=0,
        square=True, linewidths=0.5, cbar_kws={"shrink": 0.5},
    )  # fmt: skip


@plots.plot
def marginal_ticks():
    sns.set_theme(style="white", color_codes=True)
    frame = data.mpg()
    grid = sns.JointGrid(data=frame, x="mpg", y="acceleration", space=0, ratio=17, height=4)
    grid.plot_joint(
        sns.scatterplot, size=frame["horsepower"], sizes=(30, 120), color="g", alpha=0.6, legend=False
    )
    grid.plot_marginals(sns.rugplot, height=1, color="g", alpha=0.6)
    return grid


@plots.plot
def multiple_bivariate_kde():
    sns.set_theme(style="darkgrid")
    _, ax = plt.subplots(figsize=(5, 5))
    ax.set_aspect("equal")
    frame = data.iris().query("species != 'versicolor'")
    return sns.kdeplot(data=frame, x="sepal_width", y="sepal_length", hue="species", thresh=0.1, ax=ax)


@plots.plot
def multiple_conditional_kde():
    sns.set_theme(style="whitegrid")
    return sns.displot(
        data=data.diamonds(), x="carat", hue="cut", kind="kde", height=4, multiple="fill",
        clip=(0, None), palette="ch:rot=-.25,hue=1,light=.75",
    )  # fmt: skip


@plots.plot
def multiple_ecdf():
    sns.set_theme(style="ticks")
    colors = sns.blend_palette([(250, 70, 50), (350, 70, 50)], input="husl", as_cmap=True)
    return sns.displot(
        data.mpg(), x="displacement", col="origin", hue="model_year", kind="ecdf", aspect=0.75,
        linewidth=2, palette=colors, height=2.5,
    )  # fmt: skip


@plots.plot
def multiple_regression():
    sns.set_theme()
    grid = sns.lmplot(
        data=data.penguins(), x="bill_length_mm", y="bill_depth_mm", hue="species", height=4, n_boot=20
    )
    return grid.set_axis_labels("Snoot length (mm)", "Snoot depth (mm)")


@plots.plot
def pair_grid_with_kde():
    sns.set_theme(style="white")
    frame = data.penguins()[["bill_length_mm", "bill_depth_mm"]]
    grid = sns.PairGrid(frame, diag_sharey=False)
    grid.map_upper(sns.scatterplot, s=15)
    grid.map_lower(sns.kdeplot)
    return grid.map_diag(sns.kdeplot, lw=2)


@plots.plot
def paired_pointplots():
    sns.set_theme(style="whitegrid")
    columns = ["class", "sex", "alone"]
    grid = sns.PairGrid(data.titanic(), y_vars="survived", x_vars=columns, height=3, aspect=0.5)
    grid.map(sns.pointplot, color="xkcd:plum", n_boot=20)
    grid.set(ylim=(0, 1))
    sns.despine(fig=grid.figure, left=True)
    return grid


@plots.plot
def pairgrid_dotplot():
    sns.set_theme(style="whitegrid")
    frame = data.car_crashes()
    grid = sns.PairGrid(frame, x_vars=list(frame.columns[:-1]), y_vars=["abbrev"], height=4, aspect=0.4)
    grid.map(sns.stripplot, size=8, orient="h", jitter=False, color="purple", linewidth=1, edgecolor="w")
    grid.set(xlim=(0, 25), xlabel="Crashes", ylabel="")
    for ax, title in zip(grid.axes.flat, ["Total", "Speeding", "Alcohol"], strict=True):
        ax.set(title=title)
        ax.xaxis.grid(False)
        ax.yaxis.grid(True)
    sns.despine(left=True, bottom=True)
    return grid


@plots.plot
def palette_choices():
    sns.set_theme(style="white", context="talk")
    fig, axes = plt.subplots(3, 1, figsize=(7, 5), sharex=True)
    x, y = np.array(list("ABCDEFGHIJ")), np.arange(1, 11)
    kinds = (("Sequential", "rocket", y), ("Diverging", "vlag", y - 5.5), ("Qualitative", "deep", y[::-1]))
    for ax, (name, palette, values) in zip(axes, kinds, strict=True):
        sns.barplot(x=x, y=values, hue=x, palette=palette, ax=ax)
        ax.axhline(0, color="k", clip_on=False)
        ax.set_ylabel(name)
    sns.despine(bottom=True)
    plt.setp(fig.axes, yticks=[])
    plt.tight_layout(h_pad=2)
    return fig


@plots.plot
def palette_generation():
    sns.set_theme(style="white")
    fig, axes = plt.subplots(1, 3, figsize=(6, 2), sharex=True, sharey=True)
    for ax, start in zip(axes.flat, np.linspace(0, 3, 3), strict=True):
        x, y = rng(50).normal(size=(2, 50))
        colors = sns.cubehelix_palette(start=start, light=1, as_cmap=True)
        sns.kdeplot(x=x, y=y, cmap=colors, fill=True, clip=(-5, 5), cut=10, thresh=0, levels=8, ax=ax)
        ax.set_axis_off()
    fig.subplots_adjust(0, 0, 1, 1, 0.08, 0.08)
    return fig


@plots.plot
def part_whole_bars():
    sns.set_theme(style="whitegrid")
    _, ax = plt.subplots(figsize=(5, 6))
    frame = data.car_crashes()
    sns.set_color_codes("pastel")
    sns.barplot(x="total", y="abbrev", data=frame, label="Total", color="b", ax=ax)
    sns.set_color_codes("muted")
    sns.barplot(x="alcohol", y="abbrev", data=frame, label="Alcohol-involved", color="b", ax=ax)
    ax.legend(ncol=2, loc="lower right", frameon=True)
    ax.set(xlim=(0, 24), ylabel="", xlabel="Automobile collisions per billion miles")
    sns.despine(left=True, bottom=True)
    return ax


@plots.plot
def pointplot_anova():
    sns.set_theme(style="whitegrid")
    grid = sns.catplot(
        data=data.exercise(), x="time", y="pulse", hue="kind", col="diet", capsize=0.2, palette="YlGnBu_d",
        errorbar="se", kind="point", height=4, aspect=0.75,
    )  # fmt: skip
    grid.despine(left=True)
    return grid


@plots.plot
def radial_facets():
    sns.set_theme()
    r = np.linspace(0, 10, num=60)
    frame = pd.melt(
        pd.DataFrame({"r": r, "slow": r, "fast": 4 * r}), id_vars=["r"], var_name="speed", value_name="theta"
    )
    grid = sns.FacetGrid(
        frame, col="speed", hue="speed", subplot_kws={"projection": "polar"}, height=3, sharex=False,
        sharey=False, despine=False,
    )  # fmt: skip
    return grid.map(sns.scatterplot, "theta", "r")


@plots.plot
def regression_marginals():
    sns.set_theme(style="darkgrid")
    return sns.jointplot(
        x="total_bill", y="tip", data=data.tips(), kind="reg", truncate=False, xlim=(0, 60), ylim=(0, 12),
        color="m", height=4, joint_kws={"n_boot": 20},
    )  # fmt: skip


@plots.plot
def residplot():
    sns.set_theme(style="whitegrid")
    x = rng(7).normal(2, 1, 75)
    return sns.residplot(x=x, y=2 + 1.5 * x + rng(8).normal(0, 2, 75), color="g")


@plots.plot
def scatter_bubbles():
    sns.set_theme(style="white")
    return sns.relplot(
        data=data.mpg(), x="horsepower", y="mpg", hue="origin", size="weight", sizes=(40, 400), alpha=0.5,
        palette="muted", height=4,
    )  # fmt: skip


@plots.plot
def scatterplot_categorical():
    sns.set_theme(style="whitegrid", palette="muted")
    ax = sns.swarmplot(data=data.penguins(), x="body_mass_g", y="sex", hue="species", size=3)
    ax.set(ylabel="")
    return ax


@plots.plot
def scatterplot_matrix():
    sns.set_theme(style="ticks")
    columns = ["bill_length_mm", "bill_depth_mm", "species"]
    return sns.pairplot(data.penguins()[columns], hue="species")


@plots.plot
def scatterplot_sizes():
    sns.set_theme(style="whitegrid")
    grid = sns.relplot(
        data=data.planets(), x="distance", y="orbital_period", hue="year", size="mass",
        palette=sns.cubehelix_palette(rot=-0.2, as_cmap=True), sizes=(10, 200), height=4,
    )  # fmt: skip
    grid.set(xscale="log", yscale="log")
    grid.ax.xaxis.grid(True, "minor", linewidth=0.25)
    grid.despine(left=True, bottom=True)
    return grid


@plots.plot
def simple_violinplots():
    sns.set_theme()
    frame = data.seaice()
    frame["Decade"] = frame["Date"].dt.year.round(-1)
    return sns.violinplot(frame, x="Extent", y="Decade", orient="y", fill=False)


@plots.plot
def smooth_bivariate_kde():
    sns.set_theme(style="white")
    grid = sns.JointGrid(data=data.penguins(), x="body_mass_g", y="bill_depth_mm", space=0, height=4)
    limits = ((2200, 6800), (10, 25))
    grid.plot_joint(sns.kdeplot, fill=True, clip=limits, thresh=0, levels=20, cmap="rocket")
    grid.plot_marginals(sns.histplot, color="#03051A", alpha=1, bins=25)
    return grid


@plots.plot
def spreadsheet_heatmap():
    sns.set_theme()
    table = data.flights().pivot(index="month", columns="year", values="passengers")
    _, ax = plt.subplots(figsize=(8, 5))
    return sns.heatmap(table, annot=True, fmt="d", linewidths=0.5, ax=ax)


@plots.plot
def strip_regplot():
    sns.set_theme()
    look = {"data": data.mpg(), "x": "cylinders", "y": "acceleration"}
    grid = sns.catplot(**look, hue="weight", native_scale=True, zorder=1, height=4)
    sns.regplot(**look, scatter=False, truncate=False, order=2, color=".2", n_boot=20, ax=grid.ax)
    return grid


@plots.plot
def structured_heatmap():
    sns.set_theme()
    frame = data.brain_networks()
    networks = frame.columns.get_level_values("network")
    colors = dict(zip(["1", "5", "6", "7"], sns.husl_palette(4, s=0.45), strict=True))
    sides = pd.Series(networks, index=frame.columns).map(colors)
    grid = sns.clustermap(
        frame.corr(), center=0, cmap="vlag", row_colors=sides, col_colors=sides,
        dendrogram_ratio=(0.1, 0.2), cbar_pos=(0.02, 0.32, 0.03, 0.2), linewidths=0.75, figsize=(6, 6),
    )  # fmt: skip
    grid.ax_row_dendrogram.remove()
    return grid


@plots.plot
def three_variable_histogram():
    sns.set_theme(style="dark")
    return sns.displot(
        data=data.diamonds(), x="price", y="color", col="cut", log_scale=(True, False), col_wrap=3,
        height=2, aspect=0.8,
    )  # fmt: skip


@plots.plot
def timeseries_facets():
    sns.set_theme(style="dark")
    frame = data.flights().query("year < 1953")
    look = {"data": frame, "x": "month", "y": "passengers"}
    grid = sns.relplot(
        **look, col="year", hue="year", kind="line", palette="crest", linewidth=4, zorder=5, col_wrap=2,
        height=2, aspect=1.5, legend=False,
    )  # fmt: skip
    for year, ax in grid.axes_dict.items():
        ax.text(0.8, 0.85, year, transform=ax.transAxes, fontweight="bold")
        sns.lineplot(**look, units="year", estimator=None, color=".7", linewidth=1, ax=ax)
        ax.set_xticks(ax.get_xticks()[::2])
    grid.set_titles("")
    grid.set_axis_labels("", "Passengers")
    grid.tight_layout()
    return grid


@plots.plot
def wide_data_lineplot():
    sns.set_theme(style="whitegrid")
    dates = pd.date_range("2016-01-01", periods=365, freq="D")
    frame = pd.DataFrame(rng(365).normal(size=(365, 4)).cumsum(axis=0), dates, columns=list("ABCD"))
    return sns.lineplot(data=frame.rolling(7).mean(), palette="tab10", linewidth=2.5)


@plots.plot
def wide_form_violinplot():
    sns.set_theme(style="whitegrid")
    frame = data.brain_networks().corr().groupby(level="network").mean()
    frame.index = frame.index.astype(int)
    _, ax = plt.subplots(figsize=(6, 4))
    sns.violinplot(data=frame.sort_index().T, bw_adjust=0.5, cut=1, linewidth=1, palette="Set3", ax=ax)
    ax.set(ylim=(-0.7, 1.05))
    sns.despine(left=True, bottom=True)
    return ax
