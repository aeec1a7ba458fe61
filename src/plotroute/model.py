"""The nouns that travel between processes: Manifest, Versions, Job, Image, and their parts.

They are frozen, plain data. Whatever crosses a process boundary is one of them, as a JSON header followed by
bytes (`to_wire`, `from_wire`), and never a class or a pickle.
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
"""The formats of a picture: address suffix → media type. The first is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A query or path parameter, as data: enough to parse, bound, describe and normalize its values.

    `default` is canonical JSON. `bounds` uses pydantic's names (ge, gt, le, lt, multiple_of,
    min_length, max_length, pattern); for a list (`many`) they bound the list, `item_bounds` its items.
    """

    name: str
    kind: str
    """The name of a class in `params.kinds`."""
    many: bool = False
    required: bool = False
    optional: bool = False
    """Whether None is a value of it."""
    default: Json = None
    choices: tuple[Json, ...] = ()
    bounds: Mapping[str, Json] = field(default_factory=dict)
    item_bounds: Mapping[str, Json] = field(default_factory=dict)
    step: str | None = None
    """Of a time range: the duration to which its ends are rounded; None is 1/500 of the range."""
    description: str = ""
    example: Json = None
    """A value for pages and checks, if the parameter is required."""
    is_user: bool = False
    """Whether it receives the logged-in user, which no request can set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset, for processes that must not run its function."""

    name: str
    params: tuple[Param, ...] = ()
    """Its parameters, with those of the datasets that it reads."""
    reads: tuple[str, ...] = ()
    """Every dataset it reads, directly or not, in loading order."""
    freshness: Literal["constant", "bucket", "polled", "content"] = "content"
    version: str | None = None
    """The version, if it is a constant."""
    ttl: float | None = None
    """Length of a bucket, in seconds."""
    sources: tuple[str, ...] = ()
    """Names by which ad-hoc plots may use its values: `name`, `name.column`, or `name:`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotSpec:
    """A plot, for processes that must not run its function."""

    name: str
    addresses: tuple[str, ...]
    """URL patterns, `/plots/sales/<region>`: first its own, then its aliases."""
    function: str = ""
    """The name of its function."""
    also: tuple[str, ...] = ()
    """Addresses of it that pages do not show: they follow from its name and the datasets that it reads."""
    contested: tuple[str, ...] = ()
    """Addresses that follow from its name and from another plot's too, so that neither plot has them."""
    params: tuple[Param, ...] = ()
    users: tuple[Param, ...] = ()
    """The parameters that receive the logged-in user. They are not in `params`, which a request may set."""
    datasets: tuple[str, ...] = ()
    """Every dataset it reads, directly or not, in loading order."""
    freshness: Literal["keyed", "timed", "live"] = "keyed"
    """keyed: determined by its key; timed: fresh for `ttl` seconds; live: drawn for every request."""
    ttl: float | None = None
    stale: float | None = None
    """Seconds for which a stale picture may be shown while a new one is drawn."""
    max_age: int = 0
    """Seconds for which a browser may keep the picture without revalidating it."""
    timeout: float | None = None
    max_pixels: int | None = None
    size: tuple[int, int] | None = None
    """(width, height) in CSS pixels, if the author declared them."""
    natural: tuple[int, int] | None = None
    """(width, height) in CSS pixels of the figure that plotroute makes if no size is declared."""
    min_size: tuple[int, int] | None = None
    title: str = ""
    alt: str = ""
    description: str = ""
    takes_options: tuple[str, ...] = ()
    """Picture options that the function takes as arguments: width, height, theme."""
    adhoc: bool = False
    """Whether it is a built-in plot of the values in the query."""
    mistake: str = ""
    """Why it cannot be drawn, if its registration is wrong and the other plots are shown all the same."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `draw`, `url`, `purge` and `warm` take for it; first the name that pages show."""
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
    """What one saved version of the author's code has: its plots and datasets."""

    plots: tuple[PlotSpec, ...] = ()
    datasets: tuple[DatasetSpec, ...] = ()
    code: str = ""
    """Hash of the author's code."""
    environment: str = ""
    """Hash of the installed distributions, Python, machine and fonts."""
    broken: tuple[PlotSpec, ...] = ()
    """In development: plots whose registration is wrong. Their addresses answer with what is wrong."""
    mistakes: tuple[str, ...] = ()
    """In development: all that is wrong with registrations."""
    problem: str = ""
    """Why the newest saved version does not load. This manifest is then the last good one, or empty."""
    problem_detail: tuple[Frame, ...] = ()
    """The traceback of `problem`."""


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """A dataset with given values of its parameters."""

    name: str
    values: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`orders?region="EU"`: the same text for the same values."""
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
    """The picture options of a request: size and appearance, the same for every plot."""

    width: int | None = None
    """CSS pixels (1/100 inch)."""
    height: int | None = None
    dpr: float | None = None
    """Device pixels per CSS pixel; None is the dpi of the figure."""
    theme: Literal["light", "dark"] | None = None
    background: Literal["transparent"] | None = None
    png8: bool = False
    """Whether a PNG has at most 256 colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to draw. It is complete: a render process needs no further question."""

    plot: str
    values: Mapping[str, Json]
    """Normalized parameter values, with the defaults."""
    texts: tuple[str, ...] = ()
    """The free texts among the values, as the request sent them. They are never parsed as mathtext."""
    format: str = "png"
    explicit_format: bool = False
    """Whether the request names this format (suffix or Accept), so that no other will do."""
    options: Options = Options()
    live: bool = False
    """Whether random numbers start from the system's entropy, not from the picture's key."""
    versions: Versions = field(default_factory=dict)
    """The versions of the data that the web process knows. The image has those that were used."""
    timeout: float = 10.0
    """Seconds a drawing may take."""
    code: str = ""
    """The version of the author's code that the request saw (`Manifest.code`)."""
    ttl: float = 0.0
    """Seconds for which all requests get the same picture; 0 if the key determines it, or nothing does."""
    epoch: str = ""
    """The epoch of the plot, which counts its purges, if there is a `ttl`."""
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
    """The files that the drawing opened, each with its state then. It is valid while they are unchanged."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the picture as Jupyter shows it."""
        if self.type == "image/svg+xml":
            return {self.type: self.body.decode("utf-8"), "text/plain": repr(self)}
        return {self.type: self.body, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Image {self.type}, {len(self.body):,} bytes>"

    @property
    def data_uri(self) -> str:
        """The picture as text, for the `src` of an `<img>` in a page or mail that contains it."""
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
    """Return (JSON header, bytes that follow it)."""
    if isinstance(noun, Image):
        return _adapter(Image).dump_json(replace(noun, body=b"")), noun.body
    return _adapter(type(noun)).dump_json(noun), b""


Noun = TypeVar("Noun", "Manifest", "Job", "Image")


def from_wire(kind: type[Noun], header: bytes, body: bytes = b"") -> Noun:
    """Return the noun that `to_wire` wrote, or raise a ValueError."""
    noun: Any = _adapter(kind).validate_json(header)
    return cast(Noun, replace(noun, body=body) if isinstance(noun, Image) else noun)
