"""Files that author code is seen to open: which count, and what a change of one does, in one process."""

import os
import tempfile
from pathlib import Path

import pytest

PLOTS = """
import ast
import functools
import inspect
import json
import os
import runpy
import shutil
import tempfile
from pathlib import Path

from plotroute import Plots

plots = Plots()
TITLES = json.loads(Path("titles.json").read_text())


@plots.dataset(ttl="forever")
def numbers():
    return [3, 1, 2]


@plots.plot
def top(ax, numbers):
    ax.set_title(TITLES[0])


@plots.plot
def drawn(ax, numbers):
    ax.set_title(json.loads(Path("titles.json").read_text())[1])


@functools.cache
def words():
    return Path("words.txt").read_text()


@plots.plot
def cached(ax, numbers):
    ax.set_title(words())


@plots.plot("numbers/hourly", ttl="1h")
def hourly(ax):
    ax.set_title(words())


@plots.plot
def run(ax, numbers):
    ax.set_title(runpy.run_path("words.py")["WORDS"])


@plots.plot
def executed(ax, numbers):
    names = {}
    with open("words.py") as file:
        exec(file.read(), names)
    ax.set_title(names["WORDS"])


@plots.plot
def parsed(ax, numbers):
    ax.set_title(ast.literal_eval(Path("words.py").read_text().partition("=")[2].strip()))


@plots.plot
def noted(ax, numbers):
    with open("notes.txt", "a") as file:
        file.write("drawn\\n")
    ax.set_title(Path("notes.txt").read_text()[:5])
    Path("draft.txt").write_text("kept")
    os.replace("draft.txt", "kept.txt")
    Path("kept.txt").read_text()
    open(os.path.join(tempfile.gettempdir(), "temporary.txt")).close()
    with tempfile.TemporaryDirectory(dir=".") as made:
        os.path.exists(made)
        os.listdir(made)
    os.path.exists("kept.txt")
    os.path.exists(os.path.join(os.path.dirname(json.__file__), "nothing.txt"))
    shutil.copystat("notes.txt", "kept.txt")
    open(json.__file__).close()
    open("/proc/self/status").close()
    inspect.getsource(words)
"""


def save(file, text):
    """Save a file so that it is seen, however near the last save was."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "titles.json", '["first", "first"]')
    save(tmp_path / "words.txt", "first")
    save(tmp_path / "words.py", "WORDS = 'first'")
    return tmp_path


@pytest.mark.parametrize("plot", ["run", "executed", "parsed"])
def test_code_that_a_plot_runs_itself_is_that_of_the_file_as_it_is(make_client, folder, plot):
    """Also while the code that is in force is still that of before."""
    client = make_client(PLOTS)  # it looks for no new code
    for words in ("first", "second", "first"):
        save(folder / "words.py", f"WORDS = '{words}'")
        assert f"<!-- {words} -->".encode() in client.get(f"/plots/numbers/{plot}.svg").data


@pytest.mark.parametrize("plot", ["top", "drawn", "cached", "hourly"])
def test_an_edited_file_is_in_the_next_picture(make_client, folder, plot):
    client = make_client(PLOTS, watch=True)
    address = f"/plots/numbers/{plot}.svg"
    first = client.get(address)
    assert b"<!-- first -->" in first.data
    assert client.get(address).headers["Cache-Status"].startswith("plotroute; hit")

    save(folder / "titles.json", '["second", "second"]')
    save(folder / "words.txt", "second")
    second = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert b"<!-- second -->" in second.data

    save(folder / "titles.json", '["first", "first"]')
    save(folder / "words.txt", "first")
    assert client.get(address).data == first.data


@pytest.mark.parametrize("watch", [True, False])
def test_a_table_at_the_top_of_the_file_is_told_to_its_author(make_client, folder, caplog, watch):
    caplog.set_level("INFO", "plotroute.render")
    save(folder / "table.CSV", "x")
    make_client(PLOTS + 'TABLE = Path("table.CSV").read_text()\n', watch=watch)
    assert ("@plots.dataset(version=files('table.CSV'))" in caplog.text) is watch
    assert "titles.json" not in caplog.text


def test_a_plot_that_opens_nothing_of_its_authors_keeps_its_304_before_anything_is_drawn(
    make_client, folder, monkeypatch, tmp_path_factory
):
    # As in a render process, which has a folder of its own for temporary files.
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
    monkeypatch.setattr(tempfile, "tempdir", None)
    Path(tempfile.gettempdir(), "temporary.txt").write_text("first")
    first = make_client(PLOTS).get("/plots/numbers/noted")
    again = make_client(PLOTS)  # as after a restart: nothing is stored
    known = again.get("/plots/numbers/noted", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, known.status_code) == (200, 304)
    assert (folder / "notes.txt").read_text() == "drawn\n"
