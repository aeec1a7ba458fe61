"""The addresses of plots: URL patterns, what matches them, and which of several wins.

Pure. A pattern is a path such as `/plots/customers/<customer_id>/revenue`; a segment is either text or
one `<parameter>`. Only the suffixes of `model.IMAGE_TYPES` and `.schema.json` mean anything; every other
dot belongs to the address.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from plotroute.errors import UnknownPlot
from plotroute.model import IMAGE_TYPES, Manifest, PlotSpec

ROOT = "/plots/"
SCHEMA = "schema.json"

HEALTH = ("/healthz", "/readyz", "/metrics")
"""What operators ask; the only addresses that no plot can take."""

_PARAMETER = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
# What a segment of fixed text may hold: what RFC 3986 calls unreserved, so nothing needs quoting.
_TEXT = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class Found:
    """What an address means."""

    plot: PlotSpec
    values: Mapping[str, str]
    """The texts in the place of the pattern's parameters."""
    format: str | None
    """The format that the address names: one of IMAGE_TYPES, `schema.json`, or None."""


def pattern(path: str, prefix: str = "") -> str:
    """Return the URL pattern that an author's `path` means; a ValueError says what is wrong with it.

    `path` counts from `/plots/`, or from the root if it starts with a slash.
    """
    whole = path if path.startswith("/") else ROOT + (f"{prefix.strip('/')}/" if prefix else "") + path
    segments = whole[1:].split("/")
    for segment in segments:
        if not segment:
            raise ValueError(f"the path {path!r} has an empty segment: leave out the extra slash")
        if segment in (".", ".."):
            raise ValueError(f"the path {path!r} has a segment {segment!r}, which browsers remove")
        if not (_PARAMETER.fullmatch(segment) or _TEXT.fullmatch(segment)):
            raise ValueError(
                f"the segment {segment!r} of the path {path!r} must be letters, digits and . _ ~ - , "
                "or exactly one <parameter>"
            )
    if whole in HEALTH:
        raise ValueError(f"the path {path!r} is where operators ask how the server is")
    if whole.endswith("." + SCHEMA):
        raise ValueError(f"the path {path!r} ends in .{SCHEMA}, which is where plotroute describes a plot")
    names = parameters(whole)
    if len(set(names)) != len(names):
        raise ValueError(f"the path {path!r} names a parameter twice")
    return whole


def parameters(pattern: str) -> tuple[str, ...]:
    """Return the names of the parameters in a URL pattern."""
    return tuple(_PARAMETER.findall(pattern))


def fixed_format(pattern: str) -> str | None:
    """Return the format that an address fixes, as `/plot.png` does."""
    _, dot, suffix = pattern.rpartition("/")[2].rpartition(".")
    return suffix if dot and suffix in IMAGE_TYPES else None


def shape(pattern: str) -> str:
    """Return the pattern without its parameters' names: equal for two that match the same URLs."""
    return _PARAMETER.sub("<>", pattern)


def collisions(plots: Iterable[PlotSpec]) -> list[tuple[str, str, str]]:
    """Return (name, other name, address) for any two plots that would answer one URL."""
    taken: dict[str, str] = {}
    found = []
    for plot in plots:
        for address in plot.addresses:
            answered = [shape(address)]
            if fixed_format(address) is None:
                answered += [f"{shape(address)}.{suffix}" for suffix in (*IMAGE_TYPES, SCHEMA)]
            for url in answered:
                other = taken.setdefault(url, plot.name)
                if other != plot.name:
                    found.append((plot.name, other, url))
                    break
    return found


def taken(manifest: Manifest, own: Iterable[str]) -> list[tuple[PlotSpec, str]]:
    """Return the authors' plots that answer an address of the built-in plots, or one of `own`, and it."""
    built_in = {shape(address) for plot in manifest.plots if plot.adhoc for address in plot.addresses}
    built_in |= set(own)
    return [
        (plot, address)
        for plot in manifest.plots
        if not plot.adhoc
        for address in plot.addresses
        if shape(address) in built_in
    ]


def resolve(manifest: Manifest, path: str) -> Found | None:
    """Return what the URL path (decoded once) means, or None: no plot has that address.

    Text beats parameters, from the left, as in Flask; among plots the author's come first.
    """
    segments = path[1:].split("/")
    suffix, stem = _suffix(segments)
    for plot, parts, fixed in _table(manifest).get(len(segments), ()):
        as_written = fixed is not None and suffix != SCHEMA
        values = _match(parts, segments if as_written else stem)
        if values is not None:
            return Found(plot, values, fixed if as_written else suffix)
    return None


def _suffix(segments: list[str]) -> tuple[str | None, list[str]]:
    """Return the format that a path names, and the path without it."""
    *head, last = segments
    for suffix in (SCHEMA, *IMAGE_TYPES):
        stem = last.removesuffix("." + suffix)
        if stem != last and stem:
            return suffix, [*head, stem]
    return None, segments


def _match(parts: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    values = {}
    for part, segment in zip(parts, segments, strict=True):
        if name := _PARAMETER.fullmatch(part):
            if not segment:
                return None
            values[name[1]] = segment
        elif part != segment:
            return None
    return values


@lru_cache(maxsize=8)  # a few manifests at a time: the one in force and, in tests, others
def _table(manifest: Manifest) -> dict[int, list[tuple[PlotSpec, tuple[str, ...], str | None]]]:
    """Return by number of segments the plots, their patterns and fixed formats, most specific first."""
    table: dict[int, list[tuple[PlotSpec, tuple[str, ...], str | None]]] = {}
    for plot in manifest.plots:
        for address in plot.addresses:
            parts = tuple(address[1:].split("/"))
            table.setdefault(len(parts), []).append((plot, parts, fixed_format(address)))
    for rows in table.values():
        rows.sort(key=lambda row: (row[0].adhoc, [part.startswith("<") for part in row[1]]))
    return table


def named(manifest: Manifest, name: str, format: str | None = None) -> Found:
    """Return the plot of that name or address, or the only one whose name ends in it.

    UnknownPlot with the nearest name if there is none.
    """
    exact = [plot for plot in manifest.plots if name in (plot.name, *plot.addresses)]
    ends = [plot for plot in manifest.plots if plot.name.rpartition("/")[2] == name]
    if not exact and len(ends) != 1:
        names = [plot.name for plot in manifest.plots if not plot.adhoc]
        nearest = next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.4)), None)
        guess = f"; did you mean {nearest!r}?" if nearest else ""
        raise UnknownPlot(f"There is no plot named {name!r}{guess}", nearest=nearest)
    plot = (exact or ends)[0]
    return Found(plot, {}, format or fixed_format(plot.addresses[0]))
