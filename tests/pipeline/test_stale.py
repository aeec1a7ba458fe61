"""Stale pictures that are shown while a new one is drawn: `stale=`."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute.errors import DatasetUnavailable, PlotFailed, QueueFull
from plotroute.pipeline import single_flight
from plotroute.pipeline.stale import StaleIndex
from sketches import World, all_landed, outcome, until

PLOTS = {
    "/plots/kept/keyed": "kept/keyed",
    "/plots/kept/timed": "kept/timed",
    "/plots/kept/live": "kept/live",
}
WINDOW = 600


@pytest.fixture
def world():
    return World()


@pytest.fixture
def impatient(monkeypatch):
    """Failures are not shared: each is tried again at once."""
    monkeypatch.setattr(single_flight, "SHARE_FAILURES_FOR", -1.0)


def outdate(world, path):
    """Make the last picture untrue."""
    if path == "/plots/kept/keyed":
        number = int(world.renderer.states.get("polled", "0")) + 1
        world.renderer.states["polled"] = str(number)
    elif path == "/plots/kept/timed":
        world.clock.now += 90


def old_and_new(world, path):
    """Return the picture that is outdated and the answer that shows it, with the new one drawn behind."""
    before = world.get(path)
    outdate(world, path)
    return before, world.get(path)


# The table


def test_the_picture_that_was_confirmed_last_is_shown():
    index = StaleIndex()
    index.confirm("a", "first", 100.0)
    index.confirm("a", "second", 101.0)
    index.confirm("b", "third", 101.0)
    assert index.within("a", 10.0, 105.0) == ("second", 101.0)
    assert index.within("b", 10.0, 105.0) == ("third", 101.0)
    assert index.within("c", 10.0, 105.0) is None


def test_a_picture_that_was_true_too_long_ago_is_not():
    index = StaleIndex()
    index.confirm("a", "key", 100.0)
    assert index.within("a", 10.0, 109.999) == ("key", 100.0)
    assert index.within("a", 10.0, 110.0) is None
    index.confirm("a", "key", 110.0)
    assert index.within("a", 10.0, 110.0) == ("key", 110.0)


def test_a_picture_that_is_true_only_later_is_of_a_clock_that_was_set_back():
    index = StaleIndex()
    index.confirm("a", "key", 10_000.0)
    assert index.within("a", 600.0, 9_990.0) == ("key", 10_000.0)
    assert index.within("a", 600.0, 6_400.0) is None


def test_it_is_bounded_and_the_longest_unconfirmed_goes_first():
    index = StaleIndex()
    for n in range(10_000):
        index.confirm(str(n), "key", 0.0)
    index.confirm("0", "key", 0.0)
    index.confirm("another", "key", 0.0)
    assert index.within("0", 1.0, 0.0)
    assert index.within("1", 1.0, 0.0) is None
    assert index.within("2", 1.0, 0.0)


# Shown while a new one is drawn


@pytest.mark.parametrize("path", PLOTS)
def test_an_outdated_picture_is_shown_and_the_next_reader_has_the_new_one(world, path):
    before, shown = old_and_new(world, path)
    assert (shown.status_code, outcome(shown)) == (200, "hit; detail=stale")
    assert (shown.data, shown.headers["ETag"]) == (before.data, before.headers["ETag"])
    after = world.get(path)
    assert after.data != before.data
    assert after.headers["ETag"] != before.headers["ETag"]
    assert outcome(after) == ("hit; detail=stale" if path == "/plots/kept/live" else "hit")


@pytest.mark.parametrize("path", PLOTS)
def test_no_request_waits_but_the_first(world, path):
    assert outcome(world.get(path)) == "fwd=uri-miss; stored"
    for _ in range(5):
        outdate(world, path)
        world.renderer.released.clear()  # a request that waits for a drawing waits for ever
        assert outcome(world.get(path)) == "hit; detail=stale"
        world.renderer.released.set()
        world.settle()
    assert world.renderer.drawn(PLOTS[path]) == 6


@pytest.mark.parametrize("path", PLOTS)
def test_a_herd_has_one_redraw_behind_it(world, path):
    before = world.get(path)
    outdate(world, path)
    world.renderer.released.clear()
    with ThreadPoolExecutor(16) as herd:
        answers = [*herd.map(lambda _: world.client.get(path), range(64))]
    assert {outcome(reply) for reply in answers} == {"hit; detail=stale"}
    assert {reply.data for reply in answers} == {before.data}
    world.renderer.released.set()
    world.settle()
    assert world.renderer.drawn(PLOTS[path]) == 2


def test_a_reader_with_the_stale_picture_is_told_so(world):
    for path in PLOTS:
        etag = world.get(path).headers["ETag"]
        outdate(world, path)
        reply = world.get(path, If_None_Match=etag)
        assert (reply.status_code, reply.data, reply.headers["ETag"]) == (304, b"", etag)
        assert "stale-while-revalidate=600" in reply.headers["Cache-Control"]
        assert "Vary" in reply.headers
        assert world.get(path).headers["ETag"] != etag
        if path != "/plots/kept/live":
            assert world.get(path, If_None_Match=etag).status_code == 200


def test_a_304_for_an_outdated_picture_does_not_say_that_one_was_drawn_for_it(world):
    etag = world.get("/plots/kept/keyed").headers["ETag"]
    outdate(world, "/plots/kept/keyed")
    reply = world.get("/plots/kept/keyed", If_None_Match=etag)
    assert outcome(reply).startswith("hit; ")


def test_a_picture_that_is_shown_outdated_cost_its_reader_nothing(world):
    _, shown = old_and_new(world, "/plots/kept/keyed")
    assert shown.headers["Server-Timing"] == "data;dur=0.0, draw;dur=0.0, encode;dur=0.0"


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/plots/kept/keyed", "max-age=0, stale-while-revalidate=600"),
        ("/plots/kept/live", "max-age=5, stale-while-revalidate=600"),
        ("/plots/watched", "no-cache"),
    ],
)
def test_caches_on_the_way_are_told_that_they_may_do_the_same(world, path, header):
    assert world.get(path).headers["Cache-Control"] == header
    outdate(world, path)
    assert world.get(path).headers["Cache-Control"] == header


@pytest.mark.parametrize("condition", ["", "its own"])
@pytest.mark.parametrize("path", PLOTS)
def test_caches_on_the_way_count_on_from_when_the_picture_was_true(world, path, condition):
    fresh = world.get(path)
    assert "Age" not in fresh.headers
    outdate(world, path)
    headers = {"If_None_Match": fresh.headers["ETag"]} if condition else {}
    shown = world.get(path, **headers)
    assert shown.status_code == (304 if condition else 200)
    max_age = int(shown.headers["Cache-Control"].partition("=")[2].partition(",")[0])
    assert max_age <= int(shown.headers["Age"]) < max_age + 600


def test_without_stale_everybody_waits(world):
    world.get("/plots/watched")
    world.renderer.states["polled"] = "1"
    assert outcome(world.get("/plots/watched")) == "fwd=uri-miss; stored"


def test_each_request_has_an_outdated_picture_of_its_own(world):
    pictures = {}
    for query in ("", "?region=US", "?width=300"):
        pictures[query] = world.get(f"/plots/kept/keyed{query}").data
    outdate(world, "/plots/kept/keyed")
    for query, picture in pictures.items():
        assert world.get(f"/plots/kept/keyed{query}").data == picture
    assert outcome(world.get("/plots/kept/keyed?region=JP")) == "fwd=uri-miss; stored"
    assert outcome(world.get("/plots/kept/keyed.svg")) == "fwd=uri-miss; stored"


def test_data_that_changes_again_while_it_is_drawn_is_drawn_again(world):
    world.get("/plots/kept/keyed")
    world.renderer.states["polled"] = "1"
    world.renderer.released.clear()
    world.get("/plots/kept/keyed")
    world.renderer.states["polled"] = "2"
    world.get("/plots/kept/keyed")
    world.renderer.released.set()
    world.settle()
    reply = world.get("/plots/kept/keyed")
    assert (outcome(reply), b'"state:2"' in reply.data) == ("hit", True)


# Never older than the window


@pytest.mark.parametrize("path", PLOTS)
def test_after_the_window_everybody_waits(world, path):
    before = world.get(path)
    outdate(world, path)
    world.clock.now += WINDOW - 0.25
    world.renderer.released.clear()
    shown = world.get(path)
    assert (outcome(shown), shown.data) == ("hit; detail=stale", before.data)
    world.renderer.error = PlotFailed("no luck")
    world.renderer.released.set()
    world.settle()
    world.renderer.error = None
    world.clock.now += 0.25
    reply = world.get(path)
    assert reply.status_code == 500 or reply.data != before.data


@pytest.mark.parametrize("path", PLOTS)
def test_there_was_no_request_for_longer_than_the_window(world, path):
    before = world.get(path)
    outdate(world, path)
    world.clock.now += WINDOW
    after = world.get(path)
    assert outcome(after) in ("fwd=uri-miss; stored", "fwd=stale; stored")
    assert after.data != before.data


def test_the_window_of_a_keyed_picture_begins_when_it_was_last_true(world):
    before = world.get("/plots/kept/keyed")
    for _ in range(5):
        world.clock.now += WINDOW - 1
        assert outcome(world.get("/plots/kept/keyed")) == "hit"
    outdate(world, "/plots/kept/keyed")
    world.clock.now += WINDOW - 1
    shown = world.get("/plots/kept/keyed")
    assert (outcome(shown), shown.data) == ("hit; detail=stale", before.data)


def test_ready_answers_count_as_true_too(world):
    """Within a second: what is ready is looked at every second."""
    before = world.get("/plots/kept/keyed")
    for _ in range(WINDOW // 50):
        world.clock.now += 100
        for _ in range(3):
            world.get("/plots/kept/keyed")
    assert world.answered_without_flask("GET", "/plots/kept/keyed")
    outdate(world, "/plots/kept/keyed")
    world.clock.now += WINDOW - 1.5
    assert world.get("/plots/kept/keyed").data == before.data


# What goes wrong behind


@pytest.mark.parametrize("path", PLOTS)
def test_a_redraw_that_fails_keeps_the_picture_until_the_window_is_over(world, path, impatient, caplog):
    before = world.get(path)
    outdate(world, path)
    world.renderer.error = PlotFailed("The plot's code raised an error", detail="KeyError: deep inside")
    for _ in range(5):
        shown = world.get(path, X_Request_ID="mine-1")
        assert (shown.status_code, shown.data) == (200, before.data)
    assert "mine-1" in caplog.text
    assert "KeyError: deep inside" in caplog.text
    world.clock.now += WINDOW
    assert world.get(path).status_code == 500
    world.renderer.error = None
    after = world.get(path)
    assert (after.status_code, after.data == before.data) == (200, False)


def test_a_redraw_that_fails_is_not_tried_for_every_reader(world):
    path = "/plots/kept/keyed"
    world.get(path)
    outdate(world, path)
    world.renderer.error = PlotFailed("no luck")
    for _ in range(20):
        assert outcome(world.get(path)) == "hit; detail=stale"
    assert world.renderer.drawn("kept/keyed") == 2


@pytest.mark.parametrize("error", [QueueFull("busy"), DatasetUnavailable("no database"), ValueError("odd")])
def test_whatever_goes_wrong_behind_the_reader_has_a_picture(world, impatient, error):
    before, _ = old_and_new(world, "/plots/kept/timed")
    world.clock.now += 90
    world.renderer.error = error
    for _ in range(3):
        shown = world.get("/plots/kept/timed")
        assert (shown.status_code, outcome(shown)) == (200, "hit; detail=stale")
    world.renderer.error = None
    world.get("/plots/kept/timed")
    after = world.get("/plots/kept/timed")
    assert (outcome(after), after.data == before.data) == ("hit", False)


def test_a_fault_of_any_kind_behind_is_in_the_log(world, caplog):
    world.get("/plots/kept/timed")
    world.clock.now += 90
    world.renderer.error = ValueError("a fault of plotroute's own")
    world.get("/plots/kept/timed")
    assert "a fault of plotroute's own" in caplog.text


def test_redraws_in_the_background_leave_room_for_requests_that_wait():
    world = World(threads=16)
    for n in range(40):
        world.get(f"/plots/kept/keyed?region={n}")
    outdate(world, "/plots/kept/keyed")
    world.renderer.released.clear()
    before = threading.active_count()
    for n in range(40):
        assert outcome(world.get(f"/plots/kept/keyed?region={n}")) == "hit; detail=stale"
    assert threading.active_count() - before <= 16
    world.renderer.released.set()
    world.settle()
    # Those that were not drawn are at the next request.
    for n in range(40):
        world.get(f"/plots/kept/keyed?region={n}")
    assert all(outcome(world.get(f"/plots/kept/keyed?region={n}")) == "hit" for n in range(40))


def test_redraws_that_failed_are_not_in_the_way_of_others_for_ever(monkeypatch):
    world = World(threads=16)
    for n in range(20):
        world.get(f"/plots/kept/keyed?region={n}")
    outdate(world, "/plots/kept/keyed")
    world.renderer.error = PlotFailed("no luck")
    for n in range(16):
        world.get(f"/plots/kept/keyed?region={n}")
    world.renderer.error = None
    monkeypatch.setattr(single_flight, "SHARE_FAILURES_FOR", -1.0)  # the seconds are over
    for _ in range(2):
        shown = world.get("/plots/kept/keyed?region=17")
    assert (outcome(shown), b'"state:1"' in shown.data) == ("hit", True)


# Other code, purged, evicted


@pytest.mark.parametrize("path", PLOTS)
def test_nothing_of_the_old_code_is_shown_after_a_change(world, path):
    before = world.get(path)
    outdate(world, path)
    world.renderer.reload("second")
    after = world.get(path)
    assert outcome(after) == "fwd=uri-miss; stored"
    assert after.data != before.data


def test_what_is_drawn_for_the_old_code_meanwhile_is_not_shown_either(world):
    world.get("/plots/kept/keyed")
    outdate(world, "/plots/kept/keyed")
    world.renderer.released.clear()
    world.get("/plots/kept/keyed")
    world.renderer.reload("second")
    world.renderer.released.set()
    world.settle()
    after = world.get("/plots/kept/keyed")
    assert (outcome(after), b'"second"' in after.data) == ("fwd=uri-miss; stored", True)


@pytest.mark.parametrize("path", PLOTS)
def test_nothing_is_shown_from_before_a_purge(world, path):
    before = world.get(path)
    outdate(world, path)
    world.storage.purge(PLOTS[path])
    after = world.get(path)
    assert outcome(after) == "fwd=uri-miss; stored"
    assert after.headers["ETag"] != before.headers["ETag"]


@pytest.mark.parametrize("path", PLOTS)
def test_an_outdated_picture_that_was_evicted_is_drawn_anew(world, path):
    world.get(path)
    outdate(world, path)
    world.cache.clear()
    assert outcome(world.get(path)) == "fwd=uri-miss; stored"


# Through real plots


def test_a_live_plot_that_may_be_shown_outdated_has_many_drawings(make_client):
    client = make_client("""
        import numpy as np
        from plotroute import Plots
        plots = Plots()

        @plots.plot(stale="10m")
        def random(ax):
            ax.plot(np.random.rand(9))
    """)
    first = client.get("/plots/random")
    shown = client.get("/plots/random")
    assert (outcome(shown), shown.data) == ("hit; detail=stale", first.data)
    assert until(lambda: client.get("/plots/random").data != first.data)
    all_landed()
