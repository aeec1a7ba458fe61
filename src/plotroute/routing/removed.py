"""Addresses that a new version of the author's code removes, and how the author keeps them alive."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from plotroute.model import Manifest, PlotSpec
from plotroute.routing import routes

log = logging.getLogger("plotroute")


@dataclass(frozen=True, slots=True)
class Departure:
    """An address at which a plot answered in the version before, and does not answer now."""

    address: str
    plot: str
    """The name of the plot that answered there."""
    taken_by: str = ""
    """The name of the plot that answers there now."""
    contested_by: tuple[str, ...] = ()
    """The names of the plots that imply it now, so that none of them answers there."""
    likely: str = ""
    """The name of the plot that the plot may have become."""
    broken: bool = False
    """The plot is still there, but its registration is wrong."""

    def __str__(self) -> str:
        """Return a sentence about it, with the cure."""
        start = f"{self.address} was the plot {self.plot}"
        if self.broken:
            return f"{start}, whose registration is wrong now"
        if self.taken_by:
            return (
                f"{start} and is the plot {self.taken_by} now: pages that show the address show another "
                "picture. Give one of the two another path."
            )
        if self.contested_by:
            return (
                f"{start} and may be several now ({', '.join(self.contested_by)}), so it is a 404. Add "
                f"aliases=[{self.address!r}] to the plot that is to answer there."
            )
        cure = f"aliases=[{self.address!r}] in its @plots.plot(…) keeps the address alive"
        if self.likely == self.plot:
            return f"{start} and is a 404 now; {cure}."
        follower = f"If it is the plot {self.likely} now" if self.likely else "If another plot follows it"
        return f"{start} and is a 404 now. {follower}, {cure}."


def departed(before: Manifest, now: Manifest) -> list[Departure]:
    """Return the addresses of plots in `before` that have no plot in `now`, or another plot."""
    found = []
    for plot, address in _answering(before):
        sample = _sample(address)
        after = routes.resolve(now, sample)
        if after is None:
            several = tuple(other.name for other in routes.contested(now, sample))
            found.append(Departure(address, plot.name, "", several, _likely(plot, before, now)))
        elif after.plot.mistake:
            found.append(Departure(address, plot.name, broken=True))
        # With an alias the author says which plot answers there now.
        elif address not in after.plot.addresses[1:] and not _is_same(plot, after.plot, now):
            found.append(Departure(address, plot.name, after.plot.name))
    known = {address for _, address in _answering(before)}
    for plot, address in _answering(now):
        # Text beats parameters: a value of one plot may be the address of another plot now.
        was = routes.resolve(before, address) if address not in known and "<" not in address else None
        if was and not was.plot.adhoc and not _is_same(was.plot, plot, now):
            found.append(Departure(address, was.plot.name, plot.name))
    return found


def _answering(manifest: Manifest) -> Iterator[tuple[PlotSpec, str]]:
    for plot in manifest.plots:
        if not plot.adhoc:
            yield from ((plot, address) for address in (*plot.addresses, *plot.also))


def _sample(pattern: str) -> str:
    """Return a path that only this pattern is likely to match: its text is unlikely in other patterns."""
    for name in routes.parameters(pattern):
        pattern = pattern.replace(f"<{name}>", f"<{name}>value")
    return pattern


def _is_same(before: PlotSpec, after: PlotSpec, now: Manifest) -> bool:
    """Whether two plots are one plot, even under another name, if no other plot has the old name now."""
    if after.name == before.name:
        return True
    is_name_in_use = any(plot.name == before.name for plot in now.plots)
    return not is_name_in_use and before.function == after.function


def _likely(plot: PlotSpec, before: Manifest, now: Manifest) -> str:
    """Return the name of the plot in `now` that a plot of `before` has most likely become; "" if none."""
    known = {other.name for other in before.plots}
    if any(other.name == plot.name for other in now.plots):
        return plot.name
    new = [other for other in now.plots if not other.adhoc and other.name not in known]
    same = [other for other in new if other.function == plot.function]
    if len(same) == 1 or len(new) == 1:
        return (same or new)[0].name
    alike = {other.name: SequenceMatcher(None, plot.name, other.name).ratio() for other in new}
    best = max(alike, key=lambda name: alike[name], default="")
    return best if best and alike[best] > 0.6 else ""


def log_changes(before: Manifest, now: Manifest) -> None:
    """Log which addresses a new version of the code removes, and what is wrong in it."""
    for mistake in now.mistakes:
        log.error("%s", mistake)
    for departure in departed(before, now):
        log.warning("%s", departure)
