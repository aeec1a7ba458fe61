"""Files as data: when they change, so does the version."""

import os
from pathlib import Path

import pandas as pd
import pytest

from plotroute.data.files import files, reader
from plotroute.errors import BadRegistration

FRAME = pd.DataFrame({"region": ["EU", "US"], "total": [1.5, 2.0]})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory, with two tables in `data`."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/a.csv").write_text("n\n1\n")
    Path("data/b.csv").write_text("n\n2\n")
    return tmp_path


def at(path, seconds):
    """Say when a file was changed: two changes may be nearer than what the clock of files tells apart."""
    os.utime(path, (seconds, seconds))


def replace_by_another_of_the_same_size_and_time():
    stat = os.stat("data/a.csv")
    Path("new").write_text("n\n9\n")
    os.utime("new", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace("new", "data/a.csv")


def overwrite_in_the_same_size_and_time():
    stat = os.stat("data/a.csv")
    Path("data/a.csv").write_text("n\n9\n")
    os.utime("data/a.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))


CHANGES = {
    "added": lambda: Path("data/c.csv").write_text("n\n3\n"),
    "added, empty": lambda: Path("data/c.csv").touch(),
    "removed": lambda: Path("data/a.csv").unlink(),
    "all removed": lambda: [path.unlink() for path in Path("data").iterdir()],
    "overwritten": lambda: Path("data/a.csv").write_text("n\n1\n1\n"),
    "overwritten in the same size": lambda: (Path("data/a.csv").write_text("n\n9\n"), at("data/a.csv", 1)),
    "replaced": replace_by_another_of_the_same_size_and_time,
    "overwritten in the same size and time": overwrite_in_the_same_size_and_time,
    "renamed": lambda: os.rename("data/a.csv", "data/c.csv"),
    "swapped": lambda: (
        os.rename("data/a.csv", "x"),
        os.rename("data/b.csv", "data/a.csv"),
        os.rename("x", "data/b.csv"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_version_changes_when_a_file_does(change):
    version = files("data/*.csv")
    before = version()

    change()

    assert version() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda: None,
        lambda: Path("data/a.csv").read_text(),
        lambda: Path("data/c.txt").touch(),
        lambda: Path("c.csv").touch(),
        lambda: Path("data/c.csv").mkdir(),
        lambda: Path("data/c.csv").symlink_to("nowhere"),
    ],
    ids=["nothing", "reading", "another kind", "elsewhere", "a folder", "a link to nowhere"],
)
def test_the_version_stays_when_no_matching_file_changes(change):
    version = files("data/*.csv")
    before = version()

    change()

    assert version() == before


def test_the_version_comes_back_with_the_files():
    version = files("data/*.csv")
    before = version()

    Path("data/c.csv").touch()
    assert version() != before
    Path("data/c.csv").unlink()

    assert version() == before


def test_no_files_are_a_version_too():
    assert files("*.parquet")() == files("*.parquet")()
    assert files("*.parquet")() != files("data/*.csv")()


def test_files_are_in_the_order_of_their_names():
    Path("data/A.csv").touch()

    assert files("data/*.csv").paths() == [Path("data/A.csv"), Path("data/a.csv"), Path("data/b.csv")]


def test_two_stars_go_down_into_folders():
    Path("data/2024/q1").mkdir(parents=True)
    Path("data/2024/q1/c.csv").touch()

    assert Path("data/2024/q1/c.csv") in files("data/**/*.csv").paths()


def test_a_pattern_may_be_one_file_or_absolute_or_go_up(folder, monkeypatch):
    assert files("data/a.csv").paths() == [Path("data/a.csv")]
    assert files(f"{folder}/data/*.csv").paths() == [folder / "data/a.csv", folder / "data/b.csv"]
    monkeypatch.chdir("data")
    assert [path.name for path in files("../data/*.csv").paths()] == ["a.csv", "b.csv"]


def test_a_pattern_counts_from_the_working_directory_of_the_moment(folder, monkeypatch):
    found = files("*.csv")
    assert found.paths() == []

    monkeypatch.chdir("data")

    assert len(found.paths()) == 2


@pytest.mark.parametrize("pattern", ["", None, 3, ["a.csv"]], ids=repr)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(BadRegistration, match=r'takes a pattern such as "data/\*\.csv"'):
        files(pattern)


def test_files_say_what_they_are():
    assert repr(files("data/*.csv")) == "files('data/*.csv')"


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        ("csv", lambda path: FRAME.to_csv(path, index=False)),
        ("parquet", FRAME.to_parquet),
        ("json", FRAME.to_json),
        ("feather", FRAME.to_feather),
    ],
)
def test_tables_are_read_into_one_frame_in_the_order_of_their_names(suffix, write):
    write(f"2.{suffix}")
    write(f"1.{suffix}")

    found = reader(f"*.{suffix}")()

    pd.testing.assert_frame_equal(found, pd.concat([FRAME, FRAME], ignore_index=True))


def test_one_file_is_read_as_it_is():
    assert reader("data/a.csv")()["n"].tolist() == [1]


def test_a_reader_reads_what_there_is_when_it_is_called():
    read = reader("data/*.csv")
    assert read()["n"].tolist() == [1, 2]

    Path("data/c.csv").write_text("n\n3\n")

    assert read()["n"].tolist() == [1, 2, 3]


def test_a_pattern_that_matches_nothing_is_told_with_the_folder(folder):
    with pytest.raises(FileNotFoundError) as caught:
        reader("nothing/*.csv")()

    assert "nothing/*.csv" in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("pattern", ["data/*", "data/*.xlsx", "data/*.csv.gz", "data", "*.pkl", ".csv"])
def test_a_kind_of_file_without_a_reader_is_refused_with_the_cure(pattern):
    with pytest.raises(BadRegistration) as caught:
        reader(pattern)

    assert repr(pattern) in str(caught.value)
    for part in (".csv, .parquet, .json", "@plots.dataset(version=files(...))"):
        assert part in str(caught.value)
