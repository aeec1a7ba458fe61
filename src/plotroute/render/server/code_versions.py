"""Versions of the author's code: load a saved change, and send web processes the news."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

from plotroute import model
from plotroute.catalog.watched_files import Watched
from plotroute.data.opened_files import States
from plotroute.model import Frame, Manifest
from plotroute.render.messages import Done, ManifestNews
from plotroute.render.server.children import ZygoteHandle
from plotroute.render.server.connections import Clients, Waiter
from plotroute.render.server.pool import Pool
from plotroute.routing.removed import log_changes

log = logging.getLogger("plotroute.render")


class CodeVersions:
    """The versions of the code of one render server, from saved files to the manifest."""

    def __init__(
        self,
        targets: tuple[str, ...],
        pool: Pool,
        clients: Clients,
        *,
        greeting: str = "",
        lenient: bool = False,
        again_after: float = math.inf,
    ) -> None:
        """Watch the files of `targets`.

        Args:
            targets: The author's files and modules.
            pool: Loads the code.
            clients: The web processes that get the news.
            greeting: Printed once, when the first version loads or does not load.
            lenient: Whether hints that cannot be evaluated are let through.
            again_after: Seconds after which code that has never loaded is imported again.
        """
        self._pool = pool
        self._clients = clients
        self._greeting = greeting
        self._again_after = again_after
        self._watched = Watched(targets, hints=lenient)
        self._manifest = Manifest()
        self._problem: tuple[str, tuple[Frame, ...]] | None = None
        """Title and detail of why the newest version does not load."""
        self._failed_at = 0.0
        self._checks: list[Waiter] = []
        self.reload_asked = True
        """Whether the code is to be loaded though no file was saved."""

    def news(self) -> ManifestNews:
        """Return the manifest of the current version, and why a newer one does not load."""
        problem, detail = self._problem or ("", ())
        manifest = self._pool.current.manifest if self._pool.current else None
        return ManifestNews(manifest=manifest, problem=problem, problem_detail=detail)

    def check(self, waiter: Waiter, in_child: Callable[[], None]) -> None:
        """Look at the files, and reply to `waiter` once a saved change is loaded."""
        self._checks.append(waiter)
        self.look_at_files(in_child)

    def look_at_files(self, in_child: Callable[[], None]) -> None:
        """Start a zygote if a file of the author's was saved; else reply to the waiting checks."""
        if self._watched.changed() or self.reload_asked or self._should_retry():
            self.reload_asked = False
            self._pool.load(in_child)
        elif not self._pool.loading:
            self._reply_to_checks()

    def loaded(self, zygote: ZygoteHandle) -> None:
        """Send the manifest of a new current version."""
        self._problem = None
        self._watched.read(zygote.files, whole=True)
        self._greet()
        before, self._manifest = self._manifest, model.from_wire(Manifest, zygote.manifest.encode())
        log_changes(before, self._manifest)
        self._send_news()

    def failed(self, problem: str, detail: Sequence[Frame]) -> None:
        """Send why the newest version of the code does not load."""
        log.error("%s\n%s", problem, "".join(frame.text for frame in detail))
        self._greet()  # the page at that address shows the problem, too
        self._problem = (problem, tuple(detail))
        self._failed_at = time.monotonic()
        self._send_news()

    def watch_failed(self, files: States) -> None:
        """Watch the files that a failed import has read: when one changes, the code is loaded again."""
        self._watched.read(files, whole=False)

    def _should_retry(self) -> bool:
        """Whether there is no version of the code, and reason to import it though no file was saved."""
        if self._pool.current is not None or self._pool.loading:
            return False
        return self._problem is None or time.monotonic() - self._failed_at > self._again_after

    def _greet(self) -> None:
        """Print once where the server is."""
        if self._greeting:
            print(self._greeting, flush=True)
            self._greeting = ""

    def _send_news(self) -> None:
        self._clients.send_all(self.news())
        self._reply_to_checks()

    def _reply_to_checks(self) -> None:
        for waiter in self._checks:
            self._clients.reply(waiter, Done())
        self._checks.clear()
