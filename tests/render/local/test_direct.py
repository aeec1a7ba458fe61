"""The renderer in the caller's thread."""

import pytest

from plotroute.catalog import catalog, loader
from plotroute.render.local.direct import Direct
from plotroute.settings import Settings
from render.conformance import RendererConformance


@pytest.fixture
def make_renderer(write_plots, process_state):
    def make(source):
        loaded = loader.load([str(write_plots(source))])
        return Direct(catalog.complete(loaded.registries), loaded.root, Settings())

    return make


class TestDirect(RendererConformance):
    pass
