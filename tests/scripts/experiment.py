import matplotlib.pyplot as plt
import numpy as np
import style
from loading import read

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def experiment():
    df = read("experiment")
    df["rate"] = df["conversions"] / df["visitors"]
    df["error"] = 1.96 * np.sqrt(df["rate"] * (1 - df["rate"]) / df["visitors"])
    return df


@plots.plot
def conversion(experiment):
    """Conversion rate of every variant."""
    _, ax = plt.subplots(figsize=(6, 4))
    base = experiment["rate"].iloc[0]
    ax.axhline(base, ls=":", color="0.4")
    ax.yaxis.set_major_formatter("{x:.1%}")
    ax.set_ylabel("conversion rate")
    ax.set_title("Conversion, with 95% intervals")
    bars = ax.bar(
        experiment["variant"],
        experiment["rate"],
        yerr=experiment["error"],
        capsize=4,
        color=[style.GOOD if r >= base else style.BAD for r in experiment["rate"]],
    )
    ax.bar_label(bars, fmt="{:.1%}", label_type="center", color="white")
    plt.tight_layout()
    return bars


@plots.plot
def uplift(experiment, confidence=1.96):
    d = experiment.iloc[1:]
    base = experiment.iloc[0]
    plt.figure(figsize=(6.5, 3), dpi=150)
    plt.axvline(0, color="0.4", lw=1)
    plt.xlabel("difference to control (percentage points)")
    plt.margins(y=0.3)
    result = plt.errorbar(
        (d["rate"] - base["rate"]) * 100,
        d["variant"],
        xerr=confidence * np.hypot(d["error"], base["error"]) / 1.96 * 100,
        fmt="o",
        capsize=4,
    )
    plt.tight_layout()
    return result


@plots.plot
def posterior(experiment, samples=20000):
    """What the conversion rates are likely to be."""
    rng = np.random.default_rng(42)
    for row in experiment.itertuples():
        draws = rng.beta(1 + row.conversions, 1 + row.visitors - row.conversions, samples)
        plt.hist(draws * 100, bins=80, density=True, histtype="stepfilled", alpha=0.5, label=row.variant)
    plt.xlabel("conversion rate (%)")
    plt.yticks([])
    plt.legend()
    plt.show()
