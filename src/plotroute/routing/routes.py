"""The addresses of plots: URL patterns, the URL paths that match them, and which of several patterns wins.

Pure. A pattern is a path such as `/plots/customers/<customer_id>/revenue`; a segment is either text or
one `<parameter>`. Only the suffixes of `representations.REPRESENTATIONS` mean anything; every other
dot belongs to the address.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from plotroute.errors import UnknownPlot
from plotroute.model import Manifest, PlotSpec
from plotroute.routing.representations import DOCUMENTS, PICTURES, document_of, split

ROOT = "/plots/"

HEALTH = ("/healthz", "/readyz", "/metrics")
"""What operators request: the only addresses that no plot can take."""

_PARAMETER = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
# The characters of fixed text: those that RFC 3986 calls unreserved, so that nothing needs quoting.
_TEXT = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class Match:
    """A plot and what the address says about its picture."""

    plot: PlotSpec
    values: Mapping[str, str]
    """The texts in place of the parameters of the pattern."""
    format: str | None
    """The suffix that the address names, a key of `representations.REPRESENTATIONS`, or None."""


def pattern(path: str, prefix: str = "") -> str:
    """Return the URL pattern that an author's `path` means.

    Args:
        path: It counts from `/plots/`, or from the root if it starts with a slash.
        prefix: A folder between `/plots/` and `path`.

    Raises:
        ValueError: `path` cannot be a pattern. The message says why.

    >>> pattern("customers/<customer_id>/revenue")
    '/plots/customers/<customer_id>/revenue'
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
    if document := document_of(whole):
        raise ValueError(
            f"the path {path!r} ends in .{document.suffix}, which is where plotroute describes a plot"
        )
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
    return suffix if dot and suffix in PICTURES else None


def shape(pattern: str) -> str:
    """Return the pattern without the names of its parameters: equal for patterns that match the same URLs."""
    return _PARAMETER.sub("<>", pattern)


def overrides(manifest: Manifest, own: Iterable[str]) -> list[tuple[PlotSpec, str]]:
    """Return the author's plots that take an address of a built-in plot, or an address in `own`.

    Returns:
        Each plot with the address that it takes.
    """
    built_in = {shape(address) for plot in manifest.plots if plot.adhoc for address in plot.addresses}
    built_in |= set(own)
    return [
        (plot, address)
        for plot in manifest.plots
        if not plot.adhoc
        for address in (*plot.addresses, *plot.also)
        if shape(address) in built_in
    ]


def resolve(manifest: Manifest, path: str) -> Match | None:
    """Return the plot at the URL path (decoded once), or None if no plot has that address.

    Text beats parameters, from the left, as in Flask. The author's plots come before the built-in plots.
    """
    segments = path[1:].split("/")
    suffix, stem = _suffix(segments)
    for plot, parts, fixed in _table(manifest).get(len(segments), ()):
        as_written = fixed is not None and suffix not in DOCUMENTS
        values = _match(parts, segments if as_written else stem)
        if values is not None:
            return Match(plot, values, fixed if as_written else suffix)
    return None


def _suffix(segments: list[str]) -> tuple[str | None, list[str]]:
    """Return the format that a path names, and the path without it."""
    *head, last = segments
    stem, representation = split(last)
    return (representation.suffix, [*head, stem]) if representation else (None, segments)


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


@lru_cache(maxsize=8)  # a few manifests at a time: the current manifest and, in tests, others
def _table(manifest: Manifest) -> dict[int, list[tuple[PlotSpec, tuple[str, ...], str | None]]]:
    """Return, by number of segments, plots with their patterns and fixed formats, the most specific first."""
    table: dict[int, list[tuple[PlotSpec, tuple[str, ...], str | None]]] = {}
    for plot in (*manifest.plots, *manifest.broken):
        for address in (*plot.addresses, *plot.also):
            parts = tuple(address[1:].split("/"))
            table.setdefault(len(parts), []).append((plot, parts, fixed_format(address)))
    for rows in table.values():
        rows.sort(key=lambda row: (row[0].adhoc, [part.startswith("<") for part in row[1]]))
    return table


def by_name(manifest: Manifest, name: str, format: str | None = None) -> Match:
    """Return the plot with that name or address, or the only plot whose name ends in it.

    Args:
        manifest: What there is.
        name: A name (`sales/revenue`), its last part (`revenue`), or an address (`/plots/sales/revenue`).
        format: The format of the picture. By default the format that the address fixes, if it fixes a format.

    Raises:
        UnknownPlot: No plot has the name, and the error has the nearest name; or several plots could be
            meant, and the message names them.
    """
    exact = [plot for plot in manifest.plots if name in (*plot.names, *plot.addresses, *plot.also)]
    ends = [plot for plot in manifest.plots if plot.name.rpartition("/")[2] == name]
    several = contested(manifest, name if name.startswith("/") else ROOT + name)
    if not exact and (several or len(ends) > 1):
        meant = ", ".join(repr(plot.name) for plot in several or ends)
        raise UnknownPlot(f"{name!r} may be any of several plots: {meant}")
    if not exact and not ends:
        names = [plot.name for plot in manifest.plots if not plot.adhoc]
        nearest = next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.4)), None)
        guess = f"; did you mean {nearest!r}?" if nearest else ""
        raise UnknownPlot(f"There is no plot named {name!r}{guess}", nearest=nearest)
    plot = (exact or ends)[0]
    return Match(plot, {}, format or fixed_format(plot.addresses[0]))


def contested(manifest: Manifest, path: str) -> list[PlotSpec]:
    """Return the plots that all imply the address of a URL path, so that none of them answers there."""
    *head, last = path.split("/")
    stem = "/".join(_suffix([*head, last])[1])
    return [plot for plot in manifest.plots if path in plot.contested or stem in plot.contested]


# --- what an unknown address was probably meant to be ----------------------------------------------

# Below them a name is another dataset or function, and not misspelt: `min_temp` is not `max_temp`.
_ALIKE_DATASET, _ALIKE_FUNCTION = 0.7, 0.8
# No address is longer. Comparing two texts takes time in proportion to the length of both.
_MAX_SEGMENTS, _MAX_SEGMENT = 12, 80


def nearest(
    manifest: Manifest, path: str, example: Callable[[PlotSpec], str | None] = lambda plot: None
) -> str | None:
    """Return the address that an unknown URL path most likely misspells; None if no address is similar.

    The address has the suffix of `path`, and its values in place of the parameters.

    Args:
        manifest: What there is.
        path: The unknown URL path.
        example: Returns an address of a plot that gives a picture. It is used if the values do not fit (`a/b`
            is two segments). If it returns None, the pattern itself is the answer.
    """
    suffix, requested = _suffix(path.strip("/")[: _MAX_SEGMENTS * _MAX_SEGMENT].split("/"))
    if len(requested) > 1 and _alike(requested[0], ROOT.strip("/"), _ALIKE_DATASET):
        requested = requested[1:]
    ranked: list[tuple[float, str, PlotSpec]] = []
    for plot in manifest.plots:
        if plot.adhoc or len(requested) > _MAX_SEGMENTS:
            continue
        # Of equally similar addresses the first: the shown address, with the values of the request.
        likeness, place = max(
            (_likeness(requested, address.removeprefix(ROOT).strip("/").split("/")), -place)
            for place, address in enumerate((*plot.addresses, *plot.also))
        )
        shown = plot.addresses[0]
        ranked.append((likeness, shown if place else _filled(shown, requested), plot))
    ranked = sorted((each for each in ranked if each[0]), key=lambda each: each[:2], reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    found, plot = ranked[0][1:]
    query = ""
    if "<" in found:
        found, mark, query = (example(plot) or found).partition("?")
        query = mark + query
    if suffix and fixed_format(found) is None and "<" not in found:
        found = f"{found}.{suffix}"
    return found + query


def _likeness(requested: Sequence[str], parts: Sequence[str]) -> float:
    """Return how similar an address is to the requested address, from 0 (not at all) to 1."""
    function = _alike(requested[-1], parts[-1], _ALIKE_FUNCTION)
    if not function:
        return 0.0
    if len(requested) == len(parts):
        each = [_alike(mine, part, _ALIKE_DATASET) for mine, part in zip(requested, parts, strict=True)]
        each[-1] = function
        # A pattern of parameters alone is similar to every path: values can be any text.
        if all(each) and not all(part.startswith("<") for part in parts):
            return sum(each) / len(each)
    if parts[-1].startswith("<"):
        return 0.0
    # The same function of another dataset, or of more or fewer datasets: the most similar of them wins.
    return function * (
        0.5 + 0.1 * difflib.SequenceMatcher(None, "/".join(requested), "/".join(parts)).ratio()
    )


def _alike(requested: str, part: str, least: float) -> float:
    """Return the likeness of two segments; 0 if it is below `least`, or if the numbers in them differ."""
    if part.startswith("<"):
        return 1.0 if requested else 0.0
    mine, other = (text[:_MAX_SEGMENT].casefold().replace("-", "_") for text in (requested, part))
    if mine == other:
        return 1.0
    # In a short word one letter is a larger part: `lime` is a misspelt `line`.
    least = min(least, 1 - 1 / max(len(mine), len(other)))
    # The letters in common are an upper bound of the likeness, and counting them takes a tenth of the time.
    common = sum(min(mine.count(letter), other.count(letter)) for letter in set(mine))
    if 2 * common < least * (len(mine) + len(other)):
        return 0.0
    if [*filter(str.isdigit, mine)] != [*filter(str.isdigit, other)]:
        return 0.0
    ratio = difflib.SequenceMatcher(None, mine, other).ratio()
    return ratio if ratio >= least else 0.0


def _filled(address: str, requested: Sequence[str]) -> str:
    """Return a pattern with the requested values in place of its parameters, if both are of the same length.

    A parameter without a value stays: with an empty value the address would be unknown as well.
    """
    parts = address[1:].split("/")
    values = ([""] if address.startswith(ROOT) else []) + list(requested)
    if len(parts) != len(values):
        return address
    filled = (
        quote(value, safe="") if value and _PARAMETER.fullmatch(part) else part
        for part, value in zip(parts, values, strict=True)
    )
    return "/" + "/".join(filled)
