"""What a case may expect beside status and code: each check returns what is wrong, or nothing."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversarial.alone import drawn_alone, other_than
from adversarial.processes import everything, is_alive
from adversarial.servers import PLOTS, Reply, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/svg+xml": b"<?xml", "application/pdf": b"%PDF-"}

# The argument of `sleep` in a process that a plot leaves behind.
LEFT_BEHIND = "86461"


def picture(stage: Stage, replies: list[Reply], given: Any) -> str:
    """Every 200 is a whole picture; with [width, height], of that size."""
    for reply in replies:
        if reply.status == 200:
            kind = reply.headers.get("Content-Type", "")
            if kind not in MAGIC or not reply.body.startswith(MAGIC[kind]):
                return f"{reply} is not a picture but {kind}"
            if kind == "image/png" and not reply.body.endswith(b"IEND\xaeB`\x82"):
                return f"{reply} is cut off"
            if given is not True and list(struct.unpack("!II", reply.body[16:24])) != given:
                return f"{reply} has {struct.unpack('!II', reply.body[16:24])} pixels"
    return ""


def as_drawn_alone(stage: Stage, replies: list[Reply], given: Any) -> str:
    """Every 200 is the very picture that the plot gives without plotroute."""
    drawn = [reply for reply in replies if reply.status == 200]
    goldens = drawn_alone([reply.request for reply in drawn])
    return "; ".join(filter(None, (other_than(goldens[reply.request], reply) for reply in drawn)))


def all_equal(stage: Stage, replies: list[Reply], given: Any) -> str:
    different = {(reply.body, reply.headers.get("ETag")) for reply in replies}
    return "" if len(different) == 1 else f"{len(different)} different pictures or ETags"


def body_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    return next((f"{reply}" for reply in replies if len(reply.body) > given), "")


def body_without(stage: Stage, replies: list[Reply], given: list[str]) -> str:
    return next((word for word in given for reply in replies if word.encode() in reply.body), "")


def retry_after(stage: Stage, replies: list[Reply], given: Any) -> str:
    """Every 503 says when to come again."""
    for reply in replies:
        if reply.status == 503 and not re.fullmatch(r"[1-9]\d{0,3}", reply.headers.get("Retry-After", "")):
            return f"{reply}: {reply.headers.get('Retry-After')}"
    return ""


def some_of_each(stage: Stage, replies: list[Reply], given: Any) -> str:
    missing = set(stage.case.status) - {reply.status for reply in replies}
    return f"nobody got {missing}" if missing else ""


def drawn_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    """So many drawings were begun."""
    begun = [n for n in stage.server.notes(stage.started_at) if n.get("event") != "done" and "held" not in n]
    return f"{len(begun)} times drawn" if len(begun) > given else ""


def drawn_at_once_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    notes = sorted(
        stage.server.notes(stage.started_at, plot="sleep"), key=lambda note: float(str(note["at"]))
    )
    under_way = most = 0
    for note in notes:
        under_way += 1 if note["event"] == "begun" else -1
        most = max(most, under_way)
    return f"{most} at once" if most > given else ""


def memory_held_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    held = [int(str(note["held"])) for note in stage.server.notes(stage.started_at) if "held" in note]
    return f"{max(held):,} bytes" if held and max(held) > given else ""


def render_process_replaced(stage: Stage, replies: list[Reply], given: Any) -> str:
    """The processes that drew are gone."""
    pids = {int(str(note["pid"])) for note in stage.server.notes(stage.started_at)}
    if not pids:
        return "nothing was drawn"
    eventually(lambda: not any(map(is_alive, pids)))
    alive = [pid for pid in pids if is_alive(pid)]
    return f"{alive} still runs" if alive else ""


def nothing_left_behind(stage: Stage, replies: list[Reply], given: Any) -> str:
    def left() -> list[int]:
        return [pid for pid in everything() if LEFT_BEHIND.encode() in _command_line(pid)]

    eventually(lambda: not left())
    return f"{left()} still runs" if left() else ""


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def no_core_file(stage: Stage, replies: list[Reply], given: Any) -> str:
    found = [*PLOTS.glob("core*"), *stage.server.directory.rglob("core*")]
    return f"{found}" if found else ""


def log_names(stage: Stage, replies: list[Reply], given: list[str]) -> str:
    """Patterns that the log has since the case began, none of them in the line of the request itself."""

    def missing() -> list[str]:
        lines = [line for line in stage.server.log(stage.log_from).splitlines() if "GET /" not in line]
        return [pattern for pattern in given if not re.search(pattern, "\n".join(lines))]

    eventually(lambda: not missing(), 5)
    return f"the log has no {' nor '.join(missing())}" if missing() else ""


def log_without(stage: Stage, replies: list[Reply], given: list[str]) -> str:
    log = stage.server.log(stage.log_from)
    return next((f"the log has {word}" for word in given if word in log), "")


def log_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    size = stage.server.log_size() - stage.log_from
    return f"{size:,} bytes" if size > given else ""


def log_line_at_most(stage: Stage, replies: list[Reply], given: int) -> str:
    longest = max(map(len, stage.server.log(stage.log_from).splitlines()), default=0)
    return f"{longest:,} characters" if longest > given else ""
