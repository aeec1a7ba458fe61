"""`Plots`: plots of several modules together, in a Flask app, and drawn in a notebook or a test."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plotroute.catalog.catalog import Catalog, complete
from plotroute.catalog.registry import Registry
from plotroute.errors import BadRegistration
from plotroute.model import Image
from plotroute.plots.declaring import Declarations
from plotroute.routing import routes, urls


class Plots(Declarations):
    """A collection of plots, each with a URL.

    Make it at the top level of a module: render processes import that module and look up plots by name.

    Args:
        app: A Flask app to add the plots to, as `init_app` does.
        options: The options of `init_app`.

    Raises:
        BadRegistration: It is made inside a function.

    Example:
        >>> plots = Plots()
        >>> @plots.plot
        ... def sine(ax, frequency=1.0):
        ...     x = np.linspace(0, 6)
        ...     ax.plot(x, np.sin(frequency * x))
    """

    def __init__(self, app: Any = None, **options: Any) -> None:
        frame = sys._getframe(1)
        # Not by the name `<module>`: some versions of IPython call the code of a cell otherwise.
        if frame.f_locals is not frame.f_globals:
            raise BadRegistration(
                f"Plots() is called inside {frame.f_code.co_name}(): move `plots = Plots()` to the top level "
                "of the module, because the processes that draw look plots up by name in the imported module."
            )
        file = frame.f_globals.get("__file__")
        registry = Registry(Path(file).resolve().parent if file else Path.cwd())
        super().__init__(registry, interactive=frame.f_globals.get("__name__") == "__main__")
        self._includers: weakref.WeakSet[Plots] = weakref.WeakSet()
        self._renderer: Any = None
        self._module = str(frame.f_globals.get("__name__"))
        self._extensions: weakref.WeakSet[Any] = weakref.WeakSet()
        """One for each app that still exists. An extension mounts plots that are registered later too."""
        if app is not None:
            self.init_app(app, **options)

    def include(self, other: Plots, *, prefix: str = "") -> None:
        """Add the plots and datasets of another `Plots`.

        Args:
            other: The `Plots` to add. What it registers later is added too.
            prefix: What its addresses begin with: "sales" makes `/plots/map` to `/plots/sales/map`.

        Raises:
            BadRegistration: `other` is this `Plots` or includes it, or the prefix cannot be in an address.

        Example:
            >>> import sales_plots
            >>> plots.include(sales_plots.plots, prefix="sales")
        """
        if any(registry is self.registry for _, registry in other.registry.walk()):
            raise BadRegistration("A Plots cannot include itself, or a Plots that includes it.")
        prefix = prefix.strip("/")
        try:
            if prefix:
                routes.pattern(prefix)
        except ValueError as error:
            raise BadRegistration(f"include(prefix={prefix!r}): {error}.") from None
        self._drop_renderer()
        self.registry.included.append((prefix, other.registry))
        other._includers.add(self)
        self._announce()

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
        """Add the plots to a Flask app, as routes of the app.

        The first request for a plot starts the render server; until then, no process is started. Settings
        (PLOTROUTE_…) are read from the environment and the app's config.

        Args:
            app: The Flask app.
            url_prefix: What the addresses of the plots begin with: "/charts".
            serve: What to add: "plots"; "gallery", the list of plots at `/plots`; "adhoc", plots of the
                values in the query at `/plot.png`; "ops", `/healthz`, `/readyz` and `/metrics`.
            decorators: The decorators that guard views in this app, such as Flask-Login's `login_required`.
            authorize: A function of a plot's name and of its parameters as JSON. It returns whether the user
                may see the picture; if not, the answer is 403. For lists and schemas the parameters are
                empty.
            user: A function that returns the user as text, for plots that take a `User`. By default that is
                Flask-Login's current user, or the user that a trusted proxy names (`PLOTROUTE_USER_HEADER`).
            public: The names of plots that everyone may see, or True for all: caches between server and
                browser may keep their pictures. Other pictures are `Cache-Control: private`: only browsers
                keep them.
            factory: "module:function", a function without arguments that makes the app, or "module:app".
                Render processes load and draw in the context of that app. Its config must equal that of
                `app`; if not, plots are refused. An app at the top level of the plots' module needs no
                `factory`.
            name: The name of the blueprint, and so of the endpoints: `url_for("plots.sales/revenue")`.

        Raises:
            BadRegistration: The app has a route at the address of a plot, or an argument cannot work.
            BadSetting: A setting is not allowed.

        Example:
            >>> plots.init_app(app, decorators=(login_required,), factory="shop:create_app")
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
        if not isinstance(public, bool):
            public = (public,) if isinstance(public, str) else tuple(public)
        mount = ExtensionOptions(name, url_prefix, served, tuple(decorators), authorize, user, public)
        self._extensions.add(Extension(app, source, mount))

    def changed(self, *names: str) -> None:
        """Say that datasets have changed: later requests show it, in all workers of the app.

        Call it in a view of the app, after the commit.

        Args:
            names: Datasets with a `version=` function, or without `ttl` and `version`. Datasets that read
                these have changed as well.

        Raises:
            ValueError: There is no dataset of that name, or its `ttl=` or fixed version says that it does not
                change.

        Example:
            >>> @app.post("/orders")
            ... def add_order():
            ...     db.session.add(Order(...))
            ...     db.session.commit()
            ...     plots.changed("orders")
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
        """Draw a plot in this process, and return the picture that its URL gives.

        Nothing is stored, so each call draws. A plot without datasets may give another picture each time: its
        random numbers start elsewhere, as those of its URL do whenever its `ttl=` is over. Within that time
        the URL gives one picture, and so does `render`. Seed a generator to have the same picture always.

        Args:
            name: The name of the plot, or one of its addresses below `/plots/`.
            parameters: Parameters of the plot and picture options, as Python values or as in a URL.
                `format="svg"` sets the format. A plot with a `User` parameter takes the user here too.

        Returns:
            The finished picture.

        Raises:
            AnswerError: The error that a request would get, such as InvalidParameters or PlotFailed.

        Example:
            >>> plots.draw("sales/revenue", period="-7d", width=600).save("revenue.png")
        """
        from plotroute.cache.memory import in_memory
        from plotroute.pipeline import Pipeline
        from plotroute.render.local.direct import Direct
        from plotroute.settings import resolve

        settings = resolve(environment=os.environ)
        if self._renderer is None:
            self._renderer = Direct(self._catalog(), self.registry.root, settings)
        pipeline = Pipeline(self._renderer, in_memory(0), settings)
        image: Image = self._renderer.render(pipeline.by_name(name, parameters).job)
        return image

    def render(self, name: str, /, **parameters: Any) -> Image:
        """Return the picture of a plot in the current Flask app, from the cache or from the render server.

        `draw` runs the plot in the calling process. `render` has the render server run it, so a plot that
        loops or crashes costs one error and no process of the app. It does not check `authorize=`: that is
        for the caller to do.

        Args:
            name: The name of the plot, or one of its addresses below `/plots/`.
            parameters: As for `draw`.

        Returns:
            The finished picture.

        Raises:
            AnswerError: The error that a request would get.
            RuntimeError: There is no current Flask app. Call it in a view, or in the app's context.

        Example:
            >>> image = plots.render("sales/revenue", period="-7d", format="pdf")
            >>> message.add_attachment(image.body, *image.type.split("/"), filename="revenue.pdf")
        """
        from plotroute.web.extension.templating import render

        return render(self, name, parameters)

    def url(self, name: str, /, **parameters: Any) -> str:
        """Return the address of a plot, path and query, properly quoted.

        It begins with the `url_prefix` of the Flask app that has the plots: of the current app or, outside of
        any, the prefix that all apps have in common.

        Args:
            name: The name of the plot, or one of its addresses below `/plots/`.
            parameters: Parameters of the plot and picture options, as Python values or as in a URL.

        Raises:
            UnknownPlot: There is no plot of that name.
            InvalidParameters: The parameters would not give a picture.
            RuntimeError: Apps have several prefixes, and none of them is the current app.

        Example:
            >>> plots.url("sales/revenue", region="EU", width=600)
            '/plots/sales/revenue?region=EU&width=600'
        """
        address = urls.address(self._catalog().manifest, name, parameters)
        if not self._extensions:
            return address
        from plotroute.web.extension.templating import mounted_at

        return mounted_at(list(self._extensions)) + address

    def _catalog(self) -> Catalog:
        return complete([self.registry])

    def _drop_renderer(self) -> None:
        self._renderer = None

    def _announce(self) -> None:
        for extension in list(self._extensions):
            extension.registered()
        for includer in list(self._includers):
            includer._drop_renderer()
            includer._announce()
