"""What an app gets of a `Plots`: what there is to mount, and the pipelines that draw it."""

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
"""Seconds that a request waits for room in a thread that is to stay free. A page's other pictures make room
within that time, more often than not, and another view of the app does not notice it."""


class Embedded:
    """A `Plots` as an app knows it, without holding anything of the app."""

    def __init__(self, plots: Any, registry: Registry, module: str, factory: str) -> None:
        """`module` is the name of the one that `plots` is made in."""
        self._plots = plots
        self._registry = registry
        self._module = module
        self._factory = factory

    def complete(self, adhoc: bool) -> Manifest:
        """Return what there is; BadRegistration says what cannot work, now or not yet."""
        return self._catalog(adhoc).manifest

    def is_complete(self) -> bool:
        """Whether the author's module has been imported to its end."""
        module = sys.modules.get(self._module)
        return self._module != "__main__" and not getattr(
            getattr(module, "__spec__", None), "_initializing", False
        )

    def check(self) -> None:
        """Raise a BadSetting where no render server can be started."""
        interpreter()

    def functions(self) -> Sequence[Callable[..., Any]]:
        """Return the functions of the plots."""
        return [plot.function for _, registry in self._registry.walk() for plot in registry.plots]

    def pipeline(self, settings: Settings, development: bool, app: Any) -> Pipeline:
        """Return what draws for `app` in the render server beside this process; or in it, if so set."""
        storage = open_storage(settings)
        room = Room(settings.threads, spare=bool(settings.warm), patience=PATIENCE)
        if settings.render_mode == "inprocess":
            from plotroute.render.local.direct import Direct  # here: a web worker needs no Matplotlib

            # The modules that are there, not loaded anew: an app does not bear to be imported twice.
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
        """Return what draws where it is called and keeps nothing: for the app's tests.

        `apart` calls a function where author code finds what it finds in production.
        """
        from plotroute.render.local.direct import Direct

        root = author_code.root_of([self.target()])
        catalog = as_patched(self._catalog(adhoc=True))
        return UncachedPipeline(Direct(catalog, root, settings), settings, apart)

    def target(self) -> str:
        """Return what the render server is to load: the same module, wherever it works."""
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
    """Return the module at whose top the app is, if that is the one that it is named after, else nothing."""
    name = str(getattr(app, "import_name", ""))
    if name == "__main__":  # a script, which is imported by the path of its file
        return ""
    held = vars(sys.modules[name]) if name in sys.modules else {}
    return name if any(value is app for value in held.values()) else ""
