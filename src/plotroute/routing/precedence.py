"""Which of several plots answers an address, where more than one could. Pure.

A plot answers at the addresses that its author wrote (path and aliases), or without a path at
`<dataset>/<function>` for its first dataset, which is the one that is shown. It answers as well at what is
implied: `<function>`, and `<dataset>/<function>` for every other dataset. So no order of arguments and no
further dataset moves it. An implied address gives way to any that is written or shown; one that is implied
by several plots is answered by none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from plotroute.model import PlotSpec
from plotroute.routing import routes
from plotroute.routing.representations import REPRESENTATIONS


def paths(function: str, datasets: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Return the paths of a plot without one of its own, counted from `prefix`; the first is shown.

    datasets: the full names of what it reads, the first of its signature first.
    """
    own = [f"{name.removeprefix(prefix)}/{function}" for name in datasets]
    return tuple(dict.fromkeys([*own, function]))


@dataclass(frozen=True, slots=True)
class Collision:
    """Two plots that would both answer `url`."""

    name: str
    other: str
    url: str


def collisions(plots: Iterable[PlotSpec]) -> list[Collision]:
    """Return any two plots that would answer one URL by what is written or shown."""
    taken: dict[str, str] = {}
    found = []
    for plot in plots:
        for url in (url for address in plot.addresses for url in _answered(address)):
            other = taken.setdefault(url, plot.name)
            if other != plot.name:
                found.append(Collision(plot.name, other, url))
                break
    return found


def settle(plots: Sequence[PlotSpec]) -> tuple[PlotSpec, ...]:
    """Return the plots with those of their implied addresses that no other plot wants.

    What several imply is in their `contested`.
    """
    taken = {url for plot in plots for address in plot.addresses for url in _answered(address)}
    claims: dict[str, set[str]] = {}
    for plot in plots:
        for address in plot.also:
            claims.setdefault(address, set()).add(plot.name)

    def kept(plot: PlotSpec) -> PlotSpec:
        free = [address for address in plot.also if taken.isdisjoint(_answered(address))]
        return replace(
            plot,
            also=tuple(address for address in free if len(claims[address]) == 1),
            contested=tuple(address for address in free if len(claims[address]) > 1),
        )

    return tuple(kept(plot) for plot in plots)


def _answered(address: str) -> Iterator[str]:
    """Yield what a pattern answers, each suffix spelled out: equal for two that match the same URLs."""
    yield routes.shape(address)
    if routes.fixed_format(address) is None:
        yield from (f"{routes.shape(address)}.{suffix}" for suffix in REPRESENTATIONS)
