"""Web workers that are somebody else's, as real processes: what a test asks of one is Python, run there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sketches import until

WORKER = '''
import hashlib, json, os, pathlib, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from plotroute.errors import AnswerError
from plotroute.model import DatasetRef, Job
from plotroute.render import startup
from plotroute.render.client import remote, sidecar
from plotroute.render.drawing.app_context import Recipe
from plotroute.settings import Settings

given = json.loads(sys.argv[1])
sidecar.IDLE_AFTER = given["idle_after"]
connected = []
making = threading.Lock()
answers = os.fdopen(os.dup(1), "w")  # not for whatever it starts
os.dup2(2, 1)

def renderer():
    """What asks, made by the first request."""
    with making:
        if not connected or connected[0][1] != os.getpid():
            settings = Settings(**given["settings"])
            server = sidecar.Sidecar(given["targets"], settings, Recipe(given["factory"]))
            connected[:] = [(remote.Remote(str(server.path), settings, start=server.start), os.getpid())]
        return connected[0][0]

def server():
    """What tells the server that is asked from any other."""
    import socket
    return renderer()._connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12).hex()

def draw(n=0, plot="numbers/line", **rest):
    try:
        manifest = renderer().manifest()
        if manifest.problem and not manifest.plots:
            return "problem", manifest.problem
        job = Job(plot=plot, values={"n": n}, code=manifest.code, **rest)
        return "image", hashlib.sha256(renderer().render(job).body).hexdigest()
    except AnswerError as error:
        return error.code, error.title, error.detail

def herd(processes, threads):
    """Fork workers that all ask at once, and return what the threads of each were told."""
    gate, told = os.pipe(), []
    for _ in range(processes):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(gate[1])
            os.read(gate[0], 1)
            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(lambda _: draw(), range(threads)))
            os.write(write, json.dumps([found, server()]).encode())
            os._exit(0)
        os.close(write)
        told.append(os.fdopen(read))
    os.close(gate[1])
    found = [json.loads(one.read()) for one in told]
    while processes:
        os.wait()
        processes -= 1
    return found

def leave():
    connected.pop()[0].close()

def run():
    for line in sys.stdin:
        try:
            told = eval(line, globals())
        except SyntaxError:
            told = exec(line, globals())
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
        print(json.dumps(told), file=answers, flush=True)

exec(given["before"])
run()
'''


class Worker:
    """A process that asks a render server, and is asked what came of it."""

    def __init__(self, stage: Stage, given: dict, environment: dict, program: str = WORKER) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, json.dumps(given)],
            cwd=stage.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stage.log_file,
            text=True,
            env=environment,
        )
        self.pid = self.process.pid

    def __call__(self, code: str):
        """Run a line of Python there, and return what it gives."""
        self.begin(code)
        return self.end()

    def begin(self, code: str) -> None:
        """Let it run a line of Python."""
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()

    def end(self):
        """Return what that has given."""
        line = self.process.stdout.readline()
        assert line, "the worker has ended"
        return json.loads(line)

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Let it end by itself, or see that it has."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stage:
    """A folder with plots, and the workers, servers and temporary files of one test."""

    def __init__(self, plots: str, idle_after: float = 0.05) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="pr-")  # short: the name of a socket is, too
        self.folder = Path(self._temporary.name)
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir()
        self.plots = self.folder / "plots.py"
        self.plots.write_text(plots)
        self.idle_after = idle_after
        self.log_file = (self.folder / "log.txt").open("w")
        self.workers: list[Worker] = []

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    @property
    def sockets(self) -> Path:
        return self.tmp / f"plotroute-{os.getuid()}"

    def worker(self, *, before: str = "", factory: str = "", environment=None, program=WORKER, **settings):
        """Start one more worker; `before` is Python that it begins with."""
        given = {
            "targets": [str(self.plots)],
            "settings": {"render_processes": 1, **settings},
            "factory": factory,
            "idle_after": self.idle_after,
            "before": before,
        }
        environment = {**os.environ, "TMPDIR": str(self.tmp), **(environment or {})}
        worker = Worker(self, given, environment, program)
        self.workers.append(worker)
        return worker

    def processes(self) -> dict[int, str]:
        """Return all processes of this test, but the workers: id → command line."""
        mark = f"TMPDIR={self.folder}".encode()
        workers = {worker.pid for worker in self.workers}
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().decode()
        return {pid: line for pid, line in found.items() if pid not in workers}

    def bases(self) -> list[int]:
        """Return the ids of the render servers that have come in: they are nobody's children."""
        lines = self.processes()
        starters = {worker.pid for worker in self.workers} | lines.keys()
        return [pid for pid, line in lines.items() if "render.server" in line and parent(pid) not in starters]

    def base(self) -> int:
        """Return the id of the one render server."""
        until(lambda: len(self.bases()) == 1)
        return self.bases()[0]

    def end(self) -> None:
        """End the workers; whatever they have started ends by itself and leaves nothing."""
        for worker in self.workers:
            worker.kill()
        try:
            until(lambda: not self.processes())
            left = self.left()
            assert left == [], left
        finally:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.log_file.close()
            self._temporary.cleanup()

    def left(self) -> list[str]:
        """Return the names of what there is."""
        return sorted(p.name for p in self.sockets.glob("*"))


def parent(pid: int) -> int:
    """Return the id of a process's parent; 0 if it has ended."""
    return int(stat(pid)[1])


def stat(pid: int) -> list[str]:
    """Return the fields of a process's state: state, parent, group, session, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0", "0", "0"]


def children(pid: int) -> list[int]:
    """Return the ids of a process's children, zombies too."""
    found = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal()]
    return [one for one in found if parent(one) == pid]
