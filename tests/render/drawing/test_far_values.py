"""Values that no axis can show, asked over HTTP: the reader is told which, and the author's faults stay theirs."""

import re

import pytest

PLOTS = """
from datetime import date, datetime, timedelta
from plotroute import Plots, TimeRange

plots = Plots()

@plots.plot(ttl="forever")
def golden(ax):
    ax.plot([1, 3, 2])

@plots.plot
def since(ax, start: date = date(2024, 1, 1)):
    ax.plot([start, start + timedelta(days=3)], [1, 2])

@plots.plot
def before(ax, start: datetime = datetime(2024, 1, 1)):
    ax.plot([start - timedelta(days=3), start], [1, 2])

@plots.plot
def ago(ax, past: timedelta = timedelta(days=3)):
    ax.plot([datetime(2024, 1, 1) - past, datetime(2024, 1, 1)], [1, 2])

@plots.plot
def during(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.plot([period.start - timedelta(days=900), period.end], [1, 2])

@plots.plot
def numbers(ax, top: float = 1.0, tops: list[float] = [1.0]):
    ax.plot([-top, *tops, top], range(2 + len(tops)))

@plots.plot
def faulty(ax, start: date = date(2024, 1, 1), word: str = "word"):
    raise ValueError(word)
"""


@pytest.fixture
def client(make_client):
    return make_client(PLOTS)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/plot.png?x=0001-01-01,9999-12-31&y=1,2", "x: 0001-01-01 is too far out.*years 1000 to 8999"),
        ("/plot.png?y=1e308,-1e308", r"y: 1e\+308 is too far out.*numbers up to 1e\+300"),
        ("/plots/since?start=9999-12-31", "start: 9999-12-31 is too far out"),
        ("/plots/before?start=0001-01-01T00:00:00", "start: 0001-01-01T00:00:00.* is too far out"),
        ("/plots/ago?past=999999d", "past: 142857w is too far out"),
        ("/plots/during?period=0001-01-01..2024-02-01", "period: 0001-01-01.* is too far out"),
        ("/plots/numbers?top=1.7e308", r"top: 1\.7e\+308 is too far out"),
        ("/plots/numbers?tops=1,1e308,-1e308", r"tops: 1e\+308 is too far out"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_value_that_no_axis_can_show_is_told(client, address, told):
    before = client.get("/plots/golden").data
    reply = client.get(address)
    assert (reply.status_code, reply.json["code"]) == (422, "cannot_draw")
    assert re.match(told, reply.json["title"])
    assert client.get("/plots/golden").data == before


@pytest.mark.parametrize(
    "address",
    [
        "/plot.png?x=0500-01-01,0502-01-01&y=1,2",
        "/plots/since?start=9999-12-20",
        "/plots/numbers?top=1e307",
        "/plots/numbers?tops=1e-320",
    ],
)
def test_what_can_be_drawn_is_drawn_however_far_out(client, address):
    assert client.get(address).mimetype == "image/png"


@pytest.mark.parametrize(
    "query", ["", "start=2024-01-01", "word=0001-01-01", "word=1e308", "start=1000-01-01", "start=8999-12-31"]
)
def test_an_error_of_the_author_s_stays_one(client, query):
    reply = client.get(f"/plots/faulty?{query}")
    assert (reply.status_code, reply.json["code"]) == (500, "plot_failed")
