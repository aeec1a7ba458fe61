"""A typical first Flask app, with plots of its own. Three lines add plotroute.

flask --app examples/plain_flask/app run
http://localhost:5000/
"""

from io import BytesIO

from flask import Flask, abort, request, send_file, url_for
from matplotlib.figure import Figure

from plotroute import Plots

app = Flask(__name__)
plots = Plots(app)

VALUES = {
    "years": [1950, 1960, 1970, 1980, 1990, 2000, 2010, 2020],
    "population": [2.5, 3.0, 3.7, 4.4, 5.3, 6.1, 7.0, 7.8],  # thousand million people
}


@app.route("/")
def index():
    return f"""<!doctype html>
        <title>Plots</title>
        <img src="/plot.png?x=1,2,3,4&amp;y=100,200,300,400" alt="Numbers of the address">
        <img src="/years/population/plot.png" alt="One series against another">
        <img src="{url_for("plots.population", since=1980)}" alt="Drawn by plotroute">"""


# What has been there all along: a view for each picture, drawn anew for every request.


@app.route("/plot.png")
def numbers():
    try:
        x, y = ([float(number) for number in request.args[name].split(",")] for name in "xy")
        return picture(x, y)
    except ValueError as error:
        abort(400, str(error))


@app.route("/<x_values_source>/<y_values_source>/plot.png")
def two_sources(x_values_source, y_values_source):
    try:
        return picture(VALUES[x_values_source], VALUES[y_values_source])
    except KeyError:
        abort(404)


def picture(x, y):
    figure = Figure()
    figure.subplots().plot(x, y)
    file = BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return send_file(file, mimetype="image/png")


# And a plot function: sizes, formats, typed parameters, a cache and errors that say what is wrong.


@plots.plot(ttl="forever")
def population(ax, since: int = 1950):
    """People on Earth."""
    decades = [(year, people) for year, people in zip(VALUES["years"], VALUES["population"], strict=True)]
    ax.plot(*zip(*[decade for decade in decades if decade[0] >= since], strict=True), marker="o")
    ax.set(ylim=(0, 9), ylabel="thousand million", title="People on Earth")


if __name__ == "__main__":
    app.run()
