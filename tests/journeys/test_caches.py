"""Pictures that outlive servers, are shared by them, drawn ahead of readers, and purged."""

import contextlib
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from sketches import outcome, until

PLOTS = """
import numpy as np
from plotroute import Plots, files

plots = Plots()

def note(name):
    with open("drawn.txt", "a") as file:
        file.write(name + "\\n")

@plots.dataset(ttl="forever")
def numbers():
    return np.arange(5)

@plots.dataset(version=files("data/*.txt"))
def words():
    return open("data/words.txt").read()

def drawn(name, **options):
    def draw(ax, numbers, n: int = 1):
        note(name)
        ax.plot(numbers * n)
    plots.plot(name, title=name, **options)(draw)

for name in ("shared", "lasting", "old", "purged", "other", "logged", "warm", "/root.svg"):
    drawn(name)

def timed(name):
    def draw(ax):
        note(name)
        ax.plot(np.random.rand(9))
    plots.plot(name, title=name, ttl="1h")(draw)

for name in ("timed/shared", "timed/lasting", "timed/purged"):
    timed(name)

@plots.plot("of/<customer>/revenue")
def revenue(ax, numbers, customer: str):
    note("revenue")
    ax.plot(numbers)

@plots.plot("kept", stale="1h")
def kept(ax, words):
    note("kept")
    ax.set_title(words)
"""
WARM = "warm warm?n=2 of/<customer>/revenue?customer=Ada warn"


@dataclass
class Place:
    """A folder with plots, and the cache of the servers there."""

    folder: Path
    one: object
    other: object

    @property
    def cache(self) -> str:
        return str(self.folder / "cache")

    def drawn(self, name: str) -> int:
        """Return how often a plot was drawn, by whichever server."""
        file = self.folder / "drawn.txt"
        return Counter(file.read_text().split())[name] if file.exists() else 0

    def draw(self, address: str):
        """Have a picture drawn, and return it when every server can have it."""
        reply = self.one.get(address)
        assert outcome(reply) == "fwd=uri-miss; stored"
        until(lambda: self._is_stored(reply.headers["ETag"][3:-1].encode()))
        return reply

    def _is_stored(self, etag: bytes) -> bool:
        with contextlib.suppress(FileNotFoundError):  # one that was on its way
            return any(etag in file.read_bytes() for file in Path(self.cache).rglob("*") if file.is_file())
        return False

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "plotroute", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def start(start_server, tmp_path_factory):
    """Start one more server on the folder and the cache of all."""
    folder = tmp_path_factory.mktemp("caches")
    (folder / "plots.py").write_text(dedent(PLOTS))
    (folder / "data").mkdir()
    (folder / "data" / "words.txt").write_text("first")
    arguments = ("--cache-dir", str(folder / "cache"), "--render-processes", "1")
    return folder, lambda *more: start_server("plots.py", cwd=folder, arguments=(*arguments, *more))


@pytest.fixture(scope="module")
def place(start):
    """Two servers that share a cache, the other of which was told what to draw ahead."""
    folder, server = start
    found = Place(folder, server(), server("--warm", WARM))
    until(lambda: "are warm" in found.other.log)
    return found


def test_two_servers_share_what_either_has_drawn(place):
    for address in ("/plots/shared", "/plots/shared.svg?n=2", "/plots/timed/shared"):
        drawn, found = place.draw(address), place.other.get(address)
        assert (found.status, outcome(found)) == (200, "hit")
        assert (found.body, found.headers["ETag"]) == (drawn.body, drawn.headers["ETag"])
    assert (place.drawn("shared"), place.drawn("timed/shared")) == (2, 1)


def test_a_server_started_again_has_its_pictures_and_draws_nothing(start, place):
    addresses = ["/plots/lasting", "/plots/lasting.svg?n=3", "/plots/timed/lasting", "/plots/of/Bob/revenue"]
    before = {address: place.draw(address) for address in addresses}
    counts = {name: place.drawn(name) for name in ("lasting", "timed/lasting", "revenue")}
    _, server = start
    again = server()
    for address, reply in before.items():
        after = again.get(address)
        assert (after.status, outcome(after)) == (200, "hit")
        assert (after.body, after.headers["ETag"]) == (reply.body, reply.headers["ETag"])
        assert again.get(address, If_None_Match=reply.headers["ETag"]).status == 304
    assert {name: place.drawn(name) for name in counts} == counts
    again.stop()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("purged", "/plots/purged"),
        ("/plots/old", "/plots/old"),
        ("timed/purged", "/plots/timed/purged"),
        ("/root.svg", "/root.svg"),
    ],
)
def test_a_purged_plot_is_drawn_anew_by_running_servers(place, name, address):
    servers = place.one, place.other
    before = place.draw(address)
    etag = before.headers["ETag"]
    for server in servers:
        server.get("/plots/other")
        for _ in range(3):  # so that both answers are ready
            assert outcome(server.get(address)) == "hit"
            assert server.get(address, If_None_Match=etag).status == 304
    others = place.drawn("other")
    done = place.run("purge", name, "--cache-dir", place.cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Forgot 1 picture of ")
    for server in servers:
        # Within a second or two; nobody waits a minute in vain.
        until(lambda server=server: server.get(address).headers["ETag"] != etag, seconds=15)
        after = server.get(address)
        assert after.status == 200
        assert server.get(address, If_None_Match=etag).status == 200
        assert server.get(address, If_None_Match=after.headers["ETag"]).status == 304
        assert outcome(server.get("/plots/other")) == "hit"
    assert place.drawn("other") == others


def test_purging_what_was_never_drawn_says_so(place):
    done = place.run("purge", "nothing/at/all", "--cache-dir", place.cache)
    assert "Forgot 0 pictures of nothing/at/all" in done.stdout


def test_what_was_to_be_drawn_ahead_is_there_for_the_first_reader(place):
    until(lambda: "3 of 4 pictures are warm" in place.other.log)
    before = place.drawn("warm")
    for address in ("/plots/warm", "/plots/warm?n=2", "/plots/of/Ada/revenue"):
        reply = place.other.get(address, Accept="image/avif,image/webp,*/*;q=0.8", Sec_Fetch_Dest="image")
        assert (reply.status, outcome(reply)) == (200, "hit")
    assert place.drawn("warm") == before == 2
    # What was misspelt is a word in the log, and no more.
    assert (
        "W warn cannot be drawn ahead: There is no plot named 'warn'; did you mean 'warm'?" in place.other.log
    )


def test_an_outdated_picture_is_shown_until_the_new_one_is_drawn(place):
    before = place.one.get("/plots/kept")
    until(lambda: outcome(place.one.get("/plots/kept")) == "hit")
    (place.folder / "data" / "words.txt").write_text("second")
    seen = []

    def new():
        reply = place.one.get("/plots/kept")
        seen.append((outcome(reply), reply.body == before.body))
        return reply.body != before.body

    until(new)
    assert set(seen) <= {("hit", True), ("hit; detail=stale", True), ("hit", False)}
    assert ("hit; detail=stale", True) in seen
    assert place.drawn("kept") == 2
    assert place.one.get("/plots/kept").headers["Cache-Control"] == "max-age=0, stale-while-revalidate=3600"


def test_every_answer_is_in_the_log_and_in_the_counts(place):
    for n in range(20):
        assert place.one.get("/plots/logged", X_Request_ID=f"mine-{n}").status == 200
    until(lambda: all(f" mine-{n} " in place.one.log for n in range(20)))
    lines = [line for line in place.one.log.splitlines() if " mine-" in line]
    assert len(lines) == 20
    [form] = {line[8:11] + line.partition("GET")[2].partition("200")[0] for line in lines}
    assert form == " I  /plots/logged "
    metrics = place.one.get("/metrics").body.decode()
    assert 'plotroute_answers_total{outcome="hit",plot="logged",status="200"} 19.0' in metrics


def test_after_a_reload_they_are_drawn_ahead_again(start_server, tmp_path):
    (tmp_path / "plots.py").write_text(dedent(PLOTS))
    server = start_server(
        "plots.py", cwd=tmp_path, arguments=("--warm", "warm other?n=2", "--render-processes", "1")
    )
    until(lambda: "2 of 2 pictures are warm" in server.log)
    before = server.get("/plots/warm")
    (tmp_path / "plots.py").write_text(dedent(PLOTS).replace("numbers * n", "numbers * n + 1"))
    until(lambda: server.log.count("2 of 2 pictures are warm") == 2)
    after = server.get("/plots/warm")
    assert (outcome(before), outcome(after), after.body == before.body) == ("hit", "hit", False)
    assert outcome(server.get("/plots/other?n=2")) == "hit"
    assert server.get("/plots/warm", If_None_Match=before.headers["ETag"]).status == 200
