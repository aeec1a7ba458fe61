"""The pages for people: what they show, and that nothing they are given becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from plotroute.catalog.tracebacks import author_traceback
from plotroute.model import Frame
from plotroute.web.pages.html import (
    EXAMPLE,
    ListedParameter,
    ListedPlot,
    plots_page,
    readable,
)

CORRELATION = ListedPlot(
    name="cancer/correlation_matrix",
    title="Correlation",
    description="Correlation between every pair of features.",
    alt='A heat map: "size" & Ann\'s scale',
    address="/plots/cancer/correlation_matrix",
    picture_address="/plots/cancer/correlation_matrix?method=pearson&features=9",
    size=(640, 400),
    parameters=[
        ListedParameter(
            name="method", kind="pearson | kendall", default="pearson", description="How it is computed."
        ),
    ],
)
REVENUE = ListedPlot(
    name="sales/revenue_by_week",
    address="/plots/sales/<region>",
    parameters=[
        ListedParameter(name="region", kind="text", required=True),
        ListedParameter(name="year", kind="whole number", required=True),
        ListedParameter(name="bins", kind="whole number", default="20"),
    ],
)


class Page(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def syntax_error() -> tuple[Frame, ...]:
    try:
        compile("plots = Plots()\n\ndef broken(:\n    pass\n", "/home/ann/plots.py", "exec")
    except SyntaxError as error:
        return author_traceback(error)
    raise AssertionError


INVALID = "plots.py does not load: invalid syntax"


def test_each_plot_shows_its_picture_and_the_tag_that_embeds_it() -> None:
    page = Page(plots_page([CORRELATION]))
    (image,) = page.all("img")
    assert image == {
        "src": "/plots/cancer/correlation_matrix?method=pearson&features=9",
        "loading": "lazy",
        "alt": 'A heat map: "size" & Ann\'s scale',
        "width": "640",
        "height": "400",
    }
    assert "Correlation between every pair of features." in page.text
    assert "method pearson | kendall; pearson if not given" in page.text
    assert "How it is computed." in page.text
    (copied,) = Page(CORRELATION.snippet).all("img")
    assert CORRELATION.snippet in page.text
    assert copied == {name: value for name, value in image.items() if name != "loading"}


def test_a_plot_that_needs_parameters_shows_how_to_ask_instead_of_a_picture() -> None:
    page = Page(plots_page([REVENUE]))
    assert page.all("img") == []
    assert "/plots/sales/REGION?year=YEAR" in page.text
    assert "year whole number, required" in page.text
    assert "bins whole number; 20 if not given" in page.text
    assert "Revenue by week" in page.text  # its name stands in for a title


def test_a_picture_without_a_declared_size_has_no_invented_one() -> None:
    plot = ListedPlot(name="live", address="/plots/live", picture_address="/plots/live")
    (image,) = Page(plots_page([plot])).all("img")
    assert image == {"src": "/plots/live", "loading": "lazy", "alt": "Live"}


def test_without_plots_the_page_shows_a_plots_file_that_works() -> None:
    assert EXAMPLE in Page(plots_page([])).text
    assert len([line for line in EXAMPLE.splitlines() if line]) <= 10
    compile(EXAMPLE, "plots.py", "exec")


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    text = plots_page([CORRELATION, REVENUE], problem=INVALID, detail=syntax_error(), development=True)
    assert Page(text).all("script") == []
    assert "http:" not in text
    assert "https:" not in text
    assert "prefers-color-scheme: dark" in text


def test_in_development_a_version_that_does_not_load_is_on_top_with_the_authors_line() -> None:
    page = Page(plots_page([CORRELATION], problem=INVALID, detail=syntax_error(), development=True))
    assert "This version does not load; the last good one keeps answering" in page.text
    assert INVALID in page.text
    assert "Look at plots.py, line 3: def broken(:" in page.text
    assert page.text.index("This version") < page.text.index("Every plot has a URL", 30)


def test_without_a_last_good_version_the_banner_does_not_promise_one() -> None:
    page = Page(plots_page([], problem=INVALID, detail=syntax_error(), development=True))
    assert "The plots file does not load" in page.text
    assert "last good one" not in page.text
    assert "SyntaxError: invalid syntax" in page.text


def test_outside_development_nobody_sees_the_authors_code() -> None:
    text = plots_page([CORRELATION], problem=INVALID, detail=syntax_error(), development=False)
    assert "does not load" not in text
    assert "/home/ann" not in text


ANY = st.text() | st.text(st.characters(codec=None)) | st.text(st.sampled_from("<>&\"'/\x00\ud800{}% a\n"))


@given(ANY, ANY, ANY)
def test_no_text_becomes_markup(title: str, address: str, problem: str) -> None:
    plot = ListedPlot(
        name=title,
        title=title,
        description=title,
        alt=title,
        address=address,
        picture_address=f"/{address}",
        parameters=[ListedParameter(name=title, kind=address, description=title)],
    )
    text = plots_page(
        [plot], problem=problem, detail=[Frame(title, address, is_authors=True)], development=True
    )
    text.encode("utf-8")
    page = Page(text)
    assert {name for name, _ in page.tags} <= KNOWN_TAGS
    (image,) = page.all("img")
    assert set(image) == {"src", "loading", "alt"}


KNOWN_TAGS = {
    "html", "head", "meta", "title", "style", "body", "section", "main", "h1", "h2", "p",
    "strong", "code", "pre", "b", "div", "article", "a", "img", "dl", "dt", "dd", "span",
}  # fmt: skip


@given(ANY)
def test_readable_text_can_be_encoded_and_keeps_its_lines(text: str) -> None:
    clean = readable(text)
    clean.encode("utf-8")
    assert clean.count("\n") == text.count("\n")
    assert readable(clean) == clean
