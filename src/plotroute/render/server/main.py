"""The base: one loop that owns the queue, the jobs and every deadline of one machine's drawings.

Run as `python -m plotroute.render.server`, a fresh interpreter with one thread, configured by one line of
JSON on standard input. It runs no author code: that is what generations, its forks, are for.
"""

# Over 400 lines: the loop and what it may do in one turn are a single story.

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import math
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from plotroute import encode, model
from plotroute.catalog import author_code
from plotroute.catalog.environment import environment_hash
from plotroute.catalog.watched_files import Watched
from plotroute.data.opened_files import States
from plotroute.errors import (
    AnswerError,
    DatasetLoading,
    DatasetUnavailable,
    Draining,
    PlotCrashed,
    PlotFailed,
    QueueFull,
    RenderTimeout,
    SetupError,
    from_wire,
)
from plotroute.logs import set_up_logging
from plotroute.model import DatasetRef, Json, Manifest
from plotroute.render import startup
from plotroute.render.drawing.app_context import Recipe
from plotroute.render.frames import Message
from plotroute.render.server.children import WorkerHandle, ZygoteHandle, start_zygote
from plotroute.render.server.connections import Client, Clients, Waiter, Watch
from plotroute.render.server.data_changes import Changes
from plotroute.render.server.data_versions import KnownVersions
from plotroute.render.server.fair_share import Lane, QueuedJob
from plotroute.render.server.pool import Pool
from plotroute.render.server.scheduler import Scheduler
from plotroute.render.server.timed_images import Kept
from plotroute.render.state.reset import import_matplotlib
from plotroute.render.system import limits, process_tree
from plotroute.routing.removed import log_changes
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

CANNOT_LOAD = 2
"""Exit status where the plots do not load at the start: trying again would not help."""

# Libraries that take a second to import and start no thread doing it.
_PRELOADED = {"pandas": "pandas", "scipy": "scipy.stats", "seaborn": "seaborn", "sklearn": "sklearn.datasets"}

# Seconds between looks at deadlines, at memory, and at files and versions.
_TICK, _MEMORY_EVERY, _FILES_EVERY = 0.1, 0.2, 0.5
# A load goes on after its readers have been told to come back, but not for ever.
_LOADS_UP_TO = 6
# A version is one look at a file or a table; one that hangs costs its watcher.
_POLL_TIMEOUT = 10.0
# A picture whose process ended before it had begun is given to another, unless it is what ends them.
_TRIES = 2
# A process that was killed is gone at once, unless it waits for a disk.
_GONE_WITHIN = 1.0


class RenderServer:
    """The render server of one machine. It is the `Events` of its pool."""

    def __init__(self, listener: socket.socket, configuration: Message) -> None:
        self._settings = Settings(**configuration["settings"])
        self._targets = tuple(configuration["targets"])
        self._built_in = tuple(configuration.get("built_in", ()))
        self._development = bool(configuration["development"])
        self._greeting = str(configuration["greeting"])
        self._environment = environment_hash(self._settings.cache_namespace)
        self._recipe = Recipe(**configuration.get("app", {}))
        self._lenient = bool(configuration.get("lenient", False))
        self._known = Manifest()
        self._directory = str(configuration["directory"])
        self._idle_after = float(configuration.get("idle_after", math.inf))
        self._again_after = float(configuration.get("again_after", math.inf))
        self._left_at = time.monotonic()
        """When a worker was last there."""
        self._listener = listener
        self._watch = Watch()
        self._clients = Clients(listener, self._watch, self._asked, self._left)
        self._pool = Pool(self._watch, self, self._start_generation, self._settings, self._directory)
        self._scheduler = Scheduler(time.monotonic, self._settings.queue_timeout)
        self._versions = KnownVersions(time.monotonic)
        self._kept = Kept(time.monotonic, self._settings.cache_memory)
        self._changes = Changes(time.monotonic, self._clients.answer)
        self._load_seconds: dict[str, float] = {}
        """Id of data → how long its last load took, for the first drawing that read it."""
        self._problem: dict[str, Json] = {}
        self._failed_at = 0.0
        self._watched = Watched(self._targets, hints=self._lenient)
        self._checks: list[Waiter] = []
        self._due: dict[str, float] = {}
        self._reload_asked = True
        self._stopping = False
        self.status = 0

    def run(self) -> None:
        """Serve until the supervisor says stop, by SIGUSR1."""
        signal.signal(signal.SIGUSR1, self._told_to_stop)
        beside = self._idle_after < math.inf
        # Ctrl-C, and what containers send to every process, is for the supervisor: first the web server
        # ends, and what it has promised is still drawn.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told_not_to_wait if beside else signal.SIG_IGN)
        signal.signal(signal.SIGHUP, self._told_to_reload)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what came while we were starting counts (`arrive`)
        while not self._stopping:
            self._tick()
            self._watch.wait(_TICK)
        self._pool.stop()
        _end_all()
        if beside:
            shutil.rmtree(self._directory, ignore_errors=True)

    # -- what web processes ask ---------------------------------------------------------------------

    def _asked(self, client: Client, message: Message) -> None:
        op = message["op"]
        if op == "hello":
            self._clients.tell(client, self._news())
            self._clients.tell(client, self._told_versions())
            return
        if op == "heard":
            self._changes.heard(client, message["number"])
            return
        waiter = Waiter(client, message["id"])
        if op == "changed":
            self._data_changed(waiter, message["datasets"])
            return
        if op == "check":
            self._checks.append(waiter)
            self._look_at_files()
            return
        if op == "render" and (kept := self._kept.get(message["key"])) is not None:
            self._clients.answer(waiter, *kept)
            return
        job = {"render": self._drawing, "version": self._finding_out}[op](message)
        at_once = self._process_for(job) is not None
        error = self._scheduler.join(job, waiter, self._lanes(job), at_once=at_once)
        if error is not None:
            self._clients.answer(waiter, {"error": error.to_wire()})
        self._dispatch()

    def _data_changed(self, waiter: Waiter, names: list[str]) -> None:
        """Forget what is known of datasets, and answer when every web process has forgotten it as well."""
        self._versions.change(names)
        self._scheduler.outdate(names)
        number = self._changes.begin(waiter, self._clients.with_words())
        self._clients.tell_all({**self._told_versions(), "number": number})
        self._changes.end()

    def _drawing(self, message: Message) -> QueuedJob:
        return self._new_job(
            message["key"],
            message["plot"],
            {"op": "render", "job": message["job"]},
            message["data"],
            code=message["code"],
            timeout=message["timeout"],
            request_id=message["request_id"],
            format=message["format"],
            ttl=message["ttl"],
        )

    def _finding_out(self, message: Message) -> QueuedJob:
        ref = DatasetRef(*message["ref"])
        self._versions.use(ref)
        if self._versions.has_changed(ref):
            polled = self._pool.current is not None and ref.name in self._pool.current.poll
            job = self._of_data("poll" if polled else "reload", ref)
            job.key = f"version:{ref.id}"
            return job
        return self._of_data("version", ref)

    def _of_data(self, op: str, ref: DatasetRef) -> QueuedJob:
        # Declared versions are the watcher's, so that hanging plots cannot keep them from being known.
        polled = self._pool.current is not None and ref.name in self._pool.current.poll
        inner = {"op": op, "ref": [ref.name, dict(ref.values)]}
        job = self._new_job(f"{op}:{ref.id}", f"{'poll' if polled else 'data'}:{ref.name}", inner, [ref.id])
        job.role = "watcher" if polled else "renderer"
        return job

    def _new_job(
        self,
        key: str,
        plot: str,
        message: Message,
        data: list[str],
        *,
        code: str = "",
        timeout: float = 0.0,
        request_id: str = "-",
        format: str = "",
        ttl: float = 0.0,
    ) -> QueuedJob:
        now = time.monotonic()
        return QueuedJob(
            key=key,
            plot=plot,
            message=message,
            code=code or (self._pool.current.code if self._pool.current else ""),
            data=frozenset(data),
            timeout=timeout or self._settings.render_timeout,
            request_id=request_id,
            format=format,
            ttl=ttl,
            queued_at=now,
            queue_until=now + self._settings.queue_timeout,
        )

    def _left(self, client: Client) -> None:
        self._changes.left(client)
        for job in list(self._scheduler.jobs.values()):
            for waiter in job.waiters[:]:
                if isinstance(waiter, Waiter) and waiter.client is client:
                    self._scheduler.leave(waiter)

    # -- who draws it -------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        idle = {process.role for process in self._pool if process.job is None and process.ready}
        for job in list(self._scheduler.queue):
            process = self._process_for(job) if job.role in idle else None
            if process is not None:
                self._begin(job, process)

    def _lanes(self, job: QueuedJob) -> list[Lane]:
        """Return the processes that could draw the job; those on their way are idle ones."""
        lanes = [Lane(p.job, p.loaded) for p in self._pool.serving(job.code, job.role)]
        current = self._pool.current
        if lanes and current is not None and job.code == current.code and job.role == "renderer":
            lanes += [Lane()] * (self._pool.size - len(lanes))
        return lanes

    def _process_for(self, job: QueuedJob) -> WorkerHandle | None:
        """Return a process with nothing to do, one that has the job's data if there is any.

        While a process loads some data no other begins to: a database is asked once for a cold page.
        """
        serving = self._pool.serving(job.code, job.role)
        idle = [process for process in serving if process.job is None]
        process = max(idle, key=lambda p: len(p.loaded & job.data), default=None)
        if process is None or process.role == "watcher":
            return process
        missing = job.data - process.loaded
        if missing & self._loading() or self._better_waits(job, missing, process):
            return None
        return process if self._scheduler.may_begin(job, self._lanes(job)) else None

    def _better_waits(self, job: QueuedJob, missing: frozenset[str], idle: WorkerHandle) -> bool:
        """Whether a process that draws now has the data, and would be sooner than loading it once more."""
        waited = time.monotonic() - job.queued_at
        seconds = sum(self._load_seconds.get(id, 0.0) for id in missing)
        # Half of what a request waits in the queue: after that a second process loads the data as well.
        if waited >= min(seconds, self._settings.queue_timeout / 2):
            return False
        return any(
            job.data <= other.loaded and other.job is not None and other.role == "renderer"
            for other in self._pool
            if other.generation is idle.generation
        )

    def _loading(self) -> set[str]:
        """Return the ids of the data that processes are loading now."""
        loading: set[str] = set()
        for process in self._pool:
            if process.role == "renderer" and process.job is not None and process.job.data_at is None:
                loading |= process.job.data - process.loaded
        return loading

    def _begin(self, job: QueuedJob, process: WorkerHandle) -> None:
        job.fresh, job.warms_up = not process.renders, job.plot not in process.drawn
        self._scheduler.begin(job, loads=not job.data <= process.loaded)
        process.job = job
        own_fault = job.fresh or job.plot in process.generation.faulty
        self._pool.ask(process, {**job.message, "own_fault": own_fault})

    def said(self, process: WorkerHandle, message: Message, body: bytes) -> None:
        """Take what a process says about its job."""
        job = process.job
        if job is None or message.get("number") != process.number:
            self._strayed(process)
            return
        if "begun" in message:
            process.begun = True
            return
        if "data_at_hand" in message:
            job.data_at = time.monotonic()
            if not job.data <= process.loaded:
                assert job.started_at is not None
                seconds = job.data_at - job.started_at
                self._load_seconds |= dict.fromkeys(job.data - process.loaded, seconds)
                process.loaded |= job.data
                process.floor = 0
            return
        process.job = None
        if "again" in message:  # it is no fault of the picture's
            job.queue_until = time.monotonic() + self._settings.queue_timeout
            self._scheduler.put_back(job)
            self._pool.retire(process, message["again"])
            self._dispatch()
            return
        process.renders += 1
        process.drawn.add(job.plot)
        if message.get("recycle"):  # the process ends, so the next drawing takes as long
            job.warms_up = False
        if "version" in message and process.generation is self._pool.current and not job.outdated:
            self._versions.learn(DatasetRef(*self._ref(job)), message)
            process.loaded |= job.data
            self._clients.tell_all(self._told_versions())
        error = from_wire(message["error"]) if "error" in message else None
        if error is not None and "ref" in job.message:
            self._versions.failed(DatasetRef(*self._ref(job)))
            if not job.waiters:
                log.error("%s: %s\n%s", job.key, error.title, error.detail)
        if error is None:
            process.generation.faulty.discard(job.plot)
        elif job.fresh and error.code == PlotFailed.code:
            process.generation.faulty.add(job.plot)
        if job.ttl and error is None and process.generation.code == job.code:
            self._kept.put(job.key, message, body, job.ttl)
        self._finish(job, error, message, body)
        reason = message.get("recycle") or self._pool.keeps_much(process)
        if process.strays:
            reason = "it has said what it was not asked for"
        if reason or process.renders >= process.most_renders:
            self._pool.retire(process, reason)
        self._dispatch()

    def _strayed(self, process: WorkerHandle) -> None:
        """Drop a frame that answers nothing, and have its process replaced: the next could be mistaken."""
        process.strays += 1
        if process.strays == 1:
            log.warning("render process %d says what it was not asked for, which is left out", process.pid)
        if process.job is None and not process.ending:
            self._pool.retire(process, "it has said what it was not asked for")

    def _ref(self, job: QueuedJob) -> Any:
        return job.message["ref"]

    def lost(self, process: WorkerHandle) -> None:
        """End the job of a process that is gone."""
        job, process.job = process.job, None
        if job is not None and not process.begun and not process.killed_for and job.tries < _TRIES:
            self._scheduler.put_back(job)
        elif job is not None:
            job.warms_up = False  # nor does what ends each process become quicker
            error = process.killed_for or PlotCrashed("Drawing ended its process")
            log.error("%s %s: %s", job.request_id, job.plot, _ended(error, process.pid, job))
            self._finish(job, error, {})
        self._dispatch()

    def arrived(self) -> None:
        """Give a new process something to do."""
        self._dispatch()

    def _finish(self, job: QueuedJob, error: AnswerError | None, message: Message, body: bytes = b"") -> None:
        for waiter in self._scheduler.finish(job, error):
            assert isinstance(waiter, Waiter)
            if error is not None:
                self._clients.answer(waiter, {"error": error.to_wire()})
            else:
                self._clients.answer(waiter, message, body)

    # -- versions of the code -----------------------------------------------------------------------

    def loaded(self, generation: ZygoteHandle) -> None:
        """Tell everyone of a new version of the code."""
        self._problem = {}
        self._watched.read(generation.files, whole=True)
        self._versions.forget()
        self._load_seconds.clear()
        self._greet()
        before, self._known = self._known, model.from_wire(Manifest, generation.manifest.encode())
        log_changes(before, self._known)
        self._tell_news()
        # Nothing is known of this one's data. Who went on believing what was known of the one before, of the
        # same code, would show old pictures for a minute.
        self._clients.tell_all(self._told_versions())
        self._dispatch()

    def failed(self, problem: str, detail: Sequence[Json], files: States) -> None:
        """Tell everyone why the newest version of the code does not load; at the start of a server, end."""
        self._watched.read(files, whole=False)
        text = "".join(frame["text"] for frame in detail)
        if self._pool.current is None and not self._development:
            print(f"{problem}\n{text}".rstrip(), file=sys.stderr, flush=True)
            self.status = CANNOT_LOAD
            self._stopping = True
            return
        log.error("%s\n%s", problem, text)
        self._greet()  # its page shows the problem, too
        self._problem = {"problem": problem, "problem_detail": detail}
        self._failed_at = time.monotonic()
        self._tell_news()

    def _greet(self) -> None:
        """Print once where the server is."""
        if self._greeting:
            print(self._greeting, flush=True)
            self._greeting = ""

    def _tell_news(self) -> None:
        self._clients.tell_all(self._news())
        self._answer_checks()

    def _answer_checks(self) -> None:
        for waiter in self._checks:
            self._clients.answer(waiter, {"checked": True})
        self._checks.clear()

    def _news(self) -> Message:
        current = self._pool.current
        return {"event": "manifest", "manifest": current.manifest if current else None, **self._problem}

    def _told_versions(self) -> Message:
        code = self._pool.current.code if self._pool.current else ""
        return {"event": "versions", "code": code, "versions": self._versions.told()}

    def _look_at_files(self) -> None:
        """Begin a new generation if a file of the author's was saved; else answer who asked."""
        if self._watched.changed() or self._reload_asked or self._has_none():
            self._reload_asked = False
            self._pool.load(self._let_go)
        elif not self._pool.loading:
            self._answer_checks()

    def _has_none(self) -> bool:
        """Whether there is no version of the code, and reason to import it though no file was saved."""
        if self._pool.current is not None or self._pool.loading:
            return False
        return not self._problem or time.monotonic() - self._failed_at > self._again_after

    def _start_generation(self, in_child: Callable[[], None]) -> ZygoteHandle:
        return start_zygote(
            self._targets,
            self._built_in,
            self._settings,
            self._environment,
            self._recipe,
            self._lenient,
            self._directory,
            time.monotonic(),
            in_child,
        )

    def _let_go(self) -> None:
        """In a fork: close what belongs to the base alone, and what leads back to it."""
        self._watch.close()
        self._clients.close()

    # -- time ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now = time.monotonic()
        for process in self._pool:
            if process.job is not None:
                self._check(process, process.job, now)
        for job in self._scheduler.overdue():
            self._finish(job, self._why_it_waited(job), {})
        if self._is_due("memory", _MEMORY_EVERY):
            self._pool.check_memory()
        if self._is_due("files", _FILES_EVERY) or self._reload_asked:
            self._look_at_files()
            self._refresh_versions()
            self._pool.look_after(self._is_needed)
        self._changes.end()
        self._end_if_idle()

    def _why_it_waited(self, job: QueuedJob) -> AnswerError:
        """Return the error of a job that no process has begun in time."""
        serving = self._pool.serving(job.code, job.role)
        current = self._pool.current
        # Later there may be none for a moment, when all were killed for the time that they took.
        if not serving and (self._recipe.factory or not (current and current.ready)):
            return Draining("The app is still being made", headers={"Retry-After": "5"})
        if job.data & self._loading() and any(process.job is None for process in serving):
            return self._still_loading()
        return QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": "2"})

    def _still_loading(self) -> DatasetLoading:
        return DatasetLoading("The data is still being loaded", headers={"Retry-After": "5"})

    def _check(self, process: WorkerHandle, job: QueuedJob, now: float) -> None:
        """Hold a job to its limits: loading has one, drawing another."""
        assert job.started_at is not None
        if job.data_at is not None:
            if now - job.data_at > job.timeout:
                process.kill(RenderTimeout(f"Drawing took longer than {job.timeout:g} s"))
            return
        loading = now - job.started_at
        most = _POLL_TIMEOUT if process.role == "watcher" else self._settings.load_timeout * _LOADS_UP_TO
        if loading > most:
            process.kill(DatasetUnavailable("Loading data took too long", headers={"Retry-After": "30"}))
        elif loading > self._settings.load_timeout and job.waiters:
            # The load goes on: whoever comes back finds it done.
            still = self._still_loading()
            waiters, job.waiters = job.waiters, []
            for waiter in waiters:
                assert isinstance(waiter, Waiter)
                self._clients.answer(waiter, {"error": still.to_wire()})

    def _refresh_versions(self) -> None:
        """Have versions polled and data loaded again that are due."""
        current = self._pool.current
        if current is None:
            return
        for op, ref in self._versions.due(current.poll):
            job = self._of_data(op, ref)
            if job.key not in self._scheduler.jobs:
                self._scheduler.add(job)
        self._dispatch()

    def _is_needed(self, generation: ZygoteHandle) -> bool:
        """Whether a job still has to be drawn by an older version of the code."""
        current = self._pool.current
        jobs = self._scheduler.jobs.values() if current and current.code != generation.code else ()
        waiting = any(job.code == generation.code for job in jobs)
        return waiting or any(p.job and p.generation is generation for p in self._pool)

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _end_if_idle(self) -> None:
        """End when no worker has been there for a while, unless somebody is at the door.

        Who only knocks does not count: each service that starts its server looks whether others' are alive.
        """
        now = time.monotonic()
        if self._clients.introduced():
            self._left_at = now
        elif now - self._left_at > self._idle_after and not self._clients and startup.close(self._listener):
            self._stopping = True

    def _told_not_to_wait(self, *_: object) -> None:
        """The whole service is being stopped: the workers end what they have begun, and will not be back."""
        self._idle_after = min(self._idle_after, 0.5)

    def _told_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _told_to_reload(self, *_: object) -> None:
        self._reload_asked = True


def _ended(error: AnswerError, pid: int, job: QueuedJob) -> str:
    """Return the sentence of the log about a drawing that ended with its process."""
    cure = ""
    if error.code == RenderTimeout.code:
        cure = "; timeout= of the plot sets another limit, PLOTROUTE_RENDER_TIMEOUT that of all plots"
    values = json.loads(str(job.message.get("job", "{}"))).get("values", {})
    asked = " ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
    return f"{error.title}, so process {pid} is gone{cure}. Asked for: {asked[:500] or 'no parameters'}"


def _end_all() -> None:
    """End generations, and what plots have started and left behind, and wait until they are gone.

    Else somebody else would be their parent: a gunicorn that is the first process of a container takes them
    for its workers.
    """
    process_tree.kill_descendants(os.getpid())
    until = time.monotonic() + _GONE_WITHIN
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.01)


def preload(targets: tuple[str, ...]) -> None:
    """Import the well-known libraries that the author's files import, so that a generation need not."""
    named = re.compile(rb"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
    used = {
        name.decode() for file in author_code.code_files(targets) for name in named.findall(file.read_bytes())
    }
    for name in sorted(used & _PRELOADED.keys()):
        try:
            importlib.import_module(_PRELOADED[name])
        except Exception as error:  # the author's own import will say it with the author's line
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
        # It is the supervisor's, so that a new base hears who was waiting for the old one.
        listener = socket.socket(fileno=configuration["listener"])
    listener.setblocking(False)
    process_tree.become_subreaper()
    for missing in limits.unsupported():
        log.warning("this system does not enforce: %s", missing)
    os.environ["MPLBACKEND"] = "agg"
    import_matplotlib()
    encode.load()  # once for all forks: else the first picture of each process would wait for it
    try:
        targets = tuple(configuration["targets"])
        preload(targets)
        os.chdir(author_code.root_of(targets))
    except SetupError as error:
        if not configuration["development"]:  # else the load tells it to whoever asks
            print(f"{error}\n{getattr(error, 'detail', '')}".rstrip(), file=sys.stderr, flush=True)
            sys.exit(CANNOT_LOAD)
    sys.path[:] = configuration.get("path", sys.path)
    base = RenderServer(listener, configuration)
    base.run()
    sys.exit(base.status)
