"""Run what answers: granian for production, Werkzeug's server for authors.

The processes that only start others import no more than they need: `/healthz` waits for each of them.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from plotroute.errors import BadSetting, SetupError
from plotroute.logs import set_up_logging
from plotroute.serve.config import Service
from plotroute.settings import Settings

log = logging.getLogger("plotroute")

# Seconds before the server is killed at which it answers the requests that still wait that it stops.
_LAST_WORDS = 1.0

# Seconds until the server ends a connection that has not sent a whole head. More than the 60 s of common
# proxies, so that a proxy closes its connection first, and never sends a request on one at its end.
_SILENT_FOR = 75

# Connections at most: some 20 KB each. Each takes a descriptor, of which some systems give 1,024.
_MOST_CONNECTIONS = 4096
_OTHER_DESCRIPTORS = 128

# How far `dev` looks for a free port: macOS keeps 5000 for AirPlay, and a colleague's server the next.
_PORTS_TRIED = 10


def own_matplotlib_directory() -> None:
    """Keep Matplotlib's configuration and font cache apart from the user's: the same pictures everywhere.

    An MPLCONFIGDIR that the operator has set stays.
    """
    if "MPLCONFIGDIR" in os.environ:
        return
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        directory = cache / "plotroute" / "matplotlib"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a read-only home, or none: Matplotlib makes a temporary one and says so
        return
    os.environ["MPLCONFIGDIR"] = str(directory)


def serve(service: Service, host: str, port: int) -> int:
    """Serve until a signal says stop; return the exit status."""
    if not _is_free(host, port):
        raise BadSetting(f"Port {port} is in use; name another one with --port.")
    greeting = f"plotroute serves {', '.join(service.targets)} at http://{host}:{port}/"
    return _run(service, host, port, greeting)


def develop(service: Service, host: str, port: int | None) -> int:
    """Serve one author, for saving files and reloading pages, until Ctrl-C; return the exit status."""
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise BadSetting(
            f"dev shows tracebacks to every reader, so it listens on this machine only, not on {host}. "
            "Use `plotroute serve` for other readers."
        )
    first = port or 5000
    ports: Sequence[int] = [first] if port else range(first, first + _PORTS_TRIED)
    free = next((candidate for candidate in ports if _is_free(host, candidate)), None)
    if free is None:
        raise BadSetting(f"Port {first} is in use; name another one with --port.")
    if free != first:
        hint = " (macOS keeps it for AirPlay)" if sys.platform == "darwin" and first == 5000 else ""
        print(f"Port {first} is in use{hint}; using {free}.", flush=True)
    greeting = (
        f"plotroute shows {', '.join(service.targets)} at http://{host}:{free}/ and reloads it when saved.\n"
        "Ctrl-C stops it."
    )
    return _run(service, host, free, greeting)


def _run(service: Service, host: str, port: int, greeting: str) -> int:
    own_matplotlib_directory()
    if sys.platform != "linux" and service.settings.render_mode == "server":
        print(
            "This system has no pidfd, so plots are drawn in the server's own process: serve your own only."
        )
        service = replace(service, settings=replace(service.settings, render_mode="inprocess"))
    if service.settings.render_mode == "inprocess":
        web = Web(service, host, port, greeting=greeting)
        return web.run()
    from plotroute.serve.supervisor import Supervisor

    web = Web(service, host, port)
    return Supervisor(
        service.targets,
        service.settings,
        [sys.executable, "-m", "plotroute.serve", web.spelled()],
        greeting=greeting,
        development=service.development,
    ).run()


@dataclass(frozen=True, slots=True)
class Web:
    """The web server of a service, in the process that runs it."""

    service: Service
    host: str
    port: int
    path: str = ""
    """Of the render server's socket; none: plots are drawn in this process."""
    greeting: str = ""

    def spelled(self) -> str:
        """Return it as JSON, for a process of its own."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def read(cls, spelled: str, path: str) -> Web:
        """Return what `spelled` says, with the socket at `path`."""
        found = json.loads(spelled)
        service = found["service"]
        site = Path(service["site"]) if service["site"] else None
        settings = Settings(**service["settings"])
        return cls(
            Service(tuple(service["targets"]), settings, site, service["development"]),
            found["host"],
            found["port"],
            path,
        )

    def run(self) -> int:
        """Serve until a signal says stop."""
        if self.service.development:
            return self._develop()
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings
        from granian.log import LogLevels
        from granian.server import Server

        # A set of names is iterated in the same order by every process, so the same plot has the same bytes.
        os.environ.setdefault("PYTHONHASHSEED", "0")
        Server(
            "plotroute",
            address=self.host,
            port=self.port,
            interface=Interfaces.WSGI,
            # One cache of pictures, and one table of what the render server has told, for all threads.
            workers=1,
            blocking_threads=self.service.settings.threads,
            backpressure=_connections(),
            websockets=False,
            # A connection that has sent nothing is not ended in time while it may turn out to be HTTP/2.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=_SILENT_FOR * 1000),
            # What goes wrong is said by the process that it goes wrong in.
            log_level=LogLevels.critical,
            respawn_failed_workers=bool(self.path),
            # A drawing that hangs must not keep the server from stopping.
            workers_kill_timeout=math.ceil(self.service.settings.drain_timeout),
        ).serve(target_loader=partial(_load, self), wrap_loader=False)
        return 0

    def _develop(self) -> int:
        from werkzeug.serving import make_server

        from plotroute.serve.factory import make_app

        set_up_logging()
        app = make_app(self.service, self.path)
        server = make_server(self.host, self.port, app, threaded=True, request_handler=_quiet_handler())
        if self.greeting:
            print(self.greeting, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
        finally:
            server.server_close()
        return 0


def _connections() -> int:
    """Return how many connections may be open, after asking the system for as many descriptors."""
    import resource  # not on Windows, which the command says in a sentence

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted - _OTHER_DESCRIPTORS


def _load(web: Web) -> Callable[..., Any]:
    """Return the app, in granian's worker."""
    from plotroute.serve.factory import make_app
    from plotroute.web.transport.idle_connections import keep_room

    set_up_logging()
    end_with(os.getppid())
    keep_room(_connections())
    try:
        app = make_app(web.service, web.path)
    except SetupError as error:
        print(f"{error}\n{getattr(error, 'detail', '')}".rstrip(), file=sys.stderr, flush=True)
        # granian would print its own traceback over the message.
        os._exit(2)
    if web.greeting:
        print(web.greeting, flush=True)
    drain = threading.Timer(
        web.service.settings.drain_timeout - _LAST_WORDS, getattr(app, "drain", lambda: None)
    )
    drain.daemon = True
    _stop_once(drain.start)
    return app


def _stop_once(stopping: Callable[[], None]) -> None:
    """Have granian's worker take the first signal that says stop, and no other; call `stopping` then.

    Containers send it to every process, and more than once. At the third, granian 2.8 waits for itself for
    ever. It has no public door to its handlers, which it sets after the app is loaded.
    """
    from granian import _signals

    set_handlers: Any = _signals.set_sync_signals

    def set_handlers_for_once() -> Any:
        told = set_handlers()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(_first_only, signal.getsignal(number), stopping))
        return told

    _signals.set_sync_signals = set_handlers_for_once


def _first_only(stop: Any, stopping: Callable[[], None], number: int, frame: Any) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    stopping()
    stop(number, frame)


def end_with(parent: int) -> None:
    """End this process when its parent is gone, however it went. Works wherever there are threads."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="plotroute-parent", daemon=True).start()


def _is_free(host: str, port: int) -> bool:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _quiet_handler() -> Any:
    """Return Werkzeug's request handler with HTTP/1.1 and without its own log: ours has a line already."""
    from werkzeug.serving import WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            pass

    return Handler
