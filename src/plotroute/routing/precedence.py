"""Which of several plots answers at an address. Pure.

A plot answers at the addresses that its author wrote (path and aliases). Without a path it answers at
`<dataset>/<function>` for its first dataset, and pages show this address. It also answers at implied
addresses: `<function>`, and `<dataset>/<function>` for every other dataset. So neither the order of arguments
nor a further dataset moves a plot. A written or shown address wins over an implied address. If several plots
imply the same address, none of them answers there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from plotroute.model import PlotSpec
from plotroute.routing import routes
from plotroute.routing.representations import REPRESENTATIONS


def paths(function: str, datasets: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Return the paths of a plot whose author wrote no path, counted from `prefix`; the first is shown.

    Args:
        function: The name of the function.
        datasets: The full names of the datasets that it reads, in the order of its signature.
        prefix: The prefix of the registry, as full names begin with it.
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
    """Return the pairs of plots that would answer one URL by written or shown addresses."""
    owners: dict[str, str] = {}
    found = []
    for plot in plots:
        for url in (url for address in plot.addresses for url in _urls_of(address)):
            other = owners.setdefault(url, plot.name)
            if other != plot.name:
                found.append(Collision(plot.name, other, url))
                break
    return found


def settle(plots: Sequence[PlotSpec]) -> tuple[PlotSpec, ...]:
    """Return the plots with only those implied addresses that no other plot has.

    An address that several plots imply is in `contested` of each of them.
    """
    taken = {url for plot in plots for address in plot.addresses for url in _urls_of(address)}
    claims: dict[str, set[str]] = {}
    for plot in plots:
        for address in plot.also:
            claims.setdefault(address, set()).add(plot.name)

    def settled(plot: PlotSpec) -> PlotSpec:
        free = [address for address in plot.also if taken.isdisjoint(_urls_of(address))]
        return replace(
            plot,
            also=tuple(address for address in free if len(claims[address]) == 1),
            contested=tuple(address for address in free if len(claims[address]) > 1),
        )

    return tuple(settled(plot) for plot in plots)


def _urls_of(address: str) -> Iterator[str]:
    """Yield the shapes of all URLs that a pattern answers, one for each suffix."""
    yield routes.shape(address)
    if routes.fixed_format(address) is None:
        yield from (f"{routes.shape(address)}.{suffix}" for suffix in REPRESENTATIONS)
