"""The program of the render server: a fresh interpreter with one thread, which becomes the `RenderServer`.

Run as `python -m plotroute.render.server`, configured by one line of JSON on standard input.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import socket
import sys

from plotroute import encode
from plotroute.catalog import author_code
from plotroute.errors import SetupError
from plotroute.logs import set_up_logging
from plotroute.render import messages, startup
from plotroute.render.server.render_server import CANNOT_LOAD, RenderServer
from plotroute.render.state.reset import import_matplotlib
from plotroute.render.system import limits, process_tree

log = logging.getLogger("plotroute.render")

# Libraries that take a second to import and start no thread doing it.
_PRELOADED = {"pandas": "pandas", "scipy": "scipy.stats", "seaborn": "seaborn", "sklearn": "sklearn.datasets"}


def preload(targets: tuple[str, ...]) -> None:
    """Import the well-known libraries that the author's files import, so that no zygote has to."""
    imports = re.compile(rb"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
    used = {
        name.decode()
        for file in author_code.code_files(targets)
        for name in imports.findall(file.read_bytes())
    }
    for name in sorted(used & _PRELOADED.keys()):
        try:
            importlib.import_module(_PRELOADED[name])
        except Exception as error:  # the zygote will report it with the author's line
            log.info("%s is not imported ahead: %s", name, error)
    if os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")) > 1:
        log.warning("A library has started threads; forks of this process could hang")


def main() -> None:
    """Read the configuration and serve."""
    configuration = startup.arrive()
    set_up_logging()
    if configuration["parent"]:
        process_tree.die_with_parent(configuration["parent"])
    if configuration["listener"] is None:
        listener = startup.come_in(configuration["socket"])
    else:
        # The supervisor's: a new render server gets the connections that waited for the old one.
        listener = socket.socket(fileno=configuration["listener"])
    listener.setblocking(False)
    process_tree.become_subreaper()
    for missing in limits.unsupported():
        log.warning("this system does not enforce: %s", missing)
    os.environ["MPLBACKEND"] = "agg"
    import_matplotlib()
    # Once for all forks: else the first picture of each worker would wait for it.
    encode.load()
    messages.prepare()
    try:
        targets = tuple(configuration["targets"])
        preload(targets)
        os.chdir(author_code.root_of(targets))
    except SetupError as error:
        if not configuration["development"]:  # in development the load reports it to the web process
            print(f"{error}\n{getattr(error, 'detail', '')}".rstrip(), file=sys.stderr, flush=True)
            sys.exit(CANNOT_LOAD)
    sys.path[:] = configuration.get("path", sys.path)
    server = RenderServer(listener, configuration)
    server.run()
    sys.exit(server.status)
