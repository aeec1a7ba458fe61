"""Make the catalog of all that was registered, once the author's module is complete.

`complete` joins registries into a `Catalog`: the Manifest, which is data and travels, and the functions,
which stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import unquote

from plotroute.catalog.binding import BoundDataset, BoundPlot, Datasets, Mistakes, bind
from plotroute.catalog.registry import Plot, Registry
from plotroute.catalog.signatures import FIGURES, arguments, where
from plotroute.errors import BadRegistration
from plotroute.model import Manifest, PlotSpec
from plotroute.routing import precedence, routes, urls


@dataclass(frozen=True, slots=True)
class Catalog:
    """The plots and datasets of one saved version of the code, with their functions."""

    manifest: Manifest
    plots: Mapping[str, BoundPlot]
    datasets: Mapping[str, BoundDataset]


def complete(
    registries: Iterable[Registry], *, code: str = "", environment: str = "", lenient: bool = False
) -> Catalog:
    """Check all plots and datasets together, and return the catalog.

    Args:
        registries: those of the author's Plots, then of built-in ones.
        code: the hash of the author's code, for the manifest.
        environment: the hash of the environment, for the manifest.
        lenient: leave plots out that are wrong; the manifest says what is wrong with them.

    Raises:
        BadRegistration: with all that is wrong: each plot or dataset, its file and line, and the cure.
    """
    scopes: list[tuple[str, Registry]] = []
    for registry in registries:
        scopes += [scope for scope in registry.walk() if all(scope[1] is not known for _, known in scopes)]
    datasets = Datasets(scopes)
    plots: dict[str, BoundPlot] = {}
    broken: list[PlotSpec] = []
    mistakes = datasets.mistakes
    for prefix, registry in scopes:
        for mistake in registry.mistakes:
            mistakes.append(str(mistake))
            if not mistake.dataset:
                wrong = Plot(mistake.function, mistake.path)
                broken.append(_broken(wrong, prefix, datasets, str(mistake)))
        for plot in registry.plots:
            try:
                bound = bind(plot, prefix, datasets, adhoc=registry.adhoc)
                if other := plots.get(bound.spec.name):
                    raise BadRegistration(
                        f"Two plots have the address {bound.spec.addresses[0]}: {where(other.function)} and "
                        f'{where(plot.function)}. Give one another: @plots.plot("another/path").'
                    )
                plots[bound.spec.name] = bound
            except BadRegistration as error:
                broken.append(_broken(plot, prefix, datasets, str(error)))
                mistakes += error.whys if isinstance(error, Mistakes) else [str(error)]
    plots, wrong_ones = _settled(plots)
    broken += wrong_ones
    mistakes += [spec.mistake for spec in wrong_ones]
    mistakes = list(dict.fromkeys(mistakes))
    if mistakes and not lenient:
        raise BadRegistration(_message(mistakes))
    manifest = Manifest(
        plots=tuple(plot.spec for plot in plots.values()),
        datasets=tuple(dataset.spec for dataset in datasets.bound.values()),
        broken=tuple(broken),
        mistakes=tuple(mistakes),
        code=code,
        environment=environment,
    )
    return Catalog(manifest, plots, datasets.bound)


def _message(mistakes: list[str]) -> str:
    """Return all mistakes as one message."""
    if len(mistakes) == 1:
        return mistakes[0]
    numbered = (f"{number}. {mistake}" for number, mistake in enumerate(mistakes, 1))
    return "\n".join([f"{len(mistakes)} registrations are wrong.", *numbered])


def _settled(plots: Mapping[str, BoundPlot]) -> tuple[dict[str, BoundPlot], list[PlotSpec]]:
    """Return the plots with the addresses that each of them answers, and those that cannot have theirs."""
    wrong: dict[str, str] = {}
    for found in precedence.collisions(plot.spec for plot in plots.values() if not plot.spec.adhoc):
        why = (
            f"Two plots would answer {found.url}: {where(plots[found.other].function)} and "
            f'{where(plots[found.name].function)}. Give one another path: @plots.plot("another/path").'
        )
        wrong |= {found.name: why, found.other: why}
    settled = precedence.settle([plot.spec for name, plot in plots.items() if name not in wrong])
    manifest = Manifest(plots=settled)
    for spec in settled:
        if (address := urls.example(spec)) is None or spec.adhoc:
            continue
        answering = routes.resolve(manifest, unquote(address.partition("?")[0]))
        if answering is None or answering.plot is not spec:
            by = f"the plot {answering.plot.name!r}" if answering else "none"
            wrong[spec.name] = (
                f"plot {spec.function!r} ({where(plots[spec.name].function)}): the address of its example, "
                f"{address}, is answered by {by}. Choose another example: examples={{…}}."
            )
    specs = {spec.name: spec for spec in settled}
    bad = [replace(plots[name].spec, also=(), mistake=why) for name, why in wrong.items()]
    good = {name: replace(plot, spec=specs[name]) for name, plot in plots.items() if name not in wrong}
    return good, bad


def _broken(plot: Plot, prefix: str, datasets: Datasets, why: str) -> PlotSpec:
    """Return a spec for a plot that is wrong: its addresses, as far as they are known, and the mistake."""
    function = getattr(plot.function, "__name__", "")
    paths: tuple[str, ...] = (plot.path, *plot.aliases) if plot.path is not None else ()
    if plot.path is None:
        # An argument that looks like a dataset and is none may be the very mistake.
        try:
            found = arguments(plot.function, function)
        except (BadRegistration, TypeError, ValueError):
            found = ()
        bare = [a.name for a in found if a.is_bare and a.name not in FIGURES]
        names = [datasets.find(prefix, name) or prefix + name for name in bare]
        paths = (*precedence.paths(function, names, prefix), *plot.aliases)
    patterns = []
    for path in paths:
        with suppress(ValueError):
            patterns.append(routes.pattern(path, prefix))
    name = patterns[0].removeprefix(routes.ROOT) if patterns else function
    return PlotSpec(name=name, addresses=tuple(dict.fromkeys(patterns)), function=function, mistake=why)
