"""Declare plots and datasets: the two decorators, and files as a dataset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, overload

from plotroute.catalog import decorator_options
from plotroute.catalog.registry import Dataset, Mistake, Plot, Registry
from plotroute.catalog.signatures import check_function
from plotroute.data.files import files, reader

F = TypeVar("F", bound=Callable[..., Any])


class Declarations(ABC):
    """The half of `Plots` that fills its registry, at the top level of an author's module."""

    def __init__(self, registry: Registry, *, interactive: bool) -> None:
        self.registry = registry
        self._interactive = interactive
        """Made in a notebook, where a cell may be run again."""

    @overload
    def plot(self, path: F, /) -> F: ...

    @overload
    def plot(
        self,
        path: str | None = None,
        /,
        *,
        aliases: Sequence[str] = (),
        title: str | None = None,
        alt: str | None = None,
        examples: Mapping[str, Any] | None = None,
        size: tuple[int, int] | None = None,
        min_size: tuple[int, int] | None = None,
        ttl: str | float | timedelta | None = None,
        stale: str | float | timedelta | None = None,
        max_age: str | float | timedelta = 0,
        timeout: float | None = None,
        max_pixels: int | None = None,
    ) -> Callable[[F], F]: ...

    @decorator_options.checked("@plots.plot")
    def plot(
        self,
        path: Any = None,
        /,
        *,
        aliases: Sequence[str] = (),
        title: str | None = None,
        alt: str | None = None,
        examples: Mapping[str, Any] | None = None,
        size: tuple[int, int] | None = None,
        min_size: tuple[int, int] | None = None,
        ttl: str | float | timedelta | None = None,
        stale: str | float | timedelta | None = None,
        max_age: str | float | timedelta = 0,
        timeout: float | None = None,
        max_pixels: int | None = None,
    ) -> Any:
        """Give the function below a URL. Write `@plots.plot`, or `@plots.plot(…)` with options.

        Args:
            path: The address, relative to `/plots/`; with a leading slash, relative to the root. `<name>` in
                it is a parameter. Without a path, the plot has the addresses `<function>` and
                `<dataset>/<function>` for each dataset that it reads; pages show that of the first dataset.
            aliases: Further addresses of the same plot.
            title: A text for people. By default the first line of the docstring.
            alt: The text that a screen reader reads out. By default the first line of the docstring.
            examples: Parameter → value, so that pages can show a picture of a plot with required parameters.
            size: (width, height) in CSS pixels of 1/100 inch, if a request gives none: `figsize` × 100.
            min_size: (width, height) in CSS pixels. A smaller picture is laid out at this size and scaled
                down.
            ttl: How long a drawn picture is fresh: "10m", seconds, "forever". Without `ttl`, a plot that
                reads datasets is drawn again when their versions change, and any other plot for every
                request.
            stale: How long an outdated picture may be shown while a new one is drawn in the background:
                "10m". Then only the first request waits for a drawing.
            max_age: How long a browser may keep the picture without revalidating it: "10m", or seconds.
            timeout: Seconds that drawing may take. By default the setting `render_timeout`.
            max_pixels: Number of pixels a picture may have. By default the setting `max_pixels`.

        Returns:
            The function itself, unchanged.

        Raises:
            BadRegistration: The plot cannot work as it is declared. The message says the cure.

        Example:
            >>> @plots.plot("sales/<region>", size=(800, 400), examples={"region": "EU"})
            ... def sales(ax, orders, region: str):
            ...     orders[orders["region"] == region].plot(ax=ax, x="day", y="revenue")
        """

        def register(function: F) -> F:
            with self.registry.noting(lambda why: Mistake(function, "plot", why, path)):
                check_function(function, "@plots.plot")
                self._add_plot(
                    Plot(
                        function,
                        path,
                        aliases=(aliases,) if isinstance(aliases, str) else tuple(aliases),
                        title=title,
                        alt=alt,
                        examples=dict(examples or {}),
                        size=decorator_options.size("size", size),
                        min_size=decorator_options.size("min_size", min_size),
                        ttl=decorator_options.duration("ttl", ttl),
                        stale=decorator_options.bounded("stale", stale),
                        max_age=decorator_options.bounded("max_age", max_age) or 0,
                        timeout=decorator_options.positive("timeout", timeout),
                        max_pixels=decorator_options.positive("max_pixels", max_pixels),
                    )
                )
            return function

        if path is not None and not isinstance(path, str):
            function, path = path, None
            return register(function)
        return register

    @overload
    def dataset(self, name: F, /) -> F: ...

    @overload
    def dataset(
        self,
        name: str | None = None,
        /,
        *,
        ttl: str | float | timedelta | None = None,
        version: str | Callable[..., Any] | None = None,
        poll: str | float | timedelta = "1s",
        source: bool | Sequence[str] = False,
        shared: bool = False,
    ) -> Callable[[F], F]: ...

    @decorator_options.checked("@plots.dataset")
    def dataset(
        self,
        name: Any = None,
        /,
        *,
        ttl: str | float | timedelta | None = None,
        version: str | Callable[..., Any] | None = None,
        poll: str | float | timedelta = "1s",
        source: bool | Sequence[str] = False,
        shared: bool = False,
    ) -> Any:
        """Name the data that the function below loads. A plot receives it by an argument of that name.

        Without `ttl` and `version`, the data is loaded again after a minute, or when a file that the function
        opened has changed; a hash of the content is then the version.

        Args:
            name: The name. By default the name of the function.
            ttl: How long loaded data is valid: "10m", seconds, "forever".
            version: What tells one state of the data from another: a text, `files("data/*.csv")`, or a
                function (of the dataset's parameters, if it has any) that is called every `poll`.
            poll: How often a `version` function is called: "1s", or seconds.
            source: True, or the names of columns: ad-hoc plots may use these values by name.
            shared: Hand every plot the very object that was loaded, not a copy: plots must only read it.

        Returns:
            The function itself, unchanged.

        Raises:
            BadRegistration: The dataset cannot work as it is declared. The message says the cure.

        Example:
            >>> @plots.dataset(version=files("data/*.csv"))
            ... def orders():
            ...     return pd.concat(pd.read_csv(path) for path in files("data/*.csv").paths())
        """

        def register(function: F) -> F:
            called = name or getattr(function, "__name__", "")
            with self.registry.noting(lambda why: Mistake(function, "dataset", why, dataset=called)):
                check_function(function, "@plots.dataset")
                seconds, every = decorator_options.load_times(ttl, version, poll)
                columns = source if isinstance(source, bool) else decorator_options.columns("source", source)
                self._drop_renderer()
                self.registry.add_dataset(
                    Dataset(
                        function,
                        called,
                        ttl=seconds,
                        version=version,
                        poll=every,
                        source=columns,
                        shared=bool(shared),
                    ),
                    again=self._interactive,
                )
                self._announce()
            return function

        if name is not None and not isinstance(name, str):
            function, name = name, None
            return register(function)
        return register

    def files(
        self,
        name: str,
        pattern: str,
        *,
        columns: Sequence[str] | None = None,
        source: bool | Sequence[str] = False,
    ) -> None:
        """Name all files that match a pattern as one dataset: CSV, Parquet, JSON or Feather.

        pandas reads the files into one DataFrame. The dataset has a new version whenever a file changes.

        Args:
            name: The name of the dataset.
            pattern: Which files, relative to the directory of the plots file: "data/*.csv".
            columns: The columns to read, of CSV, Parquet and Feather. By default all of them.
            source: True, or the names of columns: ad-hoc plots may use these values by name.

        Raises:
            BadRegistration: Files of this kind cannot be read, or not by columns.

        Example:
            >>> plots.files("orders", "data/*.parquet", columns=["day", "revenue"])
        """
        wanted = None if columns is None else list(decorator_options.columns("columns", columns))
        self.dataset(name, version=files(pattern), source=source)(reader(pattern, wanted))

    def _add_plot(self, plot: Plot) -> None:
        self._drop_renderer()
        known = self.registry.plots
        if plot.function.__module__ == "__main__":
            # A notebook's cell that is run again replaces its plot.
            known[:] = [
                other
                for other in known
                if (other.function.__qualname__, other.path) != (plot.function.__qualname__, plot.path)
            ]
        known.append(plot)
        self._announce()

    @abstractmethod
    def _drop_renderer(self) -> None:
        """Forget what draws the plots that there are: there will be another."""

    @abstractmethod
    def _announce(self) -> None:
        """Say that there is another plot or dataset."""
