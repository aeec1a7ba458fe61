"""Draw each plot of `library_plots` with plotroute, and as a script does: prints what came of it, as JSON.

A process of its own, because the libraries warn and change Matplotlib while they are imported.
"""

import inspect
import json
import os
import warnings
from io import BytesIO

warnings.simplefilter("ignore")

import library_plots  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from plotroute.errors import PlotFailed  # noqa: E402


def pixels(body):
    with Image.open(BytesIO(body)) as image:
        return np.asarray(image.convert("RGBA"))


def plain(function):
    """Return what a script saves, drawn in a fork so that nothing of it is left here."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            given = {}
            if "ax" in inspect.signature(function).parameters:
                given["ax"] = plt.figure(layout="constrained").subplots()
            function(**given)
            [number] = plt.get_fignums()
            with os.fdopen(write, "wb") as file:
                plt.figure(number).savefig(file, format="png")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        body = file.read()
    os.waitpid(child, 0)
    return body


found = {}
for plot in library_plots.plots.registry.plots:
    try:
        drawn = library_plots.plots.draw(plot.path).body
    except PlotFailed as error:
        found[plot.path] = f"{error.title}: {error.detail}"
        continue
    saved = plain(plot.function)
    if not saved:
        found[plot.path] = "the script fails"
    elif np.array_equal(pixels(drawn), pixels(saved)):
        found[plot.path] = "the same pixels"
    else:
        found[plot.path] = f"{pixels(drawn).shape}, not {pixels(saved).shape}, or other pixels"
print(json.dumps(found))
