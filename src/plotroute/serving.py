"""Put together what answers, and run it: granian for production, Werkzeug's server for authors."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plotroute.cache.memory import MemoryCache
from plotroute.errors import BadSetting, SetupError
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings

log = logging.getLogger("plotroute")

# How far `dev` looks for a free port: macOS keeps 5000 for AirPlay, and a colleague's server the next.
_PORTS_TRIED = 10


@dataclass(frozen=True, slots=True)
class Service:
    """What a server serves. Plain data: the server's own process puts it together."""

    targets: tuple[str, ...]
    settings: Settings
    site: Path | None = None
    development: bool = False


def make_pipeline(service: Service) -> Pipeline:
    """Return the pipeline of a service, its plots loaded; a SetupError says why they do not."""
    from plotroute.render.inprocess import InProcess

    renderer = InProcess(service.targets, service.settings, watch=service.development)
    return Pipeline(renderer, MemoryCache(service.settings.cache_memory), service.settings)


def make_app(service: Service) -> Callable[..., Any]:
    """Return the WSGI app of a service."""
    from plotroute.web.app import create_app

    site = service.site.resolve() if service.site else None  # before the plots' directory becomes ours
    pipeline = make_pipeline(service)
    return create_app(pipeline, service.settings, site=site, development=service.development)


def set_up_logging() -> None:
    """Log to stderr, a line per request; Matplotlib only where it matters."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname).1s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    # A font without a glyph is told once per text: hundreds of lines for one small plot.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    for name in ("werkzeug", "_granian"):
        logging.getLogger(name).setLevel(logging.WARNING)


def own_matplotlib_directory() -> None:
    """Keep Matplotlib's configuration and font cache apart from the user's: the same pictures everywhere.

    An MPLCONFIGDIR that somebody has set is theirs to set.
    """
    if "MPLCONFIGDIR" in os.environ:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "plotroute" / "matplotlib"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only home: Matplotlib makes a temporary one and says so
        return
    os.environ["MPLCONFIGDIR"] = str(directory)


def _in_server_process(service: Service, address: str) -> Callable[..., Any]:
    set_up_logging()
    try:
        app = make_app(service)
    except SetupError as error:
        print(f"{error}\n{getattr(error, 'detail', '')}".rstrip(), file=sys.stderr, flush=True)
        # granian would print its own traceback over the message.
        os._exit(2)
    print(f"plotroute serves {', '.join(service.targets)} at {address}", flush=True)
    return app


def serve(service: Service, host: str, port: int) -> None:
    """Serve until a signal says stop."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    if not _is_free(host, port):
        raise BadSetting(f"Port {port} is in use; name another one with --port.")
    own_matplotlib_directory()
    # A set of names is iterated in the same order by every process, so the same plot has the same bytes.
    os.environ.setdefault("PYTHONHASHSEED", "0")
    server = Server(
        "plotroute",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        # The pictures' cache and the renderer are in this one process.
        workers=1,
        blocking_threads=service.settings.threads,
        # What goes wrong is said by the process that it goes wrong in.
        log_level=LogLevels.critical,
        # A drawing that hangs must not keep the server from stopping.
        workers_kill_timeout=10,
    )
    server.serve(
        target_loader=partial(_in_server_process, service, f"http://{host}:{port}/"), wrap_loader=False
    )


def develop(service: Service, host: str, port: int | None) -> None:
    """Serve one author, who saves files and reloads pages, until Ctrl-C."""
    from werkzeug.serving import make_server

    if host not in ("127.0.0.1", "::1", "localhost"):
        raise BadSetting(
            f"dev shows tracebacks to whoever asks, so it listens on this machine only, not on {host}. "
            "Use `plotroute serve` for others to see."
        )
    own_matplotlib_directory()
    first = port or 5000
    ports: Sequence[int] = [first] if port else range(first, first + _PORTS_TRIED)
    free = next((candidate for candidate in ports if _is_free(host, candidate)), None)
    if free is None:
        raise BadSetting(f"Port {first} is in use; name another one with --port.")
    if free != first:
        hint = " (macOS keeps it for AirPlay)" if sys.platform == "darwin" and first == 5000 else ""
        print(f"Port {first} is in use{hint}; using {free}.", flush=True)
    app = make_app(service)
    server = make_server(host, free, app, threaded=True, request_handler=_quiet_handler())
    print(f"plotroute shows {', '.join(service.targets)} at http://{host}:{free}/ and reloads it when saved.")
    print("Ctrl-C stops it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


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
