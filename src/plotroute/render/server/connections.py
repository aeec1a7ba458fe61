"""The connections of web processes to the render server. None of them makes its loop wait."""

from __future__ import annotations

import logging
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from plotroute.render.frames import Outbox, Unpacker
from plotroute.render.messages import (
    FromServer,
    FromWeb,
    Reply,
    Result,
    UnknownMessage,
    to_wire,
    web_message,
)

log = logging.getLogger("plotroute.render")


class Watch:
    """File descriptors, and what to call when there is something to read from them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, number: int, call: Callable[[], object]) -> None:
        """Call `call` whenever `number` is readable."""
        self._selector.register(number, selectors.EVENT_READ, call)

    def change(self, number: int, call: Callable[[], object], *, writing: bool) -> None:
        """Call `call` also when `number` can be written to (`writing`), or no longer."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self._selector.modify(number, events, call)

    def drop(self, number: int) -> None:
        """Watch `number` no longer, if it was watched."""
        if number in self._selector.get_map():
            self._selector.unregister(number)

    def wait(self, seconds: float) -> None:
        """Wait at most that long for descriptors that are ready, and make their calls."""
        for key, _ in self._selector.select(seconds):
            # An earlier call of this turn may have dropped it, and another one may have its number now.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def close(self) -> None:
        """Stop watching, without closing the descriptors."""
        self._selector.close()


@dataclass(eq=False)
class Client:
    """The connection of a web process."""

    connection: socket.socket
    outbox: Outbox
    unpacker: Unpacker = field(default_factory=Unpacker)
    introduced: bool = False
    """Whether it has sent a message: a probe sends none."""


@dataclass(frozen=True)
class Waiter:
    """A request of a web process that waits for its reply."""

    client: Client
    id: int


class Clients:
    """All web processes that are connected."""

    def __init__(
        self,
        listener: socket.socket,
        watch: Watch,
        on_message: Callable[[Client, FromWeb], None],
        on_left: Callable[[Client], None],
    ) -> None:
        """Accept connections of `listener`.

        Args:
            listener: The socket that web processes connect to.
            watch: Where the connections are watched.
            on_message: Called with every message.
            on_left: Called when a web process has left.
        """
        self._listener = listener
        self._watch = watch
        self._on_message = on_message
        self._on_left = on_left
        self._clients: set[Client] = set()
        watch.add(listener.fileno(), self._accept)

    def __bool__(self) -> bool:
        """Whether any is connected, be it a probe."""
        return bool(self._clients)

    def introduced(self) -> bool:
        """Whether any has sent a message: a probe only looks whether the server listens."""
        return any(client.introduced for client in self._clients)

    def all_introduced(self) -> list[Client]:
        """Return the clients that have sent a message."""
        return [client for client in self._clients if client.introduced]

    def reply(self, waiter: Waiter, result: Result, body: bytes = b"") -> None:
        """Reply to a request, if its web process is still connected."""
        self.send(waiter.client, Reply(id=waiter.id, result=result), body)

    def send(self, client: Client, message: FromServer, body: bytes = b"") -> None:
        """Send a message to a client, as soon as it reads."""
        if client in self._clients:
            self._flush(client, lambda: client.outbox.put(to_wire(message), body))

    def send_all(self, message: FromServer) -> None:
        """Send a message to every client."""
        for client in list(self._clients):
            self.send(client, message)

    def close(self) -> None:
        """In a fork: close the connections, which are the parent's."""
        self._listener.close()
        for client in self._clients:
            client.connection.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has left again, or there are no descriptors: try again later
            return
        connection.setblocking(False)
        client = Client(connection, Outbox(connection))
        self._clients.add(client)
        self._watch.add(connection.fileno(), lambda: self._talk(client))

    def _talk(self, client: Client) -> None:
        if client.outbox:
            self._flush(client, client.outbox.flush)
        try:
            data = client.connection.recv(2**18)
            if not data:
                raise ConnectionResetError
            for header, _ in client.unpacker.feed(data):
                client.introduced = True
                self._on_message(client, web_message(header))
        except BlockingIOError:
            pass
        except (OSError, ValueError, TypeError) as error:
            # A message may be whole and its content make no sense: it is not from a web process of ours.
            if isinstance(error, UnknownMessage) or not isinstance(error, OSError):
                log.warning("a client is dropped: %r", error)
            self._forget(client)

    def _flush(self, client: Client, send: Callable[[], None]) -> None:
        try:
            send()
        except OSError:
            self._forget(client)
            return
        number = client.connection.fileno()
        self._watch.change(number, lambda: self._talk(client), writing=bool(client.outbox))

    def _forget(self, client: Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._watch.drop(client.connection.fileno())
            client.connection.close()
            self._on_left(client)
