"""The HTML of a plot's image: what a browser reads in it, and that nothing it is given becomes markup."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from PIL import Image

from plotroute.model import IMAGE_TYPES, Param, PlotSpec
from plotroute.web.pages.img_tag import plot_img

SIZED = PlotSpec(name="sales/revenue", addresses=("/plots/sales/revenue",), size=(800, 500), alt="Revenue")
BARE = PlotSpec(name="bare", addresses=("/plots/bare",))


def address(plot: PlotSpec = SIZED) -> Any:
    def build(**params: Any) -> str:
        format = params.pop("format", None)
        query = urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)
        return plot.addresses[0] + (f".{format}" if format else "") + (f"?{query}" if query else "")

    return build


def html(plot: PlotSpec = SIZED, params: Mapping[str, Any] | None = None, **rest: Any) -> Markup:
    return plot_img(plot, address(plot), params, **rest)


class Tags(HTMLParser):
    """The tags of a text, and what stands between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.between = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.between += data


def image(*args: Any, **kwargs: Any) -> dict[str, str | None]:
    tags = Tags(html(*args, **kwargs))
    ((tag, attributes),) = tags.tags
    assert (tag, tags.between) == ("img", "")
    return attributes


def candidates(srcset: str | None) -> dict[str, str]:
    """Descriptor → URL, as a browser reads a srcset."""
    found = {}
    for part in (srcset or "").split(", "):
        url, _, descriptor = part.partition(" ")
        found[descriptor] = url
    return found


def test_the_image_of_a_plot() -> None:
    assert html(params={"period": "-7d", "region": "A&B"}) == (
        '<img src="/plots/sales/revenue?period=-7d&amp;region=A%26B" '
        'srcset="/plots/sales/revenue?period=-7d&amp;region=A%26B&amp;dpr=1.5 1.5x, '
        "/plots/sales/revenue?period=-7d&amp;region=A%26B&amp;dpr=2 2x, "
        '/plots/sales/revenue?period=-7d&amp;region=A%26B&amp;dpr=3 3x" '
        'width="800" height="500" alt="Revenue" loading="lazy" decoding="async">'
    )
    assert isinstance(html(), Markup)


def test_the_params_of_the_caller_stay_as_they_are() -> None:
    params = {"n": 1, "format": "svg"}
    html(params=params, dark=True)
    assert params == {"n": 1, "format": "svg"}


class TestFormats:
    @pytest.mark.parametrize("format", IMAGE_TYPES)
    def test_only_pixels_come_in_several_densities(self, format: str) -> None:
        attributes = image(format=format)
        assert attributes["src"] == f"/plots/sales/revenue.{format}"
        assert ("srcset" in attributes) == (format in ("png", "webp", "jpg"))
        assert image(params={"format": format}) == attributes

    def test_an_address_that_fixes_the_format_has_that_one(self) -> None:
        for format in IMAGE_TYPES:
            plot = PlotSpec(name="fixed", addresses=(f"/fixed.{format}",))
            for said in ({}, {"format": format}):
                attributes = image(plot, **said)
                assert attributes["src"] == f"/fixed.{format}"
                assert ("srcset" in attributes) == (format in ("png", "webp", "jpg"))
        with pytest.raises(ValueError, match=r"/fixed.jpg is jpg and no other format"):
            html(plot, format="png")

    def test_a_plot_with_a_parameter_of_that_name_has_its_own(self) -> None:
        plot = PlotSpec(
            name="dates",
            addresses=("/plots/dates",),
            params=(Param(name="format", kind="str", default="iso"),),
        )
        attributes = image(plot, {"format": "svg"})
        assert attributes["src"] == address(plot)(format="svg")  # whatever that is to the address
        assert "srcset" in attributes  # it is no SVG
        assert image(plot, format="png")["src"] == "/plots/dates"
        with pytest.raises(ValueError, match="has a parameter named format"):
            html(plot, format="svg")

    @pytest.mark.parametrize("format", ["gif", "PNG", "", "schema.json"])
    def test_what_is_no_format_is_told_the_formats(self, format: str) -> None:
        with pytest.raises(ValueError, match="png, svg, pdf, webp, jpg"):
            html(format=format)
        with pytest.raises(ValueError, match="png, svg, pdf, webp, jpg"):
            html(params={"format": format})

    def test_two_formats_at_once_are_refused(self) -> None:
        assert image(params={"format": "svg"}, format="svg")["src"] == "/plots/sales/revenue.svg"
        with pytest.raises(ValueError, match="contradict"):
            html(params={"format": "svg"}, format="png")


class TestDensities:
    def test_a_named_dpr_is_the_only_one(self) -> None:
        attributes = image(params={"dpr": 2})
        assert attributes["src"] == "/plots/sales/revenue?dpr=2"
        assert "srcset" not in attributes
        assert (attributes["width"], attributes["height"]) == ("800", "500")

    @pytest.mark.parametrize("dpr", [None, ""])
    def test_a_dpr_that_is_none_is_not_named(self, dpr: Any) -> None:
        assert set(candidates(image(params={"dpr": dpr})["srcset"])) == {"1.5x", "2x", "3x"}

    def test_a_figure_s_own_dpi_is_no_density(self, make_client: Any) -> None:
        client = make_client(
            """
            from matplotlib.figure import Figure
            from plotroute import Plots

            plots = Plots()

            @plots.plot
            def fine():
                return Figure(figsize=(4, 3), dpi=150).add_subplot()
            """
        )
        plot = next(plot for plot in client.pipeline.manifest().plots if plot.name == "fine")
        for params in ({}, {"width": 400}):
            attributes = image(plot, params)
            pictures = {"1x": attributes["src"], **candidates(attributes["srcset"])}
            assert set(pictures) == {"1x", "1.5x", "2x", "3x"}
            for descriptor, url in pictures.items():
                ratio = float(descriptor.removesuffix("x"))
                assert size_of(client.get(url).data) == (400 * ratio, 300 * ratio)

    def test_commas_and_spaces_do_not_end_an_address(self) -> None:
        text = plot_img(SIZED, lambda **params: f" /a b,c?x=1,2&dpr={params.get('dpr', '')},\n")
        ((_, attributes),) = Tags(text).tags
        assert list(candidates(attributes["srcset"]).values()) == [
            f"%20/a%20b%2Cc?x=1%2C2&dpr={ratio}%2C%0A" for ratio in (1.5, 2, 3)
        ]

    def test_an_address_that_is_escaped_already_is_not_escaped_twice(self) -> None:
        text = plot_img(SIZED, lambda **params: Markup("/a?b=1&amp;c=2"))
        ((_, attributes),) = Tags(text).tags
        assert attributes["src"] == "/a?b=1&c=2"
        assert set(candidates(attributes["srcset"]).values()) == {"/a?b=1&c=2"}

    def test_with_sizes_a_browser_chooses_by_width(self) -> None:
        attributes = image(params={"width": 301}, sizes="(max-width: 600px) 100vw, 50vw")
        assert attributes["sizes"] == "(max-width: 600px) 100vw, 50vw"
        assert candidates(attributes["srcset"]) == {
            "301w": "/plots/sales/revenue?width=301",
            "452w": "/plots/sales/revenue?width=301&dpr=1.5",
            "602w": "/plots/sales/revenue?width=301&dpr=2",
            "903w": "/plots/sales/revenue?width=301&dpr=3",
        }
        assert "1x" in candidates(image(BARE, sizes="100vw")["srcset"])  # nobody knows its width


def size_of(body: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(body)) as picture:
        return picture.size


def room(attributes: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    return attributes.get("width"), attributes.get("height")


class TestRoom:
    @pytest.mark.parametrize(
        ("plot", "params", "expected"),
        [
            (SIZED, {}, ("800", "500")),
            (SIZED, {"width": 400}, ("400", "250")),
            (SIZED, {"width": "400"}, ("400", "250")),
            (SIZED, {"height": 333}, ("533", "333")),
            (SIZED, {"width": 1}, ("1", "1")),
            (SIZED, {"width": 300, "height": "300"}, ("300", "300")),
            (SIZED, {"width": None, "height": ""}, ("800", "500")),
            (BARE, {}, (None, None)),
            (BARE, {"width": 400}, (None, None)),
            (BARE, {"height": 400}, (None, None)),
            (BARE, {"width": 400, "height": 300}, ("400", "300")),
            (BARE, {"width": 400, "height": 300, "dpr": 2}, ("400", "300")),
        ],
    )
    def test_room_is_kept_where_the_size_is_known(
        self, plot: PlotSpec, params: dict[str, Any], expected: tuple[str | None, str | None]
    ) -> None:
        for format in ("png", "svg"):
            assert room(image(plot, params, format=format)) == expected

    @pytest.mark.parametrize(
        "value",
        [0, -5, 8001, "wide", "40.5", 40.5, True, "1e3", " 40", "٤", [4], b"4", float("nan"), object()],
    )
    def test_a_size_that_gets_no_picture_keeps_no_room(self, value: Any) -> None:
        assert room(image(params={"width": value})) == (None, None)
        assert room(image(BARE, params={"width": value, "height": 100})) == (None, None)

    def test_the_room_is_that_of_the_picture_that_is_drawn(self, make_client: Any) -> None:
        client = make_client(
            """
            import matplotlib.pyplot as plt
            from plotroute import Plots

            plots = Plots()

            @plots.plot(size=(333, 217))
            def sized(ax):
                ax.plot([1, 2])

            @plots.plot
            def bare():
                return plt.figure(figsize=(4, 3), dpi=150).add_subplot()

            @plots.plot
            def both(width: int = 640, height: int = 480):
                return plt.figure(figsize=(width / 100, height / 100)).add_subplot()

            @plots.plot
            def wide(width: int = 640):
                return plt.figure(figsize=(width / 100, 3)).add_subplot()

            @plots.plot(size=(300, 200))
            def last_word(width: int = 640, height: int = 480):
                return plt.figure(figsize=(width / 100, height / 100)).add_subplot()

            @plots.plot(size=(300, 200))
            def last_ratio(width: int = 640):
                return plt.figure(figsize=(width / 100, 3)).add_subplot()
            """
        )
        known = []
        for plot in client.pipeline.manifest().plots:
            for params in ({}, {"width": 150}, {"height": 90}, {"width": 150, "height": 90}):
                attributes = image(plot, params)
                if plot.adhoc or room(attributes) == (None, None):
                    continue
                known.append((plot.name, *params))
                urls = {"1x": attributes["src"], **candidates(attributes["srcset"])}
                for descriptor, url in urls.items():
                    ratio = float(descriptor.removesuffix("x"))
                    width, height = (float(side or 0) * ratio for side in room(attributes))
                    assert size_of(client.get(url).data) == (round(width), round(height)), (
                        plot.name,
                        params,
                        descriptor,
                    )
        every = [(), ("width",), ("height",), ("width", "height")]
        assert sorted(known) == sorted(
            [("bare", "width", "height"), ("both", "width", "height")]
            + [(name, *params) for name in ("sized", "last_word", "last_ratio") for params in every]
        )

    def test_of_a_side_of_the_page_s_own_the_other_keeps_the_ratio(self) -> None:
        assert room(image(width=400)) == ("400", "250")
        assert room(image(height="250")) == ("400", "250")
        assert room(image(width="100%")) == ("100%", None)
        assert room(image(width=300, height=300)) == ("300", "300")
        assert room(image(width=None, height=None)) == (None, None)
        assert room(image(BARE, width=400)) == ("400", None)


class TestAttributes:
    def test_names_as_other_helpers_of_jinja_have_them(self) -> None:
        attributes = image(
            class_="chart wide", for_="x", data_row_id=7, aria_label="a", hidden=True, style="width: 100%"
        )
        assert attributes["class"] == "chart wide"
        assert attributes["for"] == "x"
        assert attributes["data-row-id"] == "7"
        assert attributes["aria-label"] == "a"
        assert attributes["style"] == "width: 100%"
        assert attributes["hidden"] is None
        assert " hidden>" in html(hidden=True)

    def test_names_of_frameworks_pass(self) -> None:
        names = {"@load": "a", ":title": "b", "x-on:click.once": "c", "hx-on::load": "d", "Data-X": "e"}
        assert {**image(), **{name.lower(): value for name, value in names.items()}} == image(**names)

    @pytest.mark.parametrize("nothing", [None, False, jinja2.Undefined(name="missing")])
    def test_nothing_leaves_an_attribute_out_and_defaults_too(self, nothing: Any) -> None:
        attributes = image(title=nothing, loading=nothing, decoding=nothing, width=nothing, alt=nothing)
        assert set(attributes) == {"src", "srcset", "height"}

    def test_the_page_s_words_win(self) -> None:
        assert image(alt='Tom "&" Ann')["alt"] == 'Tom "&" Ann'
        assert image(alt="")["alt"] == ""
        assert 'alt=""' in html(alt="")
        assert image(BARE)["alt"] == ""
        assert image(loading="eager", decoding="sync")["loading"] == "eager"

    def test_what_is_fetched_first_is_not_lazy(self) -> None:
        attributes = image(fetchpriority="high")
        assert attributes["fetchpriority"] == "high"
        assert "loading" not in attributes
        assert image(fetchpriority="high", loading="lazy")["loading"] == "lazy"
        assert image(fetchpriority="low")["loading"] == "lazy"

    def test_their_order_is_that_of_the_defaults_then_of_the_call(self) -> None:
        attributes = image(title="t", id="i", alt="a", loading="eager", width=400)
        assert list(attributes) == [
            "src", "srcset", "width", "height", "alt", "loading", "decoding", "title", "id",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "_",
            "a b",
            'a"',
            "a'",
            "a>",
            "a/",
            "a=b",
            "<img",
            "onload=alert(1)//",
            "x\x00",
            "é",
            "-a",
            "a\n",
            "1a",
        ],
    )
    def test_what_is_no_name_is_refused(self, name: str) -> None:
        for value in ("x", True, None):
            with pytest.raises(ValueError, match="is no name of an HTML attribute"):
                html(**{name: value})

    @pytest.mark.parametrize("name", ["src", "SRC", "src_", "srcset", "Srcset"])
    def test_the_addresses_are_ours(self, name: str) -> None:
        with pytest.raises(ValueError, match="params="):
            html(**{name: "/elsewhere.png"})

    def test_an_attribute_is_given_once(self) -> None:
        with pytest.raises(ValueError, match="class is given twice"):
            html(class_="a", **{"Class": "b"})


class TestDark:
    def test_readers_who_prefer_dark_colours_get_them(self) -> None:
        assert html(params={"n": 1}, dark=True, class_="chart") == (
            '<picture><source media="(prefers-color-scheme: dark)" '
            'srcset="/plots/sales/revenue?n=1&amp;theme=dark 1x, '
            "/plots/sales/revenue?n=1&amp;theme=dark&amp;dpr=1.5 1.5x, "
            "/plots/sales/revenue?n=1&amp;theme=dark&amp;dpr=2 2x, "
            '/plots/sales/revenue?n=1&amp;theme=dark&amp;dpr=3 3x">'
            '<img src="/plots/sales/revenue?n=1&amp;theme=light" '
            'srcset="/plots/sales/revenue?n=1&amp;theme=light&amp;dpr=1.5 1.5x, '
            "/plots/sales/revenue?n=1&amp;theme=light&amp;dpr=2 2x, "
            '/plots/sales/revenue?n=1&amp;theme=light&amp;dpr=3 3x" '
            'width="800" height="500" alt="Revenue" loading="lazy" decoding="async" class="chart"></picture>'
        )

    @pytest.mark.parametrize("rest", [{"format": "svg"}, {"params": {"dpr": 2}}])
    def test_with_one_picture_for_all_screens_each_has_one(self, rest: dict[str, Any]) -> None:
        _, (_, source), (_, light) = Tags(html(dark=True, **rest)).tags
        assert "srcset" not in light
        assert " " not in (source["srcset"] or " ")
        assert (source["srcset"] or "").replace("theme=dark", "theme=light") == light["src"]

    def test_sizes_are_those_of_both(self) -> None:
        _, (_, source), (_, light) = Tags(html(dark=True, sizes="50vw")).tags
        assert source["sizes"] == light["sizes"] == "50vw"
        assert candidates(source["srcset"]).keys() == candidates(light["srcset"]).keys()

    def test_a_theme_of_its_own_contradicts(self) -> None:
        for theme in ("dark", "light"):
            with pytest.raises(ValueError, match="leave theme out of params=, or dark= out"):
                html(params={"theme": theme}, dark=True)
        assert html(params={"theme": None}, dark=True) == html(dark=True)
        assert image(params={"theme": "dark"})["src"] == "/plots/sales/revenue?theme=dark"


# --- nothing becomes markup --------------------------------------------------------------------

NASTY = (
    st.text(st.sampled_from("<>&\"'`=/ \n\t\x00\ud800;,{}%ax"))
    | st.text()
    | st.sampled_from(
        [
            '"><script>',
            "' onload='x",
            "&quot; onload=x",
            "--><svg/onload=x>",
            "</picture>",
            "javascript:x",
            "&#34;",
        ]
    )
)


class Wordy:
    """A translation that is made late, with markup of its own."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __html__(self) -> str:
        return self.text


class Deceptive:
    """Text that calls itself markup only when it is asked for."""

    def __str__(self) -> str:
        return Markup('"><script>')


@given(NASTY, NASTY, NASTY, st.booleans())
def test_no_value_ends_its_attribute(alt: str, value: str, url: str, dark: bool) -> None:
    plot = PlotSpec(name="x", addresses=("/plots/x",), size=(8, 5), alt=alt)
    text = plot_img(plot, lambda **params: url, {"a": value}, dark=dark, title=value, data_x=Markup(value))
    tags = Tags(text)
    assert [tag for tag, _ in tags.tags] == (["picture", "source", "img"] if dark else ["img"])
    assert tags.between == ""
    _, attributes = tags.tags[-1]
    assert list(attributes) == [
        "src", "srcset", "width", "height", "alt", "loading", "decoding", "title", "data-x",
    ]  # fmt: skip
    assert (attributes["src"], attributes["alt"], attributes["title"]) == (url, alt, value)
    for tag, found in tags.tags[1:] if dark else tags.tags:
        parts = (found["srcset"] or "").split(", ")
        assert len(parts) == (4 if tag == "source" else 3)
        assert all(len(part.split()) == (2 if url else 1) for part in parts)


@given(NASTY)
def test_no_name_becomes_more_than_one(name: str) -> None:
    try:
        text = html(**{name: "value"})
    except (ValueError, TypeError):
        return
    ((_, attributes),) = Tags(text).tags
    assert len(attributes) in (7, 8)


@pytest.mark.parametrize("value", [Markup('say "hi" &amp; <b>go</b>'), Wordy('say "hi" &amp; <b>go</b>')])
def test_of_markup_the_text_is_taken(value: Any) -> None:
    assert image(title=value)["title"] == 'say "hi" & <b>go</b>'


def test_a_text_that_turns_out_to_be_markup_stays_inside() -> None:
    assert image(title=Deceptive())["title"] == '"><script>'


def test_in_a_template_it_is_not_escaped_again() -> None:
    environment = jinja2.Environment(autoescape=True)
    environment.globals["plot_img"] = html
    assert environment.from_string("{{ plot_img(class_='a') }}").render() == html(class_="a")


def test_matplotlib_is_not_imported_for_it() -> None:
    code = "import sys, plotroute.web.pages.img_tag; print([m for m in ('matplotlib', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
