"""What `/proc` says of a server's processes: which there are, what they have spent and what they hold."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    session: int
    cpu: float
    """Seconds of processor time, of it and of the children that it has reaped."""
    command: str


def of_session(session: int) -> list[Process]:
    """Return the processes of a session, parents first: a server is started in one of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                process = _read(entry)
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if process.session == session:
                found.append(process)
    return sorted(found, key=lambda process: process.pid)


def cpu_seconds(session: int) -> float:
    """Return what a server has spent: what its processes have, and those that ended and were reaped.

    A process that ends between two calls goes on counting: its time moves to its parent's account.
    """
    return sum(process.cpu for process in of_session(session))


def memory(pid: int) -> tuple[float, float]:
    """Return its share of memory (Pss) and what is its alone (Uss), in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    held = {name: int(kilobytes) / 1024 for name, kilobytes in re.findall(r"(\w+): +(\d+) kB", text)}
    return held["Pss"], held["Private_Clean"] + held["Private_Dirty"]


def _read(entry: Path) -> Process:
    # The name is in parentheses and may hold anything; what follows are numbers (proc(5)).
    fields = (entry / "stat").read_text().rpartition(")")[2].split()
    parent, session = int(fields[1]), int(fields[3])
    user, system, reaped_user, reaped_system = (int(ticks) for ticks in fields[11:15])
    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    cpu = (user + system + reaped_user + reaped_system) / _TICKS
    return Process(int(entry.name), parent, session, cpu, command)
