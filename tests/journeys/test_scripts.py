"""Twelve ordinary scripts behind one server: each picture shows what its script alone would have saved.

"Alone" is plain.py: a fresh fork per script, forked per plot, with nothing of plotroute's running.
The server draws every plot twice, in two orders and with no cache, the second time with a vandal before
each, so that what one plot leaves behind would show in another. No script uses random numbers without a seed of its own, so plotroute's seeding has
no part in the comparison.
"""

import json
import os
import random
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encode.pngs import content
from sketches import until

SCRIPTS = Path(__file__).parents[1] / "scripts"
PLAIN = Path(__file__).with_name("plain.py")
CASES = json.loads((SCRIPTS / "cases.json").read_text())
ADDRESSES = [case["address"] for case in CASES]
FILES = dict.fromkeys(case["file"] for case in CASES)


# The scripts are tidy; this plot changes whatever it can reach, leaves a figure open, and fails.
VANDAL = r"""
import os
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from plotroute import Plots

plots = Plots()

@plots.plot("vandal")
def vandal():
    plt.style.use("dark_background")
    sns.set_theme(style="darkgrid", palette="husl", font_scale=3, color_codes=True)
    plt.xkcd()
    plt.rcParams.update({"savefig.dpi": 37, "savefig.bbox": "tight", "figure.figsize": (2, 2)})
    np.seterr(all="raise")
    os.chdir("/")
    plt.figure().text(0, 0, r"$\sin_$")
    plt.gcf().canvas.draw()
"""


@pytest.fixture(scope="module")
def matplotlib_directory(tmp_path_factory):
    """Matplotlib's directory for all of them: nobody's own matplotlibrc has a say."""
    return str(tmp_path_factory.mktemp("matplotlib"))


@pytest.fixture(scope="module")
def server(start_server, matplotlib_directory, tmp_path_factory):
    vandal = tmp_path_factory.mktemp("vandal") / "vandal.py"
    vandal.write_text(VANDAL)
    return start_server(
        str(SCRIPTS),
        str(vandal),
        MPLCONFIGDIR=matplotlib_directory,
        PLOTROUTE_CACHE_MEMORY="0",  # every request draws
        PLOTROUTE_RENDER_TIMEOUT="100",  # a busy machine is no failure
        PLOTROUTE_LOAD_TIMEOUT="100",
    )


@pytest.fixture(scope="module")
def plain(server, matplotlib_directory, tmp_path_factory):
    """A function: case → what a plain script saves. They run while the server draws."""
    environment = os.environ | {"MPLBACKEND": "agg", "MPLCONFIGDIR": matplotlib_directory}
    folders = {file: tmp_path_factory.mktemp(file.removesuffix(".py")) for file in FILES}
    names = {file: [case["function"] for case in CASES if case["file"] == file] for file in FILES}
    asked = json.dumps([[str(folders[file]), file, names[file]] for file in FILES])
    log_file = tmp_path_factory.mktemp("plain") / "log.txt"
    with log_file.open("w") as log:
        command = [sys.executable, str(PLAIN), asked]
        scripts = subprocess.Popen(command, cwd=SCRIPTS, env=environment, stderr=log)

    def saved(case):
        scripts.wait()
        picture = folders[case["file"]] / f"{case['function']}.png"
        assert picture.exists(), log_file.read_text()
        return picture.read_bytes()

    yield saved
    scripts.kill()
    scripts.wait()


# seaborn.objects puts this legend beside the axes, and Matplotlib's tight box moves it from there: plotroute
# keeps it where seaborn put it, so only what is left of it can be the same.
LEGEND_BESIDE = {"/plots/marketing/signups": 615}


@pytest.fixture(scope="module")
def passes(server):
    """Answers to all plots in an order and in the opposite one: each came before and after each other."""
    until(lambda: server.get("/readyz").status == 200)
    order = random.sample(ADDRESSES, len(ADDRESSES))
    first = {address: server.get(address) for address in order}
    second = {}
    for address in reversed(order):
        assert server.get("/plots/vandal").status == 500
        second[address] = server.get(address)
    return [first, second]


@pytest.mark.parametrize("case", CASES, ids=ADDRESSES)
def test_the_picture_is_what_the_script_alone_saves(plain, passes, case, tmp_path):
    expected = plain(case)
    for number, answers in enumerate(passes, 1):
        reply = answers[case["address"]]
        assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png"), reply.body
        assert "hit" not in reply.headers["Cache-Status"]
        left = LEGEND_BESIDE.get(case["address"])
        if left is not None:
            assert _left(reply.body, left) == _left(expected, left)
        elif content(reply.body) != content(expected):
            (tmp_path / "plain.png").write_bytes(expected)
            (tmp_path / "answered.png").write_bytes(reply.body)
            pytest.fail(f"pass {number}: {_difference(expected, reply.body)}; see {tmp_path}")


def test_the_cases_are_all_plots_there_are(server):
    plots = json.loads(server.get("/plots.json").body)["plots"]
    assert {p["address"] for p in plots if p["address"].startswith("/plots/")} == {
        *ADDRESSES,
        "/plots/vandal",
    }


def _left(body, width):
    picture = Image.open(BytesIO(body))
    return picture.size, picture.convert("RGBA").crop((0, 0, width, picture.height)).tobytes()


def _difference(expected, answered):
    one, other = (
        np.asarray(Image.open(BytesIO(body)).convert("RGBA")).astype(int) for body in (expected, answered)
    )
    if one.shape != other.shape:
        return f"{other.shape[1]}x{other.shape[0]} pixels, not {one.shape[1]}x{one.shape[0]}"
    if (one == other).all():
        return f"{content(answered)}, not {content(expected)}"
    pixels = np.abs(one - other).max(axis=2)
    return f"{np.count_nonzero(pixels)} of {pixels.size} pixels differ, by up to {pixels.max()}"
