"""What this machine, or this container, lets plotroute use: CPUs and memory."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

LINUX = sys.platform == "linux"

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")

# Bytes of the processes that draw nothing, together: 250 MB, measured with the demo.
_OTHERS = 256 * 2**20


def default_renderers(budget: int) -> int:
    """Return how many workers of `budget` bytes each this machine can run: one for each CPU, at least 1."""
    return max(1, min(cpus(), (memory() - _OTHERS) // budget))


def cpus() -> int:
    """Return the CPUs that this process may use: its affinity and its containers' quotas, at least 1.

    A quota of 1.5 CPUs counts as 1: the kernel would stop a second worker half of the time.
    """
    if not LINUX:
        return os.cpu_count() or 1
    allowed = float(len(os.sched_getaffinity(0)))
    for directory in _cgroups("cpu"):
        with contextlib.suppress(OSError, ValueError):  # ValueError: "max", no quota
            quota, period = (directory / "cpu.max").read_text().split()
            allowed = min(allowed, int(quota) / int(period))
        with contextlib.suppress(OSError):
            number = int((directory / "cpu.cfs_quota_us").read_text())
            if number > 0:  # -1: no quota
                allowed = min(allowed, number / int((directory / "cpu.cfs_period_us").read_text()))
    return max(1, int(allowed))


def memory() -> int:
    """Return the bytes that this process and its children may use: free memory, or the container's limit.

    The limit counts as a whole, whatever is used of it: so a restart gives the same answer.
    """
    if not LINUX:
        return int(os.sysconf("SC_PHYS_PAGES")) * PAGE
    known = dict(line.split(":") for line in (PROC / "meminfo").read_text().splitlines())
    # MemAvailable counts the disk cache as free. gVisor and old kernels lack it.
    bounds = [int(known.get("MemAvailable", known["MemTotal"]).split()[0]) * 1024]
    for directory in _cgroups("memory"):
        # From memory.high on the kernel slows its processes down until they stand still.
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):  # ValueError: "max", no limit
                bounds.append(int((directory / name).read_text()))
    return min(bounds)


def _cgroups(controller: str) -> Iterator[Path]:
    """Yield this process's directories up to the roots, of version 2 and of version 1's `controller`."""
    try:
        memberships = (PROC / "self/cgroup").read_text().splitlines()
        mounts = [line.split() for line in (PROC / "self/mountinfo").read_text().splitlines()]
    except OSError:
        return
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for mount in mounts:
            root, point = mount[3], Path(mount[4])
            kind, _, options = mount[mount.index("-") + 1 :][:3]
            if (
                kind == "cgroup2"
                if not controllers
                else kind == "cgroup" and controller in options.split(",")
            ):
                # In a container the mount often begins at our own group, and the path names it once more.
                inside = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path()
                own = point if ".." in inside.parts else point / inside
                yield own
                yield from (above for above in own.parents if above.is_relative_to(point))
