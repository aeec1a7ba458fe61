"""Plots inside an author's Flask app: their addresses are routes of the app, their answers pass all it does.

Nothing is started when an app is made: `flask shell`, migrations and task workers make apps as well. The
first request for a plot makes what draws it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

from flask import Blueprint, Flask, Response, current_app, has_request_context, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from plotroute.catalog.signatures import is_guarded_by, where
from plotroute.errors import AnswerError, BadRegistration, PlotFailed, RenderError, Unauthorized, UnknownPlot
from plotroute.model import Frame, Image, Manifest, PlotSpec
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web import own_pages
from plotroute.web.extension import app_errors, mounting, retry_redirect, templating
from plotroute.web.extension.mounting import ExtensionOptions, ReservedRoute
from plotroute.web.extension.runtime import Runtime, announce_server, is_set, read_settings, serving_settings
from plotroute.web.extension.testing import without_request
from plotroute.web.own_pages import Host, OwnPage
from plotroute.web.plot_view import methods
from plotroute.web.proxies import link_path
from plotroute.web.request_context import RequestContext
from plotroute.web.response_cache import raw

log = logging.getLogger("plotroute")


class Source(Protocol):
    """The `Plots` that an extension shows."""

    def complete(self, adhoc: bool) -> Manifest:
        """Return what there is; BadRegistration says what cannot work, now or not yet."""

    def is_complete(self) -> bool:
        """Whether the author's module has been imported to its end."""

    def check(self) -> None:
        """Raise a BadSetting where no render server can be started."""

    def functions(self) -> Sequence[Callable[..., Any]]:
        """Return the functions of the plots."""

    def pipeline(self, settings: Settings, development: bool, app: Any) -> Pipeline:
        """Return what draws for `app` in the render server beside this process; or in it, if so set."""

    def rehearsal(self, settings: Settings, apart: Callable[[Callable[[], Any]], Any]) -> Pipeline:
        """Return what draws where it is called, each function called by `apart`, and keeps nothing."""


class Extension:
    """The plots of one `Plots` in one app."""

    def __init__(self, app: Flask, source: Source, mount: ExtensionOptions) -> None:
        mounting.check_app(app, mount.name)
        self.mount = mount
        self._source = source
        # The app has the extension, in `app.extensions`; this is for plots that are registered later.
        self._app = weakref.ref(app)
        self._manifest: Manifest | None = None
        self._taken: list[ReservedRoute] = []
        self._mounted: set[str] = set()
        """Names of plots, those that came too late included."""
        self._endpoints: dict[str, str] = {}
        """Whose they are, in words."""
        self._looks_again = False
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()
        self._view = self._guarded(mounting.view_of(self._answer))
        # What is wrong is said now, though settings count from the first request on.
        if read_settings(app).render_mode == "server":
            self._source.check()
        self._first_request = announce_server(app)
        self._enter(app)

    # -- into the app -------------------------------------------------------------------------------

    def _enter(self, app: Flask) -> None:
        others: dict[str, Extension] = app.extensions.setdefault("plotroute", {})
        app.url_map.converters[mounting.IMPLIED] = mounting.Implied
        if not others:
            mounting.guard(app, lambda rule: _check_all(app, rule))
            app.jinja_env.globals.setdefault("plot_url", templating.plot_url)
            app.jinja_env.globals.setdefault("plot_img", templating.plot_img)
        app.register_blueprint(Blueprint(self.mount.name, __name__))
        others[self.mount.name] = self
        for page in own_pages.OWN_PAGES:
            if page.part in self.mount.serve:
                self._add_page(app, page)
        if self._source.is_complete():
            self.complete()
        else:
            self.registered()
            self._look_again(app)

    def registered(self) -> None:
        """Mount what has been registered by now, as far as it can be understood yet."""
        self._manifest = None
        app = self._app()
        if app is None:
            return
        try:
            manifest = self._source.complete("adhoc" in self.mount.serve)
        except BadRegistration:  # what is missing may follow
            self._look_again(app)
            return
        self._mount(app, manifest)

    def _look_again(self, app: Flask) -> None:
        """Have the first request, whatever it is for, say what is wrong then."""
        if not (self._looks_again or app._got_first_request):
            app.before_request(self.complete_once)
            self._looks_again = True

    def complete(self) -> Manifest:
        """Return what is mounted; a SetupError says what is wrong with it."""
        if self._manifest is None:
            manifest = self._source.complete("adhoc" in self.mount.serve)
            for function in self._source.functions():
                _refuse_hidden_guard(function)
            mounting.refuse_unknown(self.mount.public, manifest)
            if (app := self._app()) is not None:
                self._mount(app, manifest)
            self._manifest = manifest
        return self._manifest

    def complete_once(self) -> None:
        """Have what is wrong said by the first request, whatever it is for."""
        self.complete()

    def _mount(self, app: Flask, manifest: Manifest) -> None:
        for plot in manifest.plots:
            what = f"The plot {plot.name!r}"
            if not self.serves(plot) or plot.name in self._mounted:
                continue
            if app._got_first_request:
                # No error: the plot may be meant for another app than the app that an earlier test has left.
                log.warning(
                    "%s is not in the app %r, which takes no routes after its first request", what, app.name
                )
            else:
                rules = list(mounting.rules(plot))
                reads = ["GET", "POST"] if "POST" in methods(plot) else ["GET"]
                self._add(app, what, list(mounting.answered(plot)), rules, self._view, reads)
                self._add_implied(app, plot, reads)
            self._mounted.add(plot.name)

    def serves(self, plot: PlotSpec) -> bool:
        """Whether the app has the plot."""
        return ("adhoc" if plot.adhoc else "plots") in self.mount.serve

    def _add(
        self,
        app: Flask,
        what: str,
        addresses: Sequence[str],
        rules: Sequence[tuple[str, str]],
        view: Callable[..., Any],
        reads: Sequence[str],
    ) -> None:
        """Mount what answers `addresses`, unless the app answers one of them itself."""
        prefix = self.mount.url_prefix
        taken = ReservedRoute(what, [prefix + address for address in addresses], reads)
        for theirs in app.url_map.iter_rules():
            if not self._is_ours(theirs):
                mounting.refuse_collision(theirs, taken)
        for _, end in rules:
            if self._endpoints.setdefault(end, what) != what:
                raise BadRegistration(
                    f"{what} would have the endpoint {self.mount.name}.{end}, which {self._endpoints[end]} "
                    "has: dots are underscores there. Give one of them another path."
                )
        for rule, end in rules:
            whole = f"{self.mount.name}.{end}"
            app.add_url_rule(prefix + rule, whole, view, methods=list(reads), strict_slashes=True)
        self._taken.append(taken)

    def _add_implied(self, app: Flask, plot: PlotSpec, reads: Sequence[str]) -> None:
        """Mount the addresses that nothing shows; they take none from the app, nor from another plot."""
        what = f"The plot {plot.name!r}"
        for rule, end, builds in mounting.implied_rules(plot, self.mount.url_prefix):
            if self._endpoints.get(end, what) == what:  # dots are underscores there: another plot may have it
                whole, options = f"{self.mount.name}.{end}", {"strict_slashes": True, "build_only": builds}
                app.add_url_rule(rule, whole, self._view, methods=list(reads), **options)

    def check(self, rule: Rule) -> None:
        """Refuse a route of the app's that has come later and asks for an address of ours."""
        if not self._is_ours(rule):
            for taken in self._taken:
                mounting.refuse_collision(rule, taken)

    def _is_ours(self, rule: Rule) -> bool:
        return str(rule.endpoint).startswith(f"{self.mount.name}.")

    def _guarded(self, view: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in self.mount.decorators:  # as those of a MethodView: the last is asked first
            view = decorator(view)
        return view

    def changed(self, names: Collection[str]) -> None:
        """Have the processes that answer for the app's plots forget the versions of datasets."""
        app: Any = current_app
        if app and app._get_current_object() is self._app() and has_request_context():
            self._running().pipeline.changed(names)
        elif self._runtime is not None and self._runtime.process == os.getpid():
            self._runtime.pipeline.changed(names)

    def render(self, name: str, parameters: Mapping[str, Any]) -> Image:
        """Return the picture of a plot of the current app, drawn as for a request."""
        pipeline = self._running().pipeline
        try:
            return pipeline.image(pipeline.by_name(name, dict(parameters))).image
        except AnswerError as error:
            _propagate(error)
            raise

    # -- answers ------------------------------------------------------------------------------------

    def _answer(self) -> Any:
        """Answer a request for a plot. What is wrong is told as `plotroute serve` tells it."""
        runtime = self._running()
        context = self._context()
        try:
            response = self._ready(runtime, context)
            if response is None:
                with runtime.at_most():
                    response = self._picture(runtime, context)
        except Unauthorized as error:
            manager = getattr(current_app, "login_manager", None)
            if manager is not None:  # it knows where people log in
                return manager.unauthorized()
            response = self._failed(runtime, context, error)
        except AnswerError as error:
            _propagate(error)
            response = retry_redirect.again(error, context)
            if response is None:
                response = self._failed(runtime, context, error)
                app_errors.report(error)
                if (own := app_errors.handled(error)) is not None:
                    response = current_app.make_response(own)
        # Readers of the counts may not know the name of every plot.
        context.end(response, runtime.metrics, named=self.mount.authorize is None)
        # A ready answer is kept already.
        if context.looked_up is not None and request.method == "GET":
            context.keep_ready(runtime.answers, raw(request.environ), response)
        return response

    def _context(self) -> RequestContext:
        root = self.root()
        return RequestContext(prefix=root, home=f"{root}/plots" if "gallery" in self.mount.serve else "")

    def _picture(self, runtime: Runtime, context: RequestContext) -> Response:
        manifest = runtime.pipeline.manifest()
        try:
            found = runtime.pipeline.find(manifest, request.path.removeprefix(self.mount.url_prefix))
        except UnknownPlot:
            if manifest.problem:
                title, detail = manifest.problem, manifest.problem_detail
                if not current_app.debug:
                    detail = (Frame(f"{title}\n", names_error=True), *detail)
                    title = "The plots cannot be loaded"
                raise PlotFailed(title, detail=detail) from None
            # The reader may not know the plot of the nearest name, so it is not told.
            raise UnknownPlot("There is no plot at this address any more") from None
        return runtime.pictures.answer(manifest, found, context)

    def _ready(self, runtime: Runtime, context: RequestContext) -> Response | None:
        """Return the answer that the same request has had, if it still holds. The app has had its say."""
        if request.method != "GET":
            return None
        found = runtime.answers.find(raw(request.environ), request.environ)
        if found is None:
            return None
        ready, body = found
        context.plot, context.outcome, context.key = (
            ready.wanted.plot.name,
            ready.outcome,
            ready.wanted.key,
        )
        response = Response(body, ready.status)
        response.headers.clear()  # of what a new response has: a 304 has no type
        response.headers.extend(ready.headers)
        return response

    def _failed(self, runtime: Runtime, context: RequestContext, error: AnswerError) -> Response:
        return context.failed(
            error, pictures=runtime.settings.error_pictures, development=bool(current_app.debug)
        )

    def _running(self) -> Runtime:
        """Return what answers in this process: made by the first request, and never inherited by a fork."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        if app.testing and not is_set(app, "render_mode"):
            self.complete()
            chosen = read_settings(app)
            return Runtime(self.mount, chosen, self._source.rehearsal(chosen, without_request), 0)
        with self._lock:
            if self._runtime is None or self._runtime.process != os.getpid():
                self.complete()
                chosen, threads = serving_settings(app, request.environ if has_request_context() else None)
                pipeline = self._source.pipeline(chosen, bool(app.debug), app)
                self._runtime = Runtime(self.mount, chosen, pipeline, os.getpid(), threads)
            return self._runtime

    # -- plotroute's own pages ----------------------------------------------------------------------

    def _add_page(self, app: Flask, page: OwnPage) -> None:
        """Mount one of them; its endpoint has a colon, which no plot's name has."""
        end = ":" + page.address.strip("/").replace(".", "_")
        view = self._page_view(page)
        view = view if page.is_open else self._guarded(view)
        self._add(app, f"serve={page.part!r}", [page.address], [(page.address, end)], view, ["GET"])

    def _page_view(self, page: OwnPage) -> Callable[..., Any]:
        """Return the view of a page. An error is answered as with plots, but never by a picture."""

        def answer() -> Response:
            if page.is_open:  # for probes: neither logged nor counted
                return page.answer(self._host())
            runtime, context = self._running(), self._context()
            try:
                response = page.answer(self._host())
            except AnswerError as error:
                response = context.failed(error, pictures=False, development=bool(current_app.debug))
            context.end(response, runtime.metrics)
            return response

        return mounting.view_of(answer)

    def _host(self) -> Host:
        """Return what plotroute's own pages tell of, to the reader of the current request."""
        running = cache(self._running)
        return Host(
            manifest=lambda: self._allowed(running()),
            is_ready=lambda: running().pipeline.ready(),
            metrics=lambda: running().metrics,
            prefix=self.root(),
            development=bool(current_app.debug),
            private=lambda: running().access.private(),
        )

    def _allowed(self, runtime: Runtime) -> Manifest:
        """Return the manifest without the plots that are not mounted, or that the reader may not know of."""
        manifest = runtime.pipeline.manifest()
        shown = [plot for plot in manifest.plots if self.serves(plot) and runtime.access.shows(plot)]
        return replace(manifest, plots=tuple(shown))

    def root(self) -> str:
        """Return what the plots' addresses have in front, where the reader sees them."""
        if has_request_context():
            return link_path(request.environ) + self.mount.url_prefix
        return str(current_app.config["APPLICATION_ROOT"]).rstrip("/") + self.mount.url_prefix


def _check_all(app: Flask, rule: Rule) -> None:
    for extension in app.extensions["plotroute"].values():
        extension.check(rule)


def _propagate(error: AnswerError) -> None:
    """In the tests of an app, raise what the author's code raised."""
    propagates = current_app.config["PROPAGATE_EXCEPTIONS"]
    if propagates is None:
        propagates = current_app.testing
    cause = error.__cause__
    if propagates and current_app.testing and isinstance(error, RenderError) and cause is not None:
        # An abort(404) in a plot is a fault like any other, and no answer.
        raise error if isinstance(cause, HTTPException) else cause


def _refuse_hidden_guard(function: Callable[..., Any]) -> None:
    """Refuse `@login_required` above `@plots.plot`: the plot was registered below it, without the guard."""
    if is_guarded_by(function, getattr(sys.modules.get(function.__module__), function.__name__, None)):
        raise BadRegistration(
            f"{where(function)} has a decorator for views above @plots.plot, which guards nothing: the plot "
            "is what stands below. Guard all plots with init_app(app, decorators=(login_required,)), some of "
            "them with authorize=."
        )
