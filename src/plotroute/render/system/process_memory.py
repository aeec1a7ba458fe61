"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

from plotroute.render.system import machine


def private_bytes(pid: int) -> int:
    """Return the bytes that only this process holds, 0 if it is gone (or unknown: not on Linux).

    What it shares with the process that forked it does not count, until that one ends. The kernel walks the
    page tables: 0.7 ms for a process of 50 MB, 12 ms for one of 1 GB, shared or not, while the process's own
    requests for memory wait. So ask `resident_bytes` first.
    """
    try:
        text = (machine.PROC / str(pid) / "smaps_rollup").read_bytes()
    except (FileNotFoundError, PermissionError):
        return resident_bytes(pid)
    except OSError:  # ESRCH: it ended, and nobody has asked for its exit status yet
        return 0
    # SwapPss, not Swap: of pages swapped out only its share, or an idle parent's would count for each child.
    counted = (b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:", b"SwapPss:")
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(counted)) * 1024


def resident_bytes(pid: int) -> int:
    """Return the bytes of memory that this process holds, shared ones too; 0 if it is gone. Takes 13 µs.

    Never less than `private_bytes`, swap aside: a process below its budget here is below it there.
    """
    try:
        return int((machine.PROC / str(pid) / "statm").read_text().split()[1]) * machine.PAGE
    except OSError:
        return 0
