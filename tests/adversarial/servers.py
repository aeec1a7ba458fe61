"""A server process under attack: how it is started, asked, measured from outside, and ended for good."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from adversarial.processes import Footprint, belonging_to, footprint, kill

PLOTS = Path(__file__).parent / "plots"
SECRET = "a-value-of-the-environment-4711"

# The small numbers of the tests; a flag that is None is left out.
SETTINGS = {
    "--render-processes": 2,
    "--render-timeout": 5,
    "--queue-timeout": 5,
    "--load-timeout": 5,
    "--max-output": 8_000_000,
}

# Whoever waits for longer than all limits of the server together waits for ever.
PATIENCE = 40.0

_numbers = itertools.count(1)


def new_number() -> int:
    """Return a number that no request of this run has used: another key, so another picture."""
    return next(_numbers)


@dataclass
class Reply:
    """What came back; status 0: nothing did, and `error` says how."""

    request: str
    id: str
    status: int
    headers: Message = field(default_factory=Message)
    body: bytes = b""
    error: str = ""
    seconds: float = 0.0

    @property
    def code(self) -> str:
        """The error's own code."""
        if not self.body or "json" not in self.headers.get("Content-Type", ""):
            return ""
        return str(json.loads(self.body).get("code", ""))

    def __str__(self) -> str:
        if not self.status:
            return f"{self.request[:100]}: {self.error} after {self.seconds:.1f} s"
        return f"{self.request[:100]}: {self.status} {self.code} {len(self.body)} bytes, {self.seconds:.1f} s"


class Gone(Exception):
    """The server has ended, or never began to answer."""


@dataclass
class Server:
    """A `plotroute` process with all that belongs to it."""

    process: subprocess.Popen[bytes]
    port: int
    mark: str
    directory: Path
    """Of its own: temporary files, the log, the plots' notes."""
    replies: list[Reply] = field(default_factory=list)
    """All that came back."""
    allowed: Footprint | None = None
    """What it may take of the machine while nobody asks."""
    patience: float = PATIENCE
    """Seconds that its readers wait for an answer."""

    def __post_init__(self) -> None:
        self.log_file = self.directory / "log.txt"
        self.notes_file = self.directory / "notes.jsonl"

    @property
    def temporary(self) -> Path:
        """Its TMPDIR."""
        return self.directory / "tmp"

    def log(self, since: int = 0) -> str:
        """Return the log from a size on."""
        with self.log_file.open("rb") as log:
            log.seek(since)
            return log.read().decode("utf-8", "replace")

    def log_size(self) -> int:
        return self.log_file.stat().st_size

    def notes(self, since: float = 0.0, **what: object) -> list[dict[str, object]]:
        """Return what the plots noted after a time, as far as it says `what`."""
        noted = [json.loads(line) for line in self.notes_file.read_text().splitlines()]
        return [n for n in noted if n["at"] >= since and all(n.get(k) == v for k, v in what.items())]

    def ask(
        self,
        request: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float | None = None,
    ) -> Reply:
        """Send `GET /path`; never raises for what the server does."""
        method, _, path = request.partition(" ")
        reply = Reply(request, uuid.uuid4().hex, 0)
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience or self.patience)
        try:
            connection.request(method, path, body=body, headers={"X-Request-ID": reply.id, **(headers or {})})
            answer = connection.getresponse()
            reply.headers = answer.headers
            reply.body = answer.read()
            reply.status = answer.status
        except TimeoutError:
            reply.error = "no answer"
        except (OSError, http.client.HTTPException) as error:
            reply.error = f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        reply.seconds = time.monotonic() - started
        self.replies.append(reply)
        return reply

    def herd(self, requests: Sequence[str], at_once: int | None = None, **how: object) -> list[Reply]:
        """Send them all at the same time, or so many at once."""
        with ThreadPoolExecutor(at_once or len(requests)) as pool:
            return list(pool.map(lambda request: self.ask(request, **how), requests))  # type: ignore[arg-type]

    def connect(self, timeout: float = PATIENCE) -> socket.socket:
        """Return a raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def footprint(self) -> Footprint:
        """Return what it takes of the machine now."""
        return footprint(belonging_to(self.mark, self.process.pid), self.temporary)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, or None if it runs on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None

    def await_ready(self, seconds: float = 20.0) -> None:
        """Wait until plots are loaded; Gone if that does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.ask("GET /readyz", patience=5).status == 200:
                return
            time.sleep(0.05)
        raise Gone(f"the server does not answer (exit code {self.process.poll()}):\n{self.log()[-3000:]}")

    def warm_up(self) -> None:
        """Let it start all the threads and processes that it keeps, and take that for what it may have."""
        self.herd([f"GET /sleep.png?s=0.5&k={new_number()}"] * 300)  # it has 256 threads
        self.herd([f"GET /sine.png?freq={freq}" for freq in range(1, 9)])
        self.allowed = self.footprint()
        self.replies.clear()

    def survivors(self) -> list[str]:
        """Return what is still there of a server that has ended."""
        return [f"{p.pid} ({p.command}, {p.state})" for p in belonging_to(self.mark, self.process.pid)]

    def kill(self) -> None:
        """End all that belongs to it by force, and remove its files."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        kill(belonging_to(self.mark, self.process.pid))
        if self.process.stdout:
            self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def launch(
    plots: Path = PLOTS,
    *,
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str | None] | None = None,
    command: str = "serve",
    wrapper: Sequence[str] = (),
    piped_log: bool = False,
    port: int | None = None,
) -> Server:
    """Start a server and return at once. `wrapper` is a command that starts the one that follows it."""
    port = port or free_port()
    # Not pytest's own: the path of a Unix socket has 108 bytes at most.
    directory = Path(tempfile.mkdtemp(prefix="adv-"))
    (directory / "tmp").mkdir()
    (directory / "notes.jsonl").touch()
    mark = uuid.uuid4().hex
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLOTROUTE_")}
    given: dict[str, str | None] = {
        "ADVERSARIAL_SERVER": mark,
        "ADVERSARIAL_NOTES": str(directory / "notes.jsonl"),
        "ADVERSARIAL_SECRET": SECRET,
        "TMPDIR": str(directory / "tmp"),
        **(environment or {}),
    }
    merged = inherited | {name: value for name, value in given.items() if value is not None}
    for name in given.keys() - {name for name, value in given.items() if value is not None}:
        merged.pop(name, None)
    flags = _flags({**(SETTINGS if command == "serve" else {}), **(settings or {})})
    words = [sys.executable, "-m", "plotroute", command, str(plots), "--port", str(port), *flags]
    with (directory / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*wrapper, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped_log else log,
            stderr=subprocess.STDOUT,
            env=merged,
        )
    return Server(process, port, mark, directory)


def _flags(settings: Mapping[str, object]) -> list[str]:
    words = []
    for flag, value in settings.items():
        if value is not None:
            words += [flag] if value is True else [flag, str(value)]
    return words


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def limited(**limits: int) -> list[str]:
    """Return the wrapper that starts a command within limits: `v` of its memory in kB, `n` of its files."""
    words = "; ".join(f"ulimit -{name} {value}" for name, value in limits.items())
    return ["sh", "-c", f'{words}; exec "$@"', "sh"]


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Return whether it holds before the time is over; how soon is nobody's business."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def texts(replies: Iterable[Reply]) -> str:
    """Return the replies in words, the same ones together."""
    counted: dict[str, int] = {}
    for reply in replies:
        words = f"{reply.status} {reply.code or reply.error}".strip()
        counted[words] = counted.get(words, 0) + 1
    return ", ".join(f"{count} × {words}" for words, count in counted.items())
