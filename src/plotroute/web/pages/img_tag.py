"""The HTML of a plot's image: sharp on every screen, with the room that it will need. Pure.

It needs no request and no app: the caller builds the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined
from markupsafe import Markup, escape

from plotroute.encode.base import Target
from plotroute.encode.geometry import asked_box
from plotroute.errors import InvalidParameters
from plotroute.model import IMAGE_TYPES, Options, PlotSpec
from plotroute.params import canonical, picture_options
from plotroute.routing.routes import fixed_format
from plotroute.web.negotiate import DEFAULT_FORMAT

RASTERS = ("png", "webp", "jpg")
"""Formats whose pixels a screen may have more of than the page has CSS pixels."""

RATIOS = (1.5, 2, 3)
"""Device pixels for a CSS pixel that there is a picture for, beside 1."""

_DARK = "(prefers-color-scheme: dark)"

_SIDES = {option.name: option for option in picture_options.PARAMS if option.name in ("width", "height")}

# HTML takes more. These are the names that it has, and those of frameworks: `@load`, `x-on:click.once`.
_NAME = re.compile(r"[a-z@:](?:[a-z0-9@:._-]*[a-z0-9])?")

_OURS = {
    "src": "src is the plot's address: what shall be another goes into params= or format=",
    "srcset": "srcset is made of the plot's addresses: with dpr in params= there is one, and no srcset",
}


def plot_img(
    plot: PlotSpec,
    address: Callable[..., str],
    params: Mapping[str, Any] | None = None,
    *,
    format: str | None = None,
    dark: bool = False,
    **attributes: Any,
) -> Markup:
    """Return the `<img>` of `plot`, to be put into a page as it is.

    address: gives the URL of the plot for parameters, `format` among them.
    params: what the plot is asked for, picture options included. Without `dpr` among them, screens with
        more pixels get a picture with more pixels (`srcset`).
    format: png where neither this nor the address says another.
    dark: readers that prefer dark colours get the picture with `theme=dark`, others with `theme=light`.
    attributes: HTML attributes as in other helpers of Jinja: `class_="chart"`, `data_id=7`; True is an
        attribute without a value, None and False leave it out. They win over `width`, `height` (CSS pixels
        of the picture, where they are known), `alt` (the plot's), `loading="lazy"` and `decoding="async"`.
        With `sizes` the pictures are told apart by width, so that a browser chooses for the room it has.

    ValueError says what cannot be, and the cure.
    """
    own = _named(attributes)
    asked, format = _with_format(plot, dict(params or {}), format)
    if dark and asked.get("theme") is not None:
        raise ValueError("dark=True asks for both themes: leave theme out of params=, or dark= out")
    box = _box(plot, asked)
    by_width = box[0] if box and own.get("sizes") else None
    srcset = partial(_srcset, address, format, by_width, _is_sized(plot, asked))
    light = {**asked, "theme": "light"} if dark else asked
    image = _tag(
        "img",
        {
            "src": address(**light),
            "srcset": srcset(light),
            **_room(box, own),
            "alt": plot.alt,
            # What is fetched first is in view: waiting for the layout to know that would put it off.
            "loading": None if str(own.get("fetchpriority")).lower() == "high" else "lazy",
            "decoding": "async",
            **own,
        },
    )
    if not dark:
        return image
    source = {
        "media": _DARK,
        "srcset": srcset({**asked, "theme": "dark"}, alone=True),
        "sizes": own.get("sizes"),
    }
    return Markup("<picture>{}{}</picture>").format(_tag("source", source), image)


def _with_format(plot: PlotSpec, asked: dict[str, Any], format: str | None) -> tuple[dict[str, Any], str]:
    """Return what to ask the address for, and the format that comes of it."""
    fixed = fixed_format(plot.addresses[0])
    if any(parameter.name == "format" for parameter in plot.params):
        if format not in (None, fixed or DEFAULT_FORMAT):
            raise ValueError(
                f"{plot.name} has a parameter named format, so its address cannot ask for another format: "
                'leave format= out, and give the parameter as params={"format": …}'
            )
        return asked, fixed or DEFAULT_FORMAT
    named = asked.pop("format", None)
    if format is not None and named not in (None, format):
        raise ValueError(f"format={format!r} and params={{'format': {named!r}}} contradict: leave out one")
    format = named if format is None else format
    if format is not None and format not in IMAGE_TYPES:
        raise ValueError(f"There is no format {format!r}: take one of {', '.join(IMAGE_TYPES)}")
    if fixed is not None:
        if format not in (None, fixed):
            raise ValueError(f"The address {plot.addresses[0]} is {fixed} and no other format")
        return asked, fixed
    return (asked, DEFAULT_FORMAT) if format is None else ({**asked, "format": format}, format)


def _box(plot: PlotSpec, asked: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the CSS pixels that the picture will have, None where only drawing it tells.

    A function that asks for a side itself is in charge of it, but the author's `size=` has the last word.
    """
    given = {side: asked[side] for side in _SIDES if _is_given(asked, side)}
    ours = {side: value for side, value in given.items() if side not in plot.takes_options}
    if plot.size is None and (len(given) < len(_SIDES) or len(ours) == 1):
        return None
    counted = given if plot.size is None else ours
    try:
        sides = {side: canonical(_SIDES[side], value) for side, value in counted.items()}
    except InvalidParameters:  # and so no picture
        return None
    return asked_box(Target(options=Options(**sides), size=plot.size), plot.size or (1, 1))


def _is_sized(plot: PlotSpec, asked: Mapping[str, Any]) -> bool:
    """Whether a picture without a `dpr` has a device pixel for a CSS pixel, and not the figure's own dpi."""
    sides = (side for side in _SIDES if side not in plot.takes_options)
    return plot.size is not None or any(_is_given(asked, side) for side in sides)


def _is_given(asked: Mapping[str, Any], name: str) -> bool:
    return str(asked.get(name) if asked.get(name) is not None else "") != ""


def _srcset(
    address: Callable[..., str],
    format: str,
    width: int | None,
    is_sized: bool,
    asked: Mapping[str, Any],
    *,
    alone: bool = False,
) -> str | None:
    """Return the pictures of which a browser takes one; None where it has but one.

    `width` (CSS pixels) tells them apart by their pixels. `alone`: no `src` stands beside it for the rest.
    """
    if format not in RASTERS or _is_given(asked, "dpr"):
        return _unspaced(address(**asked)) if alone else None
    candidates: list[tuple[float, Mapping[str, Any]]] = [(ratio, {**asked, "dpr": ratio}) for ratio in RATIOS]
    if alone or width or not is_sized:
        # A figure may have a dpi of its own: then the picture without a `dpr` is none for a ratio of 1.
        candidates.insert(0, (1, asked if is_sized else {**asked, "dpr": 1}))
    return ", ".join(
        f"{_unspaced(address(**given))} " + (f"{round(width * ratio)}w" if width else f"{ratio:g}x")
        for ratio, given in candidates
    )


def _unspaced(address: str) -> str:
    """Return an address without what ends it in a srcset."""
    return re.sub(r"[\s,]", lambda found: quote(found[0]), _plain(address))


def _room(box: tuple[int, int] | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `width` and `height`; where one of them is the page's own, the other keeps the ratio."""
    if box is None:
        return {}
    room: dict[str, Any] = dict(zip(_SIDES, box, strict=True))
    named = [side for side in _SIDES if not _is_left_out(own.get(side))]
    if len(named) == 1:
        (side,) = named
        (other,) = (name for name in _SIDES if name != side)
        text = str(own[side])
        # How many pixels 50% or the like are is not known here.
        is_known = re.fullmatch("[0-9]{1,5}", text) is not None
        room[other] = round(int(text) * room[other] / room[side]) if is_known else None
    return room


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes under the names that HTML has for them."""
    named: dict[str, Any] = {}
    for given, value in attributes.items():
        name = given.removesuffix("_").replace("_", "-").lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{given!r} is no name of an HTML attribute")
        if name in _OURS:
            raise ValueError(_OURS[name])
        if name in named:
            raise ValueError(f"The attribute {name} is given twice")
        named[name] = value
    return named


def _tag(name: str, attributes: Mapping[str, Any]) -> Markup:
    """Return a tag whose values are all in quotes and hold none."""
    tag = Markup(f"<{name}")
    for attribute, value in attributes.items():
        if value is True:
            tag += Markup(f" {attribute}")
        elif not _is_left_out(value):
            tag += Markup(f' {attribute}="{escape(_plain(value))}"')
    return tag + Markup(">")


def _is_left_out(value: Any) -> bool:
    return value is None or value is False or isinstance(value, Undefined)


def _plain(value: Any) -> str:
    """Return a value as text, not as markup: quotes in that are fine between tags, and end an attribute."""
    text = value if hasattr(value, "__html__") else str(value)
    return Markup(text).unescape() if hasattr(text, "__html__") else text
