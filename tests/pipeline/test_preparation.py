"""From an incoming request to the picture that it means, by whatever way it came in."""

import pytest

from plotroute.errors import Forbidden, InvalidParameters
from plotroute.pipeline import IncomingRequest
from plotroute.routing import routes
from sketches import World


@pytest.fixture
def world():
    return World()


def incoming(world, path, **fields):
    """Return a request for the plot at `path`."""
    manifest = world.pipeline.manifest()
    return IncomingRequest(manifest=manifest, match=routes.resolve(manifest, path), **fields)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ([("n", "5"), ("method", "cubic")], {"n": 5, "method": "cubic"}),
        ([], {}),
        ([("n", "9")], {}),
        ([("width", "300"), ("theme", "dark")], {"theme": "dark", "width": 300}),
    ],
)
def test_a_url_json_and_python_mean_one_picture(world, query, parameters):
    requests = [
        world.pipeline.prepare(incoming(world, "/plots/line", query=query)),
        world.pipeline.prepare(incoming(world, "/plots/line", body=parameters)),
        world.pipeline.by_name("line", dict(parameters)),
    ]
    assert len({request.key for request in requests}) == 1
    assert requests[0].job == requests[1].job == requests[2].job


@pytest.mark.parametrize(
    ("path", "format", "expected"),
    [
        ("/plots/line", None, ("png", False)),
        ("/plots/line", "png", ("png", True)),
        ("/plots/line", "webp", ("webp", True)),
        ("/plots/line.svg", None, ("svg", True)),
        ("/plots/line.png", None, ("png", True)),
        ("/timed.svg", None, ("svg", True)),
    ],
)
def test_a_format_is_explicit_where_the_address_or_the_caller_names_one(world, path, format, expected):
    job = world.pipeline.prepare(incoming(world, path, format=format)).job
    assert (job.format, job.explicit_format) == expected


def test_the_checked_values_without_options_are_asked_for_permission(world):
    asked = []
    request = incoming(world, "/plots/line", query=[("n", "5"), ("width", "300")], allow=asked.append)
    world.pipeline.prepare(request)
    assert asked == [{"method": "linear", "n": 5}]


def test_a_refused_request_looks_up_no_version(world):
    def refuse(values):
        raise Forbidden("no")

    world.renderer.unknown.add("polled")
    with pytest.raises(Forbidden):
        world.pipeline.prepare(incoming(world, "/plots/watched", allow=refuse))
    assert world.renderer.unknown == {"polled"}


def test_wrong_values_are_told_before_permission_is_asked_for(world):
    asked = []
    with pytest.raises(InvalidParameters):
        world.pipeline.prepare(incoming(world, "/plots/line", query=[("n", "x")], allow=asked.append))
    assert asked == []


def test_the_request_id_travels_with_the_job(world):
    assert world.pipeline.prepare(incoming(world, "/plots/line", request_id="mine")).job.request_id == "mine"
