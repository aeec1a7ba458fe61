"""The web server around an app: how many requests it answers at once in this process.

A request that waits for a picture holds one of the server's threads. How many there are, WSGI does not say;
each server is asked in its own way.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from plotroute.pipeline.waiting_room import places

log = logging.getLogger("plotroute")

# The fewest that a server with threads has by default (waitress), where it does not say how many.
_UNKNOWN = 4

# With 32, pages of four readers wait at once, of six connections each, before an image is asked to come
# again, and four threads stay free.
_ENOUGH = 32


@dataclass(frozen=True)
class WebServer:
    """A web server, as far as it can be known."""

    name: str
    threads: int | None
    """Requests that this process answers at once; None: as many as come."""
    cure: str
    """What to set for more."""


def announce(server: WebServer | None) -> None:
    """Say in the log what to set where plots could keep an app's other views waiting; once per server."""
    if server is None or server.threads is None or server.threads >= _ENOUGH or server in _announced:
        return
    _announced.add(server)
    if server.threads == 1:
        log.warning(
            "%s answers one request at a time: while a plot is drawn, other views of this process wait. %s",
            server.name,
            server.cure,
        )
    else:
        log.warning(
            "%s has %d threads: %d requests may wait for plots at once, and further ones are asked to come "
            "again, so that other views find a thread. %s",
            server.name,
            server.threads,
            places(server.threads),
            server.cure,
        )


_announced: set[WebServer] = set()


def starting() -> WebServer | None:
    """Return the server that is importing the app just now, if it can be recognised at that time."""
    return _gunicorn() or _waitress_serve() or _granian()


def serving(environ: Mapping[str, Any]) -> WebServer:
    """Return the server that asks for an answer to `environ`, in this thread."""
    found = _gunicorn() or _green(environ) or _waitress() or _granian() or _embedding(environ)
    if found is not None:
        return found
    if "werkzeug.debug.preserve_context" in environ:
        return WebServer("the app's test client", None, "")
    software = str(environ.get("SERVER_SOFTWARE") or "The web server").partition("/")[0]
    if not environ.get("wsgi.multithread"):
        return WebServer(software, 1, "Have it answer with several threads.")
    if software == "Werkzeug":  # a thread for each request
        return WebServer(software, None, "")
    return WebServer(software, _UNKNOWN, "Say with PLOTROUTE_THREADS how many threads a worker has.")


def _gunicorn() -> WebServer | None:
    for local in _locals_of("gunicorn."):
        config: Any = getattr(local.get("self"), "cfg", None)
        if hasattr(config, "worker_class_str"):
            kind = str(config.worker_class_str)
            if kind == "sync":
                return WebServer("gunicorn's sync worker", 1, "Start gunicorn with --threads 32.")
            threads = int(config.threads) if kind == "gthread" else None
            return WebServer(f"gunicorn's {kind} worker", threads, "Start gunicorn with --threads 32.")
    return None


def _green(environ: Mapping[str, Any]) -> WebServer | None:
    """Return eventlet or gevent: as many green threads as come, but one if waiting does not switch them."""
    for name, patcher, is_patched in (
        ("eventlet", "eventlet.patcher", "is_monkey_patched"),
        ("gevent", "gevent.monkey", "is_module_patched"),
    ):
        if not type(environ.get("wsgi.input")).__module__.startswith(f"{name}."):
            continue
        patched = getattr(sys.modules.get(patcher), is_patched, lambda _: False)
        module = "thread" if name == "eventlet" else "threading"
        if patched(module):
            return WebServer(name, None, "")
        call = "eventlet.monkey_patch()" if name == "eventlet" else "gevent.monkey.patch_all()"
        return WebServer(name, 1, f"Call {call} before anything else is imported.")
    return None


def _waitress() -> WebServer | None:
    if not threading.current_thread().name.startswith("waitress-"):
        return None
    return _waitress_with(sum(thread.name.startswith("waitress-") for thread in threading.enumerate()))


def _waitress_serve() -> WebServer | None:
    for local in _locals_of("waitress.runner"):
        if isinstance(options := local.get("kw"), dict):
            return _waitress_with(int(options.get("threads", _UNKNOWN)))
    return None


def _waitress_with(threads: int) -> WebServer:
    return WebServer("waitress", threads, "Give it more: waitress-serve --threads=32.")


def _granian() -> WebServer | None:
    main = sys._current_frames().get(threading.main_thread().ident or 0)
    for local in _locals_of("granian.", main):
        if isinstance(threads := local.get("blocking_threads"), int):
            return WebServer("granian", threads, "Start granian with --blocking-threads 32.")
    return None


def _embedding(environ: Mapping[str, Any]) -> WebServer | None:
    """Return the server that Python lives in."""
    if "mod_wsgi.version" in environ:
        threads = int(getattr(sys.modules.get("mod_wsgi"), "threads_per_process", _UNKNOWN))
        return WebServer("mod_wsgi", threads, "Give WSGIDaemonProcess threads=32.")
    if (uwsgi := sys.modules.get("uwsgi")) is not None:
        threads = int(getattr(uwsgi, "opt", {}).get("threads", 1))
        return WebServer("uWSGI", threads, "Start uWSGI with --enable-threads --threads 32.")
    return None


def _locals_of(package: str, frame: FrameType | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the local variables of the functions of a server that are being called, the innermost first.

    Not those of other functions: a frame keeps what was once asked of it alive.
    """
    frame = frame or sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(package):
            yield frame.f_locals
        frame = frame.f_back
