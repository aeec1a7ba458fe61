"""The view that everyone copies: Flask, Matplotlib, a BytesIO. What plotroute is measured against."""

import io

import seaborn as sns
from flask import Flask, Response, request
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

app = Flask(__name__)
DATA = load_breast_cancer(as_frame=True).data


@app.route("/line.png")
def line():
    x = [float(value) for value in request.args["x"].split(",")]
    y = [float(value) for value in request.args["y"].split(",")]
    figure = Figure(layout="constrained")
    figure.subplots().plot(x, y)
    return png(figure)


@app.route("/matrix.png")
def matrix():
    figure = Figure(figsize=(10, 8.8), layout="constrained")
    sns.heatmap(DATA.corr(), square=True, ax=figure.subplots())
    return png(figure)


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Response(buffer.getvalue(), mimetype="image/png")
