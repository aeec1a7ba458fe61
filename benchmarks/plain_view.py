"""The view that everyone copies: Flask, Matplotlib, a BytesIO. What plotroute is measured against."""

import io

import seaborn as sns
from flask import Flask, Response, request
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

app = Flask(__name__)
DATA = load_breast_cancer(as_frame=True).data


@app.route("/line.<format>")
def line(format):
    x = [float(value) for value in request.args["x"].split(",")]
    y = [float(value) for value in request.args["y"].split(",")]
    figure = Figure(layout="constrained")
    figure.subplots().plot(x, y)
    return picture(figure, format)


@app.route("/matrix.<format>")
def matrix(format):
    figure = Figure(figsize=(10, 8.8), layout="constrained")
    sns.heatmap(DATA.corr(), square=True, ax=figure.subplots())
    return picture(figure, format)


def picture(figure, format):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format)
    mimetype = {"png": "image/png", "svg": "image/svg+xml"}[format]
    return Response(buffer.getvalue(), mimetype=mimetype)
