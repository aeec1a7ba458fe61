"""A folder that is ours alone, shared by processes."""

import os
import stat

import pytest

from plotroute.cache.folder import NotPrivate, PrivateFolder

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")


@pytest.fixture
def folder(tmp_path):
    return PrivateFolder(tmp_path / "a" / "cache")


def read(folder, name):
    with folder.open(name) as file:
        return file.read()


def names(folder, below):
    return {name for name, _ in folder.files(below)}


def test_what_is_written_is_read_and_replaced(folder):
    folder.write("some/where/file", b"first", mtime=1000.0)
    folder.write("some/where/file", b"second", mtime=1001.0)

    assert read(folder, "some/where/file") == b"second"
    assert folder.state("some/where/file").st_mtime == 1001.0
    assert names(folder, "some") == {"some/where/file"}
    assert names(folder, "new") == set()


def test_what_lasts_is_written_too(folder):
    folder.write("file", b"lasting", lasting=True)

    assert read(folder, "file") == b"lasting"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_other_users_may_not_enter_or_read(folder, tmp_path, umask):
    before = os.umask(umask)
    try:
        folder.write("some/file", b"secret")
    finally:
        os.umask(before)

    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "a": 0o700,
        "a/cache": 0o700,
        "a/cache/new": 0o700,
        "a/cache/some": 0o700,
        "a/cache/some/file": 0o600,
    }


def test_what_is_not_there_is_not_found(folder):
    folder.check()

    assert names(folder, "some") == set()
    with pytest.raises(FileNotFoundError):
        folder.open("some/file")
    folder.remove("some/file")


def all_refuse(folder):
    """Whether nothing can be done in it."""
    acts = [
        folder.check,
        lambda: folder.open("file"),
        lambda: folder.write("file", b"x"),
        lambda: folder.remove("file"),
        lambda: folder.state("file"),
        lambda: names(folder, "new"),
    ]
    for act in acts:
        with pytest.raises(NotPrivate):
            act()
    return True


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777, 0o720])
def test_a_folder_that_others_may_write_into_is_refused(tmp_path, mode):
    tmp_path.chmod(mode)

    assert all_refuse(PrivateFolder(tmp_path))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("spelled", ["link", "link/", "../{name}/link"])
def test_a_symbolic_link_is_refused(tmp_path, spelled):
    (tmp_path / "target").mkdir(0o700)
    (tmp_path / "link").symlink_to("target")

    assert all_refuse(PrivateFolder(f"{tmp_path}/{spelled.format(name=tmp_path.name)}"))
    assert not any((tmp_path / "target").iterdir())


def test_a_symbolic_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("target")

    assert all_refuse(PrivateFolder(tmp_path / "link"))
    assert not (tmp_path / "target").exists()


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()

    assert all_refuse(PrivateFolder(tmp_path / "file"))


@AS_ROOT
def test_a_folder_of_another_user_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir(0o700)
    os.chown(tmp_path / "theirs", 1, 1)

    assert all_refuse(PrivateFolder(tmp_path / "theirs"))


def test_a_link_in_the_place_of_a_file_is_not_followed_and_is_replaced(folder, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    folder.write("some/file", b"x")
    folder.remove("some/file")
    (tmp_path / "a" / "cache" / "some" / "file").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic"):
        folder.open("some/file")
    folder.write("some/file", b"ours")

    assert read(folder, "some/file") == b"ours"
    assert (tmp_path / "elsewhere").read_bytes() == b"not ours"


def test_opening_a_pipe_does_not_wait(folder, tmp_path):
    folder.write("some/file", b"x")
    os.mkfifo(tmp_path / "a" / "cache" / "some" / "pipe")

    assert read(folder, "some/pipe") == b""


def test_a_write_that_fails_leaves_nothing(folder, tmp_path):
    folder.write("some/file", b"x")
    (tmp_path / "a" / "cache" / "some" / "other").mkdir()

    with pytest.raises(OSError):
        folder.write("some/other", b"x")
    with pytest.raises(OSError):
        folder.write("some/file/below", b"x")

    assert names(folder, "new") == set()


def test_a_working_directory_that_changes_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = PrivateFolder("cache")
    monkeypatch.chdir("/")
    folder.write("file", b"x")

    assert (tmp_path / "cache" / "file").read_bytes() == b"x"


def test_only_what_was_left_long_ago_is_tidied_away(folder):
    folder.write("new/left", b"half a pict", mtime=1000.0)
    folder.write("new/under way", b"half a pict", mtime=1900.0)

    folder.tidy(2000.0)

    assert names(folder, "new") == {"new/under way"}
