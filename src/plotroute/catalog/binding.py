"""Bind one plot or dataset: from what its author declared to its spec, which travels, and its function."""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from plotroute import params
from plotroute.catalog import path_checks
from plotroute.catalog.registry import Dataset, Plot, Registry
from plotroute.catalog.signatures import FIGURES, Argument, arguments, where
from plotroute.data import freshness
from plotroute.errors import BadRegistration, InvalidParameters
from plotroute.model import DatasetSpec, Param, PlotSpec
from plotroute.params import hints, kind_of, picture_options
from plotroute.routing import precedence, routes

log = logging.getLogger("plotroute")

_OPTIONS = tuple(option.name for option in picture_options.PARAMS)


class Mistakes(BadRegistration):
    """All that is wrong with one plot or dataset."""

    def __init__(self, whys: Sequence[str]) -> None:
        super().__init__("\n".join(whys))
        self.whys = tuple(whys)
        """The mistakes that are reported for it: none, where a dataset that it reads is wrong."""


class BrokenDataset(Mistakes):
    """A plot or dataset cannot work because of a dataset that it reads, whose mistake is reported already."""

    def __init__(self, why: str) -> None:
        super().__init__([why])
        self.whys = ()


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


class Datasets:
    """The datasets of all registries under their full names, each bound after those that it reads."""

    def __init__(self, scopes: list[tuple[str, Registry]]) -> None:
        self._declared: dict[str, tuple[str, Dataset]] = {}
        self.bound: dict[str, BoundDataset] = {}
        self.broken: dict[str, str] = {}
        """Full name → why it cannot be used."""
        self.mistakes: list[str] = []
        for prefix, registry in scopes:
            for mistake in registry.mistakes:
                if mistake.dataset:
                    self.broken[prefix + mistake.dataset] = str(mistake)
            for dataset in registry.datasets.values():
                name = prefix + dataset.name
                if name in self._declared:
                    self.broken[name] = (
                        f"Two datasets are named {name!r}: {where(self._declared[name][1].function)} and "
                        f"{where(dataset.function)}. Rename one."
                    )
                self._declared[name] = (prefix, dataset)
        self.mistakes += self.broken.values()
        for name in self._declared:
            self._try(name, ())

    def find(self, prefix: str, name: str) -> str | None:
        """Return the full name of the dataset that `name` means under `prefix`; None: there is none.

        The nearest scope wins: `finance/orders` before `orders`.
        """
        while True:
            if prefix + name in self._declared or prefix + name in self.broken:
                return prefix + name
            if not prefix:
                return None
            prefix = prefix.rstrip("/").rpartition("/")[0]
            prefix = prefix + "/" if prefix else ""

    def nearest(self, name: str) -> str | None:
        """Return the name of the dataset that is most like a wrong name; None: none is."""
        return next(iter(difflib.get_close_matches(name, self._declared, n=1)), None)

    def needs(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the datasets `names` and all that they read, in the order in which they are loaded."""
        order: dict[str, None] = {}
        for name in names:
            order |= dict.fromkeys(self.bound[name].spec.reads)
            order[name] = None
        return tuple(order)

    def require_usable(self, reader: str, names: Iterable[str]) -> None:
        """Raise BrokenDataset if one of the datasets that `reader` reads is wrong."""
        for name in names:
            if why := self.broken.get(name):
                raise BrokenDataset(f"{reader} reads the dataset {name!r}, which cannot be used. {why}")

    def _try(self, name: str, readers: tuple[str, ...]) -> None:
        """Bind a dataset, after the datasets that it reads; note its mistakes."""
        if name in self.bound or name in self.broken:
            return
        try:
            if name in readers:
                circle = " → ".join((*readers[readers.index(name) :], name))
                raise Mistakes(
                    [f"Datasets read each other in a circle: {circle}. Take one of these arguments away."]
                )
            self._bind(name, readers)
        except BadRegistration as error:
            # In a circle it is noted already, by the last dataset of it.
            if self.broken.setdefault(name, str(error)) == str(error):
                self.mistakes += error.whys if isinstance(error, Mistakes) else [str(error)]

    def _bind(self, name: str, readers: tuple[str, ...]) -> None:
        prefix, declared = self._declared[name]
        found = arguments(declared.function, f"dataset {name!r}")
        read = _injected(found, prefix, self)
        title = f"dataset {name!r} ({where(declared.function)})"
        for other in read.values():
            self._try(other, (*readers, name))
        self.require_usable(title, read.values())
        own, annotations = _parameters(title, declared.function, found, read, self, {})
        for parameter in own:
            if parameter.name in _OPTIONS:
                raise BadRegistration(
                    f"{title}: {parameter.name!r} is a picture option of every plot; rename it."
                )
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


def bind(plot: Plot, prefix: str, datasets: Datasets, *, adhoc: bool = False) -> BoundPlot:
    """Return a plot with its spec.

    Args:
        plot: what its author declared.
        prefix: what its names have in front where another Plots includes it: `finance/`.
        datasets: all datasets that there are.
        adhoc: whether it draws the values of the request.

    Raises:
        BadRegistration: with all that is wrong with it, its file and line, and the cure.
    """
    function = plot.function.__name__
    title = f"plot {function!r} ({where(plot.function)})"
    found = arguments(plot.function, title)
    read = _injected(found, prefix, datasets)
    datasets.require_usable(title, read.values())
    own, annotations = _parameters(title, plot.function, found, read, datasets, plot.examples)
    for parameter in own:
        if parameter.name in _OPTIONS and parameter.name not in picture_options.DECLARABLE:
            raise BadRegistration(
                f"{title}: the parameter {parameter.name!r} is a picture option of every plot; rename it."
            )
    needed = datasets.needs(read.values())
    first = dict.fromkeys((*read.values(), *needed))
    paths = precedence.paths(function, tuple(first), prefix) if plot.path is None else (plot.path,)
    try:
        patterns = tuple(routes.pattern(p, prefix) for p in (paths[0], *plot.aliases))
        also = tuple(routes.pattern(p, prefix) for p in paths[1:])
    except ValueError as error:
        raise BadRegistration(f"{title}: {error}.") from None
    path_checks.check_parameters(title, patterns, own)
    kind, ttl = freshness.plot_freshness(plot.ttl, bool(read) or any(kind_of(p).is_series for p in own))
    words, description = _texts(plot)
    # No address has a colon, so an ad-hoc plot never takes the name of an author's.
    name = f":{plot.function.__name__}" if adhoc else patterns[0].removeprefix(routes.ROOT)
    spec = PlotSpec(
        name=name,
        addresses=patterns,
        function=function,
        also=tuple(address for address in also if address not in patterns),
        params=tuple(parameter for parameter in own if not parameter.is_user),
        users=tuple(parameter for parameter in own if parameter.is_user),
        datasets=needed,
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
        description=description,
        takes_options=tuple(p.name for p in own if p.name in picture_options.DECLARABLE),
        adhoc=adhoc,
    )
    path_checks.check_example(title, spec)
    return BoundPlot(spec, plot.function, found, read, annotations)


def _texts(plot: Plot) -> tuple[str, str]:
    """Return the title of a plot and its description, from what its author has given and the docstring."""
    heading, _, rest = (inspect.getdoc(plot.function) or "").strip().partition("\n")
    heading = heading.rstrip(".")
    title = plot.title or heading or plot.function.__name__.replace("_", " ").capitalize()
    return title, rest.strip() if title == heading else f"{heading}\n{rest}".strip()


def _injected(found: tuple[Argument, ...], prefix: str, datasets: Datasets) -> dict[str, str]:
    """Return, for the arguments that are named after a dataset, its full name."""
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
    datasets: Datasets,
    examples: Mapping[str, Any],
) -> tuple[tuple[Param, ...], dict[str, Any]]:
    """Return the parameters of a function and of the datasets it reads, and their hints."""
    own: dict[str, Param] = {}
    annotations: dict[str, Any] = {}
    whys: list[str] = []
    for argument in found:
        if argument.name in FIGURES or argument.name in read:
            continue
        try:
            hint = _hint(title, argument, datasets)
            own[argument.name] = hints.read(argument.name, hint, argument.default, plot=title)
            annotations[argument.name] = hints.hint_of(hint, argument.default)
        except BadRegistration as error:
            whys.append(str(error))
    for name in dict.fromkeys(read.values()):
        for parameter in datasets.bound[name].spec.params:
            mine = own.setdefault(parameter.name, parameter)
            if _type(mine) != _type(parameter):
                whys.append(
                    f"{title}: its parameter {parameter.name!r} is not of the type that dataset {name!r} "
                    f"declares for the parameter of this name ({mine.kind} and {parameter.kind}, or their "
                    "bounds). One name has one type: write the same hint in both, or rename one."
                )
            annotations.setdefault(parameter.name, datasets.bound[name].annotations.get(parameter.name))
    if not whys:  # else a name may be unknown because of what is wrong with it
        whys += _read_examples(title, own, annotations, examples)
    if whys:
        raise Mistakes(whys)
    return tuple(own.values()), annotations


def _hint(title: str, argument: Argument, datasets: Datasets) -> Any:
    if argument.name.startswith("_"):
        raise BadRegistration(
            f"{title}: the parameter {argument.name!r} could never be given, because names with a "
            "leading _ are ignored in URLs (for cache busting). Rename it."
        )
    if argument.is_bare:
        raise BadRegistration(_unknown_dataset(title, argument.name, datasets))
    return argument.hint(title)


def _read_examples(
    title: str, own: dict[str, Param], annotations: Mapping[str, Any], examples: Mapping[str, Any]
) -> Iterator[str]:
    """Put examples into parameters, and yield what is wrong with an example or a default.

    They are checked as the values of a request are, validators included, because pages link to them.
    """
    for name, value in examples.items():
        if name not in own:
            yield f"{title}: examples names {name!r}, which is not one of its parameters."
        elif own[name].is_user:
            yield f"{title}: examples names {name!r}, which is the logged-in user (User)."
        else:
            try:
                own[name] = replace(own[name], example=params.canonical(own[name], value))
            except InvalidParameters as error:
                yield f"{title}: the example of {name!r}: {error.errors[0]['message']}."
    now = datetime.now(UTC)
    for name, parameter in own.items():
        for what, value in (("default", parameter.default), ("example", parameter.example)):
            try:
                if value is not None:
                    taken = params.canonical(parameter, value, now=now)
                    hints.decode(parameter, annotations.get(name), taken)
            except InvalidParameters as error:
                yield f"{title}: the {what} of {name!r}: {error.errors[0]['message']}."
            except Exception as error:  # the validator itself fails: a request shows its traceback
                log.debug("%s: the %s of %r: %r", title, what, name, error)


def _type(parameter: Param) -> tuple[Any, ...]:
    """Return what must be equal where a plot and its dataset have a parameter of one name; not defaults."""
    return (
        parameter.kind,
        parameter.many,
        parameter.optional,
        parameter.is_user,
        parameter.choices,
        dict(parameter.bounds),
        dict(parameter.item_bounds),
    )


def _unknown_dataset(title: str, name: str, datasets: Datasets) -> str:
    nearest = datasets.nearest(name)
    guess = f" Did you mean {nearest!r}?" if nearest else ""
    return (
        f"{title}: there is no dataset named {name!r}.{guess} Register one (@plots.dataset above a function "
        f"named {name}), or make it a query parameter by a type hint or a default ({name}: int, {name}=20)."
    )


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
    if declared.source is True and [p.name for p in required] == ["name"] and kind_of(required[0]).is_text:
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
