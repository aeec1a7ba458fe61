"""The representations of a plot: each suffix that an address may end in, and what it stands for.

The one table of them. A picture is drawn; a document says something about the plot. What reads an address,
mounts a route, lists links or answers goes by this table, so a new representation is one more line here and
its view in `web/plot_view`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plotroute.model import IMAGE_TYPES


@dataclass(frozen=True, slots=True)
class Representation:
    """What an address with a suffix answers with."""

    suffix: str
    """Without the dot in front: `png`, `schema.json`."""
    media_type: str
    name: str
    """What links to it are called in `/plots.json`."""
    is_picture: bool = False
    """Whether it is drawn, in the sizes and themes of the request. A plot's own path may end in its suffix,
    which then is the plot's only format."""
    contents: str = ""
    """What it holds, for the reference and for an author whose path ends in its suffix."""


PICTURES: Mapping[str, Representation] = {
    suffix: Representation(
        suffix, media_type, "picture", is_picture=True, contents=f"the picture as `{media_type}`"
    )
    for suffix, media_type in IMAGE_TYPES.items()
}
SCHEMA = Representation(
    "schema.json",
    "application/schema+json",
    "schema",
    contents="its parameters as JSON Schema, with size, formats, title, links",
)
DOCUMENTS: Mapping[str, Representation] = {each.suffix: each for each in (SCHEMA,)}

REPRESENTATIONS: Mapping[str, Representation] = {**PICTURES, **DOCUMENTS}
"""Suffix → representation, pictures first."""


def document_of(path: str) -> Representation | None:
    """Return the document whose suffix a path ends in.

    >>> document_of("/plots/sales.schema.json").suffix
    'schema.json'
    """
    return next((each for suffix, each in DOCUMENTS.items() if path.endswith(f".{suffix}")), None)


def split(segment: str) -> tuple[str, Representation | None]:
    """Return the last segment of a path without its suffix, and the representation that the suffix names.

    A document's suffix counts first: `a.png.schema.json` is the schema of `a.png`.

    >>> split("revenue.svg")[0]
    'revenue'
    >>> split("revenue.2024")
    ('revenue.2024', None)
    """
    for representation in (*DOCUMENTS.values(), *PICTURES.values()):
        stem = segment.removesuffix(f".{representation.suffix}")
        if stem != segment and stem:
            return stem, representation
    return segment, None
