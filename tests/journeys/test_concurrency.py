"""Eight readers at once, and plots that leave things behind: every answer is what the plot alone gives."""

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

# Each plot changes something that belongs to the whole process; `broken` ones leave it half done.
PLOTS = r"""
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from plotroute import Plots

plots = Plots()

@plots.plot(ttl="forever")
def plain(n=3):
    plt.plot(range(n))
    plt.title(f"{n} points")

@plots.plot(ttl="forever")
def themed(n=3):
    sns.set_theme(style="darkgrid", palette="deep", color_codes=True)
    figure, ax = plt.subplots()
    ax.plot(range(n), "b")
    return figure

@plots.plot(ttl="forever")
def styled(n=3):
    plt.style.use("ggplot")
    plt.rcParams["lines.linewidth"] = n
    return plt.plot([1, 3, 2])

@plots.plot(ttl="forever")
def sketched(n=3):
    plt.xkcd()
    plt.rcParams["font.family"] = "DejaVu Sans"
    plt.plot(range(n))

@plots.plot(ttl="forever")
def formula(n=3):
    figure, ax = plt.subplots()
    ax.set_title("$a = b^{%d}$" % n)
    return ax

@plots.plot(ttl="forever")
def random_points(n=30):
    figure, ax = plt.subplots(layout="constrained")
    ax.scatter(np.random.rand(n), np.arange(n))
    return ax

@plots.plot(ttl="forever")
def broken_formula(n=3):
    plt.plot(range(n))
    plt.title(r"$\sin_$")

@plots.plot(ttl="forever")
def broken_half_way(n=3):
    sns.set_theme(style="white", font_scale=3)
    plt.figure()
    plt.plot(range(n), "g")
    np.seterr(all="raise")
    raise RuntimeError("half way")

@plots.plot(ttl="forever")
def broken_twice_open(n=3):
    matplotlib.rcParams["axes.facecolor"] = "red"
    plt.figure()
    plt.plot(range(n))
    plt.figure()
    plt.plot(range(n))
"""

GOOD = ["plain", "themed", "styled", "sketched", "formula", "random_points"]
BROKEN = ["broken_formula", "broken_half_way", "broken_twice_open"]

# What an author would do by hand: import the file, call the function, save the one figure. Each in a fork that
# nothing was drawn in before.
ALONE = """
import os
import sys
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import plots
from plotroute.render.state.seeding import content_key, seeded
for case in sys.argv[1:]:
    name, n = case.split()
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    with seeded(content_key(name, {"n": int(n)}, {}) if name == "random_points" else None):
        getattr(plots, name)(n=int(n))
        plt.gcf().savefig(f"{name} {n}.png", format="png", backend="module://plotroute.encode.matplotlib.agg_canvas")
    os._exit(0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "plots.py").write_text(PLOTS)
    return folder


@pytest.fixture(scope="module")
def alone(folder):
    """The picture of each plot by itself."""
    cases = [(name, n) for name in GOOD for n in (3, 7)]
    subprocess.run(
        [sys.executable, "-c", ALONE, *(f"{name} {n}" for name, n in cases)], cwd=folder, check=True
    )
    return {(name, n): (folder / f"{name} {n}.png").read_bytes() for name, n in cases}


# Without the cache every picture is drawn; with it most are hits. Both must be right.
@pytest.mark.parametrize("cache", ["0", "67108864"])
def test_mixed_requests_of_eight_threads_are_each_what_the_plot_alone_gives(
    folder, alone, start_server, cache
):
    server = start_server("plots.py", cwd=folder, PLOTROUTE_CACHE_MEMORY=cache, PLOTROUTE_QUEUE_TIMEOUT="60")
    mixed = random.Random(7)
    # Drawn anew each time, a quarter comes after and beside as many others as matters.
    cases = [(mixed.choice(GOOD + BROKEN), mixed.choice((3, 7))) for _ in range(50 if cache == "0" else 200)]

    def ask(_):
        mine = cases[:]
        random.shuffle(mine)
        return [(case, server.get(f"/plots/{case[0]}?n={case[1]}")) for case in mine]

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for answered in pool.map(ask, range(8)) for answer in answered]
    assert len(answers) == 8 * len(cases)
    for (name, n), reply in answers:
        if name in BROKEN:
            assert (reply.status, b"plot_failed" in reply.body) == (500, True)
        else:
            assert (name, n, reply.status) == (name, n, 200)
            assert reply.body == alone[name, n], f"{name} {n} is not what it is alone"
