"""What is put together from the settings: which instances share the pictures in a directory."""

import os
import subprocess
import sys

import pytest

PLOTS = """
import os

from plotroute import Plots

plots = Plots()


@plots.dataset(ttl="forever")
def rows():
    return [1, 2]


@plots.plot
def revenue(ax, rows):
    ax.set_title(os.environ["SHOWS"])
"""

ASK = """
import os

from werkzeug.test import Client

from plotroute.serve.factory import make_app
from plotroute.serve.config import Service
from plotroute.settings import resolve

app = make_app(Service(targets=("plots.py",), settings=resolve(environment=os.environ)))
print(Client(app).get("/plots/rows/revenue").headers["Cache-Status"], flush=True)
app._answers._pipeline._cache._far.flush()
os._exit(0)
"""


@pytest.fixture
def ask(tmp_path):
    """Ask a new instance, which answers and ends, whether it has the picture."""

    def ask(place="here", **environment):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        (folder / "plots.py").write_text(PLOTS)
        settings = {
            "PLOTROUTE_RENDER_MODE": "inprocess",
            "PLOTROUTE_CACHE_DIR": str(tmp_path / "pictures"),
            "SHOWS": "anything",
            "DATABASE_URL": "postgresql://localhost/one",
        }
        asked = subprocess.run(
            [sys.executable, "-c", ASK],
            cwd=folder,
            env={**os.environ, **settings, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.split("; ")[1].split("=")[0].strip()

    return ask


def test_instances_that_show_other_data_do_not_share_pictures(ask):
    assert ask() == "fwd"
    assert ask(SHOWS="another tenant's", PLOTROUTE_CACHE_NAMESPACE="tenant") == "fwd"
    assert ask(DATABASE_URL="postgresql://localhost/other") == "fwd"
    assert ask("there") == "fwd"
    assert ask() == "hit"


def test_a_release_says_that_places_are_one(ask):
    assert ask(PLOTROUTE_RELEASE="v1") == "fwd"
    assert ask("there", PLOTROUTE_RELEASE="v1") == "hit"
