"""Same inputs, same bytes: across server runs, formats, and whatever was drawn before."""

import pytest

SEABORN = """
import numpy as np
import pandas as pd
import seaborn as sns
from plotroute import Plots

plots = Plots()

@plots.dataset(ttl="forever")
def tips():
    numbers = np.random.default_rng(0)
    days = numbers.choice(["Thu", "Fri", "Sat", "Sun"], 200)
    return pd.DataFrame({"day": days, "bill": numbers.gamma(4, 5, 200), "tip": numbers.gamma(2, 1.5, 200)})

for kind in ("barplot", "pointplot", "lineplot"):
    @plots.plot(f"tips/{kind}")
    def of_day(tips, _kind=None, kind=kind):
        return getattr(sns, kind)(tips, x="day", y="tip")

@plots.plot
def regplot(tips):
    return sns.regplot(tips, x="bill", y="tip")

@plots.plot
def live(ax, points=50):
    ax.scatter(np.random.rand(points), np.random.default_rng().random(points))
""".replace("_kind=None, ", "")

KINDS = ["barplot", "pointplot", "lineplot", "regplot"]


@pytest.fixture(scope="module")
def servers(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seaborn")
    (folder / "plots.py").write_text(SEABORN)
    return [start_server("plots.py", cwd=folder, PLOTROUTE_CACHE_MEMORY="0") for _ in range(2)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "webp", "jpg"])
def test_two_server_runs_give_the_same_bytes(servers, kind, suffix):
    one, other = (server.get(f"/plots/tips/{kind}.{suffix}") for server in servers)
    assert one.status == 200, one.body
    assert one.body == other.body
    assert one.headers["ETag"] == other.headers["ETag"]


def test_a_live_random_plot_is_never_the_same_twice(servers):
    pictures = {server.get("/plots/live").body for server in servers for _ in range(5)}
    assert len(pictures) == 10
    assert servers[0].get("/plots/live").headers["Cache-Control"] == "no-cache"
