"""The catalogue of cases, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("catalogue.toml")
NOT_PASSING = Path(__file__).with_name("not_passing.toml")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request that does harm, or something done to the server, and what has to come of it.

    `status` and `code` are what each reply may have; a status of 0 is a connection that was refused or cut.
    """

    id: str
    name: str
    group: str
    priority: str
    title: str
    why: str
    status: Sequence[int] = ()
    code: Sequence[str] = ()
    """Of the replies that are errors."""
    requests: Sequence[str] = ()
    """`GET /path`, `{new}` in it a number that makes it a picture of its own. Each is a test by itself."""
    body: str = ""
    action: str = "ask"
    """What is done, by its name in `actions`."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of the action."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """What else holds, by its name in `checks`, and with which numbers."""
    busy: bool = False
    """Afterwards the queue may still be full: a 503 is then asked again after its Retry-After."""
    log_lines: int = 20
    """Lines in the log, per request."""
    cannot_run: str = ""
    needs: str = ""

    @property
    def label(self) -> str:
        """What the test is called."""
        return f"{self.id} {self.name}"


def read(file: Path = FILE) -> list[Case]:
    """Return the cases as they stand in the file."""
    return [Case(**entry) for entry in tomllib.loads(file.read_text())["case"]]


def expanded(cases: Sequence[Case]) -> list[Case]:
    """Return a case per request."""
    found = []
    for case in cases:
        if case.action != "ask" or len(case.requests) < 2:
            found.append(case)
            continue
        for number, request in enumerate(case.requests, 1):
            found.append(replace(case, name=f"{case.name}-{number}", requests=[request]))
    return found


def not_passing() -> dict[str, dict[str, str]]:
    """Return the known failures by label."""
    return {entry["id"]: entry for entry in tomllib.loads(NOT_PASSING.read_text()).get("case", [])}
