"""plotroute: every plot gets a URL.

Importing plotroute loads neither Flask nor Matplotlib. A public name is loaded when it is first used, because
a server is several processes and each of them imports this module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotroute.data.files import files as files
    from plotroute.errors import CannotDraw as CannotDraw
    from plotroute.model import Image as Image
    from plotroute.model import Picture as Picture
    from plotroute.params.hints import User as User
    from plotroute.params.hints import Values as Values
    from plotroute.params.timerange import TimeRange as TimeRange
    from plotroute.plots import Plots as Plots
    from plotroute.web.extension.figure_response import figure_response as figure_response

__version__ = "0.1.0"

__all__ = [
    "CannotDraw",
    "Image",
    "Picture",
    "Plots",
    "TimeRange",
    "User",
    "Values",
    "figure_response",
    "files",
]

_OFFERED = {
    "files": "data.files",
    "CannotDraw": "errors",
    "User": "params.hints",
    "Values": "params.hints",
    "Image": "model",
    "Picture": "model",
    "Plots": "plots",
    "TimeRange": "params.timerange",
    "figure_response": "web.extension.figure_response",
}


def __getattr__(name: str) -> Any:
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_OFFERED[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [name for name in {*globals(), *__all__} if name in __all__ or name.startswith("_")]
