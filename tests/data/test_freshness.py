"""How long things stay true."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.data import freshness
from plotroute.model import DatasetRef, DatasetSpec

FOREVER = float("inf")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("10m", 600.0),
        ("PT1H", 3600.0),
        (600, 600.0),
        (0, 0.0),
        (0.5, 0.5),
        (timedelta(minutes=10), 600.0),
        ("forever", FOREVER),
    ],
)
def test_a_ttl_is_a_text_seconds_a_timedelta_or_forever(value, seconds):
    assert freshness.ttl(value) == seconds


@pytest.mark.parametrize(
    "value", ["", "ever", "-1s", -1, timedelta(seconds=-1), float("nan"), FOREVER, -FOREVER]
)
def test_a_ttl_that_is_no_duration_is_refused(value):
    with pytest.raises(ValueError, match="is not a duration"):
        freshness.ttl(value)


@pytest.mark.parametrize(
    ("ttl", "reads_data", "expected"),
    [
        (None, True, ("keyed", None)),
        (None, False, ("live", None)),
        (FOREVER, True, ("keyed", None)),
        (FOREVER, False, ("keyed", None)),
        (60.0, True, ("timed", 60.0)),
        (60.0, False, ("timed", 60.0)),
        (0.0, True, ("live", None)),
        (0.0, False, ("live", None)),
    ],
)
def test_a_plot_that_reads_nothing_is_live_unless_its_author_says_otherwise(ttl, reads_data, expected):
    assert freshness.plot_freshness(ttl, reads_data) == expected


def test_a_constant_version_never_changes():
    spec = DatasetSpec(name="orders", freshness="constant", version="2026-10")
    ref = DatasetRef("orders")

    assert freshness.known_version(spec, ref, 0.0) == freshness.known_version(spec, ref, 1e12)


def test_constants_of_different_texts_are_different_versions():
    specs = [DatasetSpec(name="orders", freshness="constant", version=text) for text in ("a", "b")]

    assert len({freshness.known_version(spec, DatasetRef("orders"), 0.0) for spec in specs}) == 2


@pytest.mark.parametrize("kind", ["polled", "content"])
def test_the_clock_does_not_know_the_version_of_data_that_must_be_looked_at(kind):
    assert (
        freshness.known_version(DatasetSpec(name="orders", freshness=kind), DatasetRef("orders"), 0.0) is None
    )


def bucket(name, now, ttl=600.0, **values):
    return freshness.known_version(
        DatasetSpec(name=name, freshness="bucket", ttl=ttl), DatasetRef(name, values), now
    )


def turns(name, start, seconds, **values):
    """The seconds at which the version of the dataset changes."""
    versions = [bucket(name, start + second, **values) for second in range(seconds + 1)]
    return [n for n in range(1, seconds + 1) if versions[n] != versions[n - 1]]


@given(st.integers(0, 4_000_000_000))
def test_a_bucket_turns_once_in_a_ttl(start):
    assert len(turns("orders", start, 600)) == 1


def test_a_bucket_turns_exactly_one_ttl_after_it_turned():
    [first, second] = turns("orders", 1_700_000_000, 1200)

    assert second - first == 600


def test_datasets_do_not_all_turn_at_once():
    assert len({turns(f"dataset_{n}", 0, 600)[0] for n in range(20)}) > 10
    assert turns("orders", 0, 600, region="EU") != turns("orders", 0, 600, region="US")


def test_a_version_of_one_ttl_is_none_of_another():
    assert bucket("orders", 0.0, ttl=60.0) != bucket("orders", 0.0, ttl=61.0)


def test_a_version_never_comes_again():
    versions = [bucket("orders", 600.0 * n) for n in range(1000)]

    assert len(set(versions)) == 1000


BUCKET = DatasetSpec(name="orders", freshness="bucket", ttl=600.0)


@given(
    st.floats(0, 4_000_000_000),
    st.sampled_from([0.5, 1.0, 7.0, 600.0, 86_400.0, 31_536_000.0]),
    st.sampled_from(["orders", "sales", "weather"]),
)
def test_a_bucket_lasts_until_it_turns_and_no_longer(now, ttl, name):
    spec, ref = DatasetSpec(name=name, freshness="bucket", ttl=ttl), DatasetRef(name)

    turns_at = freshness.turns_at(spec, ref, now)

    assert now <= turns_at <= now + ttl * 1.001
    # A clock in microseconds cannot tell moments apart that are closer.
    least = 2e-6
    version = freshness.known_version(spec, ref, now)
    assert freshness.known_version(spec, ref, turns_at + least) != version
    if turns_at - least > now:
        assert freshness.known_version(spec, ref, turns_at - least) == version


def test_each_instance_of_a_dataset_turns_at_its_own_time():
    refs = [DatasetRef("orders", {"region": region}) for region in ("EU", "US", "JP")]

    assert len({freshness.turns_at(BUCKET, ref, 1_700_000_000.0) for ref in refs}) == 3


@pytest.mark.parametrize(
    "spec",
    [
        DatasetSpec(name="orders", freshness="constant", version="1"),
        DatasetSpec(name="orders", freshness="polled"),
        DatasetSpec(name="orders", freshness="content"),
    ],
    ids=lambda spec: spec.freshness,
)
def test_what_the_clock_does_not_decide_never_turns_by_it(spec):
    assert freshness.turns_at(spec, DatasetRef("orders"), 1_700_000_000.0) == FOREVER


def test_a_change_shows_within_a_minute():
    assert freshness.RELOAD_AFTER < 60
    assert freshness.KNOWN_FOR <= 60


NOW = 10_000.0


@pytest.mark.parametrize(
    ("since", "until", "current"),
    [
        (NOW - 10, NOW + 10, True),
        (NOW - 10, NOW, False),
        (NOW - 10, NOW - 5, False),
        (NOW + freshness.SKEW, NOW + 100, True),  # made by a machine whose clock is ahead
        (NOW + freshness.SKEW + 1, NOW + 100, False),  # this clock was set back
        (NOW - 10, FOREVER, True),
    ],
)
def test_a_thing_is_current_until_its_time_is_over_or_its_age_unknown(since, until, current):
    assert freshness.is_current(since, until, NOW) is current


def test_a_version_is_believed_and_data_watched_for_a_while():
    assert freshness.is_believed(NOW, NOW + freshness.KNOWN_FOR - 1)
    assert not freshness.is_believed(NOW, NOW + freshness.KNOWN_FOR)
    assert freshness.is_watched(NOW, NOW + freshness.WATCHED_FOR)
    assert not freshness.is_watched(NOW, NOW + freshness.WATCHED_FOR + 1)


@pytest.mark.parametrize(
    ("age", "how"),
    [
        (9, {"poll": 10.0}),
        (60, {"poll": 100.0}),
        (100, {"poll": 10.0, "tried_at": NOW - 9}),
        (0, {}),
        (freshness.RELOAD_AFTER - 1, {}),
        (60, {"tried_at": NOW - freshness.RETRY_AFTER + 1}),
        (9, {"changed": lambda: True, "tried_at": NOW - freshness.RETRY_AFTER + 1}),
    ],
)
def test_a_version_that_was_found_or_failed_lately_is_left_alone(age, how):
    assert freshness.refresh(NOW - age, NOW, **how) is None


@pytest.mark.parametrize(
    ("age", "how", "expected"),
    [
        (10, {"poll": 10.0}, "poll"),
        (FOREVER, {"poll": 10.0}, "poll"),
        (100, {"poll": 10.0, "tried_at": NOW - 10}, "poll"),
        (freshness.RELOAD_AFTER, {}, "reload"),
        (1, {"changed": lambda: True}, "reload"),
        (60, {"tried_at": NOW - freshness.RETRY_AFTER}, "reload"),
    ],
)
def test_a_version_is_found_again_as_it_was_declared(age, how, expected):
    assert freshness.refresh(NOW - age, NOW, **how) == expected


def test_files_are_not_looked_at_where_time_decides():
    def looked():
        raise AssertionError

    assert freshness.refresh(NOW - 60, NOW, changed=looked) == "reload"
    assert freshness.refresh(NOW - 1, NOW, changed=looked, poll=10.0) is None
