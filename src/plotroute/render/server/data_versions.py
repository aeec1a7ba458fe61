"""What the base knows of the versions of data, and which of it is due to be found out again."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from plotroute.data import freshness
from plotroute.data.opened_files import States, changed
from plotroute.model import DatasetRef
from plotroute.render.frames import Message


@dataclass(eq=False)
class _Known:
    ref: DatasetRef
    version: str = ""
    at: float = 0.0
    used_at: float = 0.0
    tried_at: float = -math.inf
    files: States = field(default_factory=dict)
    changed: bool = False
    """Whether it is another since it was last found out, as the app says."""


class KnownVersions:
    """The last known version of each data that is in use.

    Times are those of a clock that is never set back, the same for all processes of a machine.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def use(self, ref: DatasetRef) -> None:
        """Note that somebody asks for the version."""
        self._known.setdefault(ref.id, _Known(ref)).used_at = self._clock()

    def learn(self, ref: DatasetRef, message: Message) -> None:
        """Note what a process has found out."""
        known = self._known.setdefault(ref.id, _Known(ref, used_at=self._clock()))
        known.version, known.at, known.files = message["version"], self._clock(), message["files"]
        known.changed = False

    def failed(self, ref: DatasetRef) -> None:
        """Note that finding out has failed: it is due again as if it had not."""
        if known := self._known.get(ref.id):
            known.tried_at = self._clock()

    def forget(self) -> None:
        """Forget everything: the code is another."""
        self._known.clear()

    def change(self, names: Collection[str]) -> None:
        """Forget the versions of the datasets `names`: they are others by now."""
        for known in self._known.values():
            if known.ref.name in names:
                known.at, known.changed = 0.0, True

    def has_changed(self, ref: DatasetRef) -> bool:
        """Whether it must be found out anew, whatever the processes that draw believe."""
        known = self._known.get(ref.id)
        return known is not None and known.changed

    def told(self) -> dict[str, list[Any]]:
        """Return id → [version, when], as web processes are told."""
        return {id: [known.version, known.at] for id, known in self._known.items() if known.at}

    def due(self, poll: Mapping[str, float]) -> list[tuple[str, DatasetRef]]:
        """Return what is to be found out again and how: `poll` or `reload`.

        `poll` says how often, in seconds, declared versions are asked for. Data that nobody has used for a
        while is forgotten.
        """
        now = self._clock()
        found: list[tuple[str, DatasetRef]] = []
        for id, known in list(self._known.items()):
            if not freshness.is_watched(known.used_at, now):
                del self._known[id]
            elif not known.at:
                continue
            elif how := freshness.refresh(
                known.at,
                now,
                poll=poll.get(known.ref.name),
                changed=partial(changed, known.files),
                tried_at=known.tried_at,
            ):
                found.append((how, known.ref))
        return found
