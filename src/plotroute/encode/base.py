"""The protocol of encoders: a value that a plot function returned becomes the bytes of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from plotroute.model import Options


class NotAFigure(TypeError):
    """A plot function returned something that is no picture; the text says what to return instead."""


class LeadsNowhere(NotAFigure):
    """A value that says nothing of a picture (numbers, a table, a model): an open figure may be it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How the picture is wanted."""

    format: str = "png"
    """png, svg, pdf, webp or jpg."""
    explicit_format: bool = False
    """Someone asked for exactly this one."""
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
    """The axes' background in the author's own rcParams, for which the function's own colours were chosen."""
    salt: str = ""
    """What the ids in an SVG are derived from: same salt, same bytes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A finished picture: its bytes and their media type."""

    body: bytes
    type: str


class Encoder(Protocol):
    """One kind of value → bytes."""

    def accepts(self, value: Any) -> bool:
        """Whether `value` is of this encoder's kind. Cheap: nothing is drawn."""

    def encode(self, value: Any, target: Target) -> Encoded:
        """Return the picture in the format and size of `target`.

        Raises NotAFigure if there is not exactly one picture in `value`, CannotDraw if it is beyond
        the budgets of `target`, UnknownFormat if it cannot become the format that was asked for.
        """
