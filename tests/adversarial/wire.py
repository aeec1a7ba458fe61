"""Requests byte by byte, and what comes back: for what no client of HTTP would ever send."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING

from adversarial.servers import Reply, Server

if TYPE_CHECKING:
    from adversarial.stage import Stage

# An answer that is not there by then does not come; and who has not closed its end by then keeps it open.
PATIENCE = 10.0

# What stands behind a request of which nobody knows where it ends. Taken for a request, it is in the log.
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

_JSON = "Host: localhost\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Answer:
    """What came back on a connection."""

    received: bytes
    closed: bool

    @property
    def status(self) -> int:
        """Of the first answer; 0: there was none."""
        return int(self.received.split()[1]) if self.received.startswith(b"HTTP/") else 0

    @property
    def count(self) -> int:
        """How many answers there are."""
        return self.received.count(b"HTTP/1.1 ")

    @property
    def headers(self) -> Message:
        return message_from_bytes(self.received.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2])

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    def reply(self, what: str) -> Reply:
        """Return it as what cases are judged by; it is none of those that must be in the log."""
        return Reply(what, "", self.status, self.headers, self.body, error="the connection was cut")


def exchange(server: Server, data: bytes) -> Answer:
    """Send `data` and read until the server closes the connection."""
    received, closed = b"", False
    with server.connect(timeout=PATIENCE) as connection:
        with contextlib.suppress(OSError):  # who is refused early cannot send the rest
            connection.sendall(data)
        try:
            while more := connection.recv(65536):
                received += more
            closed = True
        except TimeoutError:
            pass
        except OSError:
            closed = True
    return Answer(received, closed)


def request_targets(stage: Stage) -> list[Reply]:
    """Request lines as they stand in the case; whatever answer is plotroute's own says how to keep it."""
    replies = []
    for line in stage.case.requests:
        answer = exchange(stage.server, f"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        if "X-Request-ID" in answer.headers:
            stage.expect(answer.headers.get("Cache-Control"), f"{line!r} has no Cache-Control")
        if answer.headers.get_content_maintype() == "image":
            right = answer.body == stage.goldens["GET /sine.png"]
            stage.expect(right, f"{line!r} is not the golden picture")
        stage.expect(b"evil" not in answer.received, f"{line!r} comes back in the answer")
        stage.expect(answer.closed, f"{line!r} leaves the connection open")
        replies.append(answer.reply(line))
    return replies


def huge_heads(stage: Stage) -> list[Reply]:
    """Long addresses, long headers, many headers: answered, or refused and the connection closed."""
    given = stage.case.given
    heads = [(f"an address of {size:,} bytes", "_" * size, "") for size in given.get("addresses", ())]
    heads += [
        (f"a header of {size:,} bytes", "", f"X-A: {'a' * size}\r\n") for size in given.get("sizes", ())
    ]
    heads += [
        (f"{many:,} headers", "", "".join(f"X-{number}: a\r\n" for number in range(many)))
        for many in given.get("numbers", ())
    ]
    replies = []
    for what, query, headers in heads:
        text = f"GET /sine.png?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        answer = exchange(stage.server, text.encode())
        stage.expect(answer.closed, f"{what}: the connection stays open")
        if answer.status == 200:
            stage.expect(answer.body == stage.goldens["GET /sine.png"], f"{what}: not the golden picture")
        replies.append(answer.reply(what))
    return replies


def smuggled(stage: Stage) -> list[Reply]:
    """Lengths that can be read in two ways, and a second request where one of the ways ends the first."""
    replies = []
    for header in stage.case.given["headers"]:
        text = f"POST /plot.png HTTP/1.1\r\n{_JSON}{header}\r\n\r\n0\r\n\r\n{SMUGGLED}"
        answer = exchange(stage.server, text.encode())
        stage.expect(answer.count == 1, f"{header!r} has {answer.count} answers")
        stage.expect(answer.closed, f"{header!r} leaves the connection open")
        replies.append(answer.reply(header))
    stage.expect("/smuggled" not in stage.server.log(stage.log_from), "a body was taken for a request")
    return replies


def announced_body(stage: Stage) -> list[Reply]:
    """Only say how long the body is, and send none of it: the answer is there all the same."""
    size = stage.case.given["bytes"]
    text = f"POST /plot.png HTTP/1.1\r\n{_JSON}Content-Length: {size}\r\n\r\n"
    answer = exchange(stage.server, text.encode())
    stage.expect(answer.closed, "the connection stays open")
    stage.expect("no-store" in answer.headers.get("Cache-Control", ""), "it may be kept")
    return [answer.reply("POST /plot.png, announced")]


def endless_body(stage: Stage) -> list[Reply]:
    """Send pieces until the server has had enough; after `given.bytes` it never has."""
    piece = b"10000\r\n" + b"1" * 0x10000 + b"\r\n"
    text = f"POST /plot.png HTTP/1.1\r\n{_JSON}Transfer-Encoding: chunked\r\n\r\n"
    with stage.server.connect(timeout=PATIENCE) as connection:
        try:
            connection.sendall(text.encode())
            for _ in range(stage.case.given["bytes"] // len(piece)):
                connection.sendall(piece)
        except ConnectionError:
            return [_what_is_left(connection).reply("POST /plot.png, endless")]
        except TimeoutError:
            stage.problems.append("it neither reads on nor refuses")
            return []
    stage.problems.append(f"after {stage.case.given['bytes']:,} bytes it still reads")
    return []


def _what_is_left(connection: socket.socket) -> Answer:
    """Return what has come on a connection that was cut: an answer, unless it was lost with the rest."""
    received = b""
    with contextlib.suppress(OSError):
        while more := connection.recv(65536):
            received += more
    return Answer(received, True)
