"""Routes of plots beside routes of the app: nothing is taken from the app, whoever came first."""

import itertools

import pytest
from flask import Blueprint, Flask, url_for
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, PathConverter, RequestRedirect, Rule

from plotroute import Plots
from plotroute.errors import BadRegistration
from plotroute.routing.routes import resolve

FIRST = pytest.mark.parametrize("plots_first", [False, True], ids=["route first", "plots first"])

plots = Plots()
for path in ("sales/revenue", "of/<customer>/revenue", "/report.png", "/weekly/<week>"):

    @plots.plot(path, aliases=["old/name"] if path == "sales/revenue" else ())
    def plot(ax, customer: str = "", week: str = ""): ...


class Slug(BaseConverter):
    """As in many an app: a converter of its own."""

    regex = "[a-z]+-[a-z]+"


class Deep(BaseConverter):
    """One that reaches over slashes and is no `path`."""

    regex = "[a-z]+/[a-z]+"


class Everything(PathConverter):
    """A `path` by another name."""


CONVERTERS = {"slug": Slug, "deep": Deep, "everything": Everything}


def make_app():
    app = Flask("host", static_folder=None)
    app.url_map.converters.update(CONVERTERS)
    return app


def with_route(rule, plots_first, mount=None, **options):
    """Return an app with a route of its own, and plots."""
    app = make_app()
    mount = mount or plots.init_app
    if plots_first:
        mount(app)
    app.add_url_rule(rule, "own", lambda **_: "own", **options)
    if not plots_first:
        mount(app)
    return app


# Which routes are refused


@FIRST
@pytest.mark.parametrize(
    "rule",
    [
        "/plots/sales/revenue",
        "/plots/sales/revenue/",  # asked without its slash, it redirects
        "/plots/sales/revenue.png",
        "/plots/sales/revenue.schema.json",
        "/plots/old/name.webp",
        "/plots/sales/<name>",
        "/plots/sales/<name>/",
        "/plots/<topic>/<name>",
        "/<a>/<b>/<c>",
        "/plots/sales/<string(length=7):name>",
        "/plots/sales/<name>.svg",
        "/plots/sales/rev<rest>",
        "/plots/<any(sales, costs):topic>/revenue",
        "/plots/of/<who>/revenue",
        "/plots/of/<int:id>/revenue",
        "/plots/of/<who>/revenue.pdf",
        "/plots/of/<who>/<what>",
        "/report.png",
        "/<name>.png",
        "/report.png.schema.json",
        "/weekly/<int:number>",
        "/weekly/<slug:name>",
        "/<deep:x>/revenue",
    ],
)
def test_a_route_that_answers_an_address_of_a_plots_is_refused(rule, plots_first):
    with pytest.raises(BadRegistration) as caught:
        with_route(rule, plots_first)
    for words in (rule, "'own'", "The plot", "url_prefix="):
        assert words in str(caught.value)


@FIRST
@pytest.mark.parametrize(
    ("rule", "address"),
    [
        ("/plots", "/plots"),
        ("/plots/", "/plots/"),
        ("/plots/sales", "/plots/sales"),
        ("/plots/sales/revenue/today", "/plots/sales/revenue/today"),
        ("/plots/sales/revenue.gif", "/plots/sales/revenue.gif"),
        ("/plots/sales/revenue.json", "/plots/sales/revenue.json"),
        ("/plots/sales/<int:year>", "/plots/sales/2024"),
        ("/plots/sales/<float:share>", "/plots/sales/0.5"),
        ("/plots/sales/<uuid:id>", "/plots/sales/12345678-1234-5678-1234-567812345678"),
        ("/plots/sales/<slug:name>", "/plots/sales/of-mine"),
        ("/plots/sales/<string(length=3):name>", "/plots/sales/abc"),
        ("/plots/sales/<any(costs, bills):name>", "/plots/sales/costs"),
        ("/<any(de, en):lang>/<a>/<b>", "/de/sales/revenue"),
        ("/plots/of/nobody/revenue", "/plots/of/nobody/revenue"),
        ("/plots/of/nobody/<what>", "/plots/of/nobody/revenue"),
        ("/plots/of/nobody/<what>", "/plots/of/nobody/revenue.png"),
        ("/weekly/report", "/weekly/report"),
        ("/weekly/report.png", "/weekly/report.png"),
        ("/<name>.html", "/report.html"),
        ("/plots/<deep:x>/y", "/plots/a/b/y"),
    ],
)
def test_a_route_that_answers_none_or_is_the_more_exact_stays(rule, address, plots_first):
    app = with_route(rule, plots_first)
    assert app.test_client().get(address).text == "own"


@FIRST
@pytest.mark.parametrize(
    "rule", ["/<path:page>", "/plots/<path:page>", "/plots/sales/<path:page>", "/<everything:page>"]
)
def test_a_catch_all_gives_way_to_the_addresses_of_plots_alone(rule, plots_first):
    adapter = with_route(rule, plots_first).url_map.bind("localhost")
    assert adapter.match("/plots/sales/revenue")[0] == "plots.sales/revenue"
    assert adapter.match("/plots/sales/revenue.png")[0] == "plots.sales/revenue"
    for address in ("/plots/sales/revenue.gif", "/plots/sales/revenue/", "/plots/sales/revenue/more"):
        assert adapter.match(address)[0] == "own"


@FIRST
def test_other_methods_at_the_same_address_are_no_concern(plots_first):
    app = with_route("/plots/sales/revenue", plots_first, methods=["POST", "DELETE"])
    adapter = app.url_map.bind("localhost")
    assert adapter.match("/plots/sales/revenue", "POST")[0] == "own"
    assert adapter.match("/plots/sales/revenue", "GET")[0] == "plots.sales/revenue"
    allowed = app.test_client().options("/plots/sales/revenue").headers["Allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "OPTIONS", "POST", "DELETE"}


@FIRST
@pytest.mark.parametrize("methods", [["POST"], ["GET"], ["HEAD"]])
def test_adhoc_plots_are_asked_by_post_too(plots_first, methods):
    with pytest.raises(BadRegistration, match=r"/plot\.png"):
        with_route(
            "/plot.png", plots_first, lambda app: plots.init_app(app, serve=("adhoc",)), methods=methods
        )


@FIRST
@pytest.mark.parametrize("methods", [["HEAD"], ["OPTIONS"]])
def test_a_route_for_what_flask_answers_by_itself_elsewhere_is_refused(plots_first, methods):
    with pytest.raises(BadRegistration):
        with_route("/plots/sales/revenue", plots_first, methods=methods)


@FIRST
@pytest.mark.parametrize(
    "address", ["/plots", "/plots.json", "/healthz", "/readyz", "/metrics", "/plot.png", "/a/b/plot.png"]
)
def test_pages_of_plotroutes_are_refused_where_the_app_has_them(plots_first, address):
    mount = {"/plot.png": "adhoc", "/a/b/plot.png": "adhoc"}.get(
        address, "gallery" if "plots" in address else "ops"
    )
    rule = address.replace("/a/b/", "/<x>/<y>/")

    def init(app):
        plots.init_app(app, serve=(mount,))

    with pytest.raises(BadRegistration, match=mount if mount != "adhoc" else "plot"):
        with_route(rule, plots_first, init)
    assert with_route(rule, plots_first).test_client().get(address).text == "own"  # where it is not served


@FIRST
def test_routes_of_blueprints_are_routes_of_the_app(plots_first):
    def register(app):
        blueprint = Blueprint("sales", "host")
        blueprint.add_url_rule("/revenue", "revenue", lambda: "own")
        inner = Blueprint("inner", "host", url_prefix="/plots")
        inner.register_blueprint(blueprint, url_prefix="/sales")
        app.register_blueprint(inner)

    app = make_app()
    steps = [plots.init_app, register] if plots_first else [register, plots.init_app]
    steps[0](app)
    with pytest.raises(BadRegistration, match=r"'inner\.sales\.revenue'"):
        steps[1](app)


def test_a_route_that_is_put_into_the_map_itself_is_seen_too():
    app = make_app()
    plots.init_app(app)
    with pytest.raises(BadRegistration):
        app.url_map.add(Rule("/plots/sales/<name>", endpoint="own"))
    app.url_map.add(Rule("/plots/sales/<int:name>", endpoint="own"))


def test_the_error_shows_the_line_that_adds_the_route():
    app = make_app()
    plots.init_app(app)
    with pytest.raises(BadRegistration) as caught:

        @app.get("/plots/sales/<name>")
        def own(name): ...

    assert '@app.get("/plots/sales/<name>")' in str(caught.traceback[0].statement)


@FIRST
def test_a_prefix_moves_plots_out_of_the_way(plots_first):
    app = with_route(
        "/plots/sales/<name>", plots_first, lambda app: plots.init_app(app, url_prefix="/charts")
    )
    assert app.test_client().get("/plots/sales/revenue").text == "own"
    with pytest.raises(BadRegistration, match="/charts/plots/sales/revenue"):
        with_route(
            "/charts/plots/sales/<name>", plots_first, lambda app: plots.init_app(app, url_prefix="/charts")
        )


@FIRST
def test_slashes_are_as_strict_as_plots_are_whatever_the_app_likes(plots_first):
    app = make_app()
    app.url_map.strict_slashes = False
    if plots_first:
        plots.init_app(app)
    app.add_url_rule("/own/", "own", lambda: "own")
    if not plots_first:
        plots.init_app(app)
    adapter = app.url_map.bind("localhost")
    assert adapter.match("/own")[0] == "own"
    assert adapter.match("/plots/sales/revenue")[0] == "plots.sales/revenue"
    with pytest.raises(HTTPException):
        adapter.match("/plots/sales/revenue/")
    with pytest.raises(BadRegistration):
        app.add_url_rule("/plots/sales/revenue/", "slash", lambda: "")


@FIRST
def test_a_default_subdomain_is_the_plots_too(plots_first):
    app = Flask("host", subdomain_matching=True)
    app.url_map.default_subdomain = "www"
    steps = [plots.init_app, lambda app: app.add_url_rule("/plots/sales/revenue", "own", lambda: "")]
    if not plots_first:
        steps.reverse()
    steps[0](app)
    with pytest.raises(BadRegistration):
        steps[1](app)


# Whatever the routes and the plots are

SEGMENTS = [
    "plots",
    "sales",
    "7",
    "a-b",
    "revenue",
    "x.png",
    "revenue.png",
    "revenue.schema.json",
    "-1",
    "0.5",
]
VARIABLES = ["<{}>", "<int:{}>", "<slug:{}>", "<any(sales, revenue):{}>", "<string(maxlength=3):{}>", "x<{}>",
             "<{}>.png", "rev<{}>", "<float(signed=True):{}>", "<int(signed=True):{}>", "<deep:{}>"]  # fmt: skip

segments = st.sampled_from([*SEGMENTS, *VARIABLES])


@st.composite
def routes(draw):
    """Draw a route of an app, and its methods."""
    parts = draw(st.lists(segments, min_size=1, max_size=4))
    named = [part.format(f"v{number}") for number, part in enumerate(parts)]
    end = draw(st.sampled_from(["", "", "", "/"]))
    return "/" + "/".join(named) + end, draw(
        st.sampled_from([["GET"], ["GET", "POST"], ["POST"], ["OPTIONS"]])
    )


@st.composite
def paths(draw):
    """Draw the path of a plot, as an author writes it."""
    parts = draw(
        st.lists(st.sampled_from(["sales", "revenue", "7", "a-b", "<p>", "x"]), min_size=1, max_size=3)
    )
    named = [part.replace("p", f"p{number}") if "<" in part else part for number, part in enumerate(parts)]
    root = draw(st.sampled_from(["", "", "/", "/plots/"]))
    end = draw(st.sampled_from(["", "", ".png"])) if "<" not in named[-1] else ""
    return root + "/".join(named) + end


def collection(path):
    """Return Plots with a plot at `path`."""
    found = Plots.__new__(Plots)
    found.__dict__.update({**vars(plots), "registry": type(plots.registry)(plots.registry.root)})
    names = [part[1:-1] for part in path.split("/") if part.startswith("<")]
    space = {"__name__": "made"}
    exec(f"def drawn(ax, {', '.join(f'{name}: str' for name in names)}): ...", space)
    found.plot(path)(space["drawn"])
    return found


ADDRESSES = ["/" + "/".join(parts) for n in (1, 2, 3) for parts in itertools.product(SEGMENTS, repeat=n)]
ADDRESSES += [f"/plots/sales/{a}/{b}" for a in SEGMENTS for b in SEGMENTS]
ADDRESSES += [address + "/" for address in ADDRESSES if "sales" in address or "revenue" in address]


def answers(app, addresses=ADDRESSES):
    """Return which of many requests the app's own route answers: (method, address) → what comes of it."""
    adapter = app.url_map.bind("localhost")
    found = {}
    for address in addresses:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            try:
                endpoint, values = adapter.match(address, method)
                if endpoint == "own":
                    found[method, address] = values
            except RequestRedirect as redirect:
                found[method, address] = redirect.new_url
            except MethodNotAllowed:
                pass
            except HTTPException:
                pass
    return found


@settings(max_examples=60, deadline=None)
@given(route=routes(), path=paths(), plots_first=st.booleans())
@example(route=("/plots/<any(sales, revenue):a>/<b>", ["GET"]), path="<p0>/x", plots_first=True)
@example(route=("/<a>/", ["GET"]), path="/x", plots_first=False)
def test_every_request_that_the_apps_route_answered_it_still_answers(route, path, plots_first):
    rule, methods = route
    alone = make_app()
    alone.add_url_rule(rule, "own", lambda **_: "", methods=methods)
    found = collection(path)
    try:
        app = with_route(rule, plots_first, found.init_app, methods=methods)
    except BadRegistration as error:
        assume("answered by the app's own route" in str(error))
        return
    before = answers(alone)
    # Flask answers OPTIONS for all of an address; which route it names it by is no matter.
    automatic = "OPTIONS" not in methods
    after = answers(app, {address for _, address in before})
    for (method, address), values in before.items():
        if not (automatic and method == "OPTIONS"):
            assert after.get((method, address)) == values, (method, address)
    # And the plot answers all else that is its own.
    adapter = app.url_map.bind("localhost")
    manifest = app.extensions["plotroute"]["plots"].complete()
    for address in ADDRESSES:
        if ("GET", address) not in before and resolve(manifest, address):
            assert adapter.match(address)[0].startswith("plots."), address


def test_the_order_makes_no_difference():
    """Either way of registering is refused, or neither."""
    for rule, path in itertools.product(
        (
            "/plots/<a>/revenue",
            "/plots/sales/<int:b>",
            "/plots/sales/revenue",
            "/<a>/<b>.png",
            "/plots/<path:p>",
        ),
        ("sales/revenue", "<c>/revenue", "/x/y", "sales/<c>"),
    ):
        refused = []
        for plots_first in (False, True):
            try:
                with_route(rule, plots_first, collection(path).init_app)
                refused.append(False)
            except BadRegistration:
                refused.append(True)
        assert len(set(refused)) == 1, (rule, path)


# Addresses that are implied give way

IMPLYING = Plots()


@IMPLYING.dataset(version="1")
def figures():
    return [1, 2]


@IMPLYING.dataset(version="1")
def budget():
    return [2, 1]


@IMPLYING.plot
def turnover(ax, figures, budget):
    ax.plot(figures, budget)


@FIRST
@pytest.mark.parametrize(
    ("rule", "taken", "left"),
    [
        ("/plots/turnover", ["/plots/turnover"], ["/plots/budget/turnover", "/plots/turnover.svg"]),
        ("/plots/<name>", ["/plots/turnover", "/plots/turnover.svg"], ["/plots/budget/turnover"]),
        ("/<a>/<b>/<c>", ["/plots/budget/turnover"], ["/plots/turnover"]),
        ("/<path:anything>", ["/else", "/plots/else"], ["/plots/turnover", "/plots/budget/turnover.svg"]),
    ],
)
def test_an_implied_address_gives_way_to_every_route_but_a_catch_all(rule, taken, left, plots_first):
    if rule == "/<a>/<b>/<c>":
        with pytest.raises(BadRegistration):  # the plot that is shown there does not give way
            with_route(rule, plots_first, IMPLYING.init_app)
        rule = "/<a>/budget/<c>"
    app = with_route(rule, plots_first, IMPLYING.init_app)
    app.testing = True
    client = app.test_client()

    assert [client.get(address).text for address in taken] == ["own"] * len(taken)
    answers = [client.get(address) for address in (*left, "/plots/figures/turnover")]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    plain = {
        a.data
        for a, address in zip(answers, (*left, "/plots/figures/turnover"), strict=True)
        if "." not in address
    }
    assert len(plain) == 1


def test_implied_addresses_can_be_built_by_their_names():
    app = make_app()
    IMPLYING.init_app(app, url_prefix="/charts")
    app.testing = True
    with app.test_request_context():
        built = [
            url_for("plots.figures/turnover"),
            url_for("plots.budget/turnover", width=300),
            url_for("plots.turnover", format="svg"),
        ]
    assert built == [
        "/charts/plots/figures/turnover",
        "/charts/plots/budget/turnover?width=300",
        "/charts/plots/turnover.svg",
    ]
    assert [app.test_client().get(address).status_code for address in built] == [200] * 3
