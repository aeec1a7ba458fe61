"""Mixed requests, one in twenty of which misbehaves: no wrong picture, no process or memory left behind.

SOAK=10000 makes it the long run that a release is held to; every day a short one will do.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from journeys.test_isolation import processes, wait_until

REQUESTS = int(os.environ.get("SOAK", "400"))

PLOTS = """
import ctypes
import os
from typing import Literal
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from plotroute import Plots

plots = Plots()
kept = []

@plots.plot(ttl="forever")
def sine(ax, n: int = 0):
    ax.plot(np.sin(np.linspace(0, 6, 200) + n))

@plots.plot(ttl="forever")
def themed(n: int = 0):
    sns.set_theme(style="dark")
    plt.plot(range(n + 2), "b")

@plots.plot(ttl="forever")
def formula(n: int = 0):
    fig, ax = plt.subplots()
    ax.set_title("$a=b^{%d}$" % n)
    return fig

@plots.plot(ttl="forever")
def bars(n: int = 0):
    return plt.bar(range(n + 2), range(n + 2))

@plots.plot(ttl="forever", timeout=1)
def fault(ax, mode: Literal["crash", "segv", "hang", "leak", "memory", "mathtext", "fork", "raise"], k: int = 0):
    if mode == "crash":
        os._exit(3)
    if mode == "segv":
        ctypes.string_at(0)
    if mode == "hang":
        ax.plot([0, 1], ls=":", lw=1e-9)
    if mode == "leak":
        kept.append(np.ones(2_000_000))
        plt.figure()
        ax.plot([1, 2])
    if mode == "memory":
        kept.append(np.ones(400_000_000))
    if mode == "mathtext":
        ax.set_title(r"$\\sin_$")
    if mode == "fork":
        while True:
            os.fork()
    if mode == "raise":
        raise RuntimeError("as asked")
"""

EXPECTED = {
    **{"crash": (500, b"plot_crashed"), "segv": (500, b"plot_crashed"), "hang": (504, b"render_timeout")},
    **{"leak": (200, b"PNG"), "memory": (500, b"out_of_memory"), "mathtext": (500, b"plot_failed")},
    **{"fork": (500, b"plot_failed"), "raise": (500, b"plot_failed")},
}


def private_megabytes(root):
    total = 0
    for pid in processes(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private"))
    return total / 1024


def test_mixed_requests_with_faults_give_no_wrong_picture(write_plots, start_server):
    file = write_plots(PLOTS)
    server = start_server(
        file.name, cwd=file.parent, PLOTROUTE_RENDER_PROCESSES="2", PLOTROUTE_CACHE_MEMORY="0"
    )
    good = [f"/plots/{plot}?n={n}" for plot in ("sine", "themed", "formula", "bars") for n in range(5)]
    golden = {path: server.get(path).body for path in good}
    everyone = len(processes(server.process.pid))
    megabytes = {"early": [], "late": []}

    def ask(number):
        # Often, because one process may have just been replaced, or keep what a fault has left for a while.
        if number % (REQUESTS // 100) == 0 and number // (REQUESTS // 10) in (1, 9):
            megabytes["late" if number > REQUESTS // 2 else "early"].append(
                private_megabytes(server.process.pid)
            )
        chance = random.Random(number)
        if chance.random() < 0.05:
            mode = chance.choice(sorted(EXPECTED))
            reply = server.get(f"/plots/fault?mode={mode}&k={number}")
            status, word = EXPECTED[mode]
            return (reply.status, word in reply.body) == (status, True) or (
                mode,
                reply.status,
                reply.body[:300],
            )
        path = chance.choice(good)
        return server.get(path).body == golden[path] or path

    with ThreadPoolExecutor(4) as readers:
        assert [answer for answer in readers.map(ask, range(REQUESTS)) if answer is not True] == []
    assert wait_until(lambda: len(processes(server.process.pid)) == everyone)
    early, late = (median(each) for each in megabytes.values())
    print(
        f"private memory: {early:.0f} MB after a tenth to a fifth of the requests, {late:.0f} MB at the end"
    )
    # In a short run processes are younger at one end than at the other.
    assert late < early * (1.1 if REQUESTS >= 10_000 else 1.5)
