"""The pages for people, without a script: the list of plots, and an error in a browser's window.

They need no request and no app: data in, text out. Their templates escape everything they are given.
"""

from __future__ import annotations

import html
import re
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_GAP = re.compile(r"<(?P<name>\w+)>")
"""A path parameter in an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedParameter:
    """A parameter of a plot, in words."""

    name: str
    kind: str
    """What it takes: `pearson | spearman | kendall`, `whole number from 2 to 30`."""
    default: str | None = None
    """What it is when it is not given, where that can be said."""
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPlot:
    """A plot, as the page of all plots shows it."""

    name: str
    title: str = ""
    description: str = ""
    alt: str = ""
    address: str
    """Its URL, `/plots/sales/<region>` where it has path parameters."""
    picture_address: str | None = None
    """A URL that draws it, examples filled in; None where a required parameter has no example."""
    size: tuple[int, int] | None = None
    """CSS pixels, where the author declared them."""
    parameters: Sequence[ListedParameter] = ()
    prefix: str = ""
    """What its addresses have in front where readers see them: `https://example.org/charts`, `/charts`."""

    @property
    def heading(self) -> str:
        """Its title, or its name made readable."""
        return self.title or self.name.rpartition("/")[2].replace("_", " ").capitalize()

    @property
    def words(self) -> str:
        """What the picture is called for those who cannot see it."""
        return self.alt or self.heading

    @property
    def question(self) -> str:
        """The URL with what is required in capitals: `/plots/sales/REGION?year=YEAR`."""
        path = _GAP.sub(lambda gap: gap["name"].upper(), self.address)
        inside = {gap["name"] for gap in _GAP.finditer(self.address)}
        asked = [p.name for p in self.parameters if p.required and p.name not in inside]
        query = "?" + "&".join(f"{name}={name.upper()}" for name in asked) if asked else ""
        return self.prefix + path + query

    @property
    def shown(self) -> str | None:
        """The picture's URL on the page itself: the server may have been asked by another name."""
        return path_of(self.prefix) + self.picture_address if self.picture_address else None

    @property
    def snippet(self) -> str:
        """The tag that embeds it, to be copied into a page."""
        drawn = self.prefix + self.picture_address if self.picture_address else self.question
        attributes: dict[str, Any] = {"src": drawn, "alt": self.words}
        if self.size:
            attributes |= {"width": self.size[0], "height": self.size[1]}
        spelled = [f'{name}="{_quoted(value)}"' for name, value in attributes.items()]
        return f"<img {' '.join(spelled)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that is wrong with a request, in words.

    `parameter` and `nearest` are empty where the message says them already.
    """

    message: str
    parameter: str = ""
    allowed: Sequence[str] = ()
    nearest: str = ""

    @property
    def sentence(self) -> str:
        """All of it but what is allowed, for where there is little room."""
        start = f"{self.parameter}: " if self.parameter else ""
        return start + self.message + (f" Did you mean “{self.nearest}”?" if self.nearest else "")


class TracebackLine(NamedTuple):
    """A line of a traceback; `mine`: of the author's code, or the error itself."""

    text: str
    mine: bool


class Place(NamedTuple):
    """A line of the author's code."""

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        return f"{_parts(self.file)[-1]}, line {self.line}"


def path_of(prefix: str) -> str:
    """Return the path of a prefix of links, less the server's name."""
    return urlsplit(prefix).path


def plots_page(
    plots: Sequence[ListedPlot],
    *,
    problem: str | None = None,
    development: bool = False,
    prefix: str = "",
    mistakes: Sequence[str] = (),
    departures: Sequence[str] = (),
) -> str:
    """Return the page at `/`: every plot, its address and the picture itself.

    `prefix` is what addresses have in front where readers see the server.
    `problem` (development only) says why the version that was saved last does not load: a message in
    the first line, the traceback behind it. `mistakes` and `departures` say what is wrong with single plots,
    and which addresses are gone since the server started.
    """
    message, _, traceback = (problem or "").strip("\n").partition("\n")
    if message.startswith(("Traceback", "  File")):  # no message of its own: the last line has it
        message, traceback = error_line(problem or ""), (problem or "").strip("\n")
    return render(
        "plots.html",
        plots=plots,
        problem=message if development else "",
        mistakes=mistakes,
        departures=departures,
        traceback=marked(traceback),
        place=author_place(traceback),
        example=EXAMPLE,
        prefix=prefix,
    )


def problem_page(
    *,
    title: str,
    status: int,
    code: str,
    request_id: str,
    advice: Sequence[str],
    wrong: Sequence[Wrong],
    meant: Sequence[str] = (),
    detail: str = "",
    home: str = "/",
) -> str:
    """Return an error as a page: what is wrong, what helps, and in development (`detail`) where.

    meant: the addresses that were most likely meant, to be followed.
    """
    return render(
        "problem.html",
        title=title,
        status=status,
        code=code,
        request_id=request_id,
        advice=advice,
        wrong=wrong,
        meant=meant,
        traceback=marked(detail),
        place=author_place(detail),
        home=home,
    )


def render(template: str, **values: Any) -> str:
    """Return a template of this folder, filled in."""
    return _TEMPLATES.get_template(template).render(values)


# What XML 1.0 cannot hold and what no reader sees: control characters but tab and line ends, halves of
# a surrogate pair (they cannot be encoded either), non-characters; and the marks that turn the
# direction of text around, which make a message read as something else than it says.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    """Return `text` without what a page or an SVG cannot hold or a reader would not see."""
    return _SURROGATE.sub("\ufffd", _UNREADABLE.sub("", text))


def marked(traceback: str) -> list[TracebackLine]:
    """Return the lines of a traceback, the author's own marked."""
    lines, mine = [], False
    for text in traceback.strip("\n").splitlines():
        if frame := _FRAME.match(text):
            mine = _is_authors(frame["file"])
        elif not text.startswith((" ", "\t")):
            mine = bool(text) and not text.startswith(_BETWEEN)
        lines.append(TracebackLine(text, mine))
    return lines


def author_place(traceback: str) -> Place | None:
    """Return the last line of the author's code in a traceback: where to look first."""
    place = None
    lines = traceback.splitlines()
    for text, behind in pairwise([*lines, ""]):
        if (frame := _FRAME.match(text)) and _is_authors(frame["file"]):
            source = "" if _FRAME.match(behind) else behind.strip()
            place = Place(frame["file"], int(frame["line"]), source)
    return place


def error_line(traceback: str) -> str:
    """Return the line of a traceback that names the error, `KeyError: 'region'`."""
    lines = [line for line in traceback.splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith((" ", "\t", *_BETWEEN))]
    return (own or lines or [""])[-1].strip()


_FRAME = re.compile(r'[\s|+-]*File "(?P<file>[^"\n]+)", line (?P<line>[0-9]{1,9})\b')
_BETWEEN = ("Traceback (", "During handling", "The above exception")
_LIBRARIES = {"site-packages", "dist-packages"}
_NOT_AUTHORS = tuple(
    # The trailing separator keeps `/usr/lib/python3.11-plots` the author's.
    f"{path}/"
    for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parents[2])
)


def _is_authors(file: str) -> bool:
    return not (_LIBRARIES & set(_parts(file)) or file.startswith(("<frozen", *_NOT_AUTHORS)))


def _parts(file: str) -> list[str]:
    return re.split(r"[\\/]", file)


def _quoted(value: object) -> str:
    """Escape for an attribute in double quotes, leaving apostrophes as people write them."""
    return html.escape(str(value), quote=False).replace('"', "&quot;")


def _finalize(value: object) -> object:
    """Clean every text on its way into a template: no template can forget to."""
    return readable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


EXAMPLE = '''\
import matplotlib.pyplot as plt
from plotroute import Plots

plots = Plots()

@plots.plot
def powers(exponent: float = 2):
    """Powers of the numbers from 0 to 9."""
    plt.plot([x**exponent for x in range(10)])
    return plt.gcf()
'''
"""A plots file of ten lines, for those who have none yet."""

_TEMPLATES = Environment(
    loader=PackageLoader("plotroute.web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_finalize,
    trim_blocks=True,
    lstrip_blocks=True,
)
