"""Watch the files that a version of the code is made of: the author's code, and what its import reads."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence

from plotroute.catalog import author_code
from plotroute.data.opened_files import States, state
from plotroute.errors import SetupError

log = logging.getLogger("plotroute.render")

# A file that a program writes all the time would cause imports all the time. After this many within a minute
# there is one import each ten seconds. No author saves a style sheet by hand that often.
_MOST_IN_A_MINUTE = 10
_PAUSE = 10.0

# Files with tables. Settings, styles and texts are read at the top of a file for good reasons.
_DATA = (".csv", ".tsv", ".csv.gz", ".xlsx", ".xls", ".ods", ".npy", ".npz", ".pkl", ".pickle")


class Watched:
    """The states of the watched files. Used by one thread at a time."""

    def __init__(
        self, targets: Sequence[str], clock: Callable[[], float] = time.monotonic, *, hints: bool = False
    ) -> None:
        """With `hints`, the log tells authors which data the import of their code reads."""
        self._targets = targets
        self._hints = hints
        self._hinted: set[str] = set()
        self._clock = clock
        self._code = self._stamp()
        self._read: dict[str, str | None] = {}
        self._reloads: list[float] = []

    def changed(self) -> bool:
        """Whether a file was saved since the last call."""
        code = self._stamp()
        if code != self._code:
            self._code = code
            self._read = {name: state(name) for name in self._read}
            return True
        return self._read_changed()

    def read(self, states: States, *, whole: bool) -> None:
        """Watch the files that the import has read; with `whole`, these alone, and not those of before."""
        # Where a state is known already, the older one counts: what was read then may be kept somewhere.
        self._read = dict(states) if whole else {**states, **self._read}
        if self._hints and whole:
            for name in sorted(name for name in states if name.lower().endswith(_DATA)):
                self._tell_of_data(name)

    def _tell_of_data(self, name: str) -> None:
        """Log once what it means that a table is read at the top of a file."""
        if name in self._hinted:
            return
        self._hinted.add(name)
        root = str(author_code.root_of(self._targets))
        shown = os.path.relpath(name, root) if name.startswith(root) else name
        log.info(
            "%s is read when the plots' code is imported: when it changes, all of the code is imported again "
            "and every plot drawn anew. In a dataset it is read again by itself: "
            "@plots.dataset(version=files(%r)), above a function that returns it.",
            shown,
            shown,
        )

    def _read_changed(self) -> bool:
        now = {name: state(name) for name in self._read}
        names = [name for name in now if now[name] != self._read[name] and name]
        if not names:
            return False
        at = self._clock()
        self._reloads = [before for before in self._reloads if at - before < 60]
        if len(self._reloads) >= _MOST_IN_A_MINUTE:
            if at - self._reloads[-1] < _PAUSE:
                return False
            log.warning(
                "%s changes all the time, and the plots' code reads it when it is imported, so the code is "
                "imported again and again. Read it in a @plots.dataset.",
                names[0],
            )
        self._reloads.append(at)
        self._read = now
        return True

    def _stamp(self) -> author_code.Stamp:
        try:
            return author_code.stamp(self._targets)
        except SetupError:  # the load that follows says what is wrong
            return ()
