"""Start a render server: a fresh interpreter, with the environment that author code is to see.

The server's part of its start is in `render/startup.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from typing import Any

from plotroute.errors import BadSetting
from plotroute.render.system import limits

# Programs that Python lives in, by the module that each gives it.
_EMBEDDING = {"uwsgi": "uWSGI", "mod_wsgi": "mod_wsgi"}


def launch(
    configuration: Mapping[str, Any], listener: int | None = None, *, detached: bool = False
) -> subprocess.Popen[bytes]:
    """Start a render server that hears from the socket `listener` (a descriptor), and return its process.

    A `detached` one has a session of its own: what is sent to the group of its parent is not for it. One
    that is given the `path` to import from finds all there, plotroute too, as this process has.
    """
    environment = limits.one_thread_each() | render_environment(os.environ)
    command = [interpreter(), "-m", "plotroute.render.server"]
    configuration = {**configuration, "listener": listener}
    if "path" in configuration:
        # Of a vendored plotroute, or an archive, a fresh interpreter knows nothing; and what lies in the
        # working directory is not meant. A calendar.py of the app's is not yet, for the libraries that come
        # first. Author code is to see the variable as it was (`arrive`).
        configuration["python_path"] = environment.get("PYTHONPATH")
        installed = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
        path = sorted(configuration["path"], key=lambda entry: not entry.startswith(installed))
        environment["PYTHONPATH"] = os.pathsep.join(path)
        command.insert(1, "-P")
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        pass_fds=[] if listener is None else [listener],
        env=environment,
        start_new_session=detached,
    )
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(json.dumps(configuration).encode() + b"\n")
    return child


def interpreter() -> str:
    """Return the path of the Python of this process; a BadSetting says that there is none.

    Inside of uWSGI or mod_wsgi `sys.executable` is the server's program, or nothing: Python is where its
    libraries are.
    """
    embedding = next((program for module, program in _EMBEDDING.items() if module in sys.modules), "")
    if sys.executable and not embedding:
        return sys.executable
    names = (f"python{sys.version_info[0]}.{sys.version_info[1]}", f"python{sys.version_info[0]}", "python")
    for name in names:
        path = os.path.join(sys.prefix, "bin", name)
        if os.access(path, os.X_OK):
            return path
    raise BadSetting(
        f"{embedding or 'This program'} holds Python as a part of its own, and there is no {names[0]} in "
        f"{os.path.join(sys.prefix, 'bin')} to start the render server with. Point the server at a virtual "
        "environment (uWSGI: --venv; mod_wsgi: python-home=), or set PLOTROUTE_RENDER_MODE=inprocess: then a "
        "plot that hangs or crashes takes the worker with it."
    )


def render_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for author code: the server's own, less plotroute's settings and secrets."""
    kept = {
        k: v for k, v in environment.items() if not k.startswith("PLOTROUTE_") or k == "PLOTROUTE_RELEASE"
    }
    # Matplotlib and scipy refuse to work where it is no number.
    if not kept.get("SOURCE_DATE_EPOCH", "0").isdecimal():
        del kept["SOURCE_DATE_EPOCH"]
    # Arrow's allocator would start a thread when pandas is imported: no fork beside a thread.
    kept["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    # And it maps a gigabyte ahead, which the memory limit counts: the first text in a frame would fail.
    kept.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Jupyter hands its own to what it starts, a module that is not there for us, or opens a window.
    kept["MPLBACKEND"] = "agg"
    # Sets of texts are iterated in the same order by every process: same inputs, same bytes.
    return {**kept, "PYTHONHASHSEED": environment.get("PYTHONHASHSEED", "0"), "PLOTROUTE_ROLE": "render"}
