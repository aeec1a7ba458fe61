"""Everything that decides a picture → its cache key. Pure: it is given versions and never asks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from plotroute.model import Json, Manifest, Options, Versions


def picture_key(
    manifest: Manifest,
    plot: str,
    values: Mapping[str, Json],
    options: Options,
    format: str,
    asked_format: bool,
    versions: Versions,
    epoch: str,
) -> str:
    """Return the name of a picture: equal if and only if the bytes are meant to be equal.

    `epoch` changes when the plot is purged: whoever has a picture from before, has not this one.
    """
    dress = [options.width, options.height, options.dpr, options.theme, options.background, options.png8]
    return _digest(
        "picture",
        manifest.code,
        manifest.environment,
        plot,
        values,
        dress,
        [format, asked_format],
        versions,
        epoch,
    )


def content_key(plot: str, values: Mapping[str, Json], versions: Versions) -> str:
    """Return the name of what a picture shows, whatever its format, size and colours.

    Random numbers and the ids inside an SVG start from it, so that the PNG and the SVG, and the sizes of
    one `srcset`, show the same random points.
    """
    return _digest("content", plot, values, versions)


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=dict)
    # 16 bytes: two of 10^12 pictures share a key with a chance of 10^-15.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
