import matplotlib.pyplot as plt
import style  # noqa: F401
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def predictions():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.4, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x_train, y_train)
    return y_test.to_frame("truth").assign(probability=model.predict_proba(x_test)[:, 1])


@plots.plot
def confusion(predictions, threshold=0.5):
    """What the classifier takes for what."""
    guess = predictions["probability"] >= threshold
    display = ConfusionMatrixDisplay.from_predictions(
        predictions["truth"], guess, display_labels=["malignant", "benign"], cmap="Blues"
    )
    display.ax_.grid(visible=False)
    return display.figure_


@plots.plot
def roc(predictions):
    _, ax = plt.subplots(figsize=(5, 5))
    RocCurveDisplay.from_predictions(
        predictions["truth"], predictions["probability"], ax=ax, plot_chance_level=True
    )
    ax.set_title("ROC")
    plt.show()
    return ax


@plots.plot
def calibration(predictions, bins=8):
    """Do the probabilities mean what they say?"""
    group = predictions.groupby((predictions["probability"] * bins).astype(int).clip(upper=bins - 1))
    mean = group.mean()
    plt.plot([0, 1], [0, 1], ls="--", color="0.6")
    plt.xlabel("predicted")
    plt.ylabel("observed")
    plt.gca().set_aspect("equal")
    return plt.plot(mean["probability"], mean["truth"], marker="o")
