"""Draw in a thread of this process: for `plots.draw`, notebooks, tests, and a server of trusted plots.

All author code runs in one thread, one call after the other, because Matplotlib is not thread-safe. The
thread cannot be killed: a request that waits leaves at its deadline, and the work goes on.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from functools import partial
from typing import TypeVar

from plotroute.catalog import author_code
from plotroute.catalog.environment import environment_hash
from plotroute.catalog.watched_files import Watched
from plotroute.data import lookups
from plotroute.data.opened_files import Opened
from plotroute.errors import (
    AnswerError,
    DatasetLoading,
    Draining,
    PlotFailed,
    PlotrouteError,
    QueueFull,
    RenderTimeout,
    SetupError,
)
from plotroute.model import DatasetRef, Image, Job, Manifest, Versions
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.state.reset import State, import_matplotlib, imports
from plotroute.routing.removed import log_changes
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

T = TypeVar("T")

# Seconds between two polls of versions and two checks of files. A dataset's `poll=` is 1 s by default.
_WATCH_EVERY = 1.0


class InProcess:
    """Loads the plots of `targets` and draws them in a thread of its own.

    Args:
        targets: The author's files or modules.
        settings: The settings in force.
        watch: Load a saved file at the next `manifest()`. Code that does not load leaves the last good
            version in place, with the reason in `Manifest.problem`.

    Raises:
        SetupError: The code does not load, without `watch`.
    """

    def __init__(
        self,
        targets: Sequence[str],
        settings: Settings,
        *,
        built_in: Sequence[str] = (),
        watch: bool = False,
    ) -> None:
        self._targets = author_code.absolute(
            targets
        )  # before the working directory becomes that of the plots
        self._built_in = built_in
        self._settings = settings
        self._watch = watch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="plotroute-render")
        self._watched = Watched(self._targets, hints=watch)
        self._reloading = threading.Lock()
        self._closed = threading.Event()
        self._environment = environment_hash(settings.cache_namespace)
        os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own backend on to its terminals
        import_matplotlib()
        lookups.notice()
        os.chdir(author_code.root_of(self._targets))
        # A module that is loaded again must find Matplotlib as it was before the first load.
        self._pristine = self._thread.submit(State).result()
        self._worker: JobRunner | None = None
        self._manifest = Manifest()
        self._load()
        self._watcher = threading.Thread(target=self._refresh, name="plotroute-watcher", daemon=True)
        self._watcher.start()

    def ready(self) -> bool:
        """Whether a version of the code has been loaded."""
        return self._worker is not None

    def manifest(self) -> Manifest:
        """Return the newest version of the code that loads."""
        if self._watch:
            with self._reloading:
                if self._watched.changed():
                    self._load()
        return self._manifest

    def versions(self, refs: Sequence[DatasetRef]) -> Versions:
        """Return the versions of data; the render thread polls or loads what is not known."""
        worker = self._require_worker()
        found: dict[str, str] = {}
        for ref in refs:
            version = worker.datasets.known(ref)
            if version is None:
                begun, future = self._submit(partial(worker.datasets.version, ref))
                self._await_turn(begun, future)
                version = _result(future, self._settings.load_timeout, _still_loading())
            found[ref.id] = version
        return found

    def known(self, ref: DatasetRef) -> str | None:
        """Return the version that was loaded or polled less than a minute ago, if any."""
        return self._require_worker().datasets.known(ref)

    def changed(self, names: Collection[str]) -> None:
        """Forget what is known of the datasets `names`."""
        if self._worker is not None:
            self._thread.submit(self._worker.datasets.forget, names).result(self._settings.queue_timeout)

    def render(self, job: Job) -> Image:
        """Draw in the render thread. Each stage has its own time limit: the queue, loading, drawing."""
        worker = self._require_worker()
        data_at_hand = threading.Event()

        def work() -> Image:
            try:
                return worker.run(job, data_at_hand.set, self._settings.load_timeout)
            finally:
                data_at_hand.set()

        begun, future = self._submit(work)
        self._await_turn(begun, future)
        if not data_at_hand.wait(self._settings.load_timeout):
            raise _still_loading()
        late = RenderTimeout(f"Drawing took longer than {job.timeout:g} s")
        image = _result(future, job.timeout, late)
        if self._watch and image.files:
            # Content of these files in a cache of the author's goes with the modules.
            with self._reloading:
                self._watched.read(image.files, whole=False)
        return image

    def close(self) -> None:
        """Stop; a drawing under way ends by itself."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _require_worker(self) -> JobRunner:
        if self._worker is None:
            raise PlotFailed("The plots file does not load", detail=self._manifest.problem_detail)
        return self._worker

    def _submit(self, call: Callable[[], T]) -> tuple[threading.Event, Future[T]]:
        """Queue `call` for the render thread; the event is set when it begins."""
        begun = threading.Event()

        def work() -> T:
            begun.set()
            return call()

        try:
            future = self._thread.submit(work)
        except RuntimeError:
            raise _stopping() from None
        future.add_done_callback(lambda _: begun.set())  # a cancelled call never begins
        return begun, future

    def _await_turn(self, begun: threading.Event, future: Future[T]) -> None:
        if not begun.wait(self._settings.queue_timeout) and future.cancel():
            raise QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": "2"})
        if future.cancelled():
            raise _stopping()

    def _load(self) -> None:
        try:
            opened = Opened()
            self._worker = self._thread.submit(self._make_worker, opened).result()
            before, self._manifest = self._manifest, self._worker.catalog.manifest
            log_changes(before, self._manifest)
            self._watched.read(opened.states, whole=True)
        except SetupError as error:
            self._watched.read(opened.states, whole=False)
            if not self._watch:
                raise
            log.error("%s\n%s", error, getattr(error, "detail", ""))
            self._manifest = replace(self._manifest, problem=str(error), problem_detail=error.frames)

    def _make_worker(self, opened: Opened) -> JobRunner:
        self._pristine.restore()
        self._pristine.definitions.put_back()
        # Libraries stay imported when the author's modules are imported again.
        with imports().recorded():
            return JobRunner.of(
                *(self._targets, self._settings, self._environment),
                opened=opened,
                built_in=self._built_in,
                lenient=self._watch,
            )

    def _refresh(self) -> None:
        """Poll versions and reload data in the background, so that requests need not wait."""
        while not self._closed.wait(_WATCH_EVERY):
            worker = self._worker
            if worker is None:
                continue
            try:
                self._thread.submit(worker.datasets.refresh).result()
            except (RuntimeError, CancelledError):  # shut down while we waited
                return
            except PlotrouteError as error:
                log.error("%s", error)


def _result(future: Future[T], timeout: float, late: AnswerError) -> T:
    try:
        return future.result(timeout)
    except FutureTimeout:
        raise late from None


def _stopping() -> Draining:
    return Draining("The server is stopping", headers={"Retry-After": "5"})


def _still_loading() -> DatasetLoading:
    return DatasetLoading("The data is still being loaded", headers={"Retry-After": "5"})
