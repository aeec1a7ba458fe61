"""The gate: each answer about a plot passes it once, for the request that gets the answer, ready or not."""

import pytest
from flask import Flask

from plotroute.errors import Forbidden
from sketches import World

ADDRESSES = {
    "a picture": ("/plots/line?n=2", 200, {"n": 2}),
    "another format": ("/plots/line.svg", 200, {"n": 9}),
    "a document": ("/plots/line.schema.json", 200, {}),
    "what is wrong with a request": ("/plots/line?m=2", 400, {}),
}
EACH = pytest.mark.parametrize(("address", "status", "values"), ADDRESSES.values(), ids=ADDRESSES)


class Turnstile:
    """A rule that notes what passes, and refuses readers by a header of their request."""

    def __init__(self) -> None:
        self.passed = []

    def __call__(self, environ, plot, values) -> None:
        if environ.get("HTTP_X_READER") == "stranger":
            raise Forbidden("Not for strangers")
        self.passed.append((plot.name, dict(values)))


@pytest.fixture(params=["ready answers first", "every answer by Flask"])
def world(request):
    turnstile = Turnstile()
    made = World(front=request.param == "ready answers first", rules=(turnstile,))
    made.turnstile = turnstile
    return made


@EACH
def test_each_answer_passes_once(world, address, status, values):
    for number in range(1, 4):
        assert world.get(address).status_code == status
        assert [name for name, _ in world.turnstile.passed] == ["line"] * number
    assert {name: world.turnstile.passed[0][1].get(name) for name in values} == values


@EACH
def test_a_refused_reader_gets_no_answer_that_others_have_made_ready(world, address, status, values):
    etag = [world.get(address).headers.get("ETag") for _ in range(3)][-1]
    for headers in ({}, {"If_None_Match": etag or '"x"'}):
        world.get(address, **headers)
        refused = world.get(address, X_Reader="stranger", **headers)
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        assert "ETag" not in refused.headers
    assert world.get(address).status_code == status


def test_a_ready_answer_is_refused_without_being_lost():
    world = World(rules=(Turnstile(),))
    for _ in range(3):
        world.get("/plots/line")
    assert world.get("/plots/line", X_Reader="stranger").status_code == 403
    assert world.answered_without_flask("GET", "/plots/line", {})


def test_an_app_asks_for_access_before_a_ready_answer(module):
    source = """
        from PIL import Image
        from plotroute import Plots
        plots = Plots()

        @plots.plot(ttl="1h")
        def square():
            return Image.new("RGB", (20, 20))
        """
    asked, allowed = [], [True]

    def authorize(name, values):
        asked.append(name)
        return allowed[0]

    app = Flask("shop", static_folder=None)
    app.config["PLOTROUTE_RENDER_MODE"] = "inprocess"
    module(source).plots.init_app(app, authorize=authorize)
    client = app.test_client()
    for _ in range(3):
        assert client.get("/plots/square").status_code == 200
    assert len(asked) == 3
    allowed[0] = False
    assert client.get("/plots/square").status_code == 403
