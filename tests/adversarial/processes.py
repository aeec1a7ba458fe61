"""What belongs to a server, as /proc tells it: processes, threads, open files, temporary files."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, as far as /proc shows it."""

    pid: int
    parent: int
    state: str
    command: str


@dataclass(frozen=True)
class Footprint:
    """What a server takes of the machine."""

    processes: int
    threads: int
    files: int
    temporary: int
    zombies: int
    memory: int
    """Resident bytes, what is shared counted once per process."""

    def excess(self, allowed: Footprint) -> list[str]:
        """Say what there is more of than allowed."""
        return [
            f"{getattr(self, name)} {name}, before it was {getattr(allowed, name)}"
            for name in ("processes", "threads", "files", "temporary", "zombies")
            if getattr(self, name) > getattr(allowed, name)
        ]

    def at_least(self, other: Footprint) -> Footprint:
        """Return the larger number of each."""
        return Footprint(*map(max, vars(self).values(), vars(other).values()))


def everything() -> dict[int, Process]:
    """Return the processes of the machine."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = Path("/proc", entry, "stat").read_text()
                head, _, rest = stat.rpartition(")")
                state, parent = rest.split()[:2]
                found[int(entry)] = Process(int(entry), int(parent), state, head.partition("(")[2])
    return found


def belonging_to(mark: str, root: int) -> list[Process]:
    """Return the descendants of `root`, and whoever else was started with `mark` in the environment."""
    processes = everything()
    ours = {root} & processes.keys()
    for pid in processes:
        with contextlib.suppress(OSError):
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                ours.add(pid)
    while more := {pid for pid, process in processes.items() if process.parent in ours} - ours:
        ours |= more
    return [processes[pid] for pid in sorted(ours)]


def footprint(processes: Iterable[Process], temporary: Path) -> Footprint:
    """Count."""
    threads = files = memory = zombies = alive = 0
    for process in processes:
        if process.state == "Z":
            zombies += 1
            continue
        with contextlib.suppress(OSError):
            threads += len(os.listdir(f"/proc/{process.pid}/task"))
            files += sum(not name.endswith((".ttf", ".otf", ".ttc")) for name in _open_files(process.pid))
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            memory += pages * os.sysconf("SC_PAGESIZE")
            alive += 1
    return Footprint(
        alive, threads, files, sum(len(f) + len(d) for _, d, f in os.walk(temporary)), zombies, memory
    )


def _open_files(pid: int) -> list[str]:
    """Return what is open; fonts among it stay so, as many as there are, once they were used."""
    names = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return names


def kill(processes: Iterable[Process]) -> None:
    """End each by its id."""
    for process in processes:
        if process.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether a process still does anything; a zombie does not."""
    process = everything().get(pid)
    return process is not None and process.state != "Z"
