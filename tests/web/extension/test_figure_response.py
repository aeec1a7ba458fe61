"""A view's own figure as an answer: the picture, its headers, and what is left of the figure."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
import seaborn.objects as so
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.sankey import Sankey
from PIL import Image
from werkzeug.http import parse_options_header

from encode.pngs import content
from plotroute import Picture, Plots
from plotroute.encode.base import NotAFigure
from plotroute.errors import CannotDraw
from plotroute.model import IMAGE_TYPES
from plotroute.web.extension.figure_response import figure_response

pytestmark = [
    pytest.mark.usefixtures("matplotlib_as_installed"),
    # seaborn 0.13 still says `copy=`, which pandas 3 has no use for.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

FRAME = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 1, 4, 3], "who": list("abab")})


plots = Plots()


def meanwhile() -> None: ...


@plots.plot
def busy(ax: Any) -> None:
    ax.plot([1, 2])
    meanwhile()


def drawn(number: int = 2, make: Callable[..., Any] = Figure, **arguments: Any) -> Figure:
    figure: Figure = make(**arguments)
    ax = figure.subplots()
    ax.scatter([1, 2, 3], [3, number, 2], c=[1, 2, 3], alpha=0.5)
    ax.plot([1, 2, 3], [3, number, 2])
    ax.set_title(f"words $x^{number}$")
    ax.text(1.2, 0.5, "beside the axes", transform=ax.transAxes)
    return figure


def saved(figure: Figure, format: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=format, **options)
    return file.getvalue()


def body(figure: Any, **options: Any) -> bytes:
    return figure_response(figure, **options).get_data()


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size


def shown(picture: bytes) -> Any:
    """What two files of one figure have in common: all bytes, but for how a PNG is compressed."""
    return content(picture) if picture.startswith(b"\x89PNG") else picture


def rgba(picture: bytes) -> Any:
    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGBA"))


# --- the picture -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Figure, plt.figure])
@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("rc", [{}, {"savefig.dpi": 130}, {"savefig.bbox": "tight", "figure.dpi": 61}])
def test_the_picture_is_the_one_that_savefig_gives(make: Any, layout: str | None, rc: dict[str, Any]) -> None:
    mpl.rcParams.update(rc)
    ours = body(drawn(make=make, layout=layout))
    assert content(ours) == content(saved(drawn(make=make, layout=layout)))


@pytest.mark.parametrize("format", ["webp", "jpg"])
def test_so_it_is_in_other_formats_of_pixels(format: str) -> None:
    assert (rgba(body(drawn(), format=format)) == rgba(saved(drawn(), format))).all()


@pytest.mark.parametrize("format", IMAGE_TYPES)
@pytest.mark.parametrize("dpr", [None, 2])
def test_the_same_figure_gives_the_same_picture(format: str, dpr: float | None) -> None:
    first = figure_response(drawn(layout="constrained"), format=format, dpr=dpr)
    again = figure_response(drawn(layout="constrained"), format=format, dpr=dpr)
    assert first.content_type == IMAGE_TYPES[format]
    assert shown(first.get_data()) == shown(again.get_data())
    same = first.get_data() == again.get_data()
    assert same or format == "png"
    assert (first.headers["ETag"] == again.headers["ETag"]) == same
    other = figure_response(drawn(3, layout="constrained"), format=format, dpr=dpr)
    assert other.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("dpr", "dpi", "rc"),
    [
        (0.1, 100, {}),
        (1, 100, {}),
        (1.2, 150, {}),
        (2, 200, {}),
        (2, 200, {"savefig.dpi": 130}),
        (2, 200, {"savefig.bbox": "tight"}),
        (2.5, 300, {}),
        (float("inf"), 400, {}),
    ],
)
def test_a_dpr_is_the_one_of_a_plot_s_url(dpr: float, dpi: int, rc: dict[str, Any]) -> None:
    mpl.rcParams.update(rc)
    arguments: dict[str, Any] = {"figsize": (4, 3), "dpi": 70, "layout": "constrained"}
    ours = body(drawn(**arguments), dpr=dpr)
    assert content(ours) == content(saved(drawn(**arguments), dpi=dpi))
    if not rc:
        assert size_of(ours) == (4 * dpi, 3 * dpi)


def test_a_dpr_holds_where_a_plot_has_rcparams_of_its_own() -> None:
    plot = so.Plot(FRAME, x="x", y="y").add(so.Dot())
    plain, fine = rgba(body(plot)).shape, rgba(body(plot, dpr=2)).shape
    for side in (0, 1):
        assert abs(fine[side] - 2 * plain[side]) <= 2
    assert shown(body(plot)) == shown(body(plot))


@pytest.mark.parametrize("dpr", [0, -1, float("nan")])
def test_a_dpr_that_there_is_not_is_refused(dpr: float) -> None:
    with pytest.raises(ValueError, match="must be a number above 0"):
        figure_response(Figure(), dpr=dpr)


def test_the_caller_s_rcparams_count() -> None:
    with mpl.rc_context({"axes.facecolor": "navy", "savefig.facecolor": "red", "lines.linewidth": 5}):
        ours, plain = body(drawn()), saved(drawn())
    assert content(ours) == content(plain)
    assert content(ours) != content(saved(drawn()))


FORMS: dict[str, Callable[[], Any]] = {
    "figure": drawn,
    "subfigure": lambda: Figure().subfigures(1, 2)[1],
    "axes": lambda: drawn().axes[0],
    "line": lambda: drawn().axes[0].lines[0],
    "subplots": plt.subplots,
    "many axes": lambda: Figure().subplots(2, 2),
    "histogram": lambda: Figure().subplots().hist([1, 2, 2]),
    "pandas": lambda: FRAME.plot(),
    "seaborn axes": lambda: sns.scatterplot(FRAME, x="x", y="y", ax=Figure().subplots()),
    "seaborn grid": lambda: sns.relplot(FRAME, x="x", y="y", col="who"),
    "seaborn plot": lambda: so.Plot(FRAME, x="x", y="y").add(so.Dot()),
    "seaborn plotter": lambda: so.Plot(FRAME, x="x", y="y").add(so.Dot()).plot(),
    "seaborn plot on a figure": lambda: so.Plot(FRAME, x="x", y="y").add(so.Dot()).on(Figure()),
    "a display": lambda: SimpleNamespace(figure_=drawn()),
    "a display of many axes": lambda: SimpleNamespace(axes_=Figure().subplots(2, 2)),
    "what a diagram is made of": lambda: Sankey(flows=[1, -1], ax=Figure().subplots()).finish(),
    "with words": lambda: Picture(drawn(), alt="words"),
    "a plot with words": lambda: Picture([so.Plot(FRAME, x="x", y="y").add(so.Dot())]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dpr", [None, 2])
def test_whatever_leads_to_one_figure_is_taken(form: str, dpr: float | None) -> None:
    assert min(size_of(body(FORMS[form](), dpr=dpr))) > 100
    assert plt.get_fignums() == []


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    ("make", "kind", "cause"),
    [
        (lambda: None, "NoneType", "return the figure"),
        (lambda: [Figure(), Figure()], "list", "2 figures"),
        (lambda: [], "list", "without a figure"),
        (lambda: FRAME, "DataFrame", r"df\.plot\(\)"),
        (lambda: plt, "module", r"plt\.gcf"),
        (lambda: Picture(None), "Picture", "return the figure"),
        (lambda: b"\x89PNG", "bytes", "leads to no figure"),
        (lambda: io.BytesIO(b"\x89PNG"), "BytesIO", "leads to no figure"),
        (coroutine, "coroutine", "not `async def`"),
    ],
)
def test_anything_else_is_refused_with_what_there_should_be(make: Any, kind: str, cause: str) -> None:
    with pytest.raises(TypeError, match=f"exactly one Matplotlib figure.*this is of type {kind};") as refused:
        figure_response(make())
    assert refused.type is NotAFigure
    with pytest.raises(NotAFigure, match=cause):
        raise refused.value.__cause__ or refused.value


@pytest.mark.parametrize("value", [None, (0.0, 1.0), {"icoord": []}, plt])
def test_the_figure_of_another_request_is_not_taken_for_a_value_that_leads_to_none(value: Any) -> None:
    other = plt.figure()
    other.subplots()
    with pytest.raises(NotAFigure, match="only taken if it is handed over"):
        figure_response(value)
    assert plt.get_fignums() == [other.number]


@pytest.mark.parametrize("format", ["gif", "PNG", "jpeg", "", ".png", None])
def test_what_is_no_format_is_told_the_formats(format: Any) -> None:
    with pytest.raises(ValueError, match="png, svg, pdf, webp, jpg"):
        figure_response(Figure(), format=format)


def test_a_picture_beyond_the_budget_is_not_drawn() -> None:
    with pytest.raises(CannotDraw, match="more than the 16,000,000 allowed"):
        figure_response(Figure(figsize=(50, 50)))
    with pytest.raises(CannotDraw, match="more than the 16,000,000 allowed"):
        figure_response(Figure(figsize=(30, 20)), dpr=2)


# --- what is left ------------------------------------------------------------------------------


def state(figure: Figure) -> tuple[Any, ...]:
    sides = tuple(figure.get_size_inches())
    return (
        figure.dpi,
        sides,
        figure.canvas,
        figure.get_layout_engine(),
        figure.get_facecolor(),
        vars(figure).keys(),
    )


@pytest.mark.parametrize("format", IMAGE_TYPES)
@pytest.mark.parametrize("dpr", [None, 1.5])
@pytest.mark.parametrize("rc", [{}, {"savefig.bbox": "tight", "savefig.dpi": 90}])
def test_figure_rcparams_and_backend_are_as_they_were(
    format: str, dpr: float | None, rc: dict[str, Any]
) -> None:
    mpl.rcParams.update(rc)
    figure = drawn(layout="constrained", dpi=77, figsize=(5, 3.3))
    before, settings, backend = state(figure), dict(mpl.rcParams), mpl.get_backend()
    body(figure, format=format, dpr=dpr)
    assert state(figure) == before
    assert dict(mpl.rcParams) == settings
    assert mpl.get_backend() == backend


@pytest.mark.parametrize("format", IMAGE_TYPES)
@pytest.mark.parametrize("dpr", [None, 1.5])
def test_the_figure_gives_the_same_picture_again(format: str, dpr: float | None) -> None:
    figure = drawn(dpi=77, figsize=(5, 3.3))
    first, again = (body(figure, format=format, dpr=dpr) for _ in range(2))
    assert shown(first) == shown(again)
    assert content(saved(figure)) == content(saved(drawn(dpi=77, figsize=(5, 3.3))))


def test_a_layout_engine_goes_on_from_where_savefig_would_leave_it() -> None:
    ours, plain = drawn(layout="constrained"), drawn(layout="constrained")
    for _ in range(3):
        assert content(body(ours)) == content(saved(plain))


def test_they_are_if_the_picture_fails_as_well() -> None:
    figure = drawn()
    figure.axes[0].set_title(r"$\notacommand$")
    before, settings = state(figure), dict(mpl.rcParams)
    with pytest.raises(ValueError, match="notacommand"):
        figure_response(figure, dpr=2)
    assert state(figure) == before
    assert dict(mpl.rcParams) == settings
    assert figure_response(drawn()).status_code == 200


def test_a_figure_of_pyplot_s_is_closed_and_no_other() -> None:
    other, figure = plt.figure(), plt.figure()
    figure_response(figure)
    assert plt.get_fignums() == [other.number]
    figure_response(drawn())
    assert plt.get_fignums() == [other.number]


@pytest.mark.parametrize(
    "wrong", [{"format": "gif"}, {"dpr": 0}, {"max_age": -1}, {"download": "", "format": "bmp"}]
)
def test_it_is_closed_if_the_picture_fails(wrong: dict[str, Any]) -> None:
    figure = plt.figure()
    with pytest.raises(ValueError):
        figure_response(figure, **wrong)
    assert plt.get_fignums() == []


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_pyplot_is_not_imported_for_it() -> None:
    code = """
import sys
from matplotlib.figure import Figure
from plotroute.web.extension.figure_response import figure_response
for format in ("png", "svg", "pdf", "webp", "jpg"):
    figure_response(Figure(), format=format, dpr=2)
print("matplotlib.pyplot" in sys.modules)
"""
    assert run(code) == "False"


def test_matplotlib_is_not_imported_before_there_is_a_figure() -> None:
    code = "import sys, plotroute.web.extension.figure_response; print([m for m in ('matplotlib', 'numpy') if m in sys.modules])"
    assert run(code) == "[]"


# --- the answer --------------------------------------------------------------------------------


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)

    @app.get("/<int:number>.<format>")
    def picture(number: int, format: str) -> Response:
        return figure_response(drawn(number), format=format)

    @app.get("/pyplot/<int:number>")
    def of_pyplot(number: int) -> Response:
        return figure_response(drawn(number, plt.figure, layout="constrained"), dpr=2)

    return app


def test_the_headers_of_an_answer() -> None:
    response = figure_response(drawn())
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["ETag"].startswith('W/"')
    assert "Content-Disposition" not in response.headers
    assert "Content-Security-Policy" not in response.headers


def test_an_svg_may_do_nothing() -> None:
    headers = figure_response(drawn(), format="svg").headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("max_age", "said"),
    [
        (0, "private, no-cache"),
        (60, "private, max-age=60"),
        (1.9, "private, max-age=1"),
        ("10m", "private, max-age=600"),
        ("forever", "private, max-age=31536000"),
    ],
)
def test_no_cache_keeps_it_but_the_reader_s(max_age: Any, said: str) -> None:
    assert figure_response(Figure(), max_age=max_age).headers["Cache-Control"] == said


@pytest.mark.parametrize("max_age", [-1, "soon", float("nan"), float("inf")])
def test_what_is_no_duration_is_refused(max_age: Any) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        figure_response(Figure(), max_age=max_age)


def test_a_browser_that_has_the_picture_gets_a_304(app: Flask) -> None:
    client = app.test_client()
    first = client.get("/5.svg")
    assert first.status_code == 200
    again = client.get("/5.svg", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Cache-Control"):
        assert again.headers[name] == first.headers[name]
    assert client.get("/6.svg", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    with app.test_request_context(headers={"If-None-Match": first.headers["ETag"]}):
        assert figure_response(drawn(5), format="svg").status_code == 304
    with app.test_request_context(method="POST", headers={"If-None-Match": first.headers["ETag"]}):
        assert figure_response(drawn(5), format="svg").status_code == 200


def test_head_tells_the_same_without_a_body(app: Flask) -> None:
    got, told = app.test_client().get("/5.png"), app.test_client().head("/5.png")
    assert (told.status_code, told.data) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert told.headers[name] == got.headers[name]


def disposition(wish: str, **rest: Any) -> tuple[str, dict[str, str]]:
    return parse_options_header(
        figure_response(Figure(figsize=(1, 1)), download=wish, **rest).headers["Content-Disposition"]
    )


@pytest.mark.parametrize(
    ("wish", "format", "name"),
    [
        ("report.png", "png", "report.png"),
        ("report", "svg", "report.svg"),
        ("report.png", "pdf", "report.png.pdf"),
        ("photo.JPEG", "jpg", "photo.JPEG"),
        ("photo.PNG", "png", "photo.PNG"),
        ("../../etc/passwd", "png", "passwd.png"),
        ("C:\\x\\report.png", "png", "report.png"),
        ("evil.exe", "png", "evil.exe.png"),
        ("", "png", "plot.png"),
        ("..", "png", "plot.png"),
        (".png", "png", "plot.png"),
        ("sales of week 3.png", "png", "sales-of-week-3.png"),
        ('a"; filename=b.exe\r\nSet-Cookie: c', "png", "a-filename=b.exe-Set-Cookie-c.png"),
        ("\u202egnp.exe", "png", "gnp.exe.png"),
        ("x" * 500 + ".png", "png", "x" * 100 + ".png"),
    ],
)
def test_a_download_has_a_safe_name(wish: str, format: str, name: str) -> None:
    assert disposition(wish, format=format) == ("attachment", {"filename": name})


def test_a_download_keeps_letters_that_are_not_ascii() -> None:
    response = figure_response(Figure(), download="Umsätze 東京.PNG")
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=Umsatze.PNG; filename*=UTF-8''Ums%C3%A4tze-%E6%9D%B1%E4%BA%AC.PNG"
    )
    assert disposition("東京.png")[1]["filename"] == "東京.png"
    # Its compatible form has a quote and a slash in it.
    assert "filename=b.png" in figure_response(Figure(), download="a＂／b.png").headers["Content-Disposition"]


@pytest.fixture(scope="module")
def small() -> Figure:
    return Figure(figsize=(0.1, 0.1))


@given(wish=st.text() | st.text(st.sampled_from("./\\\"'%;=\r\n\x00\ud800\u202e é＂／*:a")))
def test_no_name_becomes_a_folder_or_a_header(small: Figure, wish: str) -> None:
    response = figure_response(small, download=wish)
    header = response.headers["Content-Disposition"]
    assert header.isprintable()
    assert header.isascii()
    kind, names = parse_options_header(header)
    assert (kind, set(names)) == ("attachment", {"filename"})
    name = names["filename"]
    assert name.lower().endswith(".png")
    assert not set(name) & set('/\\"\r\n\0:*?<>|;')
    assert not name.startswith((".", " ", "-"))


# --- threads -----------------------------------------------------------------------------------


def test_threads_get_the_pictures_that_they_asked_for(app: Flask) -> None:
    plain = {number: content(saved(drawn(number))) for number in range(8)}
    start = threading.Barrier(8)

    def ask(number: int) -> list[bytes]:
        client = app.test_client()
        start.wait(60)
        replies = [client.get(f"/{number}.png") for _ in range(3)]
        assert {reply.status_code for reply in replies} == {200}
        return [reply.data for reply in replies]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    for number, pictures in enumerate(answers):
        assert [content(picture) for picture in pictures] == [plain[number]] * 3


def test_threads_may_share_a_figure_and_leave_none_of_pyplot_s(app: Flask) -> None:
    figure = drawn()
    before = state(figure)
    start = threading.Barrier(8)

    def encode(number: int) -> bytes:
        start.wait(60)
        if number % 2:
            assert app.test_client().get(f"/pyplot/{number}").status_code == 200
        return body(figure, dpr=(1, 2)[number < 4])

    with ThreadPoolExecutor(8) as threads:
        pictures = list(threads.map(encode, range(8)))
    plain = {dpi: content(saved(drawn(), dpi=dpi)) for dpi in (100, 200)}
    assert [content(picture) for picture in pictures] == [plain[200]] * 4 + [plain[100]] * 4
    assert state(figure) == before
    assert plt.get_fignums() == []


def test_it_waits_for_a_plot_that_is_drawn_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    during = []
    answered = threading.Event()
    with ThreadPoolExecutor(1) as threads:

        def meanwhile() -> None:
            threads.submit(figure_response, drawn()).add_done_callback(lambda _: answered.set())
            during.append(answered.wait(0.2))

        monkeypatch.setattr(sys.modules[__name__], "meanwhile", meanwhile)
        plots.draw("busy")
    assert during == [False]
    assert answered.is_set()
