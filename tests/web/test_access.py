"""Who may see what in an app with logins: nobody sees, or learns of, what is not theirs."""

import importlib.util
import itertools
import re

import pytest
from flask import Flask, abort, g, redirect, render_template_string, request_started, session
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user

from plotroute.errors import BadRegistration, InvalidParameters
from sketches import outcome

SHOP = '''
from typing import Literal
from plotroute import Plots, User

plots = Plots()
loaded = []

@plots.dataset(ttl="forever")
def sales():
    return [1, 3, 2]

@plots.dataset(ttl="forever")
def orders_of(user: User):
    loaded.append(user)
    return [len(user), 2]

@plots.plot("sales/revenue", max_age="10m", size=(90, 60))
def revenue(ax, sales, region: Literal["north", "south"] = "north", n: int = 1):
    """Revenue by secret region."""
    ax.plot([n, *sales])

@plots.plot("all", size=(90, 60))
def everything(ax, sales):
    ax.plot(sales)

@plots.plot("live", size=(90, 60))
def live(ax):
    ax.plot([1, 2])

@plots.plot("my/orders", max_age="10m", size=(90, 60))
def my_orders(ax, orders_of, user: User):
    ax.plot(orders_of)
    ax.set_title(user)

@plots.plot("my/data", size=(90, 60))
def my_data(ax, orders_of):
    ax.plot(orders_of)

@plots.plot("mine", size=(90, 60))
def mine(ax, user: User, n: int = 1):
    ax.set_title(f"{user} {n}")

@plots.plot("greeting", size=(90, 60))
def greeting(ax, sales, user: User | None = None):
    ax.set_title(f"Hello {user}")
'''

MINE = ["/plots/my/orders", "/plots/my/data", "/plots/mine", "/plots/greeting"]


@pytest.fixture
def shop(module):
    return module(SHOP)


class Person(UserMixin):
    """Somebody who can log in."""

    def __init__(self, id):
        self.id = id


def make_app(shop, *, login=False, here=True, testing=False, config=(), **options):
    """Return an app with the plots of a module, whose pictures are kept."""
    app = Flask("host")
    app.testing = testing
    app.config.update({"SECRET_KEY": "of the tests", **dict(config)})
    if here:
        app.config["PLOTROUTE_RENDER_MODE"] = "inprocess"
    if login:
        manager = LoginManager(app)
        manager.login_view = "log_in"
        manager.user_loader(Person)
        app.add_url_rule("/login/<name>", "log_in_as", lambda name: str(login_user(Person(name))))
        app.add_url_rule("/login", "log_in", lambda: "Who are you?")
    shop.plots.init_app(app, **options)
    return app


def reader(app, name=None):
    """Return the client of somebody, logged in under a name."""
    client = app.test_client()
    if name:
        assert client.get(f"/login/{name}").text == "True"
    return client


# Decorators


def test_decorators_are_asked_from_the_last_to_the_first(shop):
    asked = []

    def noting(number):
        def decorator(view):
            def inner(**values):
                asked.append(number)
                return view(**values)

            return inner

        return decorator

    client = make_app(shop, decorators=(noting(1), noting(2))).test_client()
    client.get("/plots/all")
    assert asked == [2, 1]


def test_who_is_logged_out_gets_the_login_whatever_is_cached(shop):
    app = make_app(shop, login=True, decorators=(login_required,), serve=("plots", "gallery", "adhoc", "ops"))
    ann, stranger = reader(app, "ann"), reader(app)
    addresses = [
        "/plots/sales/revenue",
        "/plots/sales/revenue.svg?n=2",
        "/plots/live",
        *MINE,
        "/plot.png?x=1,2&y=1,2",
    ]
    addresses += ["/plots", "/plots.json", "/plots/sales/revenue.schema.json", "/metrics"]
    for address in addresses:
        replies = [ann.get(address) for _ in range(4)]
        assert {reply.status_code for reply in replies} == {200}, address
        etag = replies[-1].headers.get("ETag")
        for method, match in itertools.product(("GET", "HEAD"), (None, etag, "*")):
            headers = {"If-None-Match": match, "Accept": "image/*"} if match else {}
            reply = stranger.open(address, method=method, headers=headers)
            assert reply.status_code == 302
            assert reply.headers["Location"].startswith("/login?next=")
            assert "ETag" not in reply.headers
        assert ann.get(address).status_code == 200
    assert stranger.get("/plots/sales/revenue?n=many").status_code == 302
    for address in ("/healthz", "/readyz"):  # a load balancer cannot log in
        assert stranger.get(address).status_code == 200


def test_who_has_logged_out_gets_the_login(shop):
    app = make_app(shop, login=True, decorators=(login_required,))
    ann = reader(app, "ann")
    for _ in range(3):
        etag = ann.get("/plots/sales/revenue").headers["ETag"]
    with ann.session_transaction() as changed:
        changed.clear()
    assert ann.get("/plots/sales/revenue", headers={"If-None-Match": etag}).status_code == 302


# authorize=


@pytest.fixture
def asked():
    return []


@pytest.fixture
def asking(asked):
    def authorize(name, values):
        asked.append((name, values))
        return True

    return authorize


def test_authorize_is_asked_with_typed_values_for_each_picture(shop, asked, asking):
    client = make_app(shop, authorize=asking, user=lambda: "ann").test_client()
    for _ in range(4):  # drawn, a hit, ready, ready
        assert client.get("/plots/sales/revenue?n=3&width=200").status_code == 200
    assert asked == [("sales/revenue", {"region": "north", "n": 3})] * 4
    asked.clear()
    client.head("/plots/sales/revenue.svg?region=south")
    client.get("/plots/all")
    client.get("/plots/mine?n=2")
    assert asked == [
        ("sales/revenue", {"region": "south", "n": 1}),
        ("all", {}),
        ("mine", {"n": 2, "user": "ann"}),
    ]


def test_authorize_is_asked_without_values_for_what_is_no_picture(shop, asked, asking):
    client = make_app(shop, authorize=asking, serve=("plots", "gallery")).test_client()
    for address in ("/plots/sales/revenue.schema.json", "/plots/sales/revenue?n=many"):
        client.get(address)
    assert asked == [("sales/revenue", {})] * 2
    for address in ("/plots", "/plots.json"):
        asked.clear()
        client.get(address)
        assert sorted(name for name, _ in asked) == sorted(
            ["sales/revenue", "all", "live", "my/orders", "my/data", "mine", "greeting"]
        )
        assert not any(values for _, values in asked)


def test_what_authorize_is_given_is_its_own(shop):
    def authorize(name, values):
        values["n"] = 99
        values.clear()
        return True

    client = make_app(shop, authorize=authorize).test_client()
    replies = [client.get("/plots/sales/revenue?n=3") for _ in range(3)]
    plain = make_app(shop).test_client().get("/plots/sales/revenue?n=3")
    assert {reply.data for reply in replies} == {plain.data}


@pytest.mark.parametrize("answer", [False, None, 0, ""])
def test_a_no_is_a_403_that_tells_nothing(shop, answer):
    client = make_app(shop, authorize=lambda *_: answer, serve=("plots", "gallery")).test_client()
    told = []
    for address in ("/plots/sales/revenue", "/plots/sales/revenue.svg?n=2", "/plots/sales/revenue?n=many",
                    "/plots/sales/revenue?regoin=north", "/plots/sales/revenue.schema.json"):  # fmt: skip
        for accept in ("*/*", "text/html,*/*;q=0.8", "image/*", "application/json,*/*;q=0.1"):
            reply = client.get(address, headers={"Accept": accept})
            assert reply.status_code == 403
            assert reply.headers["Cache-Control"] == "no-store"
            assert "ETag" not in reply.headers
            told.append(reply.text)
    told += [client.get("/plots").text, client.get("/plots.json").text]
    for text in told:
        assert not re.search("region|north|secret|revenue", text)
    assert client.get("/plots.json").json == {"plots": []}


def test_nothing_is_loaded_for_who_may_not_see_it(module):
    shop = module(SHOP + "\n@plots.dataset(source=True)\ndef broken():\n    loaded.append(1)\n    raise LookupError\n"
                  "@plots.plot\ndef shows(ax, broken): ...\n")  # fmt: skip
    client = make_app(
        shop, authorize=lambda *_: False, user=lambda: "ann", serve=("plots", "adhoc")
    ).test_client()
    for address in (
        "/plots/broken/shows",
        "/plots/my/orders",
        "/plot.png?x=nothing&y=1,2",
        "/plot.png?x=broken&y=1",
    ):
        reply = client.get(address)
        assert reply.status_code == 403
        assert "broken" not in reply.text
    assert shop.loaded == []


def test_a_right_that_is_taken_away_is_gone_at_once(shop):
    rights = {"ann"}
    client = make_app(shop, authorize=lambda *_: "ann" in rights).test_client()
    for _ in range(4):
        etag = client.get("/plots/sales/revenue").headers["ETag"]
        client.get("/plots/sales/revenue", headers={"If-None-Match": etag})
    rights.clear()
    for headers in ({}, {"If-None-Match": etag}, {"If-None-Match": "*"}):
        assert client.get("/plots/sales/revenue", headers=headers).status_code == 403
    rights.add("ann")
    assert outcome(client.get("/plots/sales/revenue")) == "hit"


def test_what_authorize_raises_is_the_apps(shop):
    def authorize(name, values):
        if name == "all":
            abort(404)
        if name == "live":
            raise PermissionError("of the host")
        return True

    app = make_app(shop, authorize=authorize, serve=("plots", "gallery"))
    app.register_error_handler(404, lambda error: ("the host's 404", 404))
    app.register_error_handler(PermissionError, lambda error: ("the host's own", 451))
    client = app.test_client()
    assert client.get("/plots/all").text == client.get("/plots/all.schema.json").text == "the host's 404"
    assert client.get("/plots/live").status_code == 451
    # A list is not missing for one of its entries, but what fails, fails.
    assert client.get("/plots.json").status_code == 451
    app = make_app(shop, authorize=lambda name, _: name == "mine" or abort(404), serve=("gallery", "plots"))
    assert [plot["name"] for plot in app.test_client().get("/plots.json").json["plots"]] == ["mine"]


def test_a_rule_that_looks_values_up_shows_nothing_without_them(shop):
    app = make_app(shop, authorize=lambda _, values: values["region"] == "north", serve=("plots", "gallery"))
    client = app.test_client()
    assert client.get("/plots/sales/revenue").status_code == 200
    assert client.get("/plots/sales/revenue?region=south").status_code == 403
    assert client.get("/plots/sales/revenue?region=east").status_code == 403
    assert client.get("/plots/sales/revenue.schema.json").status_code == 403
    assert client.get("/plots.json").json == {"plots": []}
    assert client.get("/plots/all").status_code == 403  # it has no values, so the rule says nothing of it


def test_a_rule_that_fails_over_values_is_a_fault(shop):
    app = make_app(shop, testing=True, here=False, authorize=lambda _, values: values["regoin"] == "north")
    with pytest.raises(KeyError, match="regoin"):
        app.test_client().get("/plots/sales/revenue")


@pytest.mark.parametrize(
    "answer", [lambda: redirect("/login"), lambda: ("no", 403)], ids=["response", "tuple"]
)
def test_an_answer_in_place_of_yes_or_no_lets_nobody_in(shop, answer):
    app = make_app(shop, testing=True, here=False, authorize=lambda *_: answer())
    with pytest.raises(TypeError, match="abort"):
        app.test_client().get("/plots/all")


@pytest.mark.skipif(importlib.util.find_spec("asgiref") is not None, reason="Flask runs it, then")
@pytest.mark.parametrize("option", ["authorize", "user"])
def test_what_is_async_lets_nobody_in_because_it_is_true(shop, option):
    async def asynchronous(*_):
        return False

    app = make_app(shop, testing=True, here=False, **{"user": lambda: "ann", option: asynchronous})
    with pytest.raises(RuntimeError, match="async"):
        app.test_client().get("/plots/mine")


def test_who_may_know_of_a_plot_is_told_what_is_wrong(shop):
    app = make_app(shop, authorize=lambda _, values: values.get("region", "north") == "north")
    client = app.test_client()
    (wrong,) = client.get("/plots/sales/revenue?region=east").json["errors"]
    assert wrong["allowed"] == ["north", "south"]


# Caches on the way


def cache_control(client, address, **options):
    """Return the Cache-Control of a picture, the same whether it was drawn, looked up or not sent."""
    replies = [client.get(address, **options) for _ in range(3)]
    headers = {**options.pop("headers", {}), "If-None-Match": replies[-1].headers["ETag"]}
    replies += [client.get(address, headers=headers, **options) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 304, 304]
    assert len({reply.headers.get("Vary") for reply in replies}) == 1
    (said,) = {reply.headers["Cache-Control"] for reply in replies}
    return said


def hooked(app):
    app.before_request(lambda: None)


def hooked_at_the_blueprint(app):
    app.before_request_funcs.setdefault("plots", []).append(lambda: None)


def looks_at_the_session(app):
    app.url_value_preprocessor(lambda *_: session.get("user") and None)


def logged_in_by_a_middleware(app):
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start: inner({**environ, "the.user": "ann"}, start)


def logged_in_by_a_signal(app):
    def know(*_, **__):
        g.user = "ann"

    request_started.connect(know, app, weak=False)


CONSTELLATIONS = {
    "nothing": ({}, None, {}),
    "the session of others": ({"login": True}, None, {}),
    "after_request": ({}, lambda app: app.after_request(lambda response: response), {}),
    "decorators": ({"decorators": (lambda view: view,)}, None, {}),
    "authorize": ({"authorize": lambda *_: True}, None, {}),
    "user": ({"user": lambda: "ann"}, None, {}),
    "before_request": ({}, hooked, {}),
    "a hook of the blueprint": ({}, hooked_at_the_blueprint, {}),
    "the session": ({}, looks_at_the_session, {}),
    "Authorization": ({}, None, {"headers": {"Authorization": "Basic YTpi"}}),
    "the web server": ({}, None, {"environ_overrides": {"REMOTE_USER": "ann"}}),
    "a middleware": ({}, logged_in_by_a_middleware, {}),
    "a signal": ({}, logged_in_by_a_signal, {}),
}


def app_of(shop, constellation, **more):
    options, prepare, asking = CONSTELLATIONS[constellation]
    app = make_app(shop, serve=("plots", "gallery"), **{**more, **options})
    if prepare:
        prepare(app)
    return app, asking


@pytest.mark.parametrize("constellation", CONSTELLATIONS)
def test_no_cache_on_the_way_keeps_an_answer_of_an_app(shop, constellation):
    app, asking = app_of(shop, constellation)
    client = app.test_client()
    assert cache_control(client, "/plots/sales/revenue.png", **asking) == "private, max-age=600"
    assert cache_control(client, "/plots/all", **asking) == "private, no-cache"
    for address in ("/plots", "/plots.json", "/plots/all.schema.json"):
        assert client.get(address, **asking).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("constellation", ["nothing", "before_request", "the session", "a middleware"])
def test_public_is_what_the_app_says_is_public(shop, constellation):
    app, asking = app_of(shop, constellation, public=True)
    client = app.test_client()
    assert cache_control(client, "/plots/sales/revenue.png", **asking) == "max-age=600"
    for address in ("/plots", "/plots.json", "/plots/all.schema.json", "/plots/all"):
        assert client.get(address, **asking).headers["Cache-Control"] == "no-cache"


def test_plots_that_are_named_are_public_and_no_others(shop):
    for options in ({}, {"authorize": lambda *_: True}):
        client = make_app(shop, serve=("plots", "gallery"), public=["all"], **options).test_client()
        assert cache_control(client, "/plots/all") == "no-cache"
        assert client.get("/plots/all.schema.json").headers["Cache-Control"] == "no-cache"
        for address in ("/plots/sales/revenue", "/plots", "/plots.json"):
            assert client.get(address).headers["Cache-Control"].startswith("private, ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"public": True, "decorators": (lambda view: view,)}, "would guard nothing"),
        ({"public": ["all"], "decorators": (lambda view: view,)}, "would guard nothing"),
        ({"public": True, "authorize": lambda *_: True}, "would guard nothing"),
        ({"public": ["al"]}, "The nearest is 'all'"),
        ({"public": "revenue"}, "The nearest is 'sales/revenue'"),
    ],
)
def test_public_that_contradicts_or_names_nothing_is_refused(shop, options, said):
    with pytest.raises(BadRegistration, match=said):
        make_app(shop, **options)


def test_what_varies_is_said(shop):
    client = make_app(shop).test_client()
    assert client.get("/plots/all").headers["Vary"] == "Accept"
    assert "Vary" not in client.get("/plots/all.png").headers
    guarded = make_app(shop, login=True, decorators=(login_required,))
    ann = reader(guarded, "ann")
    for address, vary in (("/plots/all", {"Accept", "Cookie"}), ("/plots/all.png", {"Cookie"})):
        reply = ann.get(address)
        again = ann.get(address, headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status_code == 304
        for each in (reply, again):
            assert set(each.headers["Vary"].split(", ")) == vary


@pytest.mark.parametrize("constellation", ["nothing", "the session of others", "authorize", "a middleware"])
def test_a_picture_of_ones_own_is_asked_for_each_time(shop, constellation):
    app, asking = app_of(shop, constellation, user=lambda: "ann")
    client = reader(app, "ann" if "login" in CONSTELLATIONS[constellation][0] else None)
    for address in MINE:
        assert cache_control(client, address, **asking) == "private, no-cache"


# User


def test_two_readers_never_share_a_picture(shop):
    app = make_app(shop, login=True, decorators=(login_required,))
    readers = {name: reader(app, name) for name in ("ann", "benedict")}
    for address in MINE:
        replies = {name: [client.get(address) for _ in range(4)] for name, client in readers.items()}
        bodies = {name: {reply.data for reply in given} for name, given in replies.items()}
        etags = {name: {reply.headers["ETag"] for reply in given} for name, given in replies.items()}
        assert all(len(each) == 1 for each in (*bodies.values(), *etags.values()))
        assert not bodies["ann"] & bodies["benedict"]
        assert not etags["ann"] & etags["benedict"]
        for name, other in (("ann", "benedict"), ("benedict", "ann")):
            for _ in range(3):
                reply = readers[name].get(address, headers={"If-None-Match": min(etags[other])})
                assert (reply.status_code, reply.data) == (200, min(bodies[name]))
    assert set(shop.loaded) == set(readers)


def test_where_there_is_no_user_the_login_answers(shop):
    app = make_app(shop, login=True)
    for address in MINE[:3]:
        for _ in range(2):
            reply = reader(app).get(address)
            assert (reply.status_code, reply.headers["Location"][:11]) == (302, "/login?next")
        assert reader(app, "ann").get(address).status_code == 200
    assert reader(app).get("/plots/greeting").status_code == 200

    app.login_manager.unauthorized_handler(lambda: ("the host's own", 401))
    assert reader(app).get("/plots/mine").text == "the host's own"


def test_where_there_is_no_login_it_is_a_401(shop):
    client = make_app(shop).test_client()
    for address in MINE[:3]:
        reply = client.get(address)
        assert (reply.status_code, reply.json["code"]) == (401, "unauthorized")
        assert reply.headers["Cache-Control"] == "no-store"
    assert client.get("/plots/mine", headers={"Accept": "image/*"}).mimetype == "image/svg+xml"
    assert client.get("/plots/greeting").status_code == 200


def test_a_header_says_who_asks_if_a_trusted_proxy_sends_it(shop):
    config = {"PLOTROUTE_USER_HEADER": "Remote-User", "PLOTROUTE_TRUSTED_PROXIES": "10.1.1.1"}
    app = make_app(shop, config=config, authorize=lambda _, values: values.get("user") != "eve")
    client = app.test_client()

    def status(peer, name):
        environ = {"REMOTE_ADDR": peer}
        return client.get("/plots/mine", headers={"Remote-User": name}, environ_overrides=environ).status_code

    assert status("10.1.1.1", "ann") == 200
    assert status("10.1.1.1", "eve") == 403
    assert status("10.1.1.1", "") == 401
    assert status("203.0.113.9", "ann") == 401


@pytest.mark.parametrize("login", [False, True])
def test_user_says_who_asks_before_any_other(shop, login):
    names = iter(["ann", 7, "7", None, ""])
    app = make_app(shop, login=login, user=lambda: next(names), authorize=lambda *_: True)
    client = reader(app, "benedict" if login else None)
    replies = [client.get("/plots/mine") for _ in range(5)]
    nobody = 302 if login else 401
    assert [reply.status_code for reply in replies] == [200, 200, 200, nobody, nobody]
    assert replies[1].data == replies[2].data != replies[0].data


@pytest.mark.parametrize("user", [object(), True, ["ann"], {"id": 1}])
def test_who_is_no_text_is_nobody_in_particular(shop, user):
    app = make_app(shop, testing=True, here=False, user=lambda: user)
    with pytest.raises(TypeError, match="get_id"):
        app.test_client().get("/plots/mine")


def test_the_user_himself_is_no_name(shop):
    app = make_app(shop, login=True, testing=True, here=False, user=lambda: current_user)
    with pytest.raises(TypeError, match="get_id"):
        reader(app, "ann").get("/plots/mine")


def test_no_request_says_who_asks(shop):
    app = make_app(shop, user=lambda: "ann")
    client = app.test_client()
    own = client.get("/plots/mine").data
    for query in ("?user=eve", "?user=ann", "?n=1&user=eve"):
        (wrong,) = client.get(f"/plots/mine{query}").json["errors"]
        assert (wrong["parameter"], wrong["code"]) == ("user", "unknown")
    assert client.get("/plots/mine?_user=eve").data == own
    assert "user" not in client.get("/plots/mine.schema.json").json["properties"]
    with app.app_context(), pytest.raises(InvalidParameters):
        render_template_string("{{ plot_url('mine', user='eve') }}")


HINTS = [
    "User", "'User'", "User | None", "Optional[User]", "Annotated[User, 'x']", "Annotated[User | None, 'x']",
    "Optional[Annotated[User, 'x']]", "Annotated[Annotated[User, 1] | None, 2]", "Reader", "Reader | None",
    "Annotated[Reader, 'x']", "Annotated[User, Field(description='who')]",
]  # fmt: skip

HINTED = """
{future}
from typing import Annotated, NewType, Optional
from pydantic import Field
from plotroute import Plots, User

plots = Plots()
Reader = NewType("Reader", User)

@plots.plot(size=(90, 60))
def f(ax, who: {hint}):
    ax.set_title(str(who))
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
@pytest.mark.parametrize("hint", HINTS)
def test_a_user_is_a_user_however_it_is_written(module, hint, future):
    shop = module(HINTED.format(hint=hint, future=future))
    client = make_app(shop, testing=True, here=False, user=lambda: "ann").test_client()
    assert client.get("/plots/f").status_code == 200
    assert client.get("/plots/f?who=eve").status_code == 400


@pytest.mark.parametrize("hint", ["list[User]", "list[Reader]", "tuple[User, ...]", "list[User] | None", "User | int",
                                  "Optional['User']", "User = 'eve'", "User | None = 'eve'"])  # fmt: skip
def test_what_is_no_one_user_is_refused(module, hint):
    with pytest.raises(BadRegistration, match="'who'"):
        make_app(module(HINTED.format(hint=hint, future="")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@plots.plot('of/<user>')\ndef f(ax, user: User): ...", "cannot be part of the path"),
        ("@plots.plot(examples={'user': 'ann'})\ndef f(ax, user: User): ...", "is the logged-in user"),
        ("@plots.plot\ndef f(ax, orders_of, user: str): ...", "not of the type"),
        ("@plots.plot\ndef f(ax, orders_of, user: User | None = None): ...", "not of the type"),
    ],
)
def test_a_user_where_none_can_be_is_refused(module, text, said):
    with pytest.raises(BadRegistration, match=said):
        make_app(module(SHOP + text))


# Decorators for views around plots

GUARDS = '''
import functools, time
import flask
from contextvars import ContextVar
from functools import wraps
from flask import Flask, abort, current_app, g, has_request_context, redirect, request, session, url_for
from flask_login import current_user, login_required
from werkzeug.exceptions import Forbidden
from werkzeug.local import LocalProxy
from plotroute import Plots

plots = Plots()
db = LocalProxy(lambda: g.db)
tenant = LocalProxy(lambda: request.host)
job = LocalProxy(ContextVar("job"))

def around(condition):
    """Make a decorator, as most are made."""
    def decorator(function):
        @wraps(function)
        def inner(*args, **kwargs):
            return condition() or function(*args, **kwargs)
        return inner
    return decorator

def admin_required(function):
    @wraps(function)
    def inner(*args, **kwargs):
        if not current_user.is_admin:
            abort(403)
        return function(*args, **kwargs)
    return inner

def is_admin():
    return current_user.is_admin

def admin_by_helper(function):
    @wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs) if is_admin() else abort(403)
    return inner

def flaskr_login(function):
    @wraps(function)
    def inner(**kwargs):
        if g.user is None:
            return redirect(url_for("auth.login"))
        return function(**kwargs)
    return inner

def by_error(function):
    @wraps(function)
    def inner(*args, **kwargs):
        if g.user is None:
            raise Forbidden
        return function(*args, **kwargs)
    return inner

def by_module(function):
    @wraps(function)
    def inner(*args, **kwargs):
        flask.request.args["token"]
        return function(*args, **kwargs)
    return inner

def by_import(function):
    @wraps(function)
    def inner(*args, **kwargs):
        from flask import g, request
        request.args["token"]
        return function(*args, **kwargs)
    return inner

class AdminRequired:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function
    def __call__(self, *args, **kwargs):
        if not session.get("admin"):
            abort(403)
        return self.function(*args, **kwargs)

def unnamed(function):
    def inner(*args, **kwargs):
        if not current_user.is_admin:
            abort(403)
        return function(*args, **kwargs)
    return inner

def timed(function):
    @wraps(function)
    def inner(*args, **kwargs):
        started = time.time()
        try:
            return function(*args, **kwargs)
        finally:
            current_app.logger.info("%s took %s, for %s", function, time.time() - started, g.get("job"))
    return inner

class Counted:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function, self.calls = function, 0
    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.function(*args, **kwargs)

class Store:
    session = request = None

store = Store()
'''

REFUSED = ["login_required", "admin_required", "admin_by_helper", "flaskr_login", "by_error", "by_module", "by_import",
           "AdminRequired", "around(lambda: None if current_user.is_admin else abort(403))"]  # fmt: skip
HARMLESS = ["timed", "Counted", "functools.lru_cache", "functools.cache", "around(lambda: None)"]


@pytest.mark.parametrize("other", ["", "@timed\n", "@Counted\n"])
@pytest.mark.parametrize("decorator", [name for name in REFUSED if not name.startswith("around")])
@pytest.mark.parametrize("door", ["plots.plot", "plots.plot('f')", "plots.dataset"])
def test_a_guard_around_a_plot_is_refused(module, door, decorator, other):
    for order in (f"{other}@{decorator}\n", f"@{decorator}\n{other}"):
        with pytest.raises(BadRegistration, match=r"f in \w+\.py, line \d+ uses the request.*authorize="):
            module(GUARDS + f"@{door}\n{order}def f(): ...\n", f"guarded_{len(order)}_{order[1]}")


@pytest.mark.parametrize("decorator", HARMLESS)
@pytest.mark.parametrize("order", ["@plots.plot(size=(90, 60))\n@{}\n", "@{}\n@plots.plot(size=(90, 60))\n"])
def test_a_harmless_decorator_stays(module, order, decorator):
    shop = module(GUARDS + order.format(decorator) + "def f(ax=None, n: int = 1):\n    import matplotlib.pyplot as plt\n    plt.plot([1, 2])\n")  # fmt: skip
    client = make_app(shop, testing=True, here=False).test_client()
    for _ in range(2):
        assert client.get("/plots/f?n=2").status_code == 200


@pytest.mark.parametrize(
    "decorator", ["login_required", "admin_required", "AdminRequired", "unnamed", "flaskr_login"]
)
def test_a_guard_above_a_plot_is_refused(module, decorator):
    shop = module(GUARDS + f"@{decorator}\n@plots.plot\ndef f(ax): ...\n")
    with pytest.raises(
        BadRegistration, match=r"above @plots\.plot, which guards nothing.*decorators=\(login_required"
    ):
        make_app(shop)


@pytest.mark.parametrize("decorator", ["login_required", "unnamed"])
def test_a_guard_above_a_plot_in_the_apps_module_is_said_by_the_first_request(module, decorator):
    text = GUARDS.replace("plots = Plots()", 'app = Flask("host")\nplots = Plots(app)')
    shop = module(text + f"@{decorator}\n@plots.plot\ndef f(ax): ...\n")
    shop.app.testing = True
    with pytest.raises(BadRegistration, match="guards nothing"):
        shop.app.test_client().get("/plots/f")


def test_a_view_that_is_guarded_and_calls_a_plots_function_is_none_of_our_business(module):
    shop = module(
        GUARDS
        + "@plots.plot(size=(90, 60))\ndef f(ax): ax.plot([1, 2])\n@login_required\ndef view():\n    return f(None)\n"
    )
    assert make_app(shop, testing=True, here=False).test_client().get("/plots/f").status_code == 200


def test_a_partial_is_a_plot_like_any(module):
    shop = module(
        GUARDS + "def g(ax, n: int): ax.plot([1, n])\n"
        "f = functools.update_wrapper(functools.partial(g, n=3), g)\nplots.plot('f', size=(90, 60))(f)\n"
        "h = functools.update_wrapper(functools.partial(admin_required(g), n=3), admin_required(g))\n"
    )
    assert make_app(shop, testing=True, here=False).test_client().get("/plots/f?n=3").status_code == 200
    with pytest.raises(BadRegistration, match="uses the request"):
        shop.plots.plot("h")(shop.h)


BODIES = {
    "request.args.get('n')": True,
    "session['user']": True,
    "current_user.get_id()": True,
    "flask.request.path": True,
    "flask.globals.session.get('n')": True,
    "[n for n in range(3) if current_user.id == n]": True,
    "(lambda: request.path)()": True,
    "tenant.upper()": True,
    "__import__('flask').request": False,  # nobody writes that
    "current_app.config['n']": False,
    "g.get('n')": False,
    "flask.current_app.session": False,
    "store.session": False,
    "store.request": False,
    "db.query()": False,
    "job.name": False,
    "has_request_context()": False,
}


@pytest.mark.parametrize("body", BODIES)
def test_a_plot_that_looks_at_the_request_is_refused_and_one_at_the_app_is_not(module, body):
    text = GUARDS + f"@plots.plot\ndef f(ax):\n    ax.set_title(str({body}))\n"
    if BODIES[body]:
        with pytest.raises(BadRegistration, match="uses the request"):
            module(text)
    else:
        module(text)


def test_what_a_plot_imports_itself_is_seen_too(module):
    text = GUARDS + "@plots.plot\ndef f(ax):\n    from flask import {}\n    ax.set_title(str(g))\n"
    with pytest.raises(BadRegistration, match="uses the request"):
        module(text.format("g, request"))
    module(text.format("g, current_app"), "another")


@pytest.mark.parametrize("name", ["flaskr", "flask_shop", "flasky_plots"])
def test_an_authors_own_package_may_be_named_after_flask(module, name):
    shop = module(GUARDS + "@plots.plot(size=(90, 60))\n@timed\ndef f(ax): ax.plot([1, 2])\n", name)
    assert make_app(shop, testing=True, here=False).test_client().get("/plots/f").status_code == 200


def test_a_decorator_of_an_extension_of_flasks_is_for_views(module):
    module("from functools import wraps\ndef guard(function):\n    @wraps(function)\n    def inner(**values):\n"
           "        return function(**values)\n    return inner\n", "flask_guard")  # fmt: skip
    with pytest.raises(BadRegistration, match="uses the request"):
        module(GUARDS + "from flask_guard import guard\n@plots.plot\n@guard\ndef f(ax): ...\n")


def test_functions_that_views_and_plots_share_are_seen_without_an_app_or_a_request(module):
    """Looking at a proxy must not look through it."""
    shop = module(GUARDS + "@plots.plot\ndef f(ax, n: int = 1):\n    db.query(current_app, g, n)\n")
    assert shop.plots.url("f", n=2) == "/plots/f?n=2"


def test_guards_and_users_with_a_render_server(render_server, module):
    shop = module(SHOP)
    app = make_app(
        shop,
        login=True,
        here=False,
        decorators=(login_required,),
        authorize=lambda *_: current_user.id != "eve",
    )
    ann, eve, stranger = reader(app, "ann"), reader(app, "eve"), reader(app)
    for address in ("/plots/sales/revenue", "/plots/my/orders", "/plots/mine?n=2"):
        replies = [ann.get(address) for _ in range(3)]
        assert {reply.status_code for reply in replies} == {200}
        headers = {"If-None-Match": replies[0].headers["ETag"]}
        assert ann.get(address, headers=headers).status_code == 304
        assert eve.get(address, headers=headers).status_code == 403
        assert stranger.get(address, headers=headers).status_code == 302
        benedict = reader(app, "benedict").get(address)
        assert (benedict.data == replies[0].data) is ("sales" in address)
    assert shop.loaded == []  # not here


def test_a_401_says_how_to_become_somebody_and_forbidden_plots_are_not_counted_by_name(shop):
    client = make_app(
        shop, user=lambda: None, authorize=lambda *_: True, serve=("plots", "ops")
    ).test_client()
    reply = client.get("/plots/my/orders")
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Session")
    assert "orders" not in client.get("/metrics").text
