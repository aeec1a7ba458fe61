"""The keys of a request, until when its picture is worth keeping, and the validity of its response."""

import math
from dataclasses import replace

import pytest

from plotroute.data import freshness
from plotroute.model import DatasetRef
from plotroute.pipeline.requests import IncomingRequest, Validity
from plotroute.routing import routes
from sketches import World


@pytest.fixture
def world():
    return World()


def wanted(world, path, *query):
    """Return the picture that a request means."""
    manifest = world.pipeline.manifest()
    match = routes.resolve(manifest, path)
    return world.pipeline.prepare(IncomingRequest(manifest=manifest, match=match, query=query))


# Keys


def test_the_same_request_has_the_same_keys(world):
    one, other = wanted(world, "/plots/line"), wanted(world, "/plots/line", ("n", "9"), ("_", "1"))
    assert (one.key, one.request_key, one.etag) == (other.key, other.request_key, other.etag)


def test_other_data_is_another_picture_and_the_same_request(world):
    before = wanted(world, "/plots/watched")
    world.renderer.states["polled"] = "second"
    after = wanted(world, "/plots/watched")
    assert after.key != before.key
    assert after.request_key == before.request_key


@pytest.mark.parametrize(
    "other",
    [
        ("/plots/watched", ("region", "US")),
        ("/plots/watched", ("width", "300")),
        ("/plots/watched", ("theme", "dark")),
        ("/plots/watched.png",),
        ("/plots/watched.svg",),
        ("/plots/kept/keyed",),
    ],
    ids=str,
)
def test_another_picture_is_another_request(world, other):
    assert wanted(world, *other).request_key != wanted(world, "/plots/watched").request_key


def test_new_code_and_a_purge_make_other_requests(world):
    requests = [wanted(world, "/plots/watched").request_key]
    world.renderer.reload("second")
    requests.append(wanted(world, "/plots/watched").request_key)
    world.storage.purge("watched")
    requests.append(wanted(world, "/plots/watched").request_key)
    world.storage.purge("line")
    requests.append(wanted(world, "/plots/watched").request_key)
    assert len(set(requests)) == 3
    assert requests[2] == requests[3]


def test_a_picture_is_named_after_the_data_that_it_was_drawn_from(world):
    request = wanted(world, "/plots/watched")
    assert request.key_for(request.job.versions) == request.key
    assert request.key_for({'polled?region="EU"': "state:second"}) != request.key


@pytest.mark.parametrize(
    ("path", "known"),
    [("/plots/line", True), ("/plots/kept/keyed", True), ("/timed.svg", False), ("/plots/live", False)],
)
def test_the_etag_is_known_before_anything_is_drawn_where_it_is_the_key(world, path, known):
    request = wanted(world, path)
    assert request.etag == (f'W/"{request.key}"' if known else None)


def test_a_download_is_the_same_picture(world):
    one, other = wanted(world, "/plots/line"), wanted(world, "/plots/line", ("download", "1"))
    assert (one.download, other.download) == (False, True)
    assert one.key == other.key


# Until when a stored picture is worth keeping


def worth_until(world, path, expires_at=None):
    """Return the seconds from now until which a cache should keep the picture; None: unknown."""
    found = wanted(world, path).worth_until(expires_at, world.clock.now)
    return None if found is None else found - freshness.SKEW - world.clock.now


@pytest.mark.parametrize("path", ["/plots/line", "/plots/watched", "/plots/loaded", "/plots/kept/keyed"])
def test_a_picture_of_data_that_may_come_back_is_kept_as_long_as_there_is_room(world, path):
    assert worth_until(world, path) is None


def test_a_picture_of_a_bucket_is_worth_nothing_when_it_has_turned(world):
    left = worth_until(world, "/plots/turning")
    assert 0 < left <= 600
    before = wanted(world, "/plots/turning").key
    world.clock.now += left - 0.01
    assert wanted(world, "/plots/turning").key == before
    world.clock.now += 0.02
    assert wanted(world, "/plots/turning").key != before


@pytest.mark.parametrize(("path", "seconds"), [("/timed.svg", 100), ("/plots/kept/timed", 100 + 600)])
def test_an_expired_picture_is_worth_keeping_while_it_may_be_shown_stale(world, path, seconds):
    assert worth_until(world, path, world.clock.now + 100) == pytest.approx(seconds)


@pytest.mark.parametrize("path", ["/plots/turning", "/timed.svg", "/plots/kept/timed", "/plots/line"])
def test_a_picture_is_stored_with_its_names_and_its_worth(world, path):
    world.get(path)
    request = wanted(world, path)
    found = world.cache.get(request.key)
    assert found.plot.split("\n") == list(request.plot.names)
    assert found.worth_until == request.worth_until(found.expires_at, world.clock.now)


# Until when a response is valid


def validity(world, path, *query, expires_at=None):
    return Validity.of(wanted(world, path, *query), expires_at)


def test_a_picture_of_constant_data_stands_until_the_code_changes_or_it_is_purged(world):
    found = validity(world, "/plots/line")
    assert (found.versions, found.valid_until) == ((), math.inf)
    assert found.manifest is world.pipeline.manifest()
    assert world.pipeline.is_valid(found)
    world.storage.purge("line")
    assert not world.pipeline.is_valid(found)
    found = validity(world, "/plots/line")
    assert world.pipeline.is_valid(found)
    world.renderer.reload("first")  # the same code, told again: it may have other plots
    assert not world.pipeline.is_valid(found)


def test_data_that_must_be_looked_at_is_named_with_its_version(world):
    found = validity(world, "/plots/watched", ("region", "US"))
    assert found.versions == ((DatasetRef("polled", {"region": "US"}), "state:first"),)
    assert world.pipeline.is_valid(found)
    world.renderer.states["polled"] = "second"
    assert not world.pipeline.is_valid(found)
    world.renderer.states["polled"] = "first"
    assert world.pipeline.is_valid(found)
    world.renderer.unknown.add("polled")
    assert not world.pipeline.is_valid(found)


def test_a_bucket_stands_until_it_turns(world):
    found = validity(world, "/plots/turning")
    [spec] = [one for one in world.pipeline.manifest().datasets if one.name == "bucket"]
    assert found.versions == ()
    assert found.valid_until == freshness.turns_at(spec, DatasetRef("bucket"), world.clock.now)
    assert world.pipeline.is_valid(found)
    world.clock.now = found.valid_until
    assert not world.pipeline.is_valid(found)


def test_a_bucket_that_turned_while_the_request_was_prepared_has_no_validity(world):
    request = wanted(world, "/plots/turning")
    assert Validity.of(request, None)
    assert Validity.of(replace(request, at=request.at + 600), None) is None


def test_a_stored_picture_stands_until_it_expires(world):
    found = validity(world, "/timed.svg", expires_at=world.clock.now + 5)
    assert found.valid_until == world.clock.now + 5
    assert world.pipeline.is_valid(found)
    world.clock.now += 5
    assert not world.pipeline.is_valid(found)


def test_the_first_that_is_over_ends_it(world):
    found = validity(world, "/plots/turning", expires_at=world.clock.now + 0.001)
    assert found.valid_until == world.clock.now + 0.001


@pytest.mark.parametrize("path", ["/plots/weeks", "/plots/kept/keyed", "/plots/kept/timed"])
def test_ranges_of_time_and_stale_pictures_are_looked_at_every_second(world, path):
    assert validity(world, path).valid_until == math.floor(world.clock.now) + 1


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 0.999])
def test_no_validity_outlasts_the_moment_when_a_range_of_time_turns(world, fraction):
    # A second that all steps of whole seconds could end with: it belongs to the step before.
    world.clock.now = 1_700_000_001.0 + fraction
    request = wanted(world, "/plots/weeks")
    found = Validity.of(request, None)
    world.clock.now = 1_700_000_001.0 + 0.9995
    if wanted(world, "/plots/weeks").key != request.key:
        assert found is None or not world.pipeline.is_valid(found)


def test_a_request_knows_when_it_came_in(world):
    world.clock.now += 5
    assert wanted(world, "/plots/line").at == world.clock.now
