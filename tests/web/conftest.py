"""Apps with plots in them: modules of their own, and a render server that ends with the tests."""

import contextlib
import gc
import importlib
import os
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from plotroute.render.client import sidecar
from sketches import until


@pytest.fixture
def module(write_plots, process_state, tmp_path, monkeypatch):
    """Import the text of a module, as an app does."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(source, name="shop_plots"):
        write_plots(source, f"{name}.py")
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return load


@pytest.fixture(scope="module")
def render_server(tmp_path_factory):
    """Let apps start render servers, which end when the apps are dropped; return what tells their processes."""
    directory = tmp_path_factory.mktemp("r")
    word = f"RENDER_SERVER_OF={directory}\0".encode()

    def processes():
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it may end while we look
                if word in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RENDER_SERVER_OF", str(directory))
        # Not everybody's `tempfile`: what tests write lies in the usual place.
        ours = SimpleNamespace(gettempdir=lambda: str(directory), mkdtemp=tempfile.mkdtemp)
        patch.setattr(sidecar, "tempfile", ours)
        patch.setattr(sidecar, "IDLE_AFTER", 1.0)
        yield processes
        gc.collect()  # an app is a circle of objects
        try:
            until(lambda: not processes())
        finally:
            for process in processes():
                os.kill(process, signal.SIGKILL)
