"""Keep what authors declare with the decorators. A `Registry` belongs to one `Plots`.

`catalog.complete` makes sense of it, when the module is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plotroute.catalog.signatures import FIGURES, where
from plotroute.errors import BadRegistration

collecting: ContextVar[bool] = ContextVar("collecting", default=False)
"""Whether mistakes in decorators are kept until the module is complete, to be reported together."""


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
class Mistake:
    """A plot or dataset whose registration is wrong, as far as its author declared it."""

    function: Callable[..., Any]
    what: str
    why: str
    path: str | None = None
    dataset: str = ""
    """The name of the dataset; empty: it is a plot."""

    def __str__(self) -> str:
        """Return what is wrong, and where, since there is no traceback."""
        place = where(self.function)
        name = getattr(self.function, "__name__", repr(self.function))
        return self.why if place in self.why else f"{self.what} {name!r} ({place}): {self.why}"


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
    """The declarations of one `Plots`, in order. They are checked when the module is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root
        """The directory of the plots file: where its relative paths count from."""
        self.plots: list[Plot] = []
        self.datasets: dict[str, Dataset] = {}
        self.included: list[tuple[str, Registry]] = []
        self.mistakes: list[Mistake] = []
        """Mistakes in calls of decorators, where all of them are reported at once."""
        self.adhoc = False
        """Whether the plots draw the values of the request (`/plot.png?x=…`), as the built-in ones do."""

    @contextmanager
    def noting(self, mistake: Callable[[str], Mistake]) -> Iterator[None]:
        """Raise a BadRegistration of the body; while a file is loaded (`collecting`), keep it instead."""
        try:
            yield
        except BadRegistration as error:
            if not collecting.get():
                raise
            self.mistakes.append(mistake(str(error)))

    def refuse(self, what: str, first: Any, why: str) -> Callable[..., Any]:
        """Raise a BadRegistration for the call of a decorator; while a file is loaded, keep it instead.

        Args:
            what: what the decorator registers: "plot" or "dataset".
            first: the first argument of the call.
            why: what is wrong, and the cure.

        Returns:
            Where the mistake is kept, a decorator that leaves the function below it as it is.
        """
        name = first if isinstance(first, str) else ""

        def keep(function: Callable[..., Any]) -> Callable[..., Any]:
            dataset = (name or getattr(function, "__name__", "")) if what == "dataset" else ""
            with self.noting(lambda why: Mistake(function, what, why, name or None, dataset)):
                raise BadRegistration(why)
            return function

        if not collecting.get():
            raise BadRegistration(why)
        return keep(first) if callable(first) else keep

    def add_dataset(self, dataset: Dataset, *, again: bool = False) -> None:
        """Register a dataset.

        Args:
            dataset: what its author declared.
            again: whether it may replace a dataset of its name, as in a notebook.

        Raises:
            BadRegistration: the name is taken, or has a meaning of its own.
        """
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
