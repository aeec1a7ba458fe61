"""Actions of clients that are slow, leave early or never say anything."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from adversarial.servers import Reply, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

PROBE = "GET /sine.png"
BODY_HEAD = b"POST /plot.png HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


def head(request: str, id: str = "") -> bytes:
    """Return the bytes of a request."""
    named = f"X-Request-ID: {id}\r\n" if id else ""
    return f"{request} HTTP/1.1\r\nHost: localhost\r\n{named}\r\n".encode()


def _drip(stage: Stage, sockets: list[socket.socket], data: bytes) -> list[Reply]:
    """Send `data` byte by byte on all sockets, a byte a second; meanwhile others are answered."""
    replies = []
    for second in range(stage.case.given["seconds"]):
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.sendall(data[second : second + 1])
        replies.append(stage.server.ask(PROBE, patience=10))
        replies.append(stage.server.ask("GET /healthz", patience=10))
        if not all(reply.status for reply in replies):
            break
        time.sleep(1)
    return replies


def slow_headers(stage: Stage) -> list[Reply]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(stage.server.connect()) for _ in range(stage.case.given["times"])]
        return _drip(stage, sockets, head("GET /sine.png"))


def slow_bodies(stage: Stage) -> list[Reply]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(stage.server.connect()) for _ in range(stage.case.given["times"])]
        for connection in sockets:
            connection.sendall(BODY_HEAD)
        time.sleep(0.5)
        return _drip(stage, sockets, b'{"x":[1,2,3],"y":[1,2,3]}')


def slow_body(stage: Stage) -> list[Reply]:
    """Send a body a byte per second until the server has had enough."""
    reply = Reply("POST /plot.png, slowly", "", -1, error="still waited for")
    started = time.monotonic()
    with stage.server.connect(timeout=1) as connection:
        connection.sendall(BODY_HEAD)
        while time.monotonic() - started < stage.case.given["seconds"]:
            try:
                connection.sendall(b" ")
                data = connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            reply.status = int(data.split()[1]) if data.startswith(b"HTTP/1.1 ") else 0
            break
    reply.seconds = time.monotonic() - started
    return [reply]


def leave_the_queue(stage: Stage) -> list[Reply]:
    """While both processes draw, ask for a third picture and leave: it is not drawn."""
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(stage.server.herd, [f"{stage.request()}{i}" for i in range(1, 3)])
        eventually(lambda: len(stage.server.notes(stage.started_at)) == 2)
        with stage.server.connect() as leaver:
            leaver.sendall(head(f"{stage.request()}3"))
            time.sleep(0.3)
        replies = busy.result()
    time.sleep(1)
    drawn = stage.server.notes(stage.started_at, k=int(f"{stage.new}3"))
    stage.expect(not drawn, "it was drawn for nobody")
    return replies


def reset_while_sending(stage: Stage) -> list[Reply]:
    with stage.server.connect() as leaver:
        leaver.sendall(head(stage.request()))
        leaver.recv(1024)
        # Close with a reset, not with a goodbye.
        leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return [stage.server.ask(stage.request())]


def idle_connections(stage: Stage) -> list[Reply]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(stage.server.connect()) for _ in range(stage.case.given["times"])]
        for connection in sockets:
            connection.sendall(head("GET /healthz"))
        for connection in sockets:
            stage.expect(connection.recv(4096).startswith(b"HTTP/1.1 200"), "one was not answered")
        stage.begin()
        return stage.server.herd([PROBE, "GET /healthz"])


def pipelined(stage: Stage) -> list[Reply]:
    """Three requests in one packet: the answers come in order, or only the first and then the end."""
    ids = [f"{number:032x}" for number in (stage.new + 1, stage.new + 2, stage.new + 3)]
    requests = ["GET /sine.png?freq=2", "GET /healthz", "GET /fault.png?mode=none"]
    received = b""
    with stage.server.connect(timeout=3) as connection:
        connection.sendall(b"".join(map(head, requests, ids)))
        with contextlib.suppress(TimeoutError):
            while data := connection.recv(65536):
                received += data
    answered = [
        id for id in sorted(ids, key=lambda id: received.find(id.encode())) if id.encode() in received
    ]
    stage.expect(answered in (ids, ids[:1]), f"answered in the order {answered}")
    return [Reply("GET /sine.png?freq=2", ids[0], int(received.split()[1]) if received else 0)]
