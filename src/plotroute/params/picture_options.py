"""The picture options: `width`, `height`, `dpr`, `theme`, `background`, `png8`, `download`, `on_error`.

Pure. They are parameters like any other, declared once here, and the same for every plot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plotroute.errors import InvalidParameters, ParameterError
from plotroute.model import Options, Param, PlotSpec

# 80 inches: more than any screen, and small enough that a handful of requests cannot fill a disk.
_MAX_SIDE = 8000

PARAMS = (
    Param(
        name="width",
        kind="int",
        optional=True,
        bounds={"ge": 1, "le": _MAX_SIDE},
        description="Width in CSS pixels (1/100 inch); alone, the height follows.",
    ),
    Param(
        name="height",
        kind="int",
        optional=True,
        bounds={"ge": 1, "le": _MAX_SIDE},
        description="Height in CSS pixels; alone, the width follows.",
    ),
    Param(
        name="dpr",
        kind="float",
        optional=True,
        description="Device pixels per CSS pixel, snapped up to 1, 1.5, 2, 3 or 4.",
    ),
    Param(
        name="theme",
        kind="choice",
        optional=True,
        choices=("light", "dark"),
        description="Colours, where the plot does not set its own; by default the author's.",
    ),
    Param(
        name="background",
        kind="choice",
        optional=True,
        choices=("transparent",),
        description="No background.",
    ),
    Param(
        name="png8",
        kind="bool",
        default=False,
        description="At most 256 colours, for a smaller PNG; other formats stay as they are.",
    ),
    Param(
        name="download",
        kind="bool",
        default=False,
        description="Let the browser save the picture instead of showing it.",
    ),
    Param(
        name="on_error",
        kind="choice",
        optional=True,
        choices=("status",),
        description="Answer errors as problem+json even to an <img>, so that its onerror fires.",
    ),
)

DECLARABLE = ("width", "height", "theme")
"""Options that a function may take as arguments. It is in charge of those that it takes."""

_RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0)


def offered(plot: PlotSpec) -> tuple[Param, ...]:
    """Return the options of `plot`: all but those that its function takes as arguments."""
    return tuple(option for option in PARAMS if option.name not in plot.takes_options)


def build(values: Mapping[str, Any], plot: PlotSpec, max_pixels: int) -> Options:
    """Return the picture options among checked values.

    Args:
        values: Canonical values of a request, by name.
        plot: The plot.
        max_pixels: How many pixels the picture may have.

    Raises:
        InvalidParameters: The picture would have more pixels.
    """
    chosen = {
        name: values.get(name)
        for name in ("width", "height", "dpr", "theme", "background")
        if name not in plot.takes_options
    }
    if chosen["dpr"] is not None:
        chosen["dpr"] = next((ratio for ratio in _RATIOS if chosen["dpr"] <= ratio), _RATIOS[-1])
    options = Options(**chosen, png8=bool(values.get("png8")))
    if options.width and options.height:
        pixels = options.width * options.height * (options.dpr or 1.0) ** 2
        if pixels > max_pixels:
            message = (
                f"{options.width} × {options.height} at dpr {options.dpr or 1:g} are {pixels:,.0f} pixels; "
                f"at most {max_pixels:,} are drawn"
            )
            raise InvalidParameters(
                [ParameterError("width", "out_of_bounds", message, sent=str(options.width))]
            )
    return options
