"""The pages for people, without a script: the list of plots, and an error in a browser's window.

They need no request and no app: data in, text out. Their templates escape everything they are given.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from plotroute.model import Frame

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
        """The words that stand for the picture, for readers that cannot see it."""
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


def path_of(prefix: str) -> str:
    """Return the path of a prefix of links, less the server's name."""
    return urlsplit(prefix).path


def plots_page(
    plots: Sequence[ListedPlot],
    *,
    problem: str | None = None,
    detail: Sequence[Frame] = (),
    development: bool = False,
    prefix: str = "",
    mistakes: Sequence[str] = (),
    departures: Sequence[str] = (),
) -> str:
    """Return the page at `/`: every plot, its address and the picture itself.

    Args:
        plots: What is listed.
        problem: Why the version that was saved last does not load; shown in development only.
        detail: The traceback of the problem.
        development: Show what only the author may see.
        prefix: What addresses have in front where readers see the server.
        mistakes: What is wrong with single plots.
        departures: Which addresses are gone since the server started.
    """
    message, _, more = (problem or "").strip("\n").partition("\n")
    traceback = (Frame(f"{more}\n\n", names_error=True), *detail) if more else tuple(detail)
    return render(
        "plots.html",
        plots=plots,
        problem=message if development else "",
        mistakes=mistakes,
        departures=departures,
        traceback=traceback,
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
    detail: Sequence[Frame] = (),
    home: str = "/",
) -> str:
    """Return an error as a page: what is wrong, what helps, and in development where.

    Args:
        title: What went wrong, as the heading.
        status: The status of the answer.
        code: The error's code.
        request_id: The name of the request in the log.
        advice: Sentences that help.
        wrong: Each thing that is wrong with the request.
        meant: The addresses that were most likely meant, as links.
        detail: The traceback; only in development.
        home: The address of the list of plots, or empty.
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
        traceback=detail,
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


def author_place(frames: Sequence[Frame]) -> Frame | None:
    """Return the last call of a traceback in the author's code: where to look first."""
    return next((frame for frame in reversed(frames) if frame.is_authors), None)


def error_line(frames: Sequence[Frame]) -> str:
    """Return the line of a traceback that names its error, `KeyError: 'region'`."""
    named = [frame.text for frame in frames if frame.names_error]
    text = named[-1] if named else "".join(frame.text for frame in frames)
    lines = text.strip().splitlines() or [""]
    return lines[0 if named else -1].strip()


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
"""A plots file of ten lines, for an author without one."""

_TEMPLATES = Environment(
    loader=PackageLoader("plotroute.web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_finalize,
    trim_blocks=True,
    lstrip_blocks=True,
)
