"""Pictures that are drawn before the first request for them."""

import logging

import pytest

from plotroute.errors import Draining, PlotFailed, QueueFull
from plotroute.pipeline.warmup import keep_warm
from sketches import World, outcome, stop_warming, until, warming

# As browsers send for an <img>.
IMG = {"Accept": "image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", "Sec-Fetch-Dest": "image"}


@pytest.fixture
def world(monkeypatch):
    """A server whose pictures are kept warm until the test is over."""
    monkeypatch.setattr("plotroute.pipeline.warmup._LOOK_EVERY", 0.01)
    monkeypatch.setattr("plotroute.pipeline.warmup._AGAIN_AFTER", 0.0)
    world = World()
    yield world
    stop_warming(world.renderer)


@pytest.fixture
def said(caplog):
    """Wait until something has been said, and return all of it."""
    caplog.set_level(logging.INFO, "plotroute")

    def wait(text, times=1):
        until(lambda: caplog.text.count(text) >= times)
        return caplog.text

    return wait


@pytest.mark.parametrize(
    ("wanted", "address"),
    [
        ("line", "/plots/line"),
        ("/plots/line", "/plots/line"),
        ("line?n=5&method=cubic", "/plots/line?method=cubic&n=5"),
        ("line?n=9", "/plots/line"),
        ("line?width=300&theme=dark", "/plots/line?theme=dark&width=300"),
        ("watched?region=a+b%26c", "/plots/watched?region=a%20b%26c"),
        ("watched?region=%C3%BC", "/plots/watched?region=%c3%bc"),
        ("turning", "/plots/turning"),
        ("loaded", "/plots/loaded"),
        ("weeks?period=-7d", "/plots/weeks?period=-7d"),
        ("of/<customer>/revenue?customer=Ada", "/plots/of/Ada/revenue"),
        ("revenue?customer=Ada", "/revenue/Ada"),
        ("/timed.svg", "/timed.svg"),
        ("timed/data", "/plots/timed/data"),
        ("kept/keyed", "/plots/kept/keyed"),
        ("kept/timed", "/plots/kept/timed"),
        ("line.png", "/plots/line.png"),
        ("line.svg?n=5", "/plots/line.svg?n=5"),
        ("kept/keyed.webp", "/plots/kept/keyed.webp"),
    ],
)
def test_the_first_reader_finds_the_picture(world, said, wanted, address):
    keep_warm(world.pipeline, wanted)
    assert "1 of 1 pictures are warm" in said("are warm")
    reply = world.ask("GET", address, IMG)
    assert (reply.status_code, outcome(reply)) == (200, "hit")
    assert len(world.renderer.jobs) == 1


def test_several_are_drawn_one_after_the_other(world, said):
    drawing, most = [], []
    render = world.renderer.render

    def counted(job):
        drawing.append(job)
        most.append(len(drawing))
        try:
            return render(job)
        finally:
            drawing.pop()

    world.renderer.render = counted
    keep_warm(world.pipeline, "  line   watched?region=US\n/timed.svg line?n=5 ")
    assert "4 of 4 pictures are warm" in said("are warm")
    assert [job.plot for job in world.renderer.jobs] == ["line", "watched", "/timed.svg", "line"]
    assert max(most) == 1


def test_with_new_code_they_are_drawn_again(world, said):
    keep_warm(world.pipeline, "line watched")
    said("2 of 2 pictures are warm")
    for number in range(2, 4):
        world.renderer.reload(f"code {number}")
        said("2 of 2 pictures are warm", number)
        for address in ("/plots/line", "/plots/watched"):
            assert outcome(world.get(address)) == "hit"
    assert len(world.renderer.jobs) == 6


def test_as_long_as_the_code_is_the_same_nothing_is_drawn_again(world, said):
    looks = []
    manifest = world.renderer.manifest
    world.renderer.manifest = lambda: looks.append(1) or manifest()
    keep_warm(world.pipeline, "/timed.svg line")
    said("2 of 2 pictures are warm")
    number = len(looks)
    until(lambda: len(looks) > number + 5)
    assert len(world.renderer.jobs) == 2


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("kept/keyd", ["kept/keyd cannot be drawn ahead", "did you mean 'kept/keyed'?"]),
        ("line?n=99", ["line?n=99 cannot be drawn ahead"]),
        ("line?m=1", ["line?m=1 cannot be drawn ahead"]),
        ("of/<customer>/revenue", ["of/<customer>/revenue cannot be drawn ahead"]),
        ("fails", ["fails cannot be drawn ahead", "The plot's code raised an error"]),
        ("refuses", ["refuses cannot be drawn ahead", "no orders in this week"]),
        ("?", ["? cannot be drawn ahead"]),
        ("&=%FF", ["&=%FF cannot be drawn ahead"]),
        ("line?n=%FF", ["line?n=%FF cannot be drawn ahead"]),
    ],
)
def test_what_cannot_be_drawn_is_a_warning_and_no_more(world, said, caplog, wanted, told):
    keep_warm(world.pipeline, f"line {wanted} watched")
    text = said("2 of 3 pictures are warm")
    for words in told:
        assert words in text
    assert [record.levelname for record in caplog.records if "ahead" in record.message] == ["WARNING"]
    assert outcome(world.get("/plots/line")) == outcome(world.get("/plots/watched")) == "hit"


def test_a_plot_that_is_cured_by_new_code_is_drawn(world, said):
    world.renderer.error = PlotFailed("no luck")
    keep_warm(world.pipeline, "line")
    said("0 of 1 pictures are warm")
    world.renderer.error = None
    world.renderer.reload("second")
    said("1 of 1 pictures are warm")
    assert outcome(world.get("/plots/line")) == "hit"


def test_a_busy_server_is_asked_again(world, said):
    world.renderer.error = QueueFull("busy")
    render = world.renderer.render

    def busy_twice(job):
        if len(world.renderer.jobs) == 2:
            world.renderer.error = None
        return render(job)

    world.renderer.render = busy_twice
    keep_warm(world.pipeline, "line")
    text = said("1 of 1 pictures are warm")
    assert "ahead" not in text
    assert world.renderer.drawn("line") == 3


def test_a_server_that_stays_busy_is_left_alone(world, said):
    world.renderer.error = QueueFull("busy")
    keep_warm(world.pipeline, "line")
    assert "line cannot be drawn ahead: busy" in said("0 of 1 pictures are warm")
    assert world.renderer.drawn("line") == 3


def test_while_the_render_server_starts_it_is_waited_for(world, said):
    manifest, tries = world.renderer.manifest, []

    def starting():
        tries.append(1)
        if len(tries) < 3:
            raise Draining("The server is starting")
        return manifest()

    world.renderer.manifest = starting
    keep_warm(world.pipeline, "line")
    said("1 of 1 pictures are warm")


@pytest.mark.parametrize("wanted", ["", "  ", "\n\t"])
def test_where_nothing_is_wanted_nothing_runs(world, wanted):
    keep_warm(world.pipeline, wanted)
    assert warming() == []


def test_no_request_waits_for_it(world):
    world.renderer.released.clear()
    keep_warm(world.pipeline, "line watched")
    assert world.renderer.began.wait(60)
    assert world.get("/healthz").status_code == 200
    [thread] = warming()
    assert thread.daemon
    world.renderer.released.set()
