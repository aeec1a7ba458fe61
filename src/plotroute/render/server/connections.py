"""The web processes that ask the render server: connections that never make its loop wait."""

from __future__ import annotations

import logging
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from plotroute.render.frames import BrokenFrame, Message, Outbox, Unpacker

log = logging.getLogger("plotroute.render")


class Watch:
    """File descriptors, and what to call when there is something to read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, number: int, call: Callable[[], object]) -> None:
        """Call `call` whenever `number` is readable."""
        self._selector.register(number, selectors.EVENT_READ, call)

    def change(self, number: int, call: Callable[[], object], *, writing: bool) -> None:
        """Call `call` also when `number` can be written to, or no longer."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self._selector.modify(number, events, call)

    def drop(self, number: int) -> None:
        """Forget `number`, if it was known."""
        if number in self._selector.get_map():
            self._selector.unregister(number)

    def wait(self, seconds: float) -> None:
        """Wait that long at most, and call what has come."""
        for key, _ in self._selector.select(seconds):
            # An earlier call of this turn may have dropped it, and another be known by its number by now.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def close(self) -> None:
        """Let go of the descriptors, without closing them."""
        self._selector.close()


@dataclass(eq=False)
class Client:
    """A web process."""

    connection: socket.socket
    outbox: Outbox
    unpacker: Unpacker = field(default_factory=Unpacker)
    introduced: bool = False
    """Whether it has said anything."""


@dataclass(frozen=True)
class Waiter:
    """A request of a client."""

    client: Client
    id: int


class Clients:
    """All web processes that are connected."""

    def __init__(
        self,
        listener: socket.socket,
        watch: Watch,
        asked: Callable[[Client, Message], None],
        left: Callable[[Client], None],
    ) -> None:
        """`asked` is called with every message, `left` when a client is gone."""
        self._listener = listener
        self._watch = watch
        self._asked = asked
        self._left = left
        self._clients: set[Client] = set()
        watch.add(listener.fileno(), self._accept)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._clients)

    def introduced(self) -> bool:
        """Whether any of them has said anything: who only knocks wants to know whether somebody listens."""
        return any(client.introduced for client in self._clients)

    def with_words(self) -> list[Client]:
        """Return the clients that have said anything."""
        return [client for client in self._clients if client.introduced]

    def answer(self, waiter: Waiter, message: Message, body: bytes = b"") -> None:
        """Answer a request, if whoever asked is still there."""
        self.tell(waiter.client, {**message, "id": waiter.id}, body)

    def tell(self, client: Client, message: Message, body: bytes = b"") -> None:
        """Send to a client as soon as it listens."""
        if client in self._clients:
            self._flush(client, lambda: client.outbox.put(message, body))

    def tell_all(self, message: Message) -> None:
        """Send to every client."""
        for client in list(self._clients):
            self.tell(client, message)

    def close(self) -> None:
        """In a fork: let go of the connections, which are the parent's."""
        self._listener.close()
        for client in self._clients:
            client.connection.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has gone again, or there are no descriptors left: later
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
            for message, _ in client.unpacker.feed(data):
                client.introduced = True
                self._asked(client, message)
        except BlockingIOError:
            pass
        except (OSError, BrokenFrame, KeyError, TypeError, ValueError, AttributeError) as error:
            # A frame may be whole and make no sense: whoever sent it is nobody of ours.
            if not isinstance(error, ConnectionError):
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
            self._left(client)
