import textwrap

import matplotlib.pyplot as plt
import numpy as np
import style  # noqa: F401
from loading import read

from plotroute import Plots

plots = Plots()

COLORS = ["#ca0020", "#f4a582", "#d9d9d9", "#92c5de", "#0571b0"]


@plots.dataset
def survey():
    return read("survey", index_col="statement")


def wrap(labels, width=26):
    return ["\n".join(textwrap.wrap(label, width)) for label in labels]


@plots.plot
def answers(survey):
    """How 240 people answered six statements."""
    share = survey.div(survey.sum(axis=1), axis=0) * 100
    left = -(share.iloc[:, :2].sum(axis=1) + share.iloc[:, 2] / 2)
    _, ax = plt.subplots(figsize=(9, 5))
    for color, answer in zip(COLORS, share.columns, strict=True):
        ax.barh(wrap(share.index), share[answer], left=left, color=color, label=answer)
        left = left + share[answer]
    ax.axvline(0, color="0.3", lw=0.8)
    ax.set_xlabel("% of answers")
    ax.invert_yaxis()
    ax.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.4, 1.0), fontsize=8)
    plt.tight_layout()
    return ax


@plots.plot
def agreement(survey):
    score = (survey * [-2, -1, 0, 1, 2]).sum(axis=1) / survey.sum(axis=1)
    score = score.sort_values()
    _, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    ax.set_xlim(-2, 2)
    ax.set_title("Mean answer, from -2 to 2")
    return ax.barh(score.index, score, color=np.where(score < 0, COLORS[0], COLORS[-1]))


@plots.plot
def one_statement(survey, number=1):
    """The answers to one statement, as a ring."""
    row = survey.iloc[number - 1]
    plt.figure(figsize=(5, 5))
    plt.title(row.name.replace("$", r"\$"))
    return plt.pie(row, labels=row.index, colors=COLORS, startangle=90, wedgeprops={"width": 0.4})
