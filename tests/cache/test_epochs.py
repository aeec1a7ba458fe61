"""The epochs of plots, shared by processes."""

import errno
import os
import shutil

import pytest

from cache.conformance import EpochsConformance
from plotroute.cache import epochs
from plotroute.cache.epochs import FileEpochs
from plotroute.cache.folder import NotPrivate, PrivateFolder


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def make(directory):
    """Make the epochs of another process."""
    return lambda: FileEpochs(PrivateFolder(directory))


@pytest.fixture
def looking(monkeypatch):
    """Look every time, not every second."""
    monkeypatch.setattr(epochs, "_LOOK_EVERY", 0.0)


class TestFileEpochs(EpochsConformance):
    @pytest.fixture
    def epochs(self, make):
        return make()


def test_all_see_the_same_at_once_when_they_start(make):
    ours = make()
    ours.renew("sales")

    assert make().of("sales") == ours.of("sales") != ""


@pytest.mark.usefixtures("looking")
def test_every_change_is_seen_however_soon_it_follows_another(make):
    ours, theirs = make(), make()
    seen = {theirs.of("sales")}
    for _ in range(30):
        ours.renew("sales")
        seen.add(theirs.of("sales"))

    assert len(seen) == 31
    assert theirs.of("sales") == ours.of("sales")


@pytest.mark.usefixtures("looking")
def test_a_change_is_seen_where_the_file_system_has_one_time_for_two(make, directory):
    ours, theirs = make(), make()
    ours.renew("sales")
    before = theirs.of("sales")
    then = (directory / "epochs").stat().st_mtime_ns
    ours.renew("sales")
    os.utime(directory / "epochs", ns=(then, then))

    assert theirs.of("sales") != before


@pytest.mark.usefixtures("looking")
def test_what_cannot_be_read_now_is_read_later(make, directory, monkeypatch):
    make().renew("sales")
    os.utime(directory / "epochs", (1000, 1000))
    ours = make()

    def fail(folder, name):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(PrivateFolder, "open", fail)
        assert ours.of("sales") == ""

    assert ours.of("sales") != ""


def test_a_process_looks_at_the_folder_at_most_once_a_second(make, monkeypatch):
    ours = make()
    monkeypatch.setattr(epochs.time, "monotonic", lambda: 1000.0)
    before = ours.of("sales")
    make().renew("sales")

    assert ours.of("sales") == before
    monkeypatch.setattr(epochs.time, "monotonic", lambda: 1002.0)
    assert ours.of("sales") != before


@pytest.mark.usefixtures("looking")
@pytest.mark.parametrize("content", [b"", b"\0" * 32, b"x" * 10_000])
def test_a_damaged_file_is_another_epoch_and_not_the_one_before(make, directory, content):
    ours = make()
    ours.renew("sales")
    before = ours.of("sales")
    [file] = (directory / "epochs").iterdir()
    file.unlink()
    file.write_bytes(content)

    assert make().of("sales") not in ("", before)
    assert ours.of("sales") not in ("", before)


@pytest.mark.usefixtures("looking")
@pytest.mark.parametrize("gone", ["cache", "cache/epochs", "cache/epochs/*"])
def test_an_epoch_whose_file_is_gone_stays(make, directory, gone):
    ours = make()
    ours.renew("sales")
    before = ours.of("sales")

    [path] = directory.parent.glob(gone)
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    assert ours.of("sales") == before


def test_a_folder_that_is_not_ours_has_no_epochs(make, directory):
    make().renew("sales")
    directory.chmod(0o777)

    assert make().of("sales") == ""
    with pytest.raises(NotPrivate):
        make().renew("sales")


def test_a_purge_that_cannot_be_passed_on_counts_here(make, directory):
    ours = make()
    directory.touch()
    with pytest.raises(OSError):
        ours.renew("sales")
    before = ours.of("sales")
    assert before
    with pytest.raises(OSError):
        ours.renew("sales")

    assert ours.of("sales") not in ("", before)
    assert ours.of("costs") == make().of("sales") == ""
