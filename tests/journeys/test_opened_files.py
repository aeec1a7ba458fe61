"""Files beside the code: what the plots file, or a plot, is seen to open is part of what a picture is."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib import font_manager

PLOTS = """
import functools
import json
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

from plotroute import Plots

plots = Plots()
CONFIG = json.loads(Path("config.json").read_text())
TABLE = pd.read_csv("table.csv")
ENVIRONMENT = dict(line.split("=") for line in open(".env"))
PARTS = sorted(os.listdir("parts"))
plt.style.use("house.mplstyle")
with open("notes.txt", "a") as file:
    file.write("imported\\n")
NOTES = open("notes.txt").read()


@plots.dataset(ttl="forever")
def numbers():
    return [3, 1, 2]


@plots.plot
def top(ax, numbers):
    ax.plot(numbers, lw=CONFIG["lw"])
    ax.plot(TABLE["y"])
    ax.set_title(ENVIRONMENT["TITLE"].strip())
    ax.set_xlabel(", ".join(PARTS))


@plots.plot
def logo(ax, numbers):
    ax.imshow(plt.imread("logo.png"))


@functools.cache
def kept():
    return plt.imread("kept.png")


@plots.plot
def cached(ax, numbers, n: int = 1):
    ax.imshow(kept())


@plots.plot
def cached_too(ax, numbers):
    ax.imshow(kept()[::-1])


KEPT = {}


class Store:
    logo = None

    def get(self):
        if Store.logo is None:
            Store.logo = plt.imread("kept.png")
        return Store.logo


STORE = Store()


def shared():
    if "logo" not in KEPT:
        KEPT["logo"] = plt.imread("kept.png")
    return KEPT["logo"]


@plots.plot
def fills(ax, numbers):
    ax.imshow(shared())


@plots.plot
def uses(ax, numbers):
    ax.imshow(shared()[::-1])


@plots.plot("numbers/fills_live")
def fills_live(ax):
    ax.imshow(shared())


@plots.plot
def stores(ax, numbers):
    ax.imshow(STORE.get())


@plots.plot
def stores_too(ax, numbers):
    ax.imshow(STORE.get()[::-1])


def looked(*found):
    return ", ".join(str(one) for one in found)


@plots.plot
def exists(ax, numbers):
    ax.set_title(looked(os.path.exists("late.csv"), Path("late").is_dir()))


@plots.plot
def found(ax, numbers):
    ax.set_title(looked(*Path().glob("late*"), Path("late.csv").is_file(), os.access("late.csv", os.R_OK)))


@plots.plot
def elsewhere(ax, numbers):
    late = Path(os.environ["ELSEWHERE"], "late.txt")
    ax.set_title(looked(Path(os.environ["ELSEWHERE"], "words.txt").read_text(), late.exists()))


@plots.plot
def styled(numbers):
    plt.style.use("drawn.mplstyle")
    fig, ax = plt.subplots()
    ax.plot(numbers)
    return fig


@plots.plot
def lettered(ax, numbers):
    ax.set_title("Letters", font=FontProperties(fname="House.ttf"))


@plots.plot
def lettered_too(ax, numbers):
    ax.figure.suptitle("More letters", font=Path("House.ttf"))


@plots.plot
def lettered_by_path(ax, numbers):
    for path in font_manager.findSystemFonts(["."]):
        ax.text(0.5, 0.5, "All letters", font=Path(path))


@plots.plot
def linked(ax, numbers):
    ax.set_title("Letters", font=Path("Link.ttf"))


@plots.plot
def linked_folder(ax, numbers):
    ax.set_title("Letters", font=Path("linked/House.ttf"))


@plots.plot
def optional(ax, numbers):
    ax.plot(numbers)
    try:
        ax.set_title(open("title.txt").read())
    except FileNotFoundError:
        pass


@plots.plot(ttl="1h")
def hourly(ax):
    ax.set_title(Path("hourly.txt").read_text())


@plots.plot
def late(ax, numbers):
    import helper

    ax.set_title(helper.TITLE)


@plots.plot
def plain(ax, numbers):
    ax.plot(numbers)
"""


def picture(value):
    return lambda file: matplotlib.image.imsave(file, np.full((4, 4, 3), value), format="png")


def keeping_time(write):
    """Write as `cp -p`, `rsync --inplace -t` and archives do: the file has the time that it had."""

    def put(file):
        found = file.stat()
        write(file)
        os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))

    return put


def text(words):
    return lambda file: file.write_text(words)


def font(family):
    return lambda file: shutil.copy(font_manager.findfont(family), file)


FIRST = {
    "config.json": text('{"lw": 1}'),
    "table.csv": text("y\n1\n2\n"),
    ".env": text("TITLE=first\n"),
    "house.mplstyle": text("lines.linewidth: 2\naxes.facecolor: eeeeee\n"),
    "parts/a.txt": text(""),
    "logo.png": picture(0.1),
    "kept.png": picture(0.2),
    "drawn.mplstyle": text("axes.facecolor: dddddd\n"),
    "House.ttf": font("DejaVu Sans"),
    "hourly.txt": text("first"),
    "helper.py": text("TITLE = 'first'"),
    "early.py": text("TITLE = 'good'"),
    "plots.py": text(PLOTS),
}

CHANGES = [
    ("config.json", text('{"lw": 5}'), "top"),
    ("table.csv", text("y\n2\n1\n"), "top"),
    (".env", text("TITLE=second\n"), "top"),
    ("house.mplstyle", text("lines.linewidth: 2\naxes.facecolor: cccccc\n"), "top"),
    ("parts/b.txt", text(""), "top"),
    ("logo.png", picture(0.9), "logo"),
    ("kept.png", picture(0.8), "cached"),
    ("drawn.mplstyle", text("axes.facecolor: bbbbbb\n"), "styled"),
    ("House.ttf", font("DejaVu Serif"), "lettered"),
    ("title.txt", text("there now"), "optional"),
    ("late.csv", text("there now"), "exists"),
    ("late.csv", text("there now"), "found"),
    ("late", lambda file: file.mkdir(), "exists"),
    ("hourly.txt", text("second"), "hourly"),
    ("hourly.txt", keeping_time(text("again")), "hourly"),
    ("drawn.mplstyle", keeping_time(text("axes.facecolor: cccccc\n")), "styled"),
    ("config.json", keeping_time(text('{"lw": 9}')), "top"),
    ("helper.py", keeping_time(text("TITLE = 'fresh'")), "late"),
]


def link_to(folder, kind):
    """Swap both links at once, as a deployment does."""
    for link, target in (("Link.ttf", f"{kind}/House.ttf"), ("linked", kind)):
        os.symlink(target, folder / "new")
        os.replace(folder / "new", folder / link)


def path(plot):
    return f"/plots/{plot}" if plot == "hourly" else f"/plots/numbers/{plot}"


def put_first(folder):
    """Have the same files as at first; those that have changed are written, and no others."""
    for name in ("title.txt", "parts/b.txt", "late.csv"):
        (folder / name).unlink(missing_ok=True)
    for name, write in FIRST.items():
        write(folder / "new")
        if not (folder / name).exists() or (folder / name).read_bytes() != (folder / "new").read_bytes():
            os.replace(folder / "new", folder / name)
    (folder / "new").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    (folder / "parts").mkdir()
    for kind in ("sans", "serif"):
        (folder / kind).mkdir()
        font(f"DejaVu {kind.title()}")(folder / kind / "House.ttf")
    link_to(folder, "sans")
    put_first(folder)
    return folder


@pytest.fixture(scope="module")
def elsewhere():
    """A folder of temporary files that is not the plots' own, nor below it."""
    with tempfile.TemporaryDirectory() as name:
        text("first")(Path(name, "words.txt"))
        yield Path(name)


@pytest.fixture(scope="module")
def serve(start_server, folder, elsewhere, tmp_path_factory):
    """Start a server with a cache that outlives it."""
    cache = str(tmp_path_factory.mktemp("kept") / "pictures")
    return lambda: start_server(
        "plots.py",
        cwd=folder,
        arguments=["--cache-dir", cache],
        PLOTROUTE_RENDER_PROCESSES="1",
        ELSEWHERE=str(elsewhere),
    )


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(scope="module")
def golden(server):
    return get(server, "top")


@pytest.fixture(autouse=True)
def as_first(folder, server, golden):
    """Begin each test with the files, and so the pictures, that the first began with."""
    put_first(folder)
    # The ETag as well: that of a plot that opens no files itself is the name of the code.
    settled(server, "top", lambda r: (r.body, r.headers["ETag"]) == (golden.body, golden.headers["ETag"]))


def get(server, plot, **headers):
    reply = server.get(path(plot), **headers)
    assert reply.status in (200, 304), reply.body
    return reply


def settled(server, plot, holds, **headers):
    """Return the first reply that `holds`: a changed file of the code's is seen within a second or two."""
    until = time.monotonic() + 30
    while not holds(reply := get(server, plot, **headers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert holds(reply)
    return reply


@pytest.mark.parametrize(("name", "write", "plot"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_a_file_that_changes_changes_the_picture(server, folder, name, write, plot):
    at_the_top = plot == "top" or name.endswith(".py")
    before = get(server, plot)
    assert get(server, plot).headers["Cache-Status"].startswith("plotroute; hit")
    assert get(server, plot, If_None_Match=before.headers["ETag"]).status == 304
    kept = (folder / name).read_bytes() if (folder / name).exists() else None

    write(folder / name)
    if at_the_top:
        after = settled(server, plot, lambda reply: reply.headers["ETag"] != before.headers["ETag"])
    else:
        after = get(server, plot)
    assert after.body != before.body
    assert get(server, plot, If_None_Match=before.headers["ETag"]).status == 200

    if (folder / name).is_dir():
        (folder / name).rmdir()
    elif kept is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(kept)
    if at_the_top:
        settled(server, plot, lambda reply: reply.body == before.body)
    assert get(server, plot).body == before.body


def test_what_a_cache_of_the_authors_keeps_is_read_again_by_all_who_use_it(server, folder):
    before = [server.get(f"{path('cached')}?n={n}").body for n in (11, 12)]

    too = get(server, "cached_too")
    assert get(server, "cached_too").headers["Cache-Status"].startswith("plotroute; hit")

    picture(0.5)(folder / "kept.png")

    assert get(server, "cached_too").body != too.body
    after = [server.get(f"{path('cached')}?n={n}").body for n in (11, 12)]
    assert before[0] == before[1] != after[0] == after[1]


@pytest.mark.parametrize(
    ("first", "second"), [("fills", "uses"), ("fills_live", "uses"), ("stores", "stores_too")]
)
def test_what_one_plot_keeps_in_a_variable_is_read_again_for_the_other(server, folder, first, second):
    for value in (0.3, 0.6):
        picture(value)(folder / "kept.png")
        get(server, first)
        before = get(server, second)
        assert get(server, second).headers["Cache-Status"].startswith("plotroute; hit")

        picture(value + 0.1)(folder / "kept.png")

        assert get(server, second).body != before.body
        assert get(server, first).status == 200


@pytest.mark.parametrize("name", ["Link.ttf", "linked/House.ttf"])
def test_a_link_that_leads_elsewhere_changes_the_picture(server, folder, name):
    plot = "linked" if name == "Link.ttf" else "linked_folder"
    before = get(server, plot)
    assert get(server, plot).headers["Cache-Status"].startswith("plotroute; hit")

    link_to(folder, "serif")
    assert get(server, plot).body != before.body

    link_to(folder, "sans")
    assert get(server, plot).body == before.body


def test_a_file_in_a_temporary_directory_counts_if_the_author_means_it(server, elsewhere):
    first = get(server, "elsewhere")
    text("second")(elsewhere / "words.txt")
    second = get(server, "elsewhere")
    text("")(elsewhere / "late.txt")
    third = get(server, "elsewhere")
    assert len({first.body, second.body, third.body}) == 3


@pytest.mark.parametrize("suffix", ["", ".svg"])
def test_a_font_counts_for_every_plot_that_writes_with_it(server, folder, suffix):
    plots = [f"{plot}{suffix}" for plot in ("lettered", "lettered_too", "lettered_by_path")]
    before = {plot: get(server, plot) for plot in plots}
    plain = get(server, "plain")

    font("DejaVu Serif")(folder / "House.ttf")

    for plot in plots:
        reply = get(server, plot, If_None_Match=before[plot].headers["ETag"])
        assert reply.status == 200
        assert reply.body != before[plot].body
    assert get(server, "plain", If_None_Match=plain.headers["ETag"]).status == 304


def test_a_restart_does_not_show_what_the_files_were(serve, folder):
    first = serve()
    plots = ["top", "logo", "plain"]
    before = {plot: get(first, plot) for plot in plots}
    first.stop()
    unchanged = serve()
    for plot in plots:
        known = get(unchanged, plot, If_None_Match=before[plot].headers["ETag"])
        assert known.status == 304
        assert "fwd" not in known.headers["Cache-Status"]
    unchanged.stop()

    text("TITLE=after the restart\n")(folder / ".env")
    picture(0.7)(folder / "logo.png")

    second = serve()
    for plot in ("top", "logo"):
        reply = get(second, plot, If_None_Match=before[plot].headers["ETag"])
        assert reply.status == 200
        assert reply.body != before[plot].body


def test_an_import_that_fails_over_a_file_is_tried_again_when_the_file_is_mended(server, folder):
    before = get(server, "top")

    text("{")(folder / "config.json")
    until = time.monotonic() + 30
    while "JSONDecodeError" not in server.log and time.monotonic() < until:
        time.sleep(0.1)
    assert get(server, "top").body == before.body  # the last good version answers
    text('{"lw": 7}')(folder / "config.json")

    settled(server, "top", lambda reply: reply.body != before.body)


SLOW = PLOTS.replace(
    "plots = Plots()", "import time; time.sleep(1.5)\nimport early\nplots = Plots()"
).replace("helper.TITLE)", "f'{helper.TITLE} {early.TITLE}')")


def test_what_is_drawn_is_the_code_that_the_picture_is_named_after(server, folder):
    """Helpers are saved while the code is imported, and before a plot imports them."""

    def shows(words):
        return lambda reply: f"<!-- {words} -->".encode() in reply.body

    def late():
        return server.get(f"{path('late')}.svg?width=300")

    def until_it_shows(words):
        until = time.monotonic() + 30
        while not shows(words)(late()) and time.monotonic() < until:
            time.sleep(0.1)
        assert shows(words)(late())

    text(SLOW)(folder / "plots.py")
    time.sleep(1)  # it is being imported
    text("TITLE = 'bad'")(folder / "early.py")
    until_it_shows("first bad")
    text("TITLE = 'good'")(folder / "early.py")
    until_it_shows("first good")

    text("TITLE = 'second'")(folder / "helper.py")
    assert shows("first good")(server.get(f"{path('late')}.svg?width=310"))  # by the code before
    until_it_shows("second good")
    text("TITLE = 'first'")(folder / "helper.py")
    until_it_shows("first good")
    assert shows("first good")(server.get(f"{path('late')}.svg?width=310"))
    text(PLOTS)(folder / "plots.py")


def test_a_helper_of_the_code_before_is_not_imported_into_its_last_pictures(server, folder):
    before = server.get(f"{path('plain')}").headers["ETag"]
    text(SLOW)(folder / "plots.py")
    settled(server, "plain", lambda reply: reply.headers["ETag"] != before)

    text("TITLE = 'bad'")(folder / "helper.py")
    meanwhile = server.get(f"{path('late')}.svg?width=320").body
    text("TITLE = 'first'")(folder / "helper.py")
    time.sleep(2.5)

    assert b"<!-- first good -->" in meanwhile
    assert server.get(f"{path('late')}.svg?width=320").body == meanwhile
