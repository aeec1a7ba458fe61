"""Everything that decides a picture → its cache key. Pure: it is given versions and never asks for them."""

from __future__ import annotations

from collections.abc import Mapping

from plotroute import digest
from plotroute.model import Json, Manifest, Options, Versions


def picture_key(
    manifest: Manifest,
    plot: str,
    values: Mapping[str, Json],
    options: Options,
    format: str,
    explicit_format: bool,
    versions: Versions,
    epoch: str,
) -> str:
    """Return the name of a picture: equal if and only if the bytes are meant to be equal.

    `epoch` changes when the plot is purged: whoever has a picture from before, has not this one.
    """
    appearance = [options.width, options.height, options.dpr, options.theme, options.background, options.png8]
    return digest.of_json(
        "picture",
        manifest.code,
        manifest.environment,
        plot,
        values,
        appearance,
        [format, explicit_format],
        versions,
        epoch,
    )
