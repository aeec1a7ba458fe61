"""Data that an app says has changed: what was known of it is forgotten everywhere before the app goes on.

Each web process is told, and says that it has heard; then the one that brought the news is answered. A
process that is stuck does not keep it for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from plotroute.render.frames import Message
from plotroute.render.server.connections import Client, Waiter

PATIENCE = 1.0
"""Seconds that a web process may take to say that it has heard: one that swaps or is stopped takes longer."""


@dataclass(eq=False)
class _Change:
    waiter: Waiter
    unheard: set[Client]
    until: float


class Changes:
    """The changes that not all web processes have heard of."""

    def __init__(self, clock: Callable[[], float], answer: Callable[[Waiter, Message], None]) -> None:
        """`answer` is called when all have heard; `clock` counts in seconds."""
        self._clock = clock
        self._answer = answer
        self._changes: dict[int, _Change] = {}
        self._number = 0

    def begin(self, waiter: Waiter, clients: Iterable[Client]) -> int:
        """Note a change that `waiter` brings, and return its number, which `clients` are to say."""
        self._number += 1
        self._changes[self._number] = _Change(waiter, set(clients), self._clock() + PATIENCE)
        return self._number

    def heard(self, client: Client, number: int) -> None:
        """Note that a client has heard of a change."""
        if (change := self._changes.get(number)) is not None:
            change.unheard.discard(client)
            self.end()

    def left(self, client: Client) -> None:
        """Wait no longer for a client that is gone."""
        for change in self._changes.values():
            change.unheard.discard(client)
        self.end()

    def end(self) -> None:
        """Answer those whose news all have heard, or would have heard by now."""
        now = self._clock()
        for number, change in list(self._changes.items()):
            if not change.unheard or now > change.until:
                del self._changes[number]
                self._answer(change.waiter, {"changed": True})
