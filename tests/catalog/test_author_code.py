"""Which code is the author's: its files, its hash, and what differs after a save."""

import os
import sys
from textwrap import dedent

import pytest

from catalog.authoring import ONE_PLOT, write
from plotroute.catalog import author_code, loader
from plotroute.errors import CannotLoad

# Leave the import system as it was.
pytestmark = pytest.mark.usefixtures("process_state")


def test_the_code_is_every_file_below_but_not_another_library(folder):
    expected = [write(folder / name, ONE_PLOT) for name in ("a/b/c.py", "a/x.py", "my-lib/y.py", "plots.py")]
    for name in (".hidden/a.py", "__pycache__/a.py", "node_modules/a.py", "x/site-packages/a.py", "env/a.py"):
        write(folder / name, "")
    write(folder / "env" / "pyvenv.cfg", "")
    write(folder / "data.csv", "")
    write(folder / ".#plots.py", "")
    assert author_code.code_files(["plots.py"]) == tuple(expected)
    assert author_code.code_files(["."]) == tuple(expected)


def test_links_are_followed_but_not_in_circles(folder, tmp_path):
    write(tmp_path / "shared" / "common.py", "")
    write(folder / "plots.py", ONE_PLOT)
    (folder / "shared").symlink_to(tmp_path / "shared")
    (tmp_path / "shared" / "again").symlink_to(tmp_path / "shared")
    (folder / "here").symlink_to(".")
    (folder / "up").symlink_to("..")
    (folder / "nowhere").symlink_to("nothing")
    (folder / "itself.py").symlink_to("itself.py")
    assert author_code.code_files(["plots.py"]) == (folder / "plots.py", folder / "shared" / "common.py")
    write(
        folder / "plots.py",
        "import sys\nsys.path.append('shared')\nimport common\n" + dedent(ONE_PLOT),
    )
    loader.load(["plots.py"])
    first = sys.modules["common"]
    loader.load(["plots.py"])
    assert sys.modules["common"] is not first


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_FOLDERS"])
def test_too_much_to_watch_is_said(folder, monkeypatch, limit):
    monkeypatch.setattr(author_code, limit, 1)
    for name in ("plots.py", "a/b.py", "c/d.py"):
        write(folder / name, ONE_PLOT)
    for call in (author_code.code_files, author_code.code_hash, author_code.stamp):
        with pytest.raises(CannotLoad, match="holds too much"):
            call(["plots.py"])
    assert author_code.code_hash(["plots.py"], "v1")


def test_the_hash_is_of_place_names_and_contents(folder, tmp_path, monkeypatch):
    write(folder / "plots.py", ONE_PLOT)
    helpers = write(folder / "helpers.py", "a = 1")
    first = author_code.code_hash(["plots.py"])
    assert author_code.code_hash([str(folder / "plots.py")]) == first
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    monkeypatch.chdir(elsewhere)
    assert author_code.code_hash(["plots.py"]) != first
    elsewhere.rename(folder)
    monkeypatch.chdir(folder)
    assert author_code.code_hash(["plots.py"]) == first
    helpers.write_text("a = 2")
    assert author_code.code_hash(["plots.py"]) != first
    helpers.write_text("a = 1")
    assert author_code.code_hash(["plots.py"]) == first
    helpers.rename(folder / "helper.py")
    assert author_code.code_hash(["plots.py"]) != first
    assert author_code.code_hash(["helper.py"]) != author_code.code_hash(["plots.py"])


def test_the_hash_of_a_release_is_of_its_name(folder):
    plots = write(folder / "plots.py", ONE_PLOT)
    first = author_code.code_hash(["plots.py"], "v1")
    plots.write_text("")
    assert author_code.code_hash(["plots.py"], "v1") == first != author_code.code_hash(["plots.py"], "v2")


def test_the_stamp_sees_saves(folder):
    plots = write(folder / "plots.py", ONE_PLOT)
    stamps = [author_code.stamp(["plots.py"])]

    def seen():
        stamps.append(author_code.stamp(["plots.py"]))
        return stamps[-1] != stamps[-2]

    assert not seen()
    os.utime(plots, ns=(1, 1))
    assert seen()
    write(folder / "deep" / "new.py", "")
    assert seen()
    write(folder / "swap", ONE_PLOT).rename(plots)
    assert seen()
    plots.unlink()
    assert seen()
    assert stamps[-1] == ()
