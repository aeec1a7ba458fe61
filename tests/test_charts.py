"""The built-in ad-hoc plots, asked over HTTP."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

# The most that a process has held, in bytes, before and after it has drawn a line through points in no order.
DRAWN = """
import json, random, resource
from plotroute.cache.memory import in_memory
from plotroute.pipeline import Pipeline
from plotroute.render.local.in_thread import InProcess
from plotroute.settings import Settings
from plotroute.web.standalone.app import create_app
import sys

renderer = InProcess([sys.argv[1]], Settings(render_timeout=200), built_in=["plotroute.charts:plots"])
client = create_app(Pipeline(renderer, in_memory(0), Settings()), Settings()).test_client()
peaks = []
for count in (10, 25_000):
    random.seed(1)
    points = {axis: [random.random() for _ in range(count)] for axis in "xy"}
    reply = client.post("/plot.png", json=points)
    assert (reply.status_code, reply.mimetype) == (200, "image/png"), reply.text
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(json.dumps(peaks))
renderer.close()
"""


def test_a_long_line_without_order_takes_little_memory(write_plots):
    file = write_plots("from plotroute import Plots\nplots = Plots()\n")
    done = subprocess.run([sys.executable, "-c", DRAWN, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert after - before < 100e6  # as one path it takes 380 MB


@pytest.mark.parametrize(
    "query",
    ["y=5", "x=1&y=1", "x=0,0&y=0,0", "x=2024-01-01,2024-01-01&y=1,1", "x=2024-01-01T06:00&y=-3"],
)
def test_a_line_through_one_place_is_seen(make_client, query):
    reply = make_client("from plotroute import Plots\nplots = Plots()\n").get(f"/plot.png?{query}")
    assert reply.status_code == 200
    blue = np.asarray(Image.open(io.BytesIO(reply.data)).convert("RGB")) == (31, 119, 180)
    assert blue.all(axis=2).any()
