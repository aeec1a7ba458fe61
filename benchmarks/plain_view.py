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
    return picture(draw_line(x, y, int(request.args.get("vary", 0))), format)


@app.route("/matrix.<format>")
def matrix(format):
    return picture(draw_matrix(DATA, int(request.args.get("vary", 0))), format)


def draw_line(x, y, vary):
    figure = Figure(layout="constrained")
    ax = figure.subplots()
    ax.plot(x, [value * (1 + vary / 7) for value in y])
    if vary:
        ax.set(title=f"Run {vary}", xlabel=f"hours of day {vary}")
    return figure


def draw_matrix(data, vary):
    if vary:
        data = data.sample(frac=0.9, random_state=vary).rename(columns=lambda name: f"{name} {vary}")
    figure = Figure(figsize=(10, 8.8), layout="constrained")
    sns.heatmap(data.corr(), square=True, ax=figure.subplots())
    return figure


def picture(figure, format):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format)
    mimetype = {"png": "image/png", "svg": "image/svg+xml"}[format]
    return Response(buffer.getvalue(), mimetype=mimetype)
