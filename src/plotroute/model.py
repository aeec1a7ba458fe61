"""The nouns that travel: Manifest, Versions, Job, Image, and what they are made of.

Frozen, plain data. Everything that crosses a process boundary is one of these, as a JSON header
with bytes behind (`to_wire`, `from_wire`): never a class, never a pickle.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import TypeAdapter

Json = Any
"""A value that JSON can hold: None, bool, int, float, str, list, dict."""

IMAGE_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "webp": "image/webp",
    "jpg": "image/jpeg",
}
"""The formats of a picture: address suffix → media type. The first is the one nobody has to ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One query or path parameter, as data: enough to parse, bound, describe and canonicalise it.

    `default` is canonical JSON. `bounds` uses pydantic's names (ge, gt, le, lt, multiple_of,
    min_length, max_length, pattern); for a list (`many`) they bound the list, `item_bounds` its items.
    """

    name: str
    kind: str
    """The name of a class in `params.kinds`."""
    many: bool = False
    required: bool = False
    optional: bool = False
    """None is a value of it."""
    default: Json = None
    choices: tuple[Json, ...] = ()
    bounds: Mapping[str, Json] = field(default_factory=dict)
    item_bounds: Mapping[str, Json] = field(default_factory=dict)
    step: str | None = None
    """Of a time range: what its ends are rounded to, as a duration; None means 1/500 of the range."""
    description: str = ""
    example: Json = None
    """A value for pages and checks where the parameter is required."""
    is_user: bool = False
    """It receives who asks, and no request can say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset, as processes that must not run it know it."""

    name: str
    params: tuple[Param, ...] = ()
    """The parameters it takes, those of the datasets it reads included."""
    reads: tuple[str, ...] = ()
    """Every dataset it reads, directly or not, in loading order."""
    freshness: Literal["constant", "bucket", "polled", "content"] = "content"
    version: str | None = None
    """The version, where it is a constant."""
    ttl: float | None = None
    """Seconds of a bucket."""
    sources: tuple[str, ...] = ()
    """Names under which ad-hoc plots may ask for its values: `name`, `name.column`, or `name:`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotSpec:
    """A plot, as processes that must not run it know it."""

    name: str
    addresses: tuple[str, ...]
    """URL patterns, `/plots/sales/<region>`; the first is the plot's own, the rest its aliases."""
    function: str = ""
    """The name of its function."""
    also: tuple[str, ...] = ()
    """Addresses that answer the same and are not shown: implied by its name and the datasets it reads."""
    contested: tuple[str, ...] = ()
    """Addresses that its name implies and another plot's too, so that neither answers there."""
    params: tuple[Param, ...] = ()
    users: tuple[Param, ...] = ()
    """The parameters that receive who asks: not among `params`, which are what a request may say."""
    datasets: tuple[str, ...] = ()
    """Every dataset it reads, directly or not, in loading order."""
    freshness: Literal["keyed", "timed", "live"] = "keyed"
    """keyed: a function of its key; timed: fresh for `ttl` seconds; live: drawn for every request."""
    ttl: float | None = None
    stale: float | None = None
    """Seconds for which an outdated picture may be shown while a new one is drawn."""
    max_age: int = 0
    """Seconds a browser may keep the picture without asking."""
    timeout: float | None = None
    max_pixels: int | None = None
    size: tuple[int, int] | None = None
    """Declared CSS pixels, where the author declared them."""
    natural: tuple[int, int] | None = None
    """CSS pixels of the figure that plotroute makes for the function, where no size is declared."""
    min_size: tuple[int, int] | None = None
    title: str = ""
    alt: str = ""
    description: str = ""
    takes_options: tuple[str, ...] = ()
    """Picture options that the function asked for itself: width, height, theme."""
    adhoc: bool = False
    """A built-in plot of the values in the query."""
    mistake: str = ""
    """Why it cannot be drawn, where its registration is wrong and the others are shown all the same."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that means it, as `draw`, `url`, `purge` and `warm` take them; the shown one first."""
        other = (address.removeprefix("/plots/") for address in (*self.addresses, *self.also))
        return tuple(dict.fromkeys((self.name, *other)))


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of a traceback: a call with its line of code, or the text before, between and after the calls.

    `text` is what Python prints, line ends included: the texts of all frames are the printed traceback.
    """

    text: str
    file: str = ""
    """Empty where the piece is no call."""
    line: int = 0
    function: str = ""
    source: str = ""
    """The line of code."""
    is_authors: bool = False
    """Whether the call is in the author's code."""
    names_error: bool = False
    """Whether the text names an error, `KeyError: 'region'`."""

    @property
    def place(self) -> str:
        """Return where to look: `plots.py, line 12`."""
        name = re.split(r"[\\/]", self.file)[-1]
        return f"{name}, line {self.line}"


@dataclass(frozen=True, kw_only=True, eq=False)  # one object per version: compared by identity
class Manifest:
    """What a saved version of the author's code offers."""

    plots: tuple[PlotSpec, ...] = ()
    datasets: tuple[DatasetSpec, ...] = ()
    code: str = ""
    """Hash of the author's code."""
    environment: str = ""
    """Hash of the installed distributions, Python, machine and fonts."""
    broken: tuple[PlotSpec, ...] = ()
    """Plots whose registration is wrong, in development: their addresses say what is wrong with them."""
    mistakes: tuple[str, ...] = ()
    """All that is wrong with registrations, in development."""
    problem: str = ""
    """Why the newest saved version does not load; this is the last good one, if there is any."""
    problem_detail: tuple[Frame, ...] = ()
    """The traceback of that."""


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """A dataset for given values of its parameters."""

    name: str
    values: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`orders?region="EU"`: one spelling for one set of values."""
        if not self.values:
            return self.name
        spelled = "&".join(
            f"{k}={_adapter(Any).dump_json(v).decode()}" for k, v in sorted(self.values.items())
        )
        return f"{self.name}?{spelled}"


Versions = Mapping[str, str]
"""`DatasetRef.id` → version of the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The picture options of a request: how big and in what dress, whatever the plot."""

    width: int | None = None
    """CSS pixels (1/100 inch)."""
    height: int | None = None
    dpr: float | None = None
    """Device pixels per CSS pixel; None: the figure's own dpi."""
    theme: Literal["light", "dark"] | None = None
    background: Literal["transparent"] | None = None
    png8: bool = False
    """At most 256 colours, of a PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to draw: complete, so that whoever gets it needs to ask nothing."""

    plot: str
    values: Mapping[str, Json]
    """Canonical parameter values, defaults filled in."""
    texts: tuple[str, ...] = ()
    """The free texts among the values as they were sent: never parsed as mathtext."""
    format: str = "png"
    explicit_format: bool = False
    """Someone asked for this very format (suffix or Accept), so no other will do."""
    options: Options = Options()
    live: bool = False
    """Random numbers start from the system's entropy, not from what the picture is a function of."""
    versions: Versions = field(default_factory=dict)
    """The versions of the data that the request was told; a drawing says which it really used."""
    timeout: float = 10.0
    """Seconds a drawing may take."""
    code: str = ""
    """The version of the author's code that it was asked of (`Manifest.code`)."""
    ttl: float = 0.0
    """Seconds for which the picture is one for all that ask for it; 0: its key or nothing says so."""
    epoch: str = ""
    """Of the plot, as its purges have made it, where there is a `ttl`."""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A finished picture. A notebook shows it.

    Attributes:
        body: The bytes of the file.
        type: The media type, such as "image/png".
        alt: The text that a screen reader reads out in place of the picture.
        timings: Seconds spent on "data", "draw" and "encode".

    Example:
        >>> image = plots.draw("sales/revenue", period="-7d")
        >>> image.save("revenue.png")
    """

    body: bytes
    type: str
    alt: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)
    """The versions of the data that the picture was drawn from."""
    code: str = ""
    """The version of the author's code that drew it; empty if that is not known."""
    age: float = 0.0
    """Seconds since it was drawn, if the renderer had it ready."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """The files that the drawing opened, each with its state then. While they are unchanged, the picture is
    valid."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the picture as Jupyter shows it."""
        if self.type == "image/svg+xml":
            return {self.type: self.body.decode("utf-8"), "text/plain": repr(self)}
        return {self.type: self.body, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Image {self.type}, {len(self.body):,} bytes>"

    @property
    def data_uri(self) -> str:
        """The picture as text, for the `src` of an `<img>` in a page or mail that must contain the
        picture."""
        return f"data:{self.type};base64,{b64encode(self.body).decode()}"

    def save(self, path: Any) -> None:
        """Write the picture to a file.

        Args:
            path: The path of the file. Its suffix does not change the format.

        Raises:
            OSError: The file cannot be written.
        """
        with open(path, "wb") as file:
            file.write(self.body)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with a text, as a plot function may return it.

    Args:
        figure: Any value that a plot function may return by itself, such as a figure or axes.
        data: The numbers behind the picture, a DataFrame.
        alt: The text that a screen reader reads out in place of the picture.

    Example:
        >>> @plots.plot
        ... def revenue(ax, orders):
        ...     orders.plot(ax=ax, x="day", y="revenue")
        ...     return Picture(ax, alt=f"Revenue of {len(orders)} days")
    """

    figure: Any
    data: Any = None
    alt: str = ""


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def to_wire(noun: Manifest | Job | Image) -> tuple[bytes, bytes]:
    """Return (JSON header, bytes behind it)."""
    if isinstance(noun, Image):
        return _adapter(Image).dump_json(replace(noun, body=b"")), noun.body
    return _adapter(type(noun)).dump_json(noun), b""


Noun = TypeVar("Noun", "Manifest", "Job", "Image")


def from_wire(kind: type[Noun], header: bytes, body: bytes = b"") -> Noun:
    """Return the noun that `to_wire` took apart; a ValueError if it is anything else."""
    noun: Any = _adapter(kind).validate_json(header)
    return cast(Noun, replace(noun, body=body) if isinstance(noun, Image) else noun)
