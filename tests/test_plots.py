"""The author's door: decorators, and the same pictures and addresses in a notebook or a test."""

import os
import random
import sys
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from plotroute import Image, Plots
from plotroute.catalog import loader
from plotroute.errors import (
    BadRegistration,
    CannotDraw,
    DatasetUnavailable,
    InvalidParameters,
    PlotFailed,
    Unauthorized,
    UnknownFormat,
    UnknownPlot,
)
from plotroute.pipeline import IncomingRequest

PLOTS = """
import random
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Literal

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field
from plotroute import CannotDraw, Picture, Plots, TimeRange

plots = Plots()

class Color(Enum):
    RED = "red"
    BLUE = "blue"

@plots.dataset(ttl="forever")
def numbers():
    return np.arange(5)

@plots.dataset
def sales():
    import csv
    with open("data/sales.csv") as file:
        return [int(row["y"]) for row in csv.DictReader(file)]

@plots.dataset
def vandal(scale: int = 2):
    plt.style.use("ggplot")
    plt.figure()
    return [scale, 2]

@plots.plot
def lines(
    ax,
    numbers,
    color: Color = Color.RED,
    ys: list[float] = [1.0, 2.0],
    n: Annotated[int, Field(ge=1)] = 3,
):
    ax.plot(ys, color=color.value)
    ax.set_title(f"{n} {len(numbers)}")

@plots.plot
def noise(numbers):
    fig, ax = plt.subplots()
    ax.scatter(np.random.default_rng().random(20), [random.random() for _ in range(20)])
    ax.plot(np.random.random(20))
    return fig

@plots.plot(ttl="forever")
def words(ax, text="a", day: date = date(2026, 1, 2), moment: datetime | None = None):
    ax.plot([1, 2])

@plots.plot("customers/<customer>/<int_>/revenue")
def revenue(ax, numbers, customer: str, int_: int = 7, tags: list[str] = []):
    ax.set_title(ascii([customer, int_, tags]))

@plots.plot("by/<last>")
def by_last(ax, numbers, last: str):
    ax.set_title(ascii(last))

@plots.plot("/fixed/picture.png")
def fixed(ax, numbers, kind: Literal["a", "b"] = "a"):
    ax.set_title(kind)

@plots.plot
def weeks(ax, numbers, period: TimeRange = TimeRange("-7d")):
    ax.set_title(f"{period.start} {period.end}")

@plots.plot
def from_file(ax, sales):
    ax.plot(sales)

@plots.plot
def wild(vandal):
    import os, warnings
    plt.rcParams["lines.linewidth"] = 9
    random.seed(3)
    np.random.seed(3)
    os.chdir("/")
    np.seterr(all="ignore")
    plt.figure()
    return plt.figure().add_subplot()

@plots.plot
def told(ax, numbers, name: str = "x", format: str = "y"):
    ax.set_title(name + format)
    return Picture(None, alt=f"A line named {name}")

@plots.plot
def empty(ax, numbers):
    raise CannotDraw("no orders in this week")

@plots.plot
def broken(ax, numbers):
    numbers.nothing
"""


@pytest.fixture
def plots(write_plots, process_state):
    """The Plots of the file above, imported as a notebook would, from another directory."""
    file = write_plots(PLOTS)
    (file.parent / "data").mkdir(exist_ok=True)
    (file.parent / "data" / "sales.csv").write_text("x,y\n1,3\n2,4\n")
    loader.load([str(file)])
    return sys.modules["plots"].plots


@pytest.fixture
def client(make_client, tmp_path):
    """The same file behind URLs."""
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "sales.csv").write_text("x,y\n1,3\n2,4\n")
    return make_client(PLOTS)


def wrong(call, *args, **parameters):
    with pytest.raises(InvalidParameters) as caught:
        call(*args, **parameters)
    return {error["parameter"]: (error["code"], error["message"]) for error in caught.value.errors}


# Decorators


def test_what_may_be_shown_outdated_is_drawn_like_any_other(make_client):
    source = """
        from plotroute import Plots
        plots = Plots()
        @plots.dataset
        def sales(): return [1, 3, 2]
        @plots.plot{}
        def revenue(ax, sales): ax.plot(sales)
    """
    plain = make_client(source.format("")).get("/plots/sales/revenue")
    kept = make_client(source.format('(stale="10m")'))
    assert kept.get("/plots/sales/revenue").data == plain.data
    assert sys.modules["plots"].plots.draw("revenue").body == plain.data


def test_decorators_return_the_function_unchanged(process_state, write_plots):
    file = write_plots("""
        from plotroute import Plots
        plots = Plots()
        def bare(ax, n=2): return n
        def options(ax, n=3): return n
        def data(): return [1]
        def more(): return [2]
        same = [
            plots.plot(bare) is bare,
            plots.plot("other", title="x", ttl="1h")(options) is options,
            plots.dataset(data) is data,
            plots.dataset("named", ttl="1h")(more) is more,
        ]
        results = [bare(None), options(None, 5), data(), more()]
    """)
    loader.load([str(file)])
    module = sys.modules["plots"]
    assert module.same == [True] * 4
    assert module.results == [2, 5, [1], [2]]


# draw


@pytest.mark.parametrize(
    ("name", "parameters", "url"),
    [
        ("lines", {}, "/plots/numbers/lines"),
        ("numbers/lines", {"format": "png"}, "/plots/numbers/lines.png"),
        ("numbers/lines", {"format": "svg"}, "/plots/numbers/lines.svg"),
        ("numbers/lines", {"format": "pdf"}, "/plots/numbers/lines.pdf"),
        ("numbers/lines", {"format": "webp", "n": 4}, "/plots/numbers/lines.webp?n=4"),
        ("numbers/lines", {"format": "jpg", "n": "4"}, "/plots/numbers/lines.jpg?n=4"),
        ("lines", {"color": "blue", "ys": [3, 1.5]}, "/plots/numbers/lines?color=blue&ys=3,1.5"),
        ("lines", {"ys": np.array([3, 1.5])}, "/plots/numbers/lines?ys=3&ys=1.5"),
        (
            "lines",
            {"width": 300, "height": 200, "dpr": 2, "theme": "dark"},
            "/plots/numbers/lines?width=300&height=200&dpr=2&theme=dark",
        ),
        ("lines", {"background": "transparent"}, "/plots/numbers/lines?background=transparent"),
        ("noise", {}, "/plots/numbers/noise"),
        ("noise", {"format": "svg"}, "/plots/numbers/noise.svg"),
        ("weeks", {"period": "2026-01-01..2026-02-01"}, "/plots/numbers/weeks?period=2026-01-01..2026-02-01"),
        (
            "weeks",
            {"from": "2026-01-01", "to": date(2026, 2, 1)},
            "/plots/numbers/weeks?from=2026-01-01&to=2026-02-01",
        ),
        ("words", {"day": date(2026, 3, 4)}, "/plots/words?day=2026-03-04"),
        ("revenue", {"customer": "Ada", "int_": 3}, "/plots/customers/Ada/3/revenue"),
        ("/fixed/picture.png", {"kind": "b"}, "/fixed/picture.png?kind=b"),
        ("from_file", {}, "/plots/sales/from_file"),
        ("wild", {}, "/plots/vandal/wild"),
        ("told", {"name": "n", "format": "f"}, "/plots/numbers/told?name=n&format=f"),
    ],
)
def test_draw_gives_the_bytes_that_the_url_gives(plots, client, name, parameters, url):
    drawn = plots.draw(name, **parameters)
    answer = client.get(url)
    assert answer.status_code == 200
    assert (drawn.type, drawn.body) == (answer.mimetype, answer.data)


def test_what_is_seeded_is_the_same_each_time(plots):
    assert plots.draw("noise").body == plots.draw("noise").body


def test_draw_leaves_the_caller_as_it_was(plots, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plt.close("all")
    figure, ax = plt.subplots()
    other = plt.figure("named")
    plt.figure(figure)
    random.seed(1)
    np.random.seed(1)

    def state():
        return {
            "rcParams": dict(matplotlib.rcParams),
            "figures": [plt.figure(n) for n in plt.get_fignums()],
            "directory": os.getcwd(),
            "random": random.getstate(),
            "numpy": str(np.random.get_state()),
            "errors": np.geterr(),
            "backend": matplotlib.get_backend(),
        }

    try:
        with matplotlib.rc_context({"lines.linewidth": 4, "figure.dpi": 120}), np.errstate(all="raise"):
            before = state()
            plt.figure(figure)
            for name, parameters in (("wild", {"scale": 3}), ("noise", {}), ("lines", {"theme": "dark"})):
                plots.draw(name, **parameters)
            for name in ("empty", "broken"):
                with pytest.raises((CannotDraw, PlotFailed)):
                    plots.draw(name)
            assert plt.gcf() is figure
            assert plt.gca() is ax
            assert state() == before
            assert other in before["figures"]
    finally:
        plt.close("all")


def test_draw_leaves_another_backend_and_its_figures(plots):
    plt.close("all")
    plt.switch_backend("svg")
    try:
        figure = plt.figure()
        expected = plots.draw("lines").body
        assert matplotlib.get_backend() == "svg"
        assert [plt.figure(n) for n in plt.get_fignums()] == [figure]
    finally:
        plt.close("all")
        plt.switch_backend("agg")
    assert plots.draw("lines").body == expected


def test_a_data_file_is_found_from_another_directory(plots, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert plots.draw("from_file").type == "image/png"
    assert os.getcwd() == str(tmp_path / "elsewhere")


def test_an_image_shows_and_saves_itself(plots, tmp_path):
    png, svg = plots.draw("lines"), plots.draw("lines", format="svg")
    assert isinstance(png, Image)
    assert png._repr_mimebundle_() == {"image/png": png.body, "text/plain": repr(png)}
    shown = svg._repr_mimebundle_(include=None, exclude=None)
    assert shown["image/svg+xml"].startswith("<?xml")
    assert repr(png) == f"<Image image/png, {len(png.body):,} bytes>"
    png.save(tmp_path / "lines.png")
    assert (tmp_path / "lines.png").read_bytes() == png.body


def test_a_picture_brings_its_words(plots):
    assert plots.draw("told", name="blue").alt == "A line named blue"
    assert plots.draw("lines").alt == "Lines"


def test_the_error_itself_names_each_parameter_and_the_reason(plots):
    for call in (plots.draw, plots.url):
        with pytest.raises(
            InvalidParameters, match=r"2 parameters are wrong: n: .*; colour: is not a parameter"
        ):
            call("numbers/lines", n=0, colour="red")


@pytest.mark.parametrize("call", ["draw", "url"])
def test_everything_wrong_is_told_at_once(plots, call):
    found = wrong(
        getattr(plots, call), "lines", colour="red", color="green", ys=["a"], n=0, width=0, dpr=object()
    )
    assert {name: code for name, (code, _) in found.items()} == {
        "colour": "unknown",
        "color": "not_allowed",
        "ys": "malformed",
        "n": "out_of_bounds",
        "width": "out_of_bounds",
        "dpr": "malformed",
    }
    assert "did you mean color?" in found["colour"][1]
    assert wrong(getattr(plots, call), "revenue", int_=1) == {"customer": ("missing", "is required")}
    assert wrong(getattr(plots, call), "revenue", int_="x").keys() == {"customer", "int_"}


@pytest.mark.parametrize("call", ["draw", "url"])
def test_an_unknown_plot_or_format(plots, call):
    with pytest.raises(UnknownPlot, match=r"no plot named 'line'; did you mean 'numbers/lines'\?") as caught:
        getattr(plots, call)("line")
    assert caught.value.members["nearest"] == "numbers/lines"
    with pytest.raises(UnknownFormat, match="no format 'gif'") as caught:
        getattr(plots, call)("lines", format="gif")
    assert caught.value.members["allowed"] == ["png", "svg", "pdf", "webp", "jpg"]


def test_what_a_plot_raises(plots):
    with pytest.raises(CannotDraw, match="no orders in this week"):
        plots.draw("empty")
    with pytest.raises(PlotFailed) as caught:
        plots.draw("broken")
    assert isinstance(caught.value.__cause__, AttributeError)
    assert "numbers.nothing" in caught.value.detail


def test_a_plot_that_is_added_later_is_drawn(plots):
    plots.draw("lines")
    plots.plot("later")(lambda ax: ax.plot([1, 2]) and None)
    assert plots.draw("later").type == "image/png"


# url

ODD = ["a b", "a+b", "100%", "a&b=c", "ü", "#?", "日本", '"x",y', "x,y", " ", "a;b", "%20", "<a>", "x.png"]


def sent(client, url):
    """Return the values that a URL means to the server."""
    manifest = client.pipeline.manifest()
    parts = urlsplit(url)
    found = client.pipeline.find(manifest, unquote(parts.path))
    query = parse_qsl(parts.query, keep_blank_values=True)
    request = IncomingRequest(manifest=manifest, match=found, query=query)
    return client.pipeline.prepare(request).job.values


def test_any_text_survives_the_query(plots, client):
    for text in [*ODD, "ü/ö", "..", "", "it's"]:
        url = plots.url("words", text=text)
        assert url.isascii()
        assert " " not in url
        assert client.get(url).status_code == 200
        assert sent(client, url)["text"] == text


@pytest.mark.parametrize(("name", "parameter"), [("revenue", "customer"), ("by/<last>", "last")])
def test_any_text_but_a_slash_survives_in_a_path(plots, client, name, parameter):
    for text in ODD:
        url = plots.url(name, **{parameter: text})
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.data == plots.draw(name, **{parameter: text}).body
        assert sent(client, url)[parameter] == text


@pytest.mark.parametrize("text", ["a/b", "/", "..", ".", ""])
def test_what_no_path_can_hold_is_refused_with_the_cure(plots, text):
    found = wrong(plots.url, "revenue", customer=text)
    assert found["customer"][0] == "not_allowed"
    assert "take <customer> out of the path" in found["customer"][1]


def test_a_path_parameter_that_is_not_given_has_its_default(plots):
    assert plots.url("revenue", customer="Ada") == "/plots/customers/Ada/7/revenue"


def test_url(plots, client):
    for name, parameters, expected in (
        ("lines", {}, "/plots/numbers/lines"),
        ("lines", {"format": "svg", "n": 4}, "/plots/numbers/lines.svg?n=4"),
        ("lines", {"ys": (1, 2.5)}, "/plots/numbers/lines?ys=1%2C2.5"),
        ("lines", {"color": "blue", "_": 3}, "/plots/numbers/lines?color=blue&_=3"),
        (
            "lines",
            {"width": 300, "dpr": 2, "theme": "dark"},
            "/plots/numbers/lines?width=300&dpr=2&theme=dark",
        ),
        ("weeks", {"period": "-7d"}, "/plots/numbers/weeks?period=-7d"),
        ("weeks", {"from": "now-7d", "to": "now"}, "/plots/numbers/weeks?from=now-7d&to=now"),
        ("weeks", {"from": date(2026, 1, 1)}, "/plots/numbers/weeks?from=2026-01-01"),
        ("by/<last>", {"last": "a.png"}, "/plots/by/a.png.png"),
        ("by/<last>", {"last": "a.b", "format": "pdf"}, "/plots/by/a.b.pdf"),
        ("/fixed/picture.png", {"kind": "b"}, "/fixed/picture.png?kind=b"),
        ("/fixed/picture.png", {"format": "png"}, "/fixed/picture.png"),
        ("told", {"name": "n", "format": "f"}, "/plots/numbers/told?name=n&format=f"),
    ):
        assert plots.url(name, **parameters) == expected
        assert client.get(expected).status_code == 200, expected


def test_the_url_gives_what_draw_gives(plots, client):
    for name, parameters in (
        ("lines", {"ys": [1e-9, 2, -3.5]}),
        ("lines", {"color": "blue", "n": 12, "format": "svg"}),
        ("revenue", {"customer": "Ada", "tags": ["x", 'with "quotes"', "a,b", "", "ü"]}),
        ("revenue", {"customer": "Ada", "tags": [""]}),
        ("words", {"day": date(2026, 12, 31)}),
        ("words", {"moment": datetime(2026, 1, 2, 3, 4, 5, 678, UTC)}),
        ("words", {"moment": datetime(2026, 1, 2, 3, 4, 5)}),
        ("lines", {"width": 333, "background": "transparent"}),
    ):
        url = plots.url(name, **parameters)
        answer = client.get(url)
        drawn = plots.draw(name, **parameters)
        assert answer.status_code == 200, url
        assert (answer.mimetype, answer.data) == (drawn.type, drawn.body), url


def test_a_fixed_address_has_no_other_format(plots):
    with pytest.raises(UnknownFormat, match=r"/fixed/picture\.png is png"):
        plots.url("/fixed/picture.png", format="svg")


def test_what_a_url_cannot_say(plots):
    assert plots.url("words", moment=None) == "/plots/words"
    assert wrong(plots.url, "lines", ys=[])["ys"][0]
    assert wrong(plots.url, "words", day=timedelta(1))["day"][0] == "malformed"


# include, files


def test_an_included_plot_has_its_address_and_is_drawn(write_plots, process_state, make_client):
    write_plots(
        """
        from plotroute import Plots
        plots = Plots()
        @plots.dataset(ttl="forever")
        def sales(): return [1, 3, 2]
        @plots.plot
        def revenue(ax, sales): ax.plot(sales)
        """,
        "finance.py",
    )
    client = make_client("""
        import finance
        from plotroute import Plots
        plots = Plots()
        plots.include(finance.plots, prefix="money")
    """)
    plots = sys.modules["plots"].plots
    assert plots.url("revenue", width=200) == "/plots/money/sales/revenue?width=200"
    answer = client.get("/plots/money/sales/revenue?width=200")
    assert answer.status_code == 200
    assert plots.draw("money/sales/revenue", width=200).body == answer.data


def test_two_plots_that_end_alike_need_their_whole_names(write_plots, process_state):
    file = write_plots("""
        from plotroute import Plots
        plots = Plots()
        for place in ("north", "south"):
            @plots.plot(f"{place}/revenue")
            def revenue(ax): ...
    """)
    loader.load([str(file)])
    plots = sys.modules["plots"].plots
    assert plots.url("south/revenue") == plots.url("/plots/south/revenue") == "/plots/south/revenue"
    with pytest.raises(UnknownPlot, match="may be any of several plots: 'north/revenue', 'south/revenue'"):
        plots.url("revenue")


FILES = """
    from plotroute import Plots
    plots = Plots()
    plots.files("sales", "data/*.csv", source=["y"])

    @plots.plot
    def revenue(ax, sales):
        ax.plot(sales.x, sales.y)
        ax.set_title(len(sales))
"""


def test_files_are_one_dataset(make_client, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b.csv").write_text("x,y\n3,5\n")
    (tmp_path / "data" / "a.csv").write_text("x,y\n1,3\n2,4\n")
    client = make_client(FILES)
    plots = sys.modules["plots"].plots
    (dataset,) = plots._catalog().manifest.datasets
    assert (dataset.freshness, dataset.sources) == ("polled", ("sales.y",))
    monkeypatch.chdir("/")
    first = plots.draw("revenue")
    monkeypatch.chdir(tmp_path)
    assert client.get("/plots/sales/revenue").data == first.body
    frame = plots.registry.datasets["sales"].function()
    assert frame.to_dict("list") == {"x": [1, 2, 3], "y": [3, 4, 5]}


def test_files_that_do_not_exist_say_so(write_plots, process_state):
    loader.load([str(write_plots(FILES))])
    with pytest.raises(DatasetUnavailable) as caught:
        sys.modules["plots"].plots.draw("revenue")
    assert "no file matches 'data/*.csv'" in caught.value.detail


def test_a_user_is_an_argument_of_draw_and_never_in_an_address(write_plots, process_state):
    file = write_plots("""
        from plotroute import Plots, User
        plots = Plots()
        @plots.dataset(ttl="forever")
        def orders_of(user: User):
            return [len(user)]
        @plots.plot
        def mine(ax, orders_of, user: User):
            ax.set_title(f"{user}: {orders_of}")
    """)
    loader.load([str(file)])
    plots = sys.modules["plots"].plots
    ann, bob = (plots.draw("mine", user=user, format="svg").body for user in ("ann", "bob"))
    assert ann != bob
    assert ann == plots.draw("mine", user="ann", format="svg").body
    with pytest.raises(Unauthorized):
        plots.draw("mine")
    assert plots.url("mine") == "/plots/orders_of/mine"
    with pytest.raises(InvalidParameters):
        plots.url("mine", user="ann")


def test_plots_outside_a_module_is_refused():
    with pytest.raises(BadRegistration, match="inside test_plots_outside_a_module_is_refused"):
        Plots()
