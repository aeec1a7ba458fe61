"""Give an app the plots of a `Plots`: the catalog to mount, and the pipelines that draw them."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plotroute.cache import open_storage
from plotroute.catalog import author_code, loader
from plotroute.catalog.catalog import Catalog, complete
from plotroute.catalog.environment import environment_hash
from plotroute.catalog.registry import Registry
from plotroute.catalog.test_doubles import as_patched
from plotroute.errors import BadRegistration
from plotroute.model import Manifest
from plotroute.pipeline import Pipeline, UncachedPipeline
from plotroute.pipeline.waiting_room import Room
from plotroute.pipeline.warmup import keep_warm
from plotroute.render.client.launch import interpreter
from plotroute.render.client.remote import Remote
from plotroute.render.client.sidecar import Sidecar
from plotroute.render.drawing.app_config import hashes
from plotroute.render.drawing.app_context import Recipe
from plotroute.serve.config import BUILT_IN
from plotroute.settings import Settings

PATIENCE = 0.2
"""Seconds that a request waits, in a thread that should stay free, for others to end. Mostly the other
pictures of a page end within that time, and another view of the app does not notice it."""


class Embedded:
    """A `Plots` for an app. It keeps nothing of the app, so an app that is dropped is freed."""

    def __init__(self, plots: Any, registry: Registry, module: str, factory: str) -> None:
        """`module` is the name of the module that makes `plots`; `factory` is the option of `init_app`."""
        self._plots = plots
        self._registry = registry
        self._module = module
        self._factory = factory

    def complete(self, adhoc: bool) -> Manifest:
        """Return the plots, with the built-in ones if `adhoc`.

        Raises:
            BadRegistration: with what is wrong; while the module is being imported, with what is missing yet.
        """
        return self._catalog(adhoc).manifest

    def is_complete(self) -> bool:
        """Whether the author's module has been imported to its end."""
        module = sys.modules.get(self._module)
        return self._module != "__main__" and not getattr(
            getattr(module, "__spec__", None), "_initializing", False
        )

    def check(self) -> None:
        """Raise a BadSetting where this process cannot start a render server."""
        interpreter()

    def functions(self) -> Sequence[Callable[..., Any]]:
        """Return the functions of the plots."""
        return [plot.function for _, registry in self._registry.walk() for plot in registry.plots]

    def pipeline(self, settings: Settings, development: bool, app: Any) -> Pipeline:
        """Return the pipeline of `app`: it draws in the render server, or in this process if so set.

        Args:
            settings: those in force for the app.
            development: whether saved code is loaded again.
            app: the Flask app, for its config and its context.
        """
        storage = open_storage(settings)
        room = Room(settings.threads, spare=bool(settings.warm), patience=PATIENCE)
        if settings.render_mode == "inprocess":
            from plotroute.render.local.direct import Direct  # here: a web worker needs no Matplotlib

            # With the modules that are imported already: few apps can be imported twice.
            code = author_code.code_hash([self.target()], settings.release)
            catalog = self._catalog(True, code=code, environment=environment_hash(settings.cache_namespace))
            pipeline = Pipeline(
                Direct(catalog, None, settings, app.app_context), storage, settings, room=room
            )
        else:
            ignored = settings.ignored_config
            recipe = Recipe(self._factory, _module_of(app), hashes(app, ignored), ignored)
            sidecar = Sidecar([self.target()], settings, recipe, BUILT_IN)
            remote = Remote(str(sidecar.path), settings, watch=development, start=sidecar.start)
            pipeline = Pipeline(remote, storage, settings, room=room)
            # An app that is dropped must not keep a connection, and by it the render server.
            weakref.finalize(pipeline, remote.close).atexit = False
        keep_warm(pipeline, settings.warm)
        return pipeline

    def rehearsal(self, settings: Settings, apart: Callable[[Callable[[], Any]], Any]) -> Pipeline:
        """Return the pipeline for the app's tests: it draws in this process and keeps nothing.

        Args:
            settings: those in force for the app.
            apart: calls a function in a context such as author code has in production, without a request.
        """
        from plotroute.render.local.direct import Direct

        root = author_code.root_of([self.target()])
        catalog = as_patched(self._catalog(adhoc=True))
        return UncachedPipeline(Direct(catalog, root, settings), settings, apart)

    def target(self) -> str:
        """Return the target for the render server: the module that makes `plots`, from any directory.

        Raises:
            BadRegistration: the module has no name for the Plots.
        """
        module = sys.modules[self._module]
        names = (name for name, value in vars(module).items() if value is self._plots)
        attribute = next(names, None)
        if attribute is None:
            raise BadRegistration(
                f"No name of the module {self._module} is this Plots, so the processes that draw cannot "
                "find it: write `plots = Plots()` at its top level."
            )
        file = Path(str(module.__file__)).resolve()
        spec = getattr(module, "__spec__", None)
        name = self._module if self._module != "__main__" else spec.name if spec else ""
        if not name:  # a script
            return f"{file}:{attribute}"
        depth = name.count(".") + (file.stem == "__init__")
        return f"{file.parents[depth]}/{name}:{attribute}"

    def _catalog(self, adhoc: bool, code: str = "", environment: str = "") -> Catalog:
        registries = [self._registry]
        if adhoc:
            registries += loader.built_in(BUILT_IN)
        return complete(registries, code=code, environment=environment)


def _module_of(app: Any) -> str:
    """Return the name of the module that the app is named after if the app is at its top, else nothing."""
    name = str(getattr(app, "import_name", ""))
    if name == "__main__":  # a script, which is imported by the path of its file
        return ""
    held = vars(sys.modules[name]) if name in sys.modules else {}
    return name if any(value is app for value in held.values()) else ""
