import matplotlib.pyplot as plt
import seaborn as sns
import style  # noqa: F401
from sklearn.datasets import load_iris

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def irises():
    data = load_iris(as_frame=True)
    df = data.data.rename(columns=lambda name: name.replace(" (cm)", ""))
    df["species"] = data.target_names[data.target]
    return df


@plots.plot
def petals(irises):
    """Length and width of petals, by species."""
    return sns.relplot(data=irises, x="petal length", y="petal width", hue="species", style="species")


@plots.plot
def all_pairs(irises, corner=True):
    g = sns.PairGrid(irises, hue="species", corner=corner, height=1.8)
    g.map_lower(sns.scatterplot, s=15)
    g.map_diag(sns.histplot, element="step")
    g.add_legend()
    return g


@plots.plot
def sepals(irises):
    """Sepals: every flower, and the two margins."""
    g = sns.JointGrid(data=irises, x="sepal length", y="sepal width", hue="species", height=5)
    g.plot_joint(sns.scatterplot)
    g.plot_marginals(sns.kdeplot, fill=True)
    return g


@plots.plot
def clusters(irises):
    """Flowers that look alike, next to each other."""
    numbers = irises.drop(columns="species")
    return sns.clustermap(numbers, figsize=(6, 7), cmap="mako", yticklabels=False, cbar_pos=None)


@plots.plot
def heatmap(irises, annot=True):
    plt.figure(figsize=(6, 5))
    ax = sns.heatmap(
        irises.drop(columns="species").corr(), annot=annot, fmt=".2f", cmap="vlag", vmin=-1, vmax=1
    )
    ax.set_title("Correlation")
    plt.tight_layout()
    return ax
