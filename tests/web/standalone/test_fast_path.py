"""What stands before Flask: it is used, and nobody can tell."""

import re
from wsgiref.validate import validator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from plotroute.web.access import PublicAccess
from plotroute.web.access_log import AccessLog
from plotroute.web.gate import Gate
from plotroute.web.metrics import Metrics
from plotroute.web.response_cache import ResponseCache
from plotroute.web.standalone.app import create_app
from plotroute.web.standalone.fast_path import ResponseCacheMiddleware
from plotroute.web.transport.send_backlog import Outgoing
from sketches import Clock, World, count, logged, outcome, told

PATHS = [
    "/plots/line",
    "/plots/line.png",
    "/plots/line.svg",
    "/plots/line.pdf",
    "/plots/line.webp",
    "/plots/line.jpg",
    "/plots/line.gif",
    "/plots/line.PNG",
    "/plots/line/",
    "/plots//line",
    "/plots/lime",
    "/plots/line.schema.json",
    "/plots/turning",
    "/plots/watched",
    "/plots/watched?region=US",
    "/plots/loaded.svg",
    "/plots/weeks",
    "/plots/weeks?period=-7d",
    "/plots/weeks?period=2024-01-01..2024-02-01&since=now-1h..now-1m",
    "/plots/weeks?period=2024-01-01T00:00+02:00..now",
    "/plots/of/Ada/revenue",
    "/plots/of/Ada%20L/revenue.png",
    "/plots/of/Ada+L/revenue",
    "/plots/of/a%2Fb/revenue",
    "/plots/of/a;b=c/revenue",
    "/plots/of/%C3%BC/revenue",
    "/plots/of/%FF/revenue",
    "/plots/of/%2e%2e/revenue",
    "/plots/of/x.png",
    "/plots/old/x.png",
    "/revenue/x",
    "/timed.svg",
    "/timed.png",
    "/plots/timed/data",
    "/plots/timed/data.svg?region=US",
    "/plots/live",
    "/plots/live/data.png",
    "/plots/kept/keyed",
    "/plots/kept/keyed.svg?region=US",
    "/plots/kept/timed",
    "/plots/kept/live",
    "/plots/fails",
    "/plots/refuses",
    "/plot.png?x=1,2,3&y=4,5,6",
    "/plot.png?x=fixed_data&y=1,2",
    "/plot.png?x=nothing&y=1,2",
    "/",
    "/plots",
    "/plots.json",
    "/healthz",
    "/readyz",
    "/favicon.ico",
    "/nothing",
    "/%00",
    "/plots/line%00",
]
"""Without /metrics, which counts what was asked."""

QUERIES = [
    "",
    "?",
    "?n=9",
    "?n=09",
    "?n=+9",
    "?n=%209",
    "?n=9&n=9",
    "?n=9&n=8",
    "?n=99",
    "?n=",
    "?method=cubic&n=5",
    "?n=5&method=cubic",
    "?method=cubik&foo=1",
    "?method=linear;n=5",
    "?method=lin%65ar",
    "?method=%FF%FE",
    "?m%65thod=cubic",
    "?_=123",
    "?download=1",
    "?download=maybe",
    "?on_error=status",
    "?on_error=status&n=99",
    "?width=300&height=200&dpr=2&theme=dark",
    "?width=0",
    "?region=a+b",
    "?region=a%2Bb",
    "?region=%C3%BC",
    "?region=a%0d%0aSet-Cookie:%20a=b",
    "?a=1" * 3,
    "?" + "&".join(f"a{n}=1" for n in range(201)),
    "?_=" + "x" * 1100,
    "?_=" + "x" * 9000,
]

HEADERS = [
    {},
    {"Accept": "image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", "Sec-Fetch-Dest": "image"},
    {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest": "document"},
    {"Accept": "application/json"},
    {"Accept": ""},
    {"Accept": "*/*; q=.2"},
    {"Accept": "image/png;q=0, image/svg+xml;q=0.5, image/webp;q=0.6"},
    {"Accept": "image/webp"},
    {"Accept": "image/png;q=0"},
    {"Accept": "no type at all"},
    {"If-None-Match": "*"},
    {"If-None-Match": '"other"'},
    {"If-None-Match": "a word"},
    {"If-None-Match": ""},
    {"X-Request-ID": "from-a.proxy_1"},
    {"X-Request-ID": "a b"},
    {"X-Request-ID": "ü"},
    {"X-Request-ID": ""},
    {"X-Request-ID": "x" * 65},
    {"Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Dest": "empty", "Accept": "*/*"},
    {"Range": "bytes=0-9"},
    {"If-Modified-Since": "Sun, 06 Nov 2094 08:49:37 GMT"},
    {"If-Match": '"other"'},
    {"Host": "elsewhere.example"},
    {"Host": "a b"},
    {"Authorization": "Basic YTpi", "Cookie": "a=b", "Referer": "http://a.example/"},
    {"Origin": "http://a.example", "Accept-Encoding": "gzip, br", "Cache-Control": "no-cache"},
    {"Connection": "Upgrade", "Upgrade": "h2c"},
]

SPELLINGS = {
    "as it is": "{}",
    "strong": "{strong}",
    "in a list": '"other", {}, W/"another"',
    "twice": "{}, {}",
    "without quotes": "{bare}",
    "cut off": "{cut}",
}
"""Of an If-None-Match, for the ETag that an answer had."""


def spell(spelling, etag):
    strong = etag.removeprefix("W/")
    return SPELLINGS[spelling].format(etag, etag, strong=strong, bare=strong[1:-1], cut=etag[:-1])


@pytest.fixture
def worlds():
    """The same server with the front and without it, on one clock."""
    clock = Clock()
    return World(clock=clock), World(front=False, clock=clock)


def ask_both(worlds, *args, **options):
    """Ask both the same, and return the answer; it is the same one."""
    one, other = (world.ask(*args, **options) for world in worlds)
    assert told(one) == told(other)
    return one


# Nobody can tell


@pytest.mark.parametrize("path", PATHS)
def test_every_address_has_the_same_answer(worlds, path):
    for headers in HEADERS:
        for _ in range(3):
            ask_both(worlds, "GET", path, headers)
    if etag := ask_both(worlds, "GET", path).headers.get("ETag"):
        for spelling in SPELLINGS:
            for _ in range(3):
                ask_both(worlds, "GET", path, {"If-None-Match": spell(spelling, etag)})
    assert worlds[0].renderer.drawings() == worlds[1].renderer.drawings()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:30])
def test_every_query_has_the_same_answer(worlds, query):
    for path in ("/plots/line", "/plots/watched.svg", "/plots/kept/timed", "/nothing"):
        for headers in HEADERS[:4]:
            for _ in range(4):
                ask_both(worlds, "GET", path + query, headers)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_every_method_has_the_same_answer_whatever_a_get_has_had(worlds, method):
    for path in ("/plots/line", "/plots/line.png?n=5", "/timed.svg", "/plots/live", "/", "/healthz", "/no"):
        for asked in ("GET", "GET", method, "GET", method):
            ask_both(worlds, asked, path)


def test_a_posted_picture_is_not_the_answer_to_a_get(worlds):
    posted = {"Content-Type": "application/json"}
    for _ in range(3):
        reply = ask_both(worlds, "POST", "/plot.png", posted, data=b'{"x": [1, 2], "y": [3, 4]}')
        assert reply.get_data() != ask_both(worlds, "GET", "/plot.png").get_data()


def test_a_get_with_a_body_has_the_same_answer(worlds):
    for data in (None, b"", b"n=5", b"x" * 100_000):
        for _ in range(3):
            ask_both(worlds, "GET", "/plots/line", {"Content-Type": "application/json"}, data=data)


def test_a_request_to_open_a_websocket_has_the_same_answer(worlds):
    for _ in range(3):
        ask_both(worlds, "GET", "/plots/line")
    ask_both(worlds, "GET", "/plots/line", {"Connection": "Upgrade", "Upgrade": "websocket"})


def test_who_names_no_id_gets_one_and_who_names_one_has_it_back(worlds):
    world, _ = worlds
    ids = [world.get("/plots/line").headers["X-Request-ID"] for _ in range(6)]
    assert len(set(ids)) == 6
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)
    for _ in range(4):
        assert world.get("/plots/line", X_Request_ID="mine-1").headers.getlist("X-Request-ID") == ["mine-1"]
        assert world.get("/plots/line", X_Request_ID="a b").headers["X-Request-ID"] != "a b"


def test_answers_keep_to_the_protocol_of_wsgi():
    # Strict: what a server may rely on, not what Werkzeug's client forgives.
    world = World()
    client = Client(validator(world.app))
    etag = world.get("/plots/line").headers["ETag"]
    for headers in ({}, {"If-None-Match": etag}):
        for _ in range(4):
            with client.get("/plots/line?n=9", headers=headers) as reply:
                assert reply.status_code == (304 if headers else 200)


def without_what_is_empty(app):
    """As eventlet does, and as PEP 3333 allows: a variable that would be empty is not there."""

    def call(environ, start_response):
        for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH"):
            if not environ.get(name) or environ[name] == "0":
                environ.pop(name, None)
        return app(environ, start_response)

    return call


@pytest.mark.parametrize("environ", [{}, {"PATH_INFO": "", "SCRIPT_NAME": "/below"}], ids=["path", "no path"])
def test_a_variable_that_would_be_empty_may_be_left_out(environ):
    # A query, a path and a body are each missing in one of them; no path means the list.
    for path in ("/plots/line", "/plots/line?n=5", "/"):
        whole, world = World(), World()
        bare = Client(without_what_is_empty(world.app))
        for method in ("GET", "GET", "HEAD", "POST"):
            expected = Client(whole.app).open(path, method=method, environ_overrides=environ)
            found = bare.open(path, method=method, environ_overrides=environ)
            assert told(found) == told(expected)
            assert found.status_code in (200, 405)


def test_the_counts_are_the_same(worlds):
    for path in ("/plots/line", "/plots/fails", "/plots/live", "/timed.svg", "/nothing", "/"):
        for headers in ({}, {"If-None-Match": "*"}):
            for _ in range(5):
                ask_both(worlds, "GET", path, headers)
    with_front, without = worlds
    with_front.access_log.flush()
    counted = count(without.metrics)
    assert 'plotroute_answers_total{outcome="hit",plot="line",status="200"} 4.0' in counted
    assert count(with_front.metrics) == counted


def test_the_log_is_the_same():
    logs = []
    for world in (World(), World(front=False)):
        with logged() as log:
            for path in ("/plots/line", "/plots/line?n=5&_=%C3%BC+%20", "/plots/of/%C3%BC/revenue", "/"):
                for headers in (
                    {},
                    {"X-Request-ID": "mine"},
                    {"X-Request-ID": "a b"},
                    {"If-None-Match": "*"},
                ):
                    for _ in range(3):
                        world.ask("GET", path, headers)
                        world.access_log.flush()
        logs.append(log.getvalue().splitlines())
    # The second, an id of our own, and how long it took.
    changing = re.compile("^[0-9:]{8} |[0-9a-f]{32} (?=GET)|[0-9.]+ ms$")
    with_front, without = ([changing.sub("… ", line) for line in lines] for lines in logs)
    assert with_front == without
    assert len(with_front) == 48
    assert all(changing.search(line) and line[8:11] == " I " for line in logs[0])


# It is used


@pytest.mark.parametrize(
    "path",
    [
        "/plots/line",
        "/plots/line.svg?n=5",
        "/plots/line?download=1",
        "/plots/turning",
        "/plots/watched?region=US",
        "/plots/loaded",
        "/plots/weeks?period=-7d",
        "/plots/of/%C3%BC%20;/revenue.png",
        "/timed.svg",
        "/plots/timed/data",
        "/plots/kept/keyed",
        "/plots/kept/timed",
        "/plot.png?x=fixed_data&y=1,2",
    ],
)
def test_flask_is_not_asked_for_what_was_a_hit(path):
    world = World()
    drawn, hit = world.get(path), world.get(path)
    assert (outcome(drawn), outcome(hit)) == ("fwd=uri-miss; stored", "hit")
    for _ in range(3):
        reply = world.answered_without_flask("GET", path)
        assert told(reply) == told(hit)
        assert reply.data == drawn.data
    assert len(world.renderer.jobs) == 1


@pytest.mark.parametrize("path", ["/plots/line", "/plots/watched.svg", "/timed.svg", "/plots/kept/keyed"])
def test_flask_is_not_asked_for_what_was_not_modified(path):
    world = World()
    etag = world.get(path).headers["ETag"]
    asked = world.get(path, If_None_Match=etag)
    assert asked.status_code == 304
    reply = world.answered_without_flask("GET", path, {"If-None-Match": etag})
    assert told(reply) == told(asked)
    assert reply.data == b""
    assert "Content-Length" not in reply.headers


def test_a_304_needs_no_picture():
    world = World()
    etag = World().get("/plots/line").headers["ETag"]
    for _ in range(3):
        assert world.get("/plots/line", If_None_Match=etag).status_code == 304
    assert (world.entered, world.renderer.jobs) == (1, [])


@pytest.mark.parametrize(
    "path", ["/plots/live", "/plots/live/data", "/plots/kept/live", "/plots/fails", "/plots/refuses"]
)
def test_what_is_drawn_anew_is_asked_for_each_time(path):
    world = World()
    for _ in range(4):
        assert world.answered_without_flask("GET", path) is None


@pytest.mark.parametrize("path", ["/", "/plots.json", "/healthz", "/metrics", "/nothing", "/plots/line?n=99"])
def test_what_is_no_picture_is_flasks(path):
    world = World()
    for _ in range(4):
        assert world.answered_without_flask("GET", path) is None


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_other_methods_are_flasks(method):
    world = World()
    for _ in range(3):
        world.get("/plots/line")
    for _ in range(3):
        assert world.answered_without_flask(method, "/plots/line") is None


def test_a_head_makes_no_answer_ready_for_a_get():
    world = World()
    for _ in range(4):
        world.ask("HEAD", "/plots/line")
    assert world.get("/plots/line").data


# Real pictures


def test_real_pictures_are_the_same_with_and_without(make_client):
    plain = make_client("""
        import numpy as np
        from plotroute import Plots
        plots = Plots()

        @plots.dataset
        def numbers():
            return np.arange(5)

        @plots.plot
        def line(ax, numbers, n: int = 3):
            ax.plot(numbers * n)

        @plots.plot(ttl="1h")
        def random(ax):
            ax.plot(np.random.rand(9))
    """)
    gate = Gate(PublicAccess(plain.pipeline._settings))
    answers, entered = ResponseCache(plain.pipeline, gate), []
    flask = create_app(plain.pipeline, plain.pipeline._settings, answers=answers)

    def counted(environ, start_response):
        entered.append(environ["PATH_INFO"])
        return flask(environ, start_response)

    fronted = Client(ResponseCacheMiddleware(counted, answers, AccessLog(Metrics()), Outgoing(2**30)))
    addresses = [
        f"/plots/{name}{end}" for name in ("numbers/line", "random") for end in ("", ".svg", ".webp")
    ]
    for address in addresses:
        plain.get(address)
        expected = plain.get(address)
        for _ in range(3):
            assert told(fronted.get(address)) == told(expected)
        modified = {"If-None-Match": expected.headers["ETag"]}
        for _ in range(2):
            assert told(fronted.get(address, headers=modified)) == told(plain.get(address, headers=modified))
    assert sorted(entered) == sorted(2 * addresses)


# Any sequence of requests and of what happens meanwhile


def ask(worlds, path, headers, etags):
    reply = ask_both(worlds, "GET", path, headers)
    etags[path] = reply.headers.get("ETag", etags[path])


def ask_whether_it_is_the_same(worlds, path, headers, etags):
    ask_both(worlds, "GET", path, {**headers, "If-None-Match": etags[path]})


def ask_for_its_head(worlds, path, headers, etags):
    ask_both(worlds, "HEAD", path, headers)


def change(**states):
    def step(worlds, *_):
        for world in worlds:
            world.renderer.states |= states

    return step


def forget_a_version(worlds, *_):
    for world in worlds:
        world.renderer.unknown |= {"polled", "content"}


def save(code):
    def step(worlds, *_):
        for world in worlds:
            world.renderer.reload(code)

    return step


def purge(worlds, *_):
    for world in worlds:
        number = int(world.storage.epochs.of("") or 0) + 1
        # Random by nature; here the same for both, so that the ETags are.
        world.storage.epochs.of = lambda plot, number=number: str(number)


def clear_the_cache(worlds, *_):
    for world in worlds:
        world.cache.clear()


def wait(seconds):
    def step(worlds, *_):
        # Never to a whole second, which has a test of its own.
        worlds[0].clock.now += seconds

    step.__name__ = f"wait_{seconds}"
    return step


STEPS = [
    *3 * [ask, ask_whether_it_is_the_same],
    ask_for_its_head,
    change(polled="first", content="second"),
    change(polled="second", content="first"),
    forget_a_version,
    save("first"),
    save("second"),
    purge,
    clear_the_cache,
    *map(wait, [0.5, 1.0, 89.5, 601.0]),
]

ASKED = st.tuples(
    st.sampled_from(
        [
            "/plots/line",
            "/plots/turning",
            "/plots/watched",
            "/plots/loaded.svg",
            "/plots/weeks",
            "/timed.svg",
            "/plots/timed/data",
            "/plots/live",
            "/plots/kept/keyed",
            "/plots/kept/timed",
            "/plots/kept/live",
        ]
    ),
    st.sampled_from([{}, {}, {"Accept": "image/webp"}, {"Accept": "application/json"}]),
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(ASKED, min_size=1, max_size=2),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1)), min_size=12, max_size=40),
)
def test_whatever_happens_nobody_can_tell(requests, steps):
    clock = Clock()
    # Room for few pictures, so that some are evicted.
    worlds = World(clock=clock, cache_memory=20_000), World(front=False, clock=clock, cache_memory=20_000)
    etags = dict.fromkeys([path for path, _ in requests], 'W/"other"')
    for step, which in steps:
        step(worlds, *requests[which % len(requests)], etags)
    with_front, without = worlds
    with_front.access_log.flush()
    assert count(with_front.metrics) == count(without.metrics)
    assert with_front.renderer.drawings() == without.renderer.drawings()
