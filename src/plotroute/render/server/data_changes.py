"""Changes of data that an app reports: every web process forgets the old version before the app goes on.

Each web process is sent the news, and replies `Heard`; then the request that brought the news gets its reply.
A web process that is stuck delays that reply for a second at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from plotroute.render.messages import Done, Result
from plotroute.render.server.connections import Client, Waiter

PATIENCE = 1.0
"""Seconds for a web process to reply `Heard`: only a process that swaps or is stopped takes longer."""


@dataclass(eq=False)
class _Change:
    waiter: Waiter
    unheard: set[Client]
    until: float


class Changes:
    """The changes that not all web processes have heard of."""

    def __init__(self, clock: Callable[[], float], reply: Callable[[Waiter, Result], None]) -> None:
        """`reply` is called once all have heard; `clock` counts in seconds."""
        self._clock = clock
        self._reply = reply
        self._changes: dict[int, _Change] = {}
        self._number = 0

    def begin(self, waiter: Waiter, clients: Iterable[Client]) -> int:
        """Note a change that `waiter` brings, and return its number, which `clients` are to send back."""
        self._number += 1
        self._changes[self._number] = _Change(waiter, set(clients), self._clock() + PATIENCE)
        return self._number

    def heard(self, client: Client, number: int) -> None:
        """Note that a client has heard of a change."""
        if (change := self._changes.get(number)) is not None:
            change.unheard.discard(client)
            self.end()

    def left(self, client: Client) -> None:
        """Wait no longer for a client that has left."""
        for change in self._changes.values():
            change.unheard.discard(client)
        self.end()

    def end(self) -> None:
        """Reply to the requests whose news all clients have heard, or had time enough to hear."""
        now = self._clock()
        for number, change in list(self._changes.items()):
            if not change.unheard or now > change.until:
                del self._changes[number]
                self._reply(change.waiter, Done())
