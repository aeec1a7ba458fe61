"""Clients that cost little beside what they measure: one kept connection, many at once, and wrk."""

import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HOST = "127.0.0.1"
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    seconds: float = 0.0
    """From the request to its last byte."""
    at: float = 0.0
    """Seconds from the beginning of a crowd to the last byte."""


class Connection:
    """One client on one kept connection."""

    def __init__(self, port: int) -> None:
        self._socket = connect(port)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, path: str, **headers: str) -> Answer:
        asked = spell(path, **headers)
        started = time.perf_counter()
        self._socket.sendall(asked)
        data = b""
        while (found := _read(data)) is None:
            more = self._socket.recv(2**18)
            if not more:
                raise ConnectionError(f"{path}: the connection was closed")
            data += more
        return Answer(*found, time.perf_counter() - started)

    def get(self, path: str, status: int = 200, **headers: str) -> Answer:
        """Ask; any other status ends the run."""
        answer = self.ask(path, **headers)
        if answer.status != status:
            raise SystemExit(f"{path} answers {answer.status}, not {status}: {answer.body[:500]!r}")
        return answer


def crowd(port: int, clients: int, paths: Iterable[str]) -> list[Answer]:
    """Let so many clients ask for all paths, each for one more as soon as it is answered.

    They are one thread, on a connection each, made before the first one asks. With as many paths as clients
    all ask at once.
    """
    left = iter([spell(path) for path in paths])
    answers: list[Answer] = []
    asked: dict[socket.socket, float] = {}
    got: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        for connection in [connect(port) for _ in range(clients)]:
            selector.register(connection, selectors.EVENT_READ)
        started = time.perf_counter()
        for key in list(selector.get_map().values()):
            _ask(key.fileobj, left, asked, got)
        while asked:
            ready = selector.select(_TIMEOUT)
            if not ready:
                raise SystemExit(f"{len(asked)} of {clients} clients wait for more than {_TIMEOUT:.0f} s")
            for key, _ in ready:
                connection = key.fileobj
                more = _receive(connection)
                if not more:
                    selector.unregister(connection)
                    connection.close()
                if connection not in asked:  # it was closed because it has nothing more to ask
                    continue
                got[connection] += more
                found = _read(got[connection]) if more else (0, {}, b"")
                if found is not None:
                    now = time.perf_counter()
                    answers.append(Answer(*found, now - asked.pop(connection), now - started))
                    if more:
                        _ask(connection, left, asked, got)
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return answers


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(2**18)
    except ConnectionError:
        return b""


def _ask(
    connection: socket.socket,
    left: Iterator[bytes],
    asked: dict[socket.socket, float],
    got: dict[socket.socket, bytes],
) -> None:
    request = next(left, None)
    if request is not None:
        asked[connection] = time.perf_counter()
        got[connection] = b""
        connection.sendall(request)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk says."""

    rate: float
    """Answers per second."""
    answers: int
    median: float | None
    """Milliseconds, of the answers that came; None where none did."""
    p99: float | None


def find_wrk() -> str | None:
    return shutil.which("wrk")


def wrk(port: int, path: str, seconds: int, connections: int, **headers: str) -> Load:
    """Ask for one path as fast as it is answered, on so many kept connections."""
    named = [word for name, value in headers.items() for word in ("-H", f"{_dashed(name)}: {value}")]
    settings = ["-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "--latency"]
    command = ["wrk", *settings, *named, f"http://{HOST}:{port}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or re.search(r"Socket errors: connect [^0]", said):
        raise SystemExit(f"{' '.join(command)}:\n{said}")
    rate = float(re.findall(r"Requests/sec: +([\d.]+)", said)[0])
    spread = dict(re.findall(r"(50|99)% +(\S+)", said))
    answers = int(re.findall(r"(\d+) requests in", said)[0])
    return Load(rate, answers, *(_milliseconds(spread[part]) if rate else None for part in ("50", "99")))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def connect(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=_TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def spell(path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", *(f"{_dashed(n)}: {v}" for n, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _read(data: bytes) -> tuple[int, dict[str, str], bytes] | None:
    """Return status, headers and body, or None where something is missing yet."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    length = 0 if status in (204, 304) else int(headers["content-length"])
    return (status, headers, body) if len(body) >= length else None
