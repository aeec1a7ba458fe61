"""The plots of the plain view, as a plots file."""

import seaborn as sns
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def cancer():
    return load_breast_cancer(as_frame=True).data


@plots.plot("/line.png", ttl="forever")
def line(x: list[float], y: list[float]):
    figure = Figure(layout="constrained")
    figure.subplots().plot(x, y)
    return figure


@plots.plot("/matrix.png")
def matrix(cancer):
    figure = Figure(figsize=(10, 8.8), layout="constrained")
    sns.heatmap(cancer.corr(), square=True, ax=figure.subplots())
    return figure
