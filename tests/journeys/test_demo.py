"""The demo as `make serve` starts it, and the example whose addresses are all its own."""

import itertools
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from encode.pngs import content

EXAMPLES = Path(__file__).parents[2] / "examples"
DEMO = EXAMPLES / "demo"
MATRIX = "/plots/breast_cancer_data/correlation_matrix"

# The demo's own function, and where its labels are when the figure has been saved.
PLAIN_SCRIPT = """
import json, sys
import plots

fig = plots.correlation_matrix(plots.breast_cancer_data())
fig.savefig(sys.argv[1], format="png")
labels = {
    axis: [[label.get_text(), *label.get_window_extent().extents] for label in getattr(fig.axes[0], axis)()]
    for axis in ("get_xticklabels", "get_yticklabels")
}
print(json.dumps({"names": list(plots.breast_cancer_data()), "size": list(fig.bbox.size), "labels": labels}))
"""


@pytest.fixture(scope="module")
def matplotlib_directory(tmp_path_factory):
    """Nobody's own matplotlibrc has a say."""
    return str(tmp_path_factory.mktemp("matplotlib"))


@pytest.fixture(scope="module")
def demo(start_server, matplotlib_directory):
    return start_server(
        "examples/demo",
        cwd=EXAMPLES.parent,
        arguments=("--site", "examples/demo/site"),
        MPLCONFIGDIR=matplotlib_directory,
    )


@pytest.fixture(scope="module")
def own_addresses(start_server):
    return start_server("examples/own_addresses.py", cwd=EXAMPLES.parent)


@pytest.fixture(scope="module")
def plain(matplotlib_directory, tmp_path_factory):
    """The correlation matrix of a plain script, and the boxes of its labels in pixels."""
    out = tmp_path_factory.mktemp("plain") / "matrix.png"
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_SCRIPT, str(out)],
        cwd=DEMO,
        env=os.environ | {"MPLBACKEND": "agg", "MPLCONFIGDIR": matplotlib_directory},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out.read_bytes(), json.loads(done.stdout)


class Pictures(HTMLParser):
    """Every address that a page's <img> and <source> name."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.images = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.images += 1
            self.found.append(attributes["src"])
            assert attributes["alt"], f"{attributes['src']} has no alt"
        # Candidates end with a comma and white space; commas inside a URL have none behind them.
        candidates = re.split(r",\s+", attributes.get("srcset", ""))
        self.found += [candidate.split()[0] for candidate in candidates if candidate.strip()]


def test_the_correlation_matrix_is_the_one_of_a_plain_script(demo, plain):
    body, _ = plain
    reply = demo.get(MATRIX)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png"), reply.body
    assert content(reply.body) == content(body)
    assert content(reply.body).size == (1000, 880)


@pytest.mark.parametrize("axis", ["get_xticklabels", "get_yticklabels"])
def test_all_thirty_labels_are_inside_the_picture_and_apart(plain, axis):
    _, figure = plain
    width, height = figure["size"]
    assert (round(width), round(height)) == (1000, 880)
    assert [text for text, *_ in figure["labels"][axis]] == figure["names"]
    assert len(figure["names"]) == 30
    boxes = [box for _, *box in figure["labels"][axis]]
    for left, bottom, right, top in boxes:
        assert 0 <= left < right <= width
        assert 0 <= bottom < top <= height
    across = 0 if axis == "get_xticklabels" else 1
    ordered = sorted(boxes, key=lambda box: box[across])
    for box, following in itertools.pairwise(ordered):
        assert box[across + 2] <= following[across]


def test_asking_again_is_a_hit_of_the_same_bytes(demo):
    demo.get(f"{MATRIX}?features=7")
    first, second = (demo.get(f"{MATRIX}?features=7") for _ in range(2))
    assert second.headers["Cache-Status"] == "plotroute; hit"
    assert second.body == first.body
    unchanged = demo.get(f"{MATRIX}?features=7", If_None_Match=first.headers["ETag"])
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_every_picture_of_the_report_is_answered(demo):
    page = demo.get("/report.html")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert demo.get("/report.css").status == 200
    pictures = Pictures(page.body.decode())
    assert pictures.images >= 10
    for address in dict.fromkeys(pictures.found):
        reply = demo.get(address)
        assert reply.status == 200, (address, reply.body)
        assert reply.headers["Content-Type"] in ("image/png", "image/svg+xml"), address


def test_random_points_differ_each_time(demo):
    replies = [demo.get("/random.png") for _ in range(4)]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 4
    assert len({reply.headers["ETag"] for reply in replies}) == 4


def test_what_cannot_be_drawn_says_so_in_the_authors_words(demo):
    reply = demo.get("/plots/rides/daily?period=2030-01-01..2030-02-01")
    assert reply.status == 422
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(reply.body)
    assert problem["code"] == "cannot_draw"
    assert problem["title"] == "There are no rides in this period: try one between 2023-01-01 and 2024-12-31."


def test_an_authors_own_addresses_win_over_the_built_in_ones(own_addresses):
    one, other = (own_addresses.get("/plot.png") for _ in range(2))
    assert (one.status, one.headers["Content-Type"]) == (200, "image/png")
    assert one.body != other.body  # a hundred points, others each time; the built-in one is always the same
    assert (
        own_addresses.get("/plot.png?x=1,2&y=3,4").status == 400
    )  # the author's function takes no such thing

    sources = own_addresses.get("/years/population/plot.png")
    assert (sources.status, sources.headers["Content-Type"]) == (200, "image/png")
    assert sources.body != own_addresses.get("/angle/sine/plot.png").body
    refused = own_addresses.get("/years/sine/plot.png")
    assert refused.status == 422
    assert json.loads(refused.body)["title"] == "years has 8 values, sine has 200."


@pytest.mark.parametrize("address", ["/plot.png", "/<x_values_source>/<y_values_source>/plot.png"])
def test_the_log_says_that_an_authors_address_wins(own_addresses, address):
    own_addresses.get("/plots.json")  # said at the first look at the plots, which /healthz does not take
    lines = [line for line in own_addresses.log.splitlines() if "built-in" in line]
    assert any(address in line.split() for line in lines), own_addresses.log
