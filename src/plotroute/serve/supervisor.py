"""The parent of a server's processes: starts them, starts them again when they end, and ends them.

It has one thread and runs no author code. It owns the socket of the render server, so that
requests that wait there are read by the next render server, and the directory that holds it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from plotroute.errors import BadSetting
from plotroute.render.client.launch import launch
from plotroute.serve.config import BUILT_IN
from plotroute.settings import Settings

# Exit status of a render server whose plots do not load: starting it again would not help.
CANNOT_LOAD = 2

# Seconds beyond `drain_timeout` after which a web server that was told to end is killed.
_PATIENCE = 2.0
# A process that ends at once must not be started in a busy loop; doubled each time, up to five seconds.
_FIRST_PAUSE, _MOST_PAUSE = 0.1, 5.0
# A process that ran that long is well: the next pause is short again.
_WELL_AFTER = 10.0


class Supervisor:
    """Runs the render server and the web server of `targets`."""

    def __init__(
        self,
        targets: Sequence[str],
        settings: Settings,
        web: Sequence[str],
        *,
        greeting: str,
        development: bool,
    ) -> None:
        """`web` is the command line of the web server; it finds the render server by PLOTROUTE_SOCKET.

        `greeting` is printed when the plots are loaded. Outside `development` plots that do not load when
        the server starts end it.
        """
        self._greeting = greeting
        self._development = development
        self._targets = tuple(targets)
        self._settings = settings
        self._web = list(web)
        self._directory = tempfile.mkdtemp(prefix="plotroute-")  # 0700: other users cannot connect
        self.path = str(Path(self._directory) / "render.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(self.path)
        except OSError as error:  # what the kernel allows for the address of a socket is 107 bytes
            os.rmdir(self._directory)
            raise BadSetting(f"{self.path}: {error}; set TMPDIR to a shorter one.") from None
        self._listener.listen(128)
        # The socket stays connectable by this descriptor when its file is gone, because the temporary
        # files were cleared away. No address is needed that could be made again, and taken by another user.
        self._place = os.open(self.path, os.O_PATH)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._pause: dict[str, float] = {}
        self._stop = False
        self._status = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGHUP, self._told_to_reload)
        try:
            self._start("render")
            self._start("web")
            while not self._stop:
                self._look()
                time.sleep(0.05)
            return self._end()
        finally:
            for child in self._children.values():
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                child.wait()
            self._listener.close()
            os.close(self._place)
            shutil.rmtree(self._directory, ignore_errors=True)

    def _look(self) -> None:
        """Start again what has ended, and make the directory again if it was cleared away."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._directory, 0o700)
        for name, child in list(self._children.items()):
            if child.poll() is None:
                continue
            if name == "render" and child.returncode == CANNOT_LOAD:
                self._stop = True
                self._status = CANNOT_LOAD
                return
            now = time.monotonic()
            if now - self._started[name] > _WELL_AFTER:
                self._pause[name] = 0.0
            wait = self._pause.get(name, 0.0)
            if now - self._started[name] < wait:
                continue
            if not self._stop:
                print(
                    f"the {name} server ended ({child.returncode}); starting it again",
                    file=sys.stderr,
                    flush=True,
                )
            self._pause[name] = min(_MOST_PAUSE, max(_FIRST_PAUSE, wait * 2))
            self._start(name)

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        self._children[name] = self._start_render() if name == "render" else self._start_web()

    def _start_render(self) -> subprocess.Popen[bytes]:
        configuration = {
            "targets": self._targets,
            "built_in": BUILT_IN,
            "settings": asdict(self._settings),
            "directory": self._directory,
            "parent": os.getpid(),
            # A server that has been up keeps the code that it has; a server that never loaded any ends.
            "development": self._development or "render" in self._pause,
            "lenient": self._development,
            "greeting": self._greeting if "render" not in self._pause else "",
        }
        return launch(configuration, self._listener.fileno())

    def _start_web(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PLOTROUTE_SOCKET": f"/proc/{os.getpid()}/fd/{self._place}",
            "PLOTROUTE_PARENT": str(os.getpid()),
        }
        return subprocess.Popen(self._web, env=environment)

    def _end(self) -> int:
        """End the web server first: what it has promised is still drawn."""
        web, render = self._children["web"], self._children["render"]
        web.terminate()
        try:
            web.wait(self._settings.drain_timeout + _PATIENCE)
        except subprocess.TimeoutExpired:
            web.kill()
        render.send_signal(signal.SIGUSR1)  # not SIGTERM, which others send it as well
        try:
            render.wait(2.0)
        except subprocess.TimeoutExpired:
            render.kill()
        return self._status

    def _told_to_stop(self, number: int, _: object) -> None:
        if self._stop and number == signal.SIGINT:  # Ctrl-C twice: at once. SIGTERM may come many times
            for child in self._children.values():
                child.kill()
        self._stop = True

    def _told_to_reload(self, *_: object) -> None:
        if render := self._children.get("render"):
            render.send_signal(signal.SIGHUP)
