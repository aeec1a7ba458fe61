"""Everything that decides a picture → its cache key. Pure: versions come in as arguments."""

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
    """Return the cache key of a picture: equal if and only if the bytes are meant to be equal.

    Args:
        manifest: The hashes of the author's code and of the environment.
        plot: The name of the plot.
        values: The canonical values of its parameters, and of its user.
        options: The picture options.
        format: png, svg, pdf, webp or jpg.
        explicit_format: Whether no other format will do.
        versions: The versions of the data that the plot reads.
        epoch: The epoch of the plot: after a purge, a picture from before has another key.
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
