"""A small Flask app: a view, a static file, and the plots in three lines."""

import os
from pathlib import Path

from flask import Flask
from plots import plots

app = Flask(__name__, static_folder=str(Path(os.environ["BENCH_FOLDER"], "static")))
plots.init_app(app)


@app.get("/")
def index() -> str:
    return "hello"
