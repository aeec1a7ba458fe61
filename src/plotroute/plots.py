"""The author's door: `Plots`, its two decorators, and the same plots in a notebook or a test."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, overload

from plotroute.catalog import decorator_options
from plotroute.catalog.catalog import Catalog, complete
from plotroute.catalog.registry import Dataset, Mistake, Plot, Registry
from plotroute.catalog.signatures import check_function
from plotroute.data.files import files, reader
from plotroute.errors import BadRegistration
from plotroute.model import Image
from plotroute.routing import routes, urls

F = TypeVar("F", bound=Callable[..., Any])


class Plots:
    """A collection of plots, each with a URL. Make one at the top of a module:

    >>> plots = Plots()
    >>> @plots.plot
    ... def sine(ax, frequency=1.0): ...
    """

    def __init__(self, app: Any = None, **options: Any) -> None:
        """With an `app`, and the options of `init_app`, the plots are in that app as well."""
        frame = sys._getframe(1)
        # Not by the name `<module>`: some versions of IPython call the code of a cell otherwise.
        if frame.f_locals is not frame.f_globals:
            raise BadRegistration(
                f"Plots() is called inside {frame.f_code.co_name}(): move `plots = Plots()` to the top level "
                "of the module, because the processes that draw look plots up by name in the imported module."
            )
        file = frame.f_globals.get("__file__")
        self.registry = Registry(Path(file).resolve().parent if file else Path.cwd())
        self._interactive = frame.f_globals.get("__name__") == "__main__"
        """Made in a notebook, where cells are run again."""
        self._renderer: Any = None
        self._module = str(frame.f_globals.get("__name__"))
        self._extensions: weakref.WeakSet[Any] = weakref.WeakSet()
        """Of the apps that there are: they mount what is registered later."""
        self._includers: weakref.WeakSet[Plots] = weakref.WeakSet()
        if app is not None:
            self.init_app(app, **options)

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
        """Give the function below a URL. Works bare (`@plots.plot`) and with options.

        path: the address, counted from `/plots/`, or from the root with a leading slash; `<name>` in it
            is a parameter. Without one the plot answers at `<function>` and at `<dataset>/<function>` for
            each dataset that it reads; that of the first is shown.
        aliases: further addresses that answer the same.
        title, alt: for people; by default the first line of the docstring.
        examples: values for required parameters, so that pages can show a picture.
        size: (width, height) in CSS pixels of 1/100 inch, where a request has no other: `figsize` × 100.
        min_size: below it the figure is laid out at this size and scaled down.
        ttl: how long a drawn picture stays fresh: "10m", seconds, "forever". A plot that reads datasets
            needs none; one that reads none is drawn for every request without one.
        stale: how long an outdated picture may be shown while a new one is drawn behind it: "10m". Nobody
            then waits for a drawing, but for the first.
        max_age: how long a browser may keep the picture without asking.
        timeout: seconds a drawing may take.
        max_pixels: pixels a picture may have.

        Returns the function unchanged. BadRegistration says what cannot work, and the cure.
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
        """Name the data that the function below loads; plots receive it by an argument of that name.

        name: by default the function's.
        ttl: how long loaded data is good: "10m", seconds, "forever".
        version: what tells one state of the data from another: a text, `files("data/*.csv")`, or a
            function (of the dataset's parameters, if it likes) that is called every `poll`.
        source: True, or a list of columns: ad-hoc plots may ask for these values by name.
        shared: every plot gets the very object that was loaded, not a copy of its own: plots only read it.

        Without `ttl` and `version` the data is loaded again when a minute is over, or when a file it was
        seen to open has changed, and its content tells whether it is the same.
        """

        def register(function: F) -> F:
            called = name or getattr(function, "__name__", "")
            with self.registry.noting(lambda why: Mistake(function, "dataset", why, dataset=called)):
                check_function(function, "@plots.dataset")
                seconds, every = decorator_options.load_times(ttl, version, poll)
                self._changed()
                self.registry.add_dataset(
                    Dataset(
                        function,
                        called,
                        ttl=seconds,
                        version=version,
                        poll=every,
                        source=source
                        if isinstance(source, bool)
                        else decorator_options.columns("source", source),
                        shared=bool(shared),
                    ),
                    again=self._interactive,
                )
                self._registered()
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
        """Name all files that match `pattern` as one dataset: CSV, Parquet, JSON or Feather.

        It is read with pandas into one DataFrame, and its version follows the files. With `columns`, only
        these are read: of CSV, Parquet and Feather. A BadRegistration says what cannot be read.

        >>> plots.files("orders", "data/*.parquet", columns=["day", "revenue"])
        """
        wanted = None if columns is None else list(decorator_options.columns("columns", columns))
        self.dataset(name, version=files(pattern), source=source)(reader(pattern, wanted))

    def include(self, other: Plots, *, prefix: str = "") -> None:
        """Add the plots and datasets of `other`, their addresses behind `prefix`."""
        if any(registry is self.registry for _, registry in other.registry.walk()):
            raise BadRegistration("A Plots cannot include itself, nor one that includes it.")
        prefix = prefix.strip("/")
        try:
            if prefix:
                routes.pattern(prefix)
        except ValueError as error:
            raise BadRegistration(f"include(prefix={prefix!r}): {error}.") from None
        self._changed()
        self.registry.included.append((prefix, other.registry))
        other._includers.add(self)
        self._registered()

    def init_app(
        self,
        app: Any,
        *,
        url_prefix: str = "",
        serve: Sequence[str] = ("plots",),
        decorators: Sequence[Callable[..., Any]] = (),
        authorize: Callable[[str, Mapping[str, Any]], Any] | None = None,
        user: Callable[[], str | None] | None = None,
        public: bool | Sequence[str] = False,
        factory: str = "",
        name: str = "plots",
    ) -> None:
        """Add the plots to a Flask app, as routes of its own. Nothing is started before one is asked for.

        url_prefix: what their addresses have in front: "/charts".
        serve: what is added: "plots"; "gallery", the list of them at `/plots`; "adhoc", plots of the values
            in the query at `/plot.png`; "ops", `/healthz`, `/readyz` and `/metrics`.
        decorators: what guards views in this app, such as Flask-Login's `login_required`.
        authorize: called with the name of a plot and its parameters as JSON; what it returns says whether
            who asks may see the picture (if not, they get a 403). Lists and schemas ask with no parameters.
        user: returns who asks, for plots that take a `User`. By default that is Flask-Login's current user,
            or whom a trusted proxy names (`PLOTROUTE_USER_HEADER`).
        public: the names of plots that everyone may see, or True for all: caches between server and reader
            may keep their pictures. Others are `Cache-Control: private`, kept by the reader's browser alone.
        factory: "module:function", which makes the app without arguments, or "module:app": the processes
            that draw load and draw in the context of that app. It must be the app that answers: if the two
            differ in their config, plots are refused. An app at the top of the plots' module needs none.
        name: of the blueprint, and so of the endpoints: `url_for("plots.sales/revenue")`.

        BadRegistration if one of the app's routes has an address of a plot's, or BadSetting: PLOTROUTE_…
        settings are read from the environment and the app's config.
        """
        if os.environ.get("PLOTROUTE_ROLE") == "render":
            from plotroute.render.drawing.app_context import register

            register(app)
            return
        from plotroute.serve.embedded import Embedded
        from plotroute.web.extension.extension import Extension
        from plotroute.web.extension.mounting import ExtensionOptions

        if callable(decorators):
            raise BadRegistration("decorators= is a list of them: decorators=(login_required,).")
        source = Embedded(self, self.registry, self._module, factory)
        served = (serve,) if isinstance(serve, str) else tuple(serve)
        named = (
            (public,) if isinstance(public, str) else public if isinstance(public, bool) else tuple(public)
        )
        mount = ExtensionOptions(name, url_prefix, served, tuple(decorators), authorize, user, named)
        self._extensions.add(Extension(app, source, mount))

    def changed(self, *names: str) -> None:
        """Say that datasets have changed: what is asked from now on shows it, in all workers of the app.

        >>> @app.post("/orders")
        ... def add_order():
        ...     db.session.add(Order(...))
        ...     db.session.commit()
        ...     plots.changed("orders")

        names: datasets with a `version=` callable, or without `ttl` and `version`. What reads them has
            changed as well. Call it in a view of the app, after the commit.

        ValueError for a name that there is not, and for a dataset whose `ttl=` or fixed version says that it
        does not change.
        """
        datasets = {dataset.name: dataset for dataset in self._catalog().manifest.datasets}
        for name in names:
            dataset = datasets.get(name)
            if dataset is None:
                raise ValueError(f"There is no dataset {name!r}: there are {', '.join(map(repr, datasets))}.")
            if dataset.freshness not in ("polled", "content"):
                raise ValueError(
                    f"The dataset {name!r} has a ttl= or a fixed version=, which says that it does not "
                    "change before. Leave it out, or give it a version= callable."
                )
        if os.environ.get("PLOTROUTE_ROLE") != "render":
            for extension in list(self._extensions):
                extension.changed(names)

    def draw(self, name: str, /, **parameters: Any) -> Image:
        """Draw the plot `name` here and now, and return the very picture that its URL gives.

        `parameters` are those of the plot and the picture options, as Python values or as in a URL;
        `format="svg"` asks for another format. A plot that takes a `User` is told here who asks. Raises
        what a request would be answered with.

        Nothing is stored, so each call draws. A plot without datasets may give another picture each time: its
        random numbers start elsewhere, as do those of its URL whenever its `ttl=` is over; within that time
        the URL gives one picture, and so does `render`. Seed a generator to have the same one always.
        """
        from plotroute.cache.memory import in_memory
        from plotroute.pipeline import Pipeline
        from plotroute.render.local.direct import Direct
        from plotroute.settings import resolve

        settings = resolve(environment=os.environ)
        if self._renderer is None:
            self._renderer = Direct(self._catalog(), self.registry.root, settings)
        pipeline = Pipeline(self._renderer, in_memory(0), settings)
        image: Image = self._renderer.render(pipeline.named(name, parameters).job)
        return image

    def render(self, name: str, /, **parameters: Any) -> Image:
        """Have a plot of the current Flask app drawn as its URL is, from the cache if it is there.

        >>> image = plots.render("sales/revenue", period="-7d", format="pdf")
        >>> message.add_attachment(image.body, *image.type.split("/"), filename="revenue.pdf")

        `draw` runs the plot where it is called; this asks the render server, so a plot that loops or crashes
        costs an error alone. Parameters and errors are those of `draw`. Call it in a view, or in the app's
        context. Who may see the picture (`authorize=`) is for the caller to ask.
        """
        from plotroute.web.extension.templating import render

        return render(self, name, parameters)

    def url(self, name: str, /, **parameters: Any) -> str:
        """Return the address of the plot `name` for `parameters`, path and query, properly quoted.

        It begins with the `url_prefix` of the Flask app that the plots are in: that of the current app, or
        outside of one the prefix that all apps have given. InvalidParameters if the parameters would not give
        a picture; RuntimeError, outside of an app, if apps have given several prefixes.
        """
        address = urls.address(self._catalog().manifest, name, parameters)
        if not self._extensions:
            return address
        from plotroute.web.extension.templating import mounted_at

        return mounted_at(list(self._extensions)) + address

    def _add_plot(self, plot: Plot) -> None:
        self._changed()
        known = self.registry.plots
        if plot.function.__module__ == "__main__":
            # A notebook's cell that is run again replaces its plot.
            known[:] = [
                other
                for other in known
                if (other.function.__qualname__, other.path) != (plot.function.__qualname__, plot.path)
            ]
        known.append(plot)
        self._registered()

    def _catalog(self) -> Catalog:
        return complete([self.registry])

    def _changed(self) -> None:
        self._renderer = None

    def _registered(self) -> None:
        for extension in list(self._extensions):
            extension.registered()
        for includer in list(self._includers):
            includer._changed()
            includer._registered()
