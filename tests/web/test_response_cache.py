"""Ready answers: forgotten as soon as the same request would have another answer, and bounded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import takewhile

import pytest

from plotroute.cache.base import Stored
from plotroute.cache.disk import DiskCache
from plotroute.cache.memory import MemoryCache
from plotroute.cache.tiers import Tiers
from plotroute.web import response_cache
from plotroute.web.response_cache import raw
from sketches import Clock, World, outcome, told


@pytest.fixture
def world():
    return World()


def make_ready(world, path, **headers):
    """Ask until the answer is ready, and return it."""
    for _ in range(2):
        world.get(path, **headers)
    return is_ready(world, path, **headers)


def is_ready(world, path, **headers):
    """Return the answer if it is ready, else None."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.answered_without_flask("GET", path, named)


# What an answer stands on


@pytest.mark.parametrize(("path", "dataset"), [("/plots/watched", "polled"), ("/plots/loaded", "content")])
def test_other_data_is_another_answer(world, path, dataset):
    before = make_ready(world, path)
    world.renderer.states[dataset] = "second"
    after = world.get(path)
    assert outcome(after) == "fwd=uri-miss; stored"
    assert after.data != before.data
    assert after.headers["ETag"] != before.headers["ETag"]
    assert world.get(path, If_None_Match=before.headers["ETag"]).status_code == 200


@pytest.mark.parametrize(("path", "dataset"), [("/plots/watched", "polled"), ("/plots/loaded", "content")])
def test_a_ready_304_is_over_when_the_data_changes(world, path, dataset):
    etag = world.get(path).headers["ETag"]
    assert make_ready(world, path, If_None_Match=etag).status_code == 304
    world.renderer.states[dataset] = "second"
    assert world.get(path, If_None_Match=etag).status_code == 200


def test_data_that_changes_back_has_its_picture_back(world):
    before = make_ready(world, "/plots/watched")
    world.renderer.states["polled"] = "second"
    world.get("/plots/watched")
    world.renderer.states["polled"] = "first"
    assert told(world.get("/plots/watched")) == told(before)


def test_data_of_another_plot_is_of_no_concern(world):
    make_ready(world, "/plots/line")
    make_ready(world, "/plots/loaded")
    world.renderer.states["polled"] = "second"
    assert is_ready(world, "/plots/line")
    assert is_ready(world, "/plots/loaded")


@pytest.mark.parametrize("dataset", ["polled", "content"])
def test_a_version_that_cannot_be_believed_any_more_is_asked_for(world, dataset):
    path = {"polled": "/plots/watched", "content": "/plots/loaded"}[dataset]
    make_ready(world, path)
    world.renderer.unknown.add(dataset)
    assert is_ready(world, path) is None
    assert dataset not in world.renderer.unknown
    assert is_ready(world, path)


def test_looking_whether_an_answer_stands_never_asks_for_a_version(world, monkeypatch):
    make_ready(world, "/plots/watched")
    monkeypatch.setattr(world.renderer, "versions", None)
    assert is_ready(world, "/plots/watched")


def test_a_bucket_that_turns_ends_the_answer_at_that_very_moment(world):
    plain = World(front=False, clock=world.clock)
    start, before = world.clock.now, make_ready(world, "/plots/turning")
    same, turned = 0, 600_000_000  # microseconds
    while turned - same > 1:
        middle = (same + turned) // 2
        world.clock.now = start + middle / 1e6
        if plain.get("/plots/turning").data == before.data:
            same = middle
        else:
            turned = middle
    world.clock.now = start + same / 1e6
    assert told(is_ready(world, "/plots/turning")) == told(before)
    world.clock.now = start + turned / 1e6
    assert world.get("/plots/turning").data == plain.get("/plots/turning").data != before.data


def test_a_bucket_is_asked_for_anew_when_it_has_turned(world):
    before = make_ready(world, "/plots/turning")
    world.clock.now += 600
    after = world.get("/plots/turning")
    assert (outcome(after), after.data == before.data) == ("fwd=uri-miss; stored", False)


def test_new_code_is_another_answer(world):
    before = make_ready(world, "/plots/line")
    world.renderer.reload("second")
    after = world.get("/plots/line")
    assert after.data != before.data
    assert world.get("/plots/line", If_None_Match=before.headers["ETag"]).status_code == 200


def test_a_plot_that_new_code_does_not_have_is_not_found(world):
    make_ready(world, "/plots/line")
    manifest = world.renderer.manifest()
    world.renderer._manifest = replace(
        manifest, plots=tuple(plot for plot in manifest.plots if plot.name != "line")
    )
    assert world.get("/plots/line").status_code == 404


def test_a_picture_that_expires_is_drawn_anew(world):
    before = make_ready(world, "/timed.svg")
    world.clock.now += 3599.5
    assert told(is_ready(world, "/timed.svg")) == told(before)
    world.clock.now += 0.5
    after = world.get("/timed.svg")
    assert outcome(after) == "fwd=stale; stored"
    assert after.data != before.data
    assert outcome(make_ready(world, "/timed.svg")) == "hit"


def test_time_that_comes_again_has_no_pictures_of_the_first_time(world):
    """What a `ttl` names after the time of day was drawn an hour ago, from the data of then."""
    start = world.clock.now
    make_ready(world, "/plots/turning")
    world.clock.now = start + 3600
    assert outcome(world.get("/plots/turning")) == "fwd=uri-miss; stored"
    world.clock.now = start + 1
    again = world.get("/plots/turning")
    assert outcome(again) == "fwd=uri-miss; stored"
    assert world.renderer.drawn("turning") == 3
    assert outcome(world.get("/plots/turning")) == "hit"


@pytest.mark.parametrize("path", ["/timed.svg", "/plots/timed/data", "/plots/turning"])
def test_pictures_of_a_time_are_not_believed_when_the_clock_was_set_back(world, path):
    before = make_ready(world, path)
    world.clock.now -= 3600
    after = world.get(path)
    assert outcome(after) == "fwd=uri-miss; stored"
    assert after.data != before.data
    assert outcome(make_ready(world, path)) == "hit"
    world.clock.now -= 30  # less than what clocks of two machines differ by
    assert outcome(world.get(path)) == "hit"


def test_a_ready_304_is_over_when_the_picture_expires(world):
    etag = world.get("/timed.svg").headers["ETag"]
    assert make_ready(world, "/timed.svg", If_None_Match=etag).status_code == 304
    world.clock.now += 3600
    assert world.get("/timed.svg", If_None_Match=etag).status_code == 200


def test_an_answer_that_is_asked_for_again_and_again_is_not_kept_any_longer(world):
    before = make_ready(world, "/plots/timed/data")
    for _ in range(20):
        world.clock.now += 4.25
        assert world.get("/plots/timed/data").data == before.data
    world.clock.now += 5
    assert world.get("/plots/timed/data").data != before.data


@pytest.mark.parametrize("path", ["/plots/line", "/timed.svg", "/plots/kept/timed"])
def test_a_picture_that_was_evicted_is_drawn_again_and_not_empty(world, path):
    before = make_ready(world, path)
    world.cache.clear()
    after = world.get(path)
    assert (after.status_code, outcome(after)) == (200, "fwd=uri-miss; stored")
    assert len(after.data) == len(before.data) > 0
    assert after.headers["Content-Length"] == str(len(after.data))


def test_a_picture_that_is_on_the_disk_alone_is_ready_until_its_file_is_gone(tmp_path):
    disk = DiskCache(tmp_path / "cache", 2**24)
    world = World(cache=Tiers(MemoryCache(0), disk))
    drawn = world.get("/plots/line")
    assert disk.flush()
    assert make_ready(world, "/plots/line").data == drawn.data
    assert len(world.renderer.jobs) == 1
    for file in (tmp_path / "cache" / "pictures").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1])
    after = world.get("/plots/line")
    assert (outcome(after), after.data) == ("fwd=uri-miss; stored", drawn.data)


def test_a_304_of_a_picture_that_is_its_key_needs_no_picture(world):
    etag = world.get("/plots/line").headers["ETag"]
    make_ready(world, "/plots/line", If_None_Match=etag)
    world.cache.clear()
    assert is_ready(world, "/plots/line", If_None_Match=etag).status_code == 304
    assert world.renderer.drawn("line") == 1


def test_a_304_of_a_timed_picture_is_over_when_the_picture_is_gone(world):
    etag = world.get("/timed.svg").headers["ETag"]
    assert make_ready(world, "/timed.svg", If_None_Match=etag).status_code == 304
    world.cache.clear()
    after = world.get("/timed.svg", If_None_Match=etag)
    assert (after.status_code, outcome(after)) == (200, "fwd=uri-miss; stored")


def test_a_304_of_a_timed_picture_is_over_when_another_drawing_took_its_place(world):
    etag = world.get("/timed.svg").headers["ETag"]
    assert make_ready(world, "/timed.svg", If_None_Match=etag).status_code == 304
    world.cache.clear()
    assert world.get("/timed.svg").headers["ETag"] != etag
    assert world.get("/timed.svg", If_None_Match=etag).status_code == 200


def test_another_drawing_in_its_place_has_its_own_etag(world):
    before = make_ready(world, "/timed.svg")
    world.cache.clear()
    drawn = world.get("/timed.svg", X_Request_ID="somebody-else")
    assert drawn.headers["ETag"] != before.headers["ETag"]
    for _ in range(3):
        after = world.get("/timed.svg")
        assert (after.data, after.headers["ETag"]) == (drawn.data, drawn.headers["ETag"])


def test_a_body_and_its_etag_belong_together_whoever_draws_meanwhile(world):
    """Another server that shares the cache may put another drawing under the key at any moment."""
    make_ready(world, "/timed.svg")
    key = next(iter(world.cache._entries))
    first = world.cache.get(key)
    drawings = [
        Stored(replace(first.image, body=b"%d" % n), f'W/"{n}"', first.drawn_at, first.expires_at, "timed")
        for n in range(10)
    ]
    over = threading.Event()

    def draw():
        while not over.is_set():
            for drawing in drawings:
                world.cache.put(key, drawing)

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        for _ in range(300):
            reply = world.get("/timed.svg")
            if reply.data != first.image.body:
                assert reply.headers["ETag"] == f'W/"{reply.data.decode()}"'
    finally:
        over.set()
        drawing.join()


def test_a_purged_plot_is_drawn_again_under_another_name(world):
    before = {path: make_ready(world, path) for path in ("/plots/line", "/timed.svg", "/plots/watched")}
    world.storage.purge("line")
    world.storage.purge("/timed.svg")
    for path in ("/plots/line", "/timed.svg"):
        after = world.get(path)
        assert outcome(after) == "fwd=uri-miss; stored"
        assert after.headers["ETag"] != before[path].headers["ETag"]
    assert told(is_ready(world, "/plots/watched")) == told(before["/plots/watched"])


@pytest.mark.parametrize("path", ["/plots/line", "/timed.svg"])
def test_whoever_has_a_purged_picture_gets_the_new_one(world, path):
    etag = world.get(path).headers["ETag"]
    assert make_ready(world, path, If_None_Match=etag).status_code == 304
    world.storage.purge(path.removeprefix("/plots/"))
    assert world.get(path, If_None_Match=etag).status_code == 200


def test_a_relative_range_of_time_turns(world):
    before = make_ready(world, "/plots/weeks")
    world.clock.now += 8  # a step is 7 s
    after = world.get("/plots/weeks")
    assert (outcome(after), after.data == before.data) == ("fwd=uri-miss; stored", False)


@pytest.mark.parametrize("query", ["", "?period=-7d", "?period=2023-01-01..now&since=now-1h..now-1m"])
def test_at_any_moment_a_range_of_time_is_the_one_of_that_moment(query):
    clock = Clock()
    world, plain = World(clock=clock), World(front=False, clock=clock)
    for step in [0.0, 0.5, 0.24, 0.02, 0.25, 1.0, 6.0, 0.999, 60.0, 0.001] * 10:
        clock.now += step
        for _ in range(3):
            assert world.get(f"/plots/weeks{query}").data == plain.get(f"/plots/weeks{query}").data


def test_a_range_of_time_that_ends_this_very_second_turns_within_it(world):
    world.clock.now = 1_700_000_001.0  # a multiple of seven
    before = make_ready(world, "/plots/weeks") or world.get("/plots/weeks")
    world.clock.now += 0.5
    assert world.get("/plots/weeks").data == World(front=False, clock=world.clock).get("/plots/weeks").data
    assert world.get("/plots/weeks").data != before.data


def test_a_range_of_time_is_ready_within_a_second(world):
    before = make_ready(world, "/plots/weeks")
    world.clock.now += 0.5
    assert told(is_ready(world, "/plots/weeks")) == told(before)


# What an answer depends on, and what is kept


def test_requests_that_differ_have_answers_of_their_own(world):
    asked = [
        ("/plots/line", {}),
        ("/plots/line", {"Accept": "image/webp"}),
        ("/plots/line", {"Accept": "image/svg+xml"}),
        ("/plots/line", {"Accept": ""}),
        ("/plots/line?n=5", {}),
        ("/plots/line?n=5&download=1", {}),
        ("/plots/line.png", {}),
        ("/plots/line.svg", {}),
        ("/plots/line", {"If-None-Match": '"other"'}),
        ("/plots/line", {"If-None-Match": "*"}),
    ]
    plain = World(front=False, clock=world.clock)
    for _ in range(4):
        for path, headers in asked:
            assert world.ask("GET", path, headers).data == plain.ask("GET", path, headers).data
    before = world.entered
    for path, headers in asked:
        assert told(world.ask("GET", path, headers)) == told(plain.ask("GET", path, headers))
    assert world.entered == before


def test_what_decides_an_answer_is_path_query_accept_and_if_none_match():
    environ = {"PATH_INFO": "/a", "QUERY_STRING": "b=c", "HTTP_ACCEPT": "d", "HTTP_IF_NONE_MATCH": "e"}
    assert raw(environ) == ("/a", "b=c", "d", "e")
    assert raw({"PATH_INFO": "/a", "QUERY_STRING": ""}) == ("/a", "", None, None)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/plots/line?_=" + "x" * 1100, {}),
        ("/plots/of/" + "x" * 1100 + "/revenue", {}),
        ("/plots/line", {"Accept": "image/png, " + ", ".join(f"a/b{n}" for n in range(300))}),
        ("/plots/line", {"If-None-Match": ", ".join(f'"{n}"' for n in range(300))}),
        ("/plots/line?_=" + "x" * 400, {"Accept": "*/*" + ";" * 400, "If-None-Match": '"' + "x" * 400}),
    ],
    ids=["query", "path", "Accept", "If-None-Match", "together"],
)
def test_long_requests_are_not_kept(world, path, headers):
    for _ in range(4):
        assert world.answered_without_flask("GET", path, headers) is None


def test_so_many_answers_are_kept_and_the_oldest_goes_first(world, monkeypatch):
    monkeypatch.setattr(response_cache, "_MOST_ENTRIES", 10)
    for n in range(30):
        make_ready(world, f"/plots/line?_={n}")
    # From the youngest on: one that is not ready takes the place of another.
    kept = [*takewhile(lambda n: is_ready(world, f"/plots/line?_={n}"), reversed(range(30)))]
    assert kept == [*reversed(range(20, 30))]


def test_the_memory_is_bounded_whatever_is_asked():
    assert response_cache._MOST_ENTRIES * response_cache._LONGEST <= 8 * 2**20


def test_a_flood_of_odd_queries_leaves_no_more_than_4096(world):
    world.get("/plots/line")
    app, start = world.app, lambda *_: None
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/plots/line",
        "SERVER_NAME": "a",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": None,
    }
    for n in range(4096 + 100):
        app(dict(environ, QUERY_STRING=f"_={n}"), start)
    assert is_ready(world, "/plots/line?_=4195")
    assert is_ready(world, "/plots/line?_=100")
    assert is_ready(world, "/plots/line?_=99") is None


def test_an_answer_that_is_made_again_is_the_youngest(world, monkeypatch):
    monkeypatch.setattr(response_cache, "_MOST_ENTRIES", 2)
    make_ready(world, "/plots/watched")
    make_ready(world, "/plots/line")
    world.renderer.states["polled"] = "second"
    make_ready(world, "/plots/watched")
    make_ready(world, "/plots/loaded")
    assert is_ready(world, "/plots/watched")


def test_many_threads_get_the_right_answers(world):
    paths = [f"/plots/line?n={n}" for n in range(2, 30)] + ["/timed.svg", "/plots/watched"]
    expected = {path: make_ready(world, path).data for path in paths}

    def read(number):
        path = paths[number % len(paths)]
        reply = world.client.open(path)
        return reply.status_code, reply.data == expected[path]

    with ThreadPoolExecutor(8) as readers:
        assert set(readers.map(read, range(1000))) == {(200, True)}
    assert len(world.renderer.jobs) == len(paths)


def test_many_threads_see_every_change(world):
    """Whoever asks after a change sees it, however many others are answered at the time."""
    make_ready(world, "/plots/watched")
    over = threading.Event()

    def read():
        while not over.is_set():
            assert world.client.open("/plots/watched").status_code == 200

    with ThreadPoolExecutor(4) as readers:
        reading = [readers.submit(read) for _ in range(4)]
        try:
            for n in range(50):
                world.renderer.states["polled"] = str(n)
                assert f'"state:{n}"'.encode() in world.get("/plots/watched").data
        finally:
            over.set()
    assert [one.exception() for one in reading] == [None] * 4
