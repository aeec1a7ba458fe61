"""A renderer of three parts, each of which runs the author's code by itself."""

import pytest

from plotroute.catalog import catalog, loader
from plotroute.render.base import CatalogSource, Drawer, VersionSource
from plotroute.render.local.direct import Direct
from plotroute.settings import Settings
from render.conformance import RendererConformance


class ThreeParts:
    """A catalog here, versions from there, and drawing in a third place, such as a cluster."""

    def __init__(self, source: CatalogSource, versions: VersionSource, drawer: Drawer) -> None:
        self.ready, self.manifest = source.ready, source.manifest
        self.versions, self.known, self.changed = versions.versions, versions.known, versions.changed
        self.render = drawer.render

    def close(self) -> None:
        """Nothing to stop."""


@pytest.fixture
def make_renderer(write_plots, process_state):
    def make(source):
        loaded = loader.load([str(write_plots(source))])
        of_plots = catalog.complete(loaded.registries)
        return ThreeParts(*(Direct(of_plots, loaded.root, Settings()) for _ in range(3)))

    return make


class TestThreeParts(RendererConformance):
    pass
