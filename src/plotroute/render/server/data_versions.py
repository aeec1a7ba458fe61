"""The versions of data that the render server knows, and which of them are due for another look."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from plotroute.data import freshness
from plotroute.data.opened_files import States, changed
from plotroute.model import DatasetRef
from plotroute.render.messages import FoundVersion, VersionsNews


@dataclass(eq=False)
class _Known:
    ref: DatasetRef
    version: str = ""
    at: float = 0.0
    used_at: float = 0.0
    tried_at: float = -math.inf
    files: States = field(default_factory=dict)
    changed: bool = False
    """Whether the app has reported a change since the version was found."""


class KnownVersions:
    """The last known version of each data that is in use.

    Times are those of a clock that is never set back, the same for all processes of a machine.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def use(self, ref: DatasetRef) -> None:
        """Note that a request asks for the version."""
        self._known.setdefault(ref.id, _Known(ref)).used_at = self._clock()

    def learn(self, ref: DatasetRef, found: FoundVersion) -> None:
        """Note a version that a worker has found."""
        known = self._known.setdefault(ref.id, _Known(ref, used_at=self._clock()))
        known.version, known.at, known.files = found.version, self._clock(), found.files
        known.changed = False

    def failed(self, ref: DatasetRef) -> None:
        """Note that the look for the version has failed: the next one is due as after a success."""
        if known := self._known.get(ref.id):
            known.tried_at = self._clock()

    def forget(self) -> None:
        """Forget everything: the code has changed."""
        self._known.clear()

    def change(self, names: Collection[str]) -> None:
        """Forget the versions of the datasets `names`: their data has changed."""
        for known in self._known.values():
            if known.ref.name in names:
                known.at, known.changed = 0.0, True

    def has_changed(self, ref: DatasetRef) -> bool:
        """Whether the version must be found anew, whatever version the workers know."""
        known = self._known.get(ref.id)
        return known is not None and known.changed

    def news(self, code: str, number: int | None = None) -> VersionsNews:
        """Return all known versions, for web processes that have the manifest of `code`.

        With a `number`, they reply `Heard`.
        """
        known = {id: (known.version, known.at) for id, known in self._known.items() if known.at}
        return VersionsNews(code=code, versions=known, number=number)

    def due(self, poll: Mapping[str, float]) -> list[tuple[Literal["poll", "reload"], DatasetRef]]:
        """Return the data whose version is due, each with how it is found: `poll` or `reload`.

        Forgets data that no request has used for a while.

        Args:
            poll: Dataset → seconds between polls of its declared version.
        """
        now = self._clock()
        found: list[tuple[Literal["poll", "reload"], DatasetRef]] = []
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
