"""Addresses of plots, from names and Python values: what they say is what a request for them means."""

import re
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from plotroute import Plots, TimeRange, User, params
from plotroute.catalog.catalog import complete
from plotroute.errors import InvalidParameters, SetupError, UnknownFormat, UnknownPlot
from plotroute.routing import routes, urls

plots = Plots()


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@plots.dataset
def sales(user: User): ...


@plots.plot("all", aliases=["old/all"])
def everything(
    ax,
    number: int = 1,
    share: float = 0.5,
    flag: bool = False,
    text: str = "",
    kind: Literal["a", "b"] = "a",
    color: Color = Color.RED,
    day: date = date(2026, 1, 1),
    at: datetime | None = None,
    step: timedelta = timedelta(1),
    period: TimeRange = TimeRange("-7d"),
    numbers: tuple[int, ...] = (1,),
    texts: tuple[str, ...] = ("x",),
): ...


@plots.plot("of/<customer>/<year>/revenue")
def revenue(ax, sales, customer: str, year: Annotated[int, Field(ge=2000)] = 2026): ...


@plots.plot("/report.svg")
def report(ax, n: int = 1): ...


@plots.plot("by/<word>")
def by(ax, word: str, format: str = "short"): ...


@plots.plot("last/<word>")
def last(ax, word: str): ...


MANIFEST = complete([plots.registry]).manifest
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def asked(address):
    """Return what a request for an address means: the plot, its format and its values."""
    parts = urlsplit(address)
    found = routes.resolve(MANIFEST, unquote(parts.path))
    query = parse_qsl(parts.query, keep_blank_values=True)
    return found.plot.name, found.format, params.parse(found.plot.params, query, found.values, now=NOW)


def wrong(name, **parameters):
    with pytest.raises(InvalidParameters) as caught:
        urls.address(MANIFEST, name, parameters)
    return {error["parameter"]: error["code"] for error in caught.value.errors}


# Others no parameter takes, wherever it comes from.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])

texts = st.text(CHARACTERS, max_size=8)
VALUES = {
    "number": st.integers(-(10**12), 10**12),
    "share": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "text": texts,
    "kind": st.sampled_from(["a", "b"]),
    "color": st.sampled_from(Color),
    "day": st.dates(),
    "numbers": st.lists(st.integers(-99, 99), min_size=1, max_size=4),
    "texts": st.lists(texts.filter(bool), min_size=1, max_size=3),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
@example({"text": "", "texts": ["a,b", '"', " "]})
def test_a_request_for_an_address_means_the_values_it_was_made_for(values):
    address = urls.address(MANIFEST, "all", values)
    assert address.isascii()
    assert not set(address) & set(" <>\"'\\\r\n")
    name, format, meant = asked(address)
    assert (name, format) == ("all", None)
    expected = params.from_json(everything_spec().params, urls.canonical(everything_spec(), values), now=NOW)
    assert meant == expected


def everything_spec():
    return routes.by_name(MANIFEST, "all").plot


@given(
    st.text(CHARACTERS, min_size=1, max_size=8).filter(
        lambda text: text not in (".", "..") and "/" not in text
    )
)
@example("a.png")
@example("a.schema.json")
@example(".png")
@example("%2F")
@example("?#")
def test_a_path_says_any_text_but_a_slash(text):
    address = urls.address(MANIFEST, "last/<word>", {"word": text})
    name, _, values = asked(address)
    assert (name, values) == ("last/<word>", {"word": text})


@pytest.mark.parametrize(
    ("name", "parameters", "address"),
    [
        ("all", {}, "/plots/all"),
        ("old/all", {}, "/plots/all"),
        ("/plots/old/all", {"number": 2}, "/plots/all?number=2"),
        ("all", {"format": "pdf", "number": 2}, "/plots/all.pdf?number=2"),
        ("all", {"width": 300, "theme": "dark"}, "/plots/all?width=300&theme=dark"),
        ("all", {"period": "-90d", "step": timedelta(hours=2)}, "/plots/all?period=-90d&step=2h"),
        ("revenue", {"customer": "Ada"}, "/plots/of/Ada/2026/revenue"),
        ("revenue", {"customer": "Ada", "year": 2001, "format": "svg"}, "/plots/of/Ada/2001/revenue.svg"),
        ("report.svg", {"n": 2}, "/report.svg?n=2"),
        ("/report.svg", {"format": "svg"}, "/report.svg"),
        ("by", None, None),
        ("by/<word>", {"word": "x", "format": "long"}, "/plots/by/x?format=long"),
        ("last/<word>", {"word": "a.svg"}, "/plots/last/a.svg.png"),  # the end of a value is no format
        ("last/<word>", {"word": "a.svg", "format": "pdf"}, "/plots/last/a.svg.pdf"),
    ],
)
def test_an_address(name, parameters, address):
    if address is None:
        with pytest.raises(UnknownPlot):
            urls.address(MANIFEST, name, {})
    else:
        before = dict(parameters)
        assert urls.address(MANIFEST, name, parameters) == address
        assert parameters == before


def test_what_no_address_can_say():
    assert wrong("all", nothing=1, number="many", kind="c") == {
        "nothing": "unknown",
        "number": "malformed",
        "kind": "not_allowed",
    }
    assert wrong("revenue") == {"customer": "missing"}
    assert wrong("revenue", customer="Ada", year=1999) == {"year": "out_of_bounds"}
    for text in ("a/b", "..", ".", ""):
        assert wrong("revenue", customer=text) == {"customer": "not_allowed"}
    # Who asks is said by no link.
    assert wrong("revenue", customer="Ada", user="ann") == {"user": "unknown"}
    for name, format in (("all", "gif"), ("all", "schema.json"), ("report.svg", "png")):
        with pytest.raises(UnknownFormat):
            urls.address(MANIFEST, name, {"format": format})


# Examples: what lists show is what a request gets

EXAMPLES = """
from datetime import date
from typing import Annotated
from pydantic import AfterValidator
from plotroute import Plots, TimeRange
plots = Plots()

def even(value):
    if value % 2:
        raise ValueError("is odd")
    return value
"""


@pytest.mark.parametrize(
    ("plot", "said"),
    [
        (
            "@plots.plot('of/<name>', examples={'name': 'a/b'})\ndef f(ax, name: str): ...",
            "'a/b' cannot be a part",
        ),
        (
            "@plots.plot('of/<name>', examples={'name': '..'})\ndef f(ax, name: str): ...",
            "'..' cannot be a part",
        ),
        ("@plots.plot(examples={'n': 3})\ndef f(ax, n: Annotated[int, AfterValidator(even)]): ...", "is odd"),
        (
            "@plots.plot\ndef f(ax, n: Annotated[int, AfterValidator(even)] = 3): ...",
            "default of 'n': is odd",
        ),
        (
            "@plots.plot(examples={'t': '2024-02-01..now'})\ndef f(ax, t: TimeRange): ...\n"
            "@plots.plot('<kind>', examples={'kind': 'f'})\ndef g(ax, kind: str): ...",
            "its example, /plots/f, is answered by the plot 'f'",
        ),
        (
            "@plots.plot(examples={'t': '9999-01-01..now'})\ndef f(ax, t: TimeRange): ...",
            "does not end after",
        ),
    ],
)
def test_examples_are_checked_as_a_request_is(make_client, plot, said):
    with pytest.raises(SetupError, match=re.escape(said)):
        make_client(EXAMPLES + plot + "\n")


def test_the_addresses_of_lists_give_pictures(make_client):
    client = make_client(
        EXAMPLES
        + "@plots.plot('of/<name>', examples={'name': 'a b?&#.svg'})\ndef f(ax, name: str): ax.set_title(name)\n"
        + "@plots.plot('on/<day>', examples={'day': date(2024, 1, 31)})\ndef g(ax, day: date): ax.set_title(day)\n"
        + "@plots.plot(examples={'names': ['a,b', 'c']})\ndef h(ax, names: list[str]): ax.set_title(names)\n"
        + "@plots.plot('at/<name>')\ndef i(ax, name: str = 'a/b'): ...\n"
    )
    entries = {plot["name"]: plot for plot in client.get("/plots.json").json["plots"]}
    links_of = {name: entry["links"]["picture"] for name, entry in entries.items()}
    assert links_of["of/<name>"] == "/plots/of/a%20b%3F%26%23.svg.png"
    assert links_of["on/<day>"] == "/plots/on/2024-01-31"
    assert links_of["at/<name>"] is None  # its default fits into no path
    for link in filter(None, links_of.values()):
        assert client.get(link).status_code == 200, link
    assert entries["h"]["parameters"]["properties"]["names"]["examples"] == [["a,b", "c"]]
    assert entries["h"]["parameters"]["required"] == ["names"]
    assert entries["h"]["size"] == {"width": 640, "height": 480}


def test_what_was_meant_by_a_value_with_a_slash_is_an_address_that_gives_a_picture(make_client):
    client = make_client(
        EXAMPLES
        + "@plots.plot('of/<name>/sales', examples={'name': 'a b'})\ndef f(ax, name: str): ax.plot([1, 2])\n"
        + "@plots.plot('on/<day>/costs', examples={'day': date(2024, 1, 31), 'n': 2})\n"
        + "def g(ax, day: date, n: int): ax.plot([1, 2])\n"
        + "@plots.plot('at/<name>/margins')\ndef i(ax, name: str): ax.plot([1, 2])\n"
    )
    for asked, meant in [
        ("/plots/of/a/b/sales", "/plots/of/a%20b/sales"),
        ("/plots/of/a%2Fb/sales.svg", "/plots/of/a%20b/sales.svg"),
        ("/plots/on/2024/01/31/costs.svg", "/plots/on/2024-01-31/costs.svg?n=2"),
        ("/plots/at/a/b/margins", "/plots/at/<name>/margins"),  # it has no example
    ]:
        assert client.get(asked).json["nearest"] == meant
        assert "<" in meant or client.get(meant).status_code == 200
