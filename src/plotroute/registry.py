"""Resolve: what the decorators fill, and the catalog made of it when the module is complete.

A `Registry` belongs to one `Plots`. `complete` joins registries into a `Catalog`: the Manifest, which is
data and travels, and the functions, which stay.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plotroute import addresses, freshness, hints, options, params
from plotroute.errors import BadRegistration, InvalidParameters
from plotroute.model import DatasetSpec, Manifest, Param, PlotSpec
from plotroute.signatures import FIGURES, Argument, arguments, where

_OPTIONS = tuple(option.name for option in options.PARAMS)


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as its author declared it."""

    function: Callable[..., Any]
    path: str | None
    aliases: tuple[str, ...] = ()
    title: str | None = None
    alt: str | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    min_size: tuple[int, int] | None = None
    ttl: float | None = None
    stale: float | None = None
    max_age: float = 0
    timeout: float | None = None
    max_pixels: int | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as its author declared it."""

    function: Callable[..., Any]
    name: str
    ttl: float | None = None
    version: str | Callable[..., Any] | None = None
    poll: float = 1.0
    source: bool | tuple[str, ...] = False
    shared: bool = False


class Registry:
    """What one `Plots` was told, in order; nothing is looked at before the module is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root
        """The directory of the plots file: where its relative paths count from."""
        self.plots: list[Plot] = []
        self.datasets: dict[str, Dataset] = {}
        self.included: list[tuple[str, Registry]] = []

    def add_dataset(self, dataset: Dataset, *, again: bool = False) -> None:
        """Register a dataset; BadRegistration if its name is taken, unless it may be told `again`."""
        if dataset.name in FIGURES:
            raise BadRegistration(
                f"A dataset cannot be named {dataset.name!r}: an argument of this name receives a figure or "
                'axes. Name it otherwise: @plots.dataset("another_name").'
            )
        other = self.datasets.get(dataset.name)
        if other and not again:
            raise BadRegistration(
                f"Two datasets are named {dataset.name!r}: {where(other.function)} and "
                f'{where(dataset.function)}. Rename one: @plots.dataset("another_name").'
            )
        self.datasets[dataset.name] = dataset

    def walk(self, prefix: str = "") -> Iterable[tuple[str, Registry]]:
        """Yield this registry and all it includes, each with its prefix (`""`, `finance/`)."""
        yield prefix, self
        for inner, registry in self.included:
            yield from registry.walk(f"{prefix}{inner.strip('/')}/" if inner.strip("/") else prefix)


@dataclass(frozen=True, slots=True)
class BoundPlot:
    """A plot with its function, ready to be called."""

    spec: PlotSpec
    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    datasets: Mapping[str, str]
    """Argument name → full name of the dataset it receives."""
    annotations: Mapping[str, Any]
    """Parameter name → hint, those of the datasets included."""


@dataclass(frozen=True, slots=True)
class BoundDataset:
    """A dataset with its function, ready to be loaded."""

    spec: DatasetSpec
    declared: Dataset
    arguments: tuple[Argument, ...]
    datasets: Mapping[str, str]
    annotations: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything of one saved version of the code: data for others, functions for this process."""

    manifest: Manifest
    plots: Mapping[str, BoundPlot]
    datasets: Mapping[str, BoundDataset]


def complete(registries: Iterable[Registry], *, code: str = "", environment: str = "") -> Catalog:
    """Check what was registered, all of it together, and return the catalog.

    BadRegistration names the plot or dataset, its file and line, and the cure.
    """
    scopes: list[tuple[str, Registry]] = []
    for registry in registries:
        scopes += [scope for scope in registry.walk() if all(scope[1] is not known for _, known in scopes)]
    datasets = _Datasets(scopes)
    plots: dict[str, BoundPlot] = {}
    for prefix, registry in scopes:
        for plot in registry.plots:
            bound = _bind(plot, prefix, datasets)
            if other := plots.get(bound.spec.name):
                raise BadRegistration(
                    f"Two plots have the address {bound.spec.addresses[0]}: {where(other.function)} and "
                    f'{where(plot.function)}. Give one another: @plots.plot("another/path").'
                )
            plots[bound.spec.name] = bound
    for name, other_name, url in addresses.collisions(p.spec for p in plots.values() if not p.spec.adhoc):
        raise BadRegistration(
            f"Two plots would answer {url}: {where(plots[other_name].function)} and "
            f'{where(plots[name].function)}. Give one another path: @plots.plot("another/path").'
        )
    manifest = Manifest(
        plots=tuple(plot.spec for plot in plots.values()),
        datasets=tuple(dataset.spec for dataset in datasets.bound.values()),
        code=code,
        environment=environment,
    )
    return Catalog(manifest, plots, datasets.bound)


class _Datasets:
    """The datasets of all registries under their full names, bound in the order of what reads what."""

    def __init__(self, scopes: list[tuple[str, Registry]]) -> None:
        self._declared: dict[str, tuple[str, Dataset]] = {}
        for prefix, registry in scopes:
            for dataset in registry.datasets.values():
                name = prefix + dataset.name
                if name in self._declared:
                    raise BadRegistration(
                        f"Two datasets are named {name!r}: {where(self._declared[name][1].function)} and "
                        f"{where(dataset.function)}. Rename one."
                    )
                self._declared[name] = (prefix, dataset)
        self.bound: dict[str, BoundDataset] = {}
        for name in self._declared:
            self._bind(name, ())

    def find(self, prefix: str, name: str) -> str | None:
        """Return the full name of what `name` means to a function under `prefix`: the nearest scope wins."""
        while True:
            if prefix + name in self._declared:
                return prefix + name
            if not prefix:
                return None
            prefix = prefix.rstrip("/").rpartition("/")[0]
            prefix = prefix + "/" if prefix else ""

    def nearest(self, name: str) -> str | None:
        """Return the name of a dataset that may have been meant."""
        return next(iter(difflib.get_close_matches(name, self._declared, n=1)), None)

    def needs(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the datasets `names` and all that they read, in loading order."""
        order: dict[str, None] = {}
        for name in names:
            order |= dict.fromkeys(self.bound[name].spec.reads)
            order[name] = None
        return tuple(order)

    def _bind(self, name: str, readers: tuple[str, ...]) -> None:
        if name in readers:
            circle = " → ".join((*readers[readers.index(name) :], name))
            raise BadRegistration(f"Datasets read each other in a circle: {circle}.")
        if name in self.bound:
            return
        prefix, declared = self._declared[name]
        found = arguments(declared.function, f"dataset {name!r}")
        read = _injected(found, prefix, self)
        for other in read.values():
            self._bind(other, (*readers, name))
        title = f"dataset {name!r} ({where(declared.function)})"
        own, annotations = _parameters(title, declared.function, found, read, self, {})
        for parameter in own:
            if parameter.name in _OPTIONS:
                raise BadRegistration(f"{title}: {parameter.name!r} is a picture option; rename it.")
        kind, constant = _data_freshness(declared)
        spec = DatasetSpec(
            name=name,
            params=own,
            reads=self.needs(read.values()),
            freshness=kind,
            version=constant,
            ttl=declared.ttl if kind == "bucket" else None,
            sources=_sources(name, declared, own, title),
        )
        self.bound[name] = BoundDataset(spec, declared, found, read, annotations)


def _bind(plot: Plot, prefix: str, datasets: _Datasets) -> BoundPlot:
    title = f"plot {plot.function.__name__!r} ({where(plot.function)})"
    found = arguments(plot.function, title)
    read = _injected(found, prefix, datasets)
    own, annotations = _parameters(title, plot.function, found, read, datasets, plot.examples)
    for parameter in own:
        if parameter.name in _OPTIONS and parameter.name not in options.DECLARABLE:
            raise BadRegistration(
                f"{title}: the parameter {parameter.name!r} is a picture option of every plot; rename it."
            )
    path = plot.path
    if path is None:
        first = next(iter(read.values()), None)
        path = f"{first.removeprefix(prefix)}/{plot.function.__name__}" if first else plot.function.__name__
    try:
        patterns = tuple(addresses.pattern(p, prefix) for p in (path, *plot.aliases))
    except ValueError as error:
        raise BadRegistration(f"{title}: {error}.") from None
    _check_path_parameters(title, patterns, own)
    kind, ttl = freshness.plot_freshness(plot.ttl, bool(read) or any(p.kind == "values" for p in own))
    heading, _, rest = (inspect.getdoc(plot.function) or "").strip().partition("\n")
    heading = heading.rstrip(".")
    words = plot.title or heading or plot.function.__name__.replace("_", " ").capitalize()
    adhoc = (plot.function.__module__ or "").startswith("plotroute.charts")  # none, of code by exec
    # No address has a colon, so the built-in plots never take the name of an author's.
    name = f":{plot.function.__name__}" if adhoc else patterns[0].removeprefix(addresses.ROOT)
    spec = PlotSpec(
        name=name,
        addresses=patterns,
        params=tuple(parameter for parameter in own if not parameter.is_user),
        users=tuple(parameter for parameter in own if parameter.is_user),
        datasets=datasets.needs(read.values()),
        freshness=kind,
        ttl=ttl,
        stale=plot.stale,
        max_age=int(plot.max_age),
        timeout=plot.timeout,
        max_pixels=plot.max_pixels,
        size=plot.size,
        min_size=plot.min_size,
        title=words,
        alt=plot.alt or words,
        description=rest.strip() if words == heading else f"{heading}\n{rest}".strip(),
        takes_options=tuple(p.name for p in own if p.name in options.DECLARABLE),
        adhoc=adhoc,
    )
    return BoundPlot(spec, plot.function, found, read, annotations)


def _injected(found: tuple[Argument, ...], prefix: str, datasets: _Datasets) -> dict[str, str]:
    """Return argument → dataset for the arguments that are named after one."""
    read = {}
    for argument in found:
        if argument.name in FIGURES:
            continue
        full = datasets.find(prefix, argument.name)
        if full is not None:
            read[argument.name] = full
    return read


def _parameters(
    title: str,
    function: Callable[..., Any],
    found: tuple[Argument, ...],
    read: Mapping[str, str],
    datasets: _Datasets,
    examples: Mapping[str, Any],
) -> tuple[tuple[Param, ...], dict[str, Any]]:
    """Return the parameters of a function and of the datasets it reads, and their hints."""
    own: dict[str, Param] = {}
    annotations: dict[str, Any] = {}
    for argument in found:
        if argument.name in FIGURES or argument.name in read:
            continue
        if argument.name.startswith("_"):
            raise BadRegistration(
                f"{title}: the parameter {argument.name!r} could never be given, because names with a "
                "leading _ are ignored in URLs (for cache busting). Rename it."
            )
        if argument.is_bare:
            raise BadRegistration(_unknown_dataset(title, argument.name, datasets))
        hint = argument.hint(title)
        own[argument.name] = hints.read(argument.name, hint, argument.default, plot=title)
        annotations[argument.name] = hints.hint_of(hint, argument.default)
    for name in dict.fromkeys(read.values()):
        for parameter in datasets.bound[name].spec.params:
            mine = own.setdefault(parameter.name, parameter)
            if _type(mine) != _type(parameter):
                raise BadRegistration(
                    f"{title}: its parameter {parameter.name!r} is not of the type that dataset {name!r} "
                    f"declares for the parameter of this name ({mine.kind} and {parameter.kind}, or their "
                    "bounds). One name has one type: write the same hint in both, or rename one."
                )
            annotations.setdefault(parameter.name, datasets.bound[name].annotations.get(parameter.name))
    for name, value in examples.items():
        if name not in own:
            raise BadRegistration(f"{title}: examples names {name!r}, which is not one of its parameters.")
        if own[name].is_user:
            raise BadRegistration(f"{title}: examples names {name!r}, which is who asks (User).")
        try:
            own[name] = replace(own[name], example=params.canonical(own[name], value))
        except InvalidParameters as error:
            raise BadRegistration(
                f"{title}: the example of {name!r}: {error.errors[0]['message']}."
            ) from None
    return tuple(own.values()), annotations


def _type(parameter: Param) -> tuple[Any, ...]:
    """Return what must agree where a plot and its datasets have a parameter of one name: all but defaults."""
    return (
        parameter.kind,
        parameter.many,
        parameter.optional,
        parameter.is_user,
        parameter.choices,
        dict(parameter.bounds),
        dict(parameter.item_bounds),
    )


def _unknown_dataset(title: str, name: str, datasets: _Datasets) -> str:
    nearest = datasets.nearest(name)
    guess = f" Did you mean {nearest!r}?" if nearest else ""
    return (
        f"{title}: there is no dataset named {name!r}.{guess} Register one (@plots.dataset above a function "
        f"named {name}), or make it a query parameter by a type hint or a default ({name}: int, {name}=20)."
    )


def _check_path_parameters(title: str, patterns: tuple[str, ...], own: tuple[Param, ...]) -> None:
    names = {parameter.name: parameter for parameter in own}
    for pattern in patterns:
        for name in addresses.parameters(pattern):
            if name not in names:
                raise BadRegistration(
                    f"{title}: the path {pattern!r} has <{name}>, but the function has no parameter of that "
                    f"name. Add it ({name}: str) or take it out of the path."
                )
            if names[name].is_user:
                raise BadRegistration(f"{title}: <{name}> is who asks (User), which no address can say.")
            if names[name].many:
                raise BadRegistration(f"{title}: <{name}> is a list, which does not fit into a path.")


def _data_freshness(declared: Dataset) -> tuple[Any, str | None]:
    if isinstance(declared.version, str):
        return "constant", declared.version
    if declared.version is not None:
        return "polled", None
    if declared.ttl == float("inf"):
        return "constant", freshness.FOREVER
    return ("bucket", None) if declared.ttl else ("content", None)


def _sources(name: str, declared: Dataset, own: tuple[Param, ...], title: str) -> tuple[str, ...]:
    """Return the names under which ad-hoc plots may ask for values of the dataset."""
    if not declared.source:
        return ()
    required = [parameter for parameter in own if parameter.required]
    if declared.source is True and [p.name for p in required] == ["name"] and required[0].kind == "str":
        return (f"{name}:",)
    if required:
        raise BadRegistration(
            f"{title}: a source of values cannot have required parameters ({required[0].name!r}), except one "
            "function-of-a-name: def values(name: str)."
        )
    if declared.source is True:
        return (name,)
    columns = declared.source if isinstance(declared.source, tuple) else ()
    return tuple(f"{name}.{column}" for column in columns)
