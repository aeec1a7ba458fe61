"""What must hold after every case, whatever it was: the question is always what the next reader gets."""

from __future__ import annotations

import platform
import re
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from adversarial.alone import other_than
from adversarial.servers import PLOTS, SECRET, Reply, Server, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

# For how long a 503 is asked again, after a case that leaves a queue.
_BUSY_FOR = 30.0


def after(stage: Stage) -> list[str]:
    """Return what does not hold."""
    server, case = stage.server, stage.case
    replies = server.replies[stage.replies_from :]
    problems = [] if stage.unlogged else _logged(stage, replies)
    health = server.ask("GET /healthz")
    if health.status != 200:
        return [*problems, f"next {health}"]
    problems += _next_pictures(stage, server)
    for reply in server.replies[stage.replies_from :]:
        problems += _headers(reply) + _leaks(reply, server)
    if server.allowed is not None:
        allowed = server.allowed
        if not eventually(lambda: not server.footprint().excess(allowed), 15 if case.busy else 10):
            problems.append("left behind: " + "; ".join(server.footprint().excess(allowed)))
    elif not eventually(lambda: not server.footprint().zombies):
        problems.append("zombies are left")
    return list(dict.fromkeys(problems))[:12]


def _next_pictures(stage: Stage, server: Server) -> list[str]:
    """Every render process draws what the plot gives without any server."""
    deadline = time.monotonic() + _BUSY_FOR
    while True:
        replies = server.herd(list(stage.goldens))
        busy = [reply for reply in replies if reply.status == 503 and "Retry-After" in reply.headers]
        if not (busy and stage.case.busy and time.monotonic() < deadline):
            break
        time.sleep(min(2, int(busy[0].headers["Retry-After"])))
    problems = [
        f"{reply}" if reply.status != 200 else other_than(golden, reply)
        for reply, golden in zip(replies, stage.goldens.values(), strict=True)
    ]
    return [f"next {problem}" for problem in problems if problem]


def _headers(reply: Reply) -> list[str]:
    if not reply.status:
        return []
    caching = reply.headers.get("Cache-Control", "")
    problems = []
    if reply.headers.get("X-Content-Type-Options") != "nosniff":
        problems.append(f"{reply} is without nosniff")
    if not caching or (reply.status >= 400 and "no-store" not in caching):
        problems.append(f"{reply} has Cache-Control {caching!r}")
    return problems


def _leaks(reply: Reply, server: Server) -> list[str]:
    """Return what an answer tells that it should not; a picture may name the library that drew it."""
    if reply.status < 400:
        return []
    versions = [version(name) for name in ("matplotlib", "numpy", "flask", "granian")]
    secrets = [
        *("Traceback", 'File "', "site-packages", str(PLOTS), sys.prefix, str(server.directory)),
        *(SECRET, platform.python_version(), *versions),
    ]
    return [f"{reply} tells {secret!r}" for secret in secrets if secret.encode() in reply.body]


def _logged(stage: Stage, replies: list[Reply]) -> list[str]:
    """A line for each request, and few others."""
    server = stage.server
    answered = {reply.id for reply in replies if reply.status}

    def missing() -> set[str]:
        return answered - set(re.findall(r"[0-9a-f]{32}", server.log(stage.log_from)))

    problems = []
    if not eventually(lambda: not missing(), 5):
        problems.append(f"{len(missing())} of {len(answered)} requests are not in the log")
    lines = server.log(stage.log_from).count("\n")
    if lines > stage.case.log_lines * max(1, len(replies)):
        problems.append(f"{lines} lines in the log for {len(replies)} requests")
    return problems
