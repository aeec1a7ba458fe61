"""Matplotlib's Agg canvas, with PNGs written by `png/writer.py`: used by `savefig(…, **backend(figure))`.

All that savefig does before (tight boxes, layout, dpi, facecolor, transparency) stays Matplotlib's own.
"""

# The backend has no annotations.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import get_registered_canvas_class
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import open_file_cm
from matplotlib.figure import Figure

from plotroute.encode.png.palette import reduced
from plotroute.encode.png.writer import Bytes, encode_png


def backend(figure: Figure) -> dict[str, Any]:
    """Return the arguments that make savefig write a PNG of `figure` with the canvas below.

    They are empty if savefig alone would not draw with Agg, so that the pixels would differ: the author chose
    another canvas (Cairo, or a canvas with a `print_png` of its own).
    """
    own = getattr(figure.canvas, "print_png", None)
    is_agg = (
        get_registered_canvas_class("png") is FigureCanvasAgg
        if own is None
        else getattr(own, "__func__", None) is FigureCanvasAgg.print_png
    )
    return {"backend": f"module://{__name__}"} if is_agg else {}


def png(rgba: Bytes, dpi: float, png8: bool, metadata: Mapping[str, str | None] | None = None) -> bytes:
    """Return the PNG of `rgba`, with Matplotlib's metadata.

    Args:
        rgba: The pixels, height × width × 4.
        dpi: Pixels per inch, for viewers and printers.
        png8: Reduce the picture to 256 colours.
        metadata: Further texts; None leaves an entry out (`Software` too).
    """
    software = {"Software": f"Matplotlib version{mpl.__version__}, https://matplotlib.org/"}
    text = {key: value for key, value in {**software, **(metadata or {})}.items() if value is not None}
    return encode_png(reduced(rgba) if png8 else rgba, dpi, text)


class FigureCanvas(FigureCanvasAgg):
    """The Agg canvas with our `print_png`, under the name by which savefig finds it."""

    def print_png(
        self,
        filename_or_obj: Any,
        *,
        metadata: Mapping[str, Any] | None = None,
        pil_kwargs: Mapping[str, Any] | None = None,
        png8: bool = False,
        **_for_other_formats: Any,
    ) -> None:
        """Draw and write the figure.

        Matplotlib writes it if there are options for Pillow, or metadata that is no text.
        """
        # An iTXt is a str as well, but has a language.
        is_text = all(value is None or type(value) is str for value in (metadata or {}).values())
        if pil_kwargs or not is_text:
            super().print_png(filename_or_obj, metadata=metadata, pil_kwargs=pil_kwargs)
            return
        FigureCanvasAgg.draw(self)
        body = png(np.asarray(self.buffer_rgba()), self.figure.dpi, png8, metadata)
        with open_file_cm(filename_or_obj, "wb") as file:
            file.write(body)
