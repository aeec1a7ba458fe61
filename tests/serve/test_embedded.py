"""What an app gets of a `Plots`: where its module is, and what draws it in this process."""

import gc
import importlib
import os
import subprocess
import sys
import threading
import weakref
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from plotroute.errors import BadRegistration, BadSetting
from plotroute.pipeline.requests import IncomingRequest, PictureRequest
from plotroute.render.client import sidecar
from plotroute.serve.embedded import Embedded
from plotroute.settings import Settings
from sketches import until

PLOTS = """
import os
from plotroute import Plots

plots = Plots()
loaded = []

@plots.dataset(ttl="forever")
def numbers():
    loaded.append(os.getcwd())
    return [1, 2, 3]

@plots.plot(size=(90, 60))
def line(ax, numbers, n: int = 1):
    ax.plot(numbers)
"""


APP = SimpleNamespace(app_context=nullcontext)


@pytest.fixture
def embedded(tmp_path, process_state, monkeypatch):
    """Write modules, import the first, and return it and what an app gets of its `plots`."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**files):
        for name, text in files.items():
            file = tmp_path / (name.replace(".", "/") + ".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()
        module = importlib.import_module(next(iter(files)).removesuffix(".__init__"))
        plots = module.plots
        return module, Embedded(plots, plots.registry, module.__name__, "")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "spaces"]:
        del sys.modules[name]  # a folder without __init__ is looked up through its parent


def order(pipeline, *query) -> PictureRequest:
    """Return the order of the only plot."""
    manifest = pipeline.manifest()
    found = pipeline.find(manifest, "/plots/numbers/line")
    return pipeline.prepare(IncomingRequest(manifest=manifest, match=found, query=query))


# What the render server is to load


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"charts_here": PLOTS}, "charts_here:plots"),
        ({"office.plots": PLOTS, "office.__init__": ""}, "office.plots:plots"),
        ({"office.__init__": PLOTS}, "office:plots"),
        ({"office.deep.__init__": PLOTS, "office.__init__": ""}, "office.deep:plots"),
        ({"spaces.office.plots": PLOTS}, "spaces.office.plots:plots"),  # without __init__
        ({"charts_here": PLOTS.replace("plots =", "charts = plots =")}, "charts_here:charts"),
    ],
)
def test_a_target_is_the_module_wherever_one_works(embedded, tmp_path, files, target, monkeypatch):
    _, found = embedded(**files)
    monkeypatch.chdir("/")
    assert found.target() == f"{tmp_path}/{target}"


def test_a_target_of_a_script_is_its_file(tmp_path):
    report = "\nfrom plotroute.serve.embedded import Embedded\nprint(Embedded(plots, plots.registry, __name__, '').target())\n"
    (tmp_path / "office").mkdir()
    (tmp_path / "office/run.py").write_text(PLOTS + report)
    for command, target in (
        (["office/run.py"], f"{tmp_path}/office/run.py:plots"),
        (["-m", "office.run"], f"{tmp_path}/office.run:plots"),
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == target


def test_plots_that_no_name_leads_to_are_refused(embedded):
    module, found = embedded(charts_here=PLOTS)
    del module.plots
    with pytest.raises(BadRegistration, match=r"`plots = Plots\(\)` at its top level"):
        found.target()


# When all has been registered


def test_a_module_is_complete_when_it_has_been_imported(embedded):
    text = (
        PLOTS
        + "from plotroute.serve.embedded import Embedded\nwas = Embedded(plots, plots.registry, __name__, '').is_complete()\n"
    )
    module, found = embedded(charts_here=text)
    assert module.was is False
    assert found.is_complete()


def test_a_script_is_never_complete(embedded):
    module, _ = embedded(charts_here=PLOTS)
    assert not Embedded(module.plots, module.plots.registry, "__main__", "").is_complete()


def test_its_plots_are_those_that_it_includes_too(embedded):
    module, found = embedded(
        charts_here=PLOTS + "import more_charts\nplots.include(more_charts.plots, prefix='more')\n",
        more_charts=PLOTS,
    )
    assert [function.__module__ for function in found.functions()] == ["charts_here", "more_charts"]
    assert {plot.name for plot in found.complete(False).plots} == {"numbers/line", "more/numbers/line"}
    assert ":line" in {plot.name for plot in found.complete(True).plots}
    assert module.loaded == []


# In this process


def test_drawing_here_is_in_the_context_that_is_given(embedded):
    module, found = embedded(charts_here=PLOTS)
    entered = []

    class Context:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *_):
            entered.append("out")

    pipeline = found.pipeline(Settings(render_mode="inprocess"), False, SimpleNamespace(app_context=Context))
    assert pipeline.image(order(pipeline)).outcome == "miss"
    assert pipeline.image(order(pipeline)).outcome == "hit"
    assert entered == ["in", "out"] * 2  # loading, drawing
    assert module.loaded == [os.getcwd()]


def test_drawing_here_a_picture_of_changed_code_is_another(embedded, tmp_path):
    """A browser, or a cache in files, has pictures from before a deploy."""
    names = []
    for text in (PLOTS, PLOTS.replace("plot(numbers)", "plot(numbers, 'o')"), PLOTS):
        sys.modules.pop("charts_here", None)
        _, found = embedded(charts_here=text)
        os.utime(tmp_path / "charts_here.py", (len(names), len(names)))
        names.append(order(found.pipeline(Settings(render_mode="inprocess"), False, APP)).etag)
    assert names[0] == names[2] != names[1]
    _, found = embedded(charts_here=PLOTS)
    released = [
        order(found.pipeline(Settings(render_mode="inprocess", release=release), False, APP)).etag
        for release in ("1", "2")
    ]
    assert len({*names, *released}) == 4


def test_a_rehearsal_keeps_nothing_and_works_where_the_module_is(embedded, tmp_path, monkeypatch):
    module, found = embedded(charts_here=PLOTS)
    monkeypatch.chdir("/")
    for _ in range(2):
        pipeline = found.rehearsal(Settings(), lambda call: call())
        assert pipeline.image(order(pipeline)).outcome == "live"
    assert module.loaded == [str(tmp_path)] * 2
    assert Path.cwd() == Path("/")


# In the render server


def test_a_pipeline_that_is_dropped_lets_go_of_the_render_server(embedded, monkeypatch):
    asked = []
    monkeypatch.setattr(sidecar.Sidecar, "start", lambda self: asked.append(self.path))
    _, found = embedded(charts_here=PLOTS)
    before = set(threading.enumerate())
    pipeline = found.pipeline(Settings(), False, APP)
    (thread,) = set(threading.enumerate()) - before
    until(lambda: asked)
    gone = weakref.ref(pipeline)

    del pipeline
    gc.collect()

    assert gone() is None
    until(lambda: not thread.is_alive())


def test_where_no_server_can_be_started_it_is_said_before_a_thread_is(embedded, monkeypatch):
    monkeypatch.setitem(sys.modules, "uwsgi", sys)
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    _, found = embedded(charts_here=PLOTS)
    before = set(threading.enumerate())
    with pytest.raises(BadSetting, match="PLOTROUTE_RENDER_MODE=inprocess"):
        found.pipeline(Settings(), False, APP)
    assert set(threading.enumerate()) == before
    assert found.pipeline(Settings(render_mode="inprocess"), False, APP).ready()
