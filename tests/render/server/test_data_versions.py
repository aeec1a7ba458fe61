"""Which data is due to be found out again, on a clock that only the test moves."""

import json
import os

import pytest

from plotroute.data import freshness
from plotroute.data.opened_files import state as state_of
from plotroute.model import DatasetRef
from plotroute.render.messages import FoundVersion
from plotroute.render.server.data_versions import KnownVersions
from sketches import Clock

POLLED, CONTENT = DatasetRef("polled", {"region": "EU"}), DatasetRef("content")
POLL = {"polled": 2.0}


@pytest.fixture
def clock():
    return Clock(1_700_000_000.0)


@pytest.fixture
def versions(clock):
    return KnownVersions(clock)


def learn(versions, ref, version="v1", files=None):
    """Learn a version as it comes: through JSON."""
    sent = json.loads(json.dumps({"version": version, "files": files or {}}))
    versions.learn(ref, FoundVersion(**sent))


def known(versions):
    """Return what web processes are sent: id of data → its version, and when it was learned."""
    return versions.news("code").versions


def test_what_was_learned_is_told_with_its_time(versions, clock):
    assert known(versions) == {}
    versions.use(CONTENT)
    assert known(versions) == {}  # asked for, and not found out yet
    learn(versions, CONTENT, "content:1")
    clock.now += 5
    learn(versions, POLLED, "polled:1")
    assert known(versions) == {
        "content": ("content:1", clock.now - 5),
        'polled?region="EU"': ("polled:1", clock.now),
    }
    learn(versions, CONTENT, "content:2")
    assert known(versions)["content"] == ("content:2", clock.now)


def test_after_a_change_of_the_code_nothing_is_known(versions, clock):
    learn(versions, POLLED)
    versions.forget()
    assert known(versions) == {}
    clock.now += 100
    assert versions.due(POLL) == []


def test_a_declared_version_is_polled_as_often_as_declared(versions, clock):
    versions.use(POLLED)
    assert versions.due(POLL) == []  # whoever used it has it found out
    learn(versions, POLLED)
    clock.now += 1.9
    assert versions.due(POLL) == []
    clock.now += 0.1
    assert versions.due(POLL) == [("poll", POLLED)]
    learn(versions, POLLED)
    assert versions.due(POLL) == []


def test_data_without_a_version_is_loaded_again_after_a_while(versions, clock):
    learn(versions, CONTENT)
    clock.now += freshness.RELOAD_AFTER - 1
    assert versions.due(POLL) == []
    clock.now += 1
    assert versions.due(POLL) == [("reload", CONTENT)]
    learn(versions, CONTENT)
    assert versions.due(POLL) == []


def test_each_instance_of_a_dataset_is_due_on_its_own(versions, clock):
    other = DatasetRef("polled", {"region": "US"})
    learn(versions, POLLED)
    clock.now += 1
    learn(versions, other)
    clock.now += 1
    assert versions.due(POLL) == [("poll", POLLED)]
    clock.now += 1
    assert versions.due(POLL) == [("poll", POLLED), ("poll", other)]


@pytest.mark.parametrize("change", ["saved", "removed", "touched", "replaced"])
def test_data_is_due_as_soon_as_a_file_of_it_changes(versions, tmp_path, change):
    file, other = tmp_path / "sales.csv", tmp_path / "other.csv"
    file.write_text("1,2")
    other.write_text("3,4")
    learn(versions, CONTENT, files={str(file): state_of(str(file)), str(other): state_of(str(other))})
    assert versions.due(POLL) == []
    if change == "saved":
        file.write_text("1,2,3")
    elif change == "removed":
        file.unlink()
    elif change == "touched":
        os.utime(file, ns=(1, 1))
    else:
        new = tmp_path / "new.csv"
        new.write_text("9,9")
        os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        new.replace(file)
    assert versions.due(POLL) == [("reload", CONTENT)]


def test_a_file_that_was_missing_and_appears_is_a_change(versions, tmp_path):
    file = tmp_path / "late.csv"
    learn(versions, CONTENT, files={str(file): None})
    assert versions.due(POLL) == []
    file.touch()
    assert versions.due(POLL) == [("reload", CONTENT)]


def test_a_path_that_no_file_can_have_is_no_error(versions):
    learn(versions, CONTENT, files={"\0": None})
    assert versions.due(POLL) == []


def test_files_do_not_matter_where_a_version_is_declared(versions, tmp_path):
    learn(versions, POLLED, files={str(tmp_path / "gone.csv"): [1, 2, 3]})
    assert versions.due(POLL) == []


def test_what_nobody_uses_is_forgotten(versions, clock):
    for ref in (POLLED, CONTENT):
        versions.use(ref)
        learn(versions, ref)
    clock.now += freshness.WATCHED_FOR / 2
    versions.use(CONTENT)
    clock.now += freshness.WATCHED_FOR / 2 + 1
    assert versions.due(POLL) == [("reload", CONTENT)]
    assert list(known(versions)) == ["content"]
    clock.now += freshness.WATCHED_FOR
    assert versions.due(POLL) == []
    assert known(versions) == {}


def test_finding_out_is_not_using(versions, clock):
    """Or data that is polled would keep itself alive."""
    versions.use(POLLED)
    learn(versions, POLLED)
    for _ in range(20):
        clock.now += freshness.WATCHED_FOR / 10
        for _, ref in versions.due(POLL):
            learn(versions, ref)
    assert known(versions) == {}
