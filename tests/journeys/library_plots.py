"""What libraries hand back when they have drawn, as plots: displays, grids, axes, dicts, tuples, nothing.

A function of this file returns what its library does. `on_axes` makes a second plot of those that take axes.
"""

import matplotlib.pyplot as plt
import missingno
import mplfinance
import networkx
import numpy as np
import pandas as pd
import scipy.cluster.hierarchy
import scipy.spatial
import scipy.stats
import shap
import statsmodels.api as sm
import xarray as xr
from geopandas import GeoDataFrame, GeoSeries
from shapely.geometry import Point, box
from sklearn import calibration, inspection, metrics, model_selection, tree

from plotroute import Plots

# Small, because there are many.
plt.rcParams.update({"figure.dpi": 50, "figure.figsize": (4, 3)})
plots = Plots()

GENERATOR = np.random.default_rng(1)
VALUES = GENERATOR.normal(size=60)
TABLE = GENERATOR.normal(size=(60, 3))
CLASSES = (TABLE[:, 0] + 0.4 * VALUES > 0).astype(int)
SCORES = 1 / (1 + np.exp(-TABLE[:, 0]))
TREE = tree.DecisionTreeClassifier(max_depth=2, random_state=0).fit(TABLE, CLASSES)
FLAT_TREE = tree.DecisionTreeClassifier(max_depth=2, random_state=0).fit(TABLE[:, :2], CLASSES)
FIT = sm.OLS(VALUES, sm.add_constant(TABLE)).fit()
MONTHLY = pd.Series(
    10 + np.arange(48) / 5 + np.tile(VALUES[:12], 4), index=pd.date_range("2020-01-01", periods=48, freq="MS")
)
FIELD = xr.DataArray(
    GENERATOR.normal(size=(2, 5, 6)), dims=("time", "y", "x"), coords={"time": [1, 2]}, name="field"
)
AREAS = GeoDataFrame({"people": [3, 1, 2], "geometry": [box(0, 0, 2, 1), box(2, 0, 3, 1), box(0, 1, 3, 2)]})
PLACES = GeoSeries([Point(0.5, 0.5), Point(2.5, 1.5)])
GRAPH = networkx.karate_club_graph()
PLACED = networkx.circular_layout(GRAPH)
PRICES = pd.DataFrame(
    {"Open": 100 + VALUES, "High": 103 + VALUES, "Low": 98 + VALUES, "Close": 101 + np.roll(VALUES, 1)},
    index=pd.date_range("2024-01-01", periods=60, freq="D"),
)
GAPS = pd.DataFrame(np.where(TABLE > 1, np.nan, TABLE), columns=list("abc"))
EXPLAINED = shap.Explanation(
    TABLE, base_values=np.full(60, 0.2), data=TABLE, feature_names=["age", "height", "weight"]
)
POINTS = TABLE[:12, :2]


def on_axes(function):
    """Register `function` as a plot that makes its figure, and as one that is given axes."""
    plots.plot(function.__name__)(lambda: function(None))
    plots.registry.plots[-1].function.__name__ = function.__name__

    def given(ax):
        return function(ax)

    given.__name__ = f"{function.__name__}_on_axes"
    return plots.plot(given.__name__)(given)


# --- scikit-learn ----------------------------------------------------------------------------------------


@on_axes
def confusion_matrix(ax):
    return metrics.ConfusionMatrixDisplay.from_predictions(CLASSES, SCORES > 0.5, ax=ax)


@on_axes
def roc_curve(ax):
    return metrics.RocCurveDisplay.from_predictions(CLASSES, SCORES, ax=ax)


@on_axes
def precision_recall(ax):
    return metrics.PrecisionRecallDisplay.from_predictions(CLASSES, SCORES, ax=ax)


@on_axes
def detection_error(ax):
    return metrics.DetCurveDisplay.from_predictions(CLASSES, SCORES, ax=ax)


@on_axes
def prediction_error(ax):
    return metrics.PredictionErrorDisplay.from_predictions(VALUES, VALUES / 2, ax=ax, random_state=0)


@on_axes
def calibration_curve(ax):
    return calibration.CalibrationDisplay.from_predictions(CLASSES, SCORES, ax=ax)


@on_axes
def learning_curve(ax):
    sizes, folds = np.array([10, 20, 40]), VALUES[:12].reshape(3, 4)
    return model_selection.LearningCurveDisplay(
        train_sizes=sizes, train_scores=folds, test_scores=folds / 2
    ).plot(ax=ax)


@on_axes
def decision_boundary(ax):
    return inspection.DecisionBoundaryDisplay.from_estimator(
        FLAT_TREE, TABLE[:, :2], ax=ax, grid_resolution=20
    )


@on_axes
def partial_dependence(ax):
    return inspection.PartialDependenceDisplay.from_estimator(TREE, TABLE, [0, 1], ax=ax, grid_resolution=9)


@on_axes
def decision_tree(ax):
    return tree.plot_tree(TREE, ax=ax)


@plots.plot("display_not_drawn")
def display_not_drawn():
    return metrics.ConfusionMatrixDisplay(np.eye(2))


@plots.plot("estimator")
def estimator():
    return TREE


# --- statsmodels -----------------------------------------------------------------------------------------


@on_axes
def autocorrelation(ax):
    return sm.graphics.tsa.plot_acf(VALUES, ax=ax)


@on_axes
def partial_autocorrelation(ax):
    return sm.graphics.tsa.plot_pacf(VALUES, ax=ax)


@on_axes
def quantiles(ax):
    return sm.qqplot(VALUES, line="45", ax=ax)


@on_axes
def fitted(ax):
    return sm.graphics.plot_fit(FIT, 1, ax=ax)


@on_axes
def months(ax):
    return sm.graphics.tsa.month_plot(MONTHLY, ax=ax)


@plots.plot("decomposition")
def decomposition():
    return sm.tsa.seasonal_decompose(MONTHLY).plot()


@plots.plot("summary")
def summary():
    return FIT.summary()


# --- xarray ----------------------------------------------------------------------------------------------


@on_axes
def field(ax):
    return FIELD[0].plot(ax=ax)


@on_axes
def field_lines(ax):
    return FIELD[0].plot.line(x="x", ax=ax)


@on_axes
def field_histogram(ax):
    return FIELD.plot.hist(ax=ax)


@plots.plot("field_facets")
def field_facets():
    return FIELD.plot(col="time")


@plots.plot("field_itself")
def field_itself():
    return FIELD


# --- geopandas -------------------------------------------------------------------------------------------


@on_axes
def areas(ax):
    return AREAS.plot("people", legend=True, ax=ax)


@on_axes
def boundaries(ax):
    return AREAS.boundary.plot(ax=ax)


@on_axes
def places(ax):
    return PLACES.plot(ax=ax)


@plots.plot("areas_themselves")
def areas_themselves():
    return AREAS


# --- networkx --------------------------------------------------------------------------------------------


@on_axes
def graph(ax):
    return networkx.draw(GRAPH, PLACED, ax=ax)


@on_axes
def nodes(ax):
    return networkx.draw_networkx_nodes(GRAPH, PLACED, ax=ax)


@on_axes
def labels(ax):
    return networkx.draw_networkx_labels(GRAPH, PLACED, ax=ax)


@plots.plot("graph_itself")
def graph_itself():
    return GRAPH


# --- mplfinance ------------------------------------------------------------------------------------------


@plots.plot("candles")
def candles():
    return mplfinance.plot(PRICES, type="candle", returnfig=True)


@plots.plot("candles_on_axes")
def candles_on_axes(ax):
    return mplfinance.plot(PRICES, type="candle", ax=ax)


@plots.plot("candles_shown")
def candles_shown():
    return mplfinance.plot(PRICES, type="line")


# --- shap ------------------------------------------------------------------------------------------------


@on_axes
def importance(ax):
    return shap.plots.bar(EXPLAINED, ax=ax, show=False)


@plots.plot("beeswarm")
def beeswarm():
    np.random.seed(3)
    return shap.plots.beeswarm(EXPLAINED, show=False)


@plots.plot("waterfall")
def waterfall():
    return shap.plots.waterfall(EXPLAINED[0], show=False)


@plots.plot("force")
def force():
    return shap.plots.force(0.2, TABLE[0], TABLE[0], matplotlib=True, show=False)


@plots.plot("force_page")
def force_page():
    return shap.plots.force(0.2, TABLE[0], TABLE[0])


# --- missingno -------------------------------------------------------------------------------------------


@on_axes
def gaps(ax):
    return missingno.matrix(GAPS, ax=ax, sparkline=False, figsize=(4, 3))


@on_axes
def gap_counts(ax):
    return missingno.bar(GAPS, ax=ax, figsize=(4, 3))


@on_axes
def gap_tree(ax):
    return missingno.dendrogram(GAPS, ax=ax, figsize=(4, 3))


# --- scipy -----------------------------------------------------------------------------------------------


@on_axes
def cluster_tree(ax):
    return scipy.cluster.hierarchy.dendrogram(scipy.cluster.hierarchy.linkage(POINTS), ax=ax)


@on_axes
def probabilities(ax):
    return scipy.stats.probplot(VALUES, plot=ax or plt)


@on_axes
def cells(ax):
    return scipy.spatial.voronoi_plot_2d(scipy.spatial.Voronoi(POINTS), ax=ax)


@on_axes
def triangles(ax):
    return scipy.spatial.delaunay_plot_2d(scipy.spatial.Delaunay(POINTS), ax=ax)
