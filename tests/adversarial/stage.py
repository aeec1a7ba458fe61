"""Playing a case: its action, what is expected of it, and what must hold after every case."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adversarial import checks, invariants
from adversarial.actions import ACTIONS
from adversarial.catalogue import Case
from adversarial.servers import Gone, Reply, Server, eventually, launch, new_number, texts

# Long enough for every limit that nests inside a stop, and for a machine that is busy.
STOPS_WITHIN = 30.0


@dataclass
class Stage:
    """What a case has at hand: the server that all share, and servers of its own."""

    case: Case
    server: Server
    goldens: dict[str, bytes]
    """The pictures that plots give without plotroute, by request."""
    own: list[Server] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    """To be removed when the case is over."""
    unlogged: bool = False
    """Nobody reads the log."""
    main_pid: int = 0
    """Of a server that has a wrapper, if that hands on no signals."""
    off: Mapping[str, object] = field(default_factory=dict)
    """Settings of every server of its own that take a protection away."""

    def __post_init__(self) -> None:
        self.new = new_number() * 10_000
        self.begin()

    def begin(self) -> None:
        """Look at the shared server, or at one of the case's own, from now on."""
        self.started_at = time.time()
        self.log_from = self.server.log_size()
        self.replies_from = len(self.server.replies)

    def request(self, i: int = 0, request: str | None = None) -> str:
        """Return the case's request, the i-th of its kind."""
        text = (request or self.case.requests[0]).replace("{new}", str(self.new)).replace("{i}", str(i))
        return re.sub(r"\{(\w+):(\d+)(?::(\d+))?\}", _list, text)

    def launch(self, *, ready: bool = True, warm: bool = False, **how: Any) -> Server:
        """Start a server for this case alone, which is then the one that is looked at."""
        self.server = launch(**how | {"settings": {**(how.get("settings") or {}), **self.off}})
        self.own.append(self.server)
        if ready:
            self.server.await_ready()
        if warm:
            self.server.warm_up()
        self.begin()
        return self.server

    def expect(self, holds: object, words: str) -> None:
        """Note a problem if it does not hold."""
        if not holds:
            self.problems.append(words)

    def stop(self, server: Server, number: int = signal.SIGTERM, *, exit_code: int | None = 0) -> None:
        """Stop a server of the case's own: it ends, and nothing of it is left."""
        if server.process.poll() is None:
            os.kill(self.main_pid or server.process.pid, number)
        code = server.wait(STOPS_WITHIN)
        self.expect(code is not None, f"the server did not stop within {STOPS_WITHIN:g} s")
        self.expect(code is None or exit_code is None or code == exit_code, f"its exit code is {code}")
        self.nothing_left(server)

    def nothing_left(self, server: Server) -> None:
        """Expect that nothing is there any more of a server that has ended."""
        gone = eventually(lambda: not server.survivors())
        self.expect(gone, f"left running: {', '.join(server.survivors())}")


def _list(found: re.Match[str]) -> str:
    """Write a list of so many values: `{labels:200:20}`, `{numbers:200}`, `{outlier:700}`."""
    kind, many, length = found[1], int(found[2]), int(found[3] or 1)
    if kind == "labels":
        return ",".join(f"{number:0{length}d}"[-length:] for number in range(many))
    if kind == "outlier":
        return ",".join(str(number / 1000) for number in range(many)) + ",100000"
    return ",".join(str(number) for number in range(many))


def play(
    case: Case, server: Server, goldens: dict[str, bytes], off: Mapping[str, object] | None = None
) -> list[str]:
    """Run a case and return all that is wrong; its own servers are gone afterwards.

    `off` are settings of its own servers that take a protection away.
    """
    stage = Stage(case, server, goldens, off=off or {})
    try:
        try:
            replies = ACTIONS[case.action](stage)
        except Gone as gone:
            return [*stage.problems, str(gone)]
        _judge(stage, replies)
        if stage.server.process.poll() is None:
            stage.problems += invariants.after(stage)
        elif stage.server is server:
            stage.problems.append(f"the server has ended with {server.process.poll()}")
        for own in stage.own:
            if own.process.poll() is None:
                stage.stop(own)
        return stage.problems
    finally:
        for own in stage.own:
            own.kill()
        for folder in stage.folders:
            shutil.rmtree(folder, ignore_errors=True)


def _judge(stage: Stage, replies: list[Reply]) -> None:
    """Compare with what the case expects."""
    case = stage.case
    wrong = [reply for reply in replies if reply.status not in case.status]
    stage.expect(
        not wrong, f"expected {list(case.status)}, got {texts(replies)}; {'; '.join(map(str, wrong[:3]))}"
    )
    for reply in replies:
        error = reply.status >= 400 and not reply.request.startswith("HEAD")
        if error and reply.status in case.status and case.code and reply.code not in case.code:
            stage.problems.append(f"expected the code {' or '.join(case.code)}, got {reply}")
            break
    for name, given in case.checks.items():
        problem = getattr(checks, name)(stage, replies, given)
        stage.expect(not problem, f"{name}: {problem}")
