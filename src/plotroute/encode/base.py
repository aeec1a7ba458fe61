"""The protocols of encode: an encoder turns a value into bytes; on its surface, plot functions draw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from plotroute.model import Options


class NotAFigure(TypeError):
    """A plot function returned something that is no picture; the text says what to return instead."""


class LeadsNowhere(NotAFigure):
    """The returned value is no picture (numbers, a table, a model): an open figure may be the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How the picture is to be encoded."""

    format: str = "png"
    """png, svg, pdf, webp or jpg."""
    explicit_format: bool = False
    """The request names this format; otherwise another format may be returned."""
    options: Options = field(default_factory=Options)
    size: tuple[int, int] | None = None
    """CSS pixels that the author declared: the default of `width` and `height`."""
    min_size: tuple[int, int] | None = None
    """CSS pixels below which the author wants the picture scaled, not laid out anew."""
    made_by_us: bool = False
    """plotroute made the figure (the `draw(ax)` style), so it may lay it out."""
    max_pixels: int = 16_000_000
    max_bytes: int = 20 * 2**20
    texts: tuple[str, ...] = ()
    """Free texts of the query: drawn as they are, never parsed as mathtext."""
    own_paper: str = "white"
    """Background of axes in the author's own settings: the function's own colours were chosen for it."""
    salt: str = ""
    """Seed of the ids in an SVG: same salt, same bytes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A finished picture: its bytes and their media type."""

    body: bytes
    type: str


class GivenFigure(Protocol):
    """The figure that a surface has made for one call of a plot function."""

    @property
    def figure(self) -> Any:
        """The figure; None if the function asked for none."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments to call the function with, by name."""

    def is_read_already(self, setting: str) -> bool:
        """Whether the figure ignores a change of this setting of the library, because it was made before."""

    def picture(self, returned: Any, error: LeadsNowhere | None = None, *, deliberate: bool = False) -> Any:
        """Return the figure that the function has drawn: returned, given, or left open.

        Args:
            returned: What the return value leads to (`Encoder.resolve`); None if it leads to nothing.
            error: Why the return value leads to nothing, if the function returned one.
            deliberate: The author says that this is the picture, even if nothing is on it.

        Raises:
            NotAFigure: There is no picture, or there are several. The text says what the author can do.
        """


class Surface(Protocol):
    """The drawing side of an encoder: make, theme and reset what a plot function draws on.

    A library has one state in a process, so a surface is used by one thread at a time.
    """

    @property
    def makes(self) -> Collection[str]:
        """The names of arguments of plot functions that `give` makes a value for: `ax`, `fig`."""

    def natural_size(self) -> tuple[int, int]:
        """Return the size (CSS pixels) of a figure that is made without a size, by the settings of now."""

    def background(self) -> str:
        """Return the colour behind the data (`#rrggbb`) by the settings of now: `Target.own_paper`."""

    def apply_theme(self, theme: str) -> None:
        """Set the colours of `theme` ("light", "dark") for all figures that are made from now on."""

    def give(self, names: Collection[str], size: tuple[int, int] | None) -> GivenFigure:
        """Make a figure for one call of a plot function.

        Args:
            names: The arguments that the function asks for, out of `makes`; empty: it makes its own figure.
            size: The size (CSS pixels) that the author declared, if any.
        """

    def drawing(self, texts: Sequence[str], function: Callable[..., Any]) -> AbstractContextManager[None]:
        """Adapt the library while one picture is drawn and encoded.

        Args:
            texts: Free texts of the query. They are drawn as they are, not parsed as markup.
            function: The plot function. Warnings about its texts name its file and line.
        """

    def snapshot(self) -> Callable[[], None]:
        """Prepare the library for drawings, and return a function that resets it to the state of now.

        The reset closes all open figures. Settings, fonts and names of the library are reset by
        `render/state`, together with those of other libraries.
        """

    def set_aside(self) -> AbstractContextManager[None]:
        """Hide the figures that are open, and bring them back afterwards, untouched."""

    def without_windows(self) -> AbstractContextManager[None]:
        """Open no window while the body draws, whatever window system the caller uses."""


class Encoder(Protocol):
    """Turn one kind of value into bytes."""

    def accepts(self, value: Any) -> bool:
        """Whether `value` is of this encoder's kind. Cheap: nothing is drawn."""

    def resolve(self, value: Any, theme: str | None = None) -> Any:
        """Return the one picture that an accepted value leads to, for example the figure of some axes.

        Args:
            value: A value that the encoder accepts.
            theme: The theme ("light", "dark") of what is drawn only now, if any.

        Raises:
            NotAFigure: The value leads to no picture, or to several.
        """

    def encode(self, value: Any, target: Target) -> Encoded:
        """Return the picture in the format and size of `target`.

        Raises:
            NotAFigure: There is not exactly one picture in `value`.
            CannotDraw: The picture is beyond the budgets of `target`.
            UnknownFormat: The value cannot become the requested format.
        """

    def surface(self) -> Surface | None:
        """Return what plot functions draw on to make values of this kind; None: they need nothing."""
