"""What plots look like without plotroute: `python plain.py [[FOLDER, FILE, [FUNCTION, …]], …]`, as JSON, saves
FOLDER/FUNCTION.png.

A plotting script as everybody writes it: import, call, `savefig`; the decorators return functions unchanged.
Run it in the folder of the files. Each FILE is imported in a fork in which pandas and scikit-learn have been, since
they take seconds and change nothing of Matplotlib; every function is called in a fork of that, so none sees what
another leaves behind.
"""

import inspect
import json
import os
import sys
import traceback
from importlib import import_module
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import pandas  # noqa: F401
import sklearn.datasets  # noqa: F401
from matplotlib.figure import Figure

from plotroute import Picture


def call(module, function, **given):
    """Call a plot or dataset; what has no default is another dataset of the file."""
    asked = inspect.signature(function).parameters.values()
    wanted = [p.name for p in asked if p.default is p.empty and p.name not in given]
    return function(**given, **{name: call(module, getattr(module, name)) for name in wanted})


def draw(module, function):
    """Return the bytes of the PNG."""
    asked = inspect.signature(function).parameters
    given = {}
    if "fig" in asked:
        given["fig"] = plt.figure(layout="constrained")
    if "ax" in asked:
        given["ax"] = plt.figure(layout="constrained").subplots()
    drawn = call(module, function, **given)
    if isinstance(drawn, bytes):
        return drawn
    if isinstance(drawn, BytesIO):
        return drawn.getvalue()
    if isinstance(drawn, Picture):
        drawn = drawn.figure
    file = BytesIO()
    if type(drawn).__module__.startswith("seaborn._core"):
        # seaborn.objects saves by itself, and must be told that its legend stands beside the axes.
        drawn.save(file, format="png", dpi="figure", bbox_inches="tight")
        return file.getvalue()
    if not isinstance(drawn, Figure):
        [number] = plt.get_fignums()
        drawn = plt.figure(number)
    drawn.savefig(file, format="png")
    return file.getvalue()


def apart(call, *arguments):
    """Call in a fork, and wait for its end."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        call(*arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def script(folder, file, names):
    module = import_module(Path(file).stem)
    for name in names:
        apart(lambda name=name: Path(folder, f"{name}.png").write_bytes(draw(module, getattr(module, name))))


if __name__ == "__main__":
    sys.path[0] = ""
    for case in json.loads(sys.argv[1]):
        apart(script, *case)
