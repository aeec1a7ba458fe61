"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

from plotroute.render.system import machine


def private_bytes(pid: int) -> int:
    """Return the bytes of memory that only process `pid` holds; 0 if it has ended, or not on Linux.

    Memory that it shares with its parent does not count, until the parent ends. The kernel walks the page
    tables: 0.7 ms for a process of 50 MB, 12 ms for a process of 1 GB, shared or not. Requests for memory of
    the process itself wait meanwhile. So call `resident_bytes` first.
    """
    try:
        text = (machine.PROC / str(pid) / "smaps_rollup").read_bytes()
    except (FileNotFoundError, PermissionError):
        return resident_bytes(pid)
    except OSError:  # ESRCH: a zombie, whose exit status was not asked for yet
        return 0
    # SwapPss, not Swap: of pages swapped out only its share, or an idle parent's would count for each child.
    counted = (b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:", b"SwapPss:")
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(counted)) * 1024


def resident_bytes(pid: int) -> int:
    """Return the bytes of memory that process `pid` holds, shared ones too; 0 if it has ended. Takes 13 µs.

    Never less than `private_bytes`, swap aside: a process that is within a budget here is within it there.
    """
    try:
        return int((machine.PROC / str(pid) / "statm").read_text().split()[1]) * machine.PAGE
    except OSError:
        return 0
