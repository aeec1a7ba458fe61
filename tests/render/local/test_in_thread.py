"""The renderer in this process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import end
from plotroute import errors
from plotroute.model import Job
from plotroute.render.local import in_thread
from plotroute.render.local.in_thread import InProcess
from plotroute.settings import Settings
from render.conformance import RendererConformance
from sketches import until


@pytest.fixture
def make_renderer(write_plots, process_state):
    renderers = []

    def make(source, **settings):
        renderers.append(InProcess([str(write_plots(source))], Settings(**settings)))
        return renderers[-1]

    yield make
    end(renderers)


class TestInProcess(RendererConformance):
    pass


SLOW = """
import time
from pathlib import Path
from plotroute import Plots

plots = Plots()

@plots.plot
def slow(ax, seconds=1.0):
    ax.plot([1, 2])
    Path(__file__).with_name("began").touch()
    time.sleep(seconds)
"""


def test_whoever_waits_leaves_at_the_deadline(make_renderer):
    renderer = make_renderer(SLOW, load_timeout=0.1)
    with pytest.raises(errors.RenderTimeout):
        renderer.render(Job(plot="slow", values={"seconds": 1.0}, timeout=0.1))


def test_a_full_queue_says_so_and_forgets_the_work(make_renderer):
    renderer = make_renderer(SLOW, queue_timeout=0.1)
    first = threading.Thread(target=renderer.render, args=[Job(plot="slow", values={"seconds": 1.0})])
    first.start()
    with pytest.raises(errors.QueueFull) as caught:
        renderer.render(Job(plot="slow", values={"seconds": 0.0}))
    assert caught.value.headers["Retry-After"]
    first.join()


def test_closing_is_no_fault_to_what_keeps_data_young_behind(make_renderer, monkeypatch, tmp_path):
    monkeypatch.setattr(in_thread, "_WATCH_EVERY", 0.01)
    renderer = make_renderer(SLOW)
    drawing = threading.Thread(target=renderer.render, args=[Job(plot="slow", values={"seconds": 1.0})])
    drawing.start()
    until((tmp_path / "began").exists)
    until(renderer._thread._work_queue.qsize)  # it waits for its turn behind the drawing
    renderer.close()
    renderer._watcher.join(60)
    drawing.join()
    assert not renderer._watcher.is_alive()


def test_who_waits_behind_a_drawing_when_it_is_closed_is_told_so_at_once(
    make_renderer, monkeypatch, tmp_path
):
    monkeypatch.setattr(in_thread, "_WATCH_EVERY", 60)
    renderer = make_renderer(SLOW, queue_timeout=60)
    with ThreadPoolExecutor(2) as readers:
        drawing = readers.submit(renderer.render, Job(plot="slow", values={"seconds": 1.0}))
        until((tmp_path / "began").exists)
        waiting = readers.submit(renderer.render, Job(plot="slow", values={"seconds": 0.0}))
        until(renderer._thread._work_queue.qsize)
        renderer.close()
        with pytest.raises(errors.Draining):
            waiting.result(30)
        assert drawing.result().type == "image/png"


def test_a_closed_one_says_that_it_is_stopping(make_renderer):
    renderer = make_renderer(SLOW)
    renderer.close()
    with pytest.raises(errors.Draining):
        renderer.render(Job(plot="slow", values={"seconds": 0.0}))
