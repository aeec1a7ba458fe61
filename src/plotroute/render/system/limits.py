"""What a render process may use, and how it is seen and stopped from outside.

A limit inside the process makes an accident an exception in the author's code, with a line number. What that
does not catch, the base process sees from outside and ends with SIGKILL, which no code can refuse.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from plotroute.render.system import seccomp

LINUX = sys.platform == "linux"

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")

# What the processes that draw nothing take together: measured with the demo, 250 MB.
_OTHERS = 256 * 2**20

# How often `kill_descendants` looks again. Twice is usual; what never ends must not stop the whole server.
_PASSES = 20

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

KINDS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
"""The limits that a process has, as `resource` knows them."""


@dataclass(frozen=True)
class Limits:
    """What a render process may use."""

    # Bytes beyond what the process has at the fork: the libraries and the generation's data are not counted.
    # A plain plot needs less than 200 MB, vl-convert (Altair) 1 GB.
    memory: int
    # Bytes of each file it writes: a plot that fills the disk takes the others along.
    output_file: int
    # File descriptors, those inherited at the fork included.
    open_files: int
    # Whether the author's code may start processes (and signal any process of the user: see `seccomp`).
    processes: bool


def apply(limits: Limits) -> None:
    """Put this process under `limits`, for good (1 ms). Call it right after the fork, before author code.

    What the system lacks is left out: see `unsupported`. The umask stays: a file that an author's code saves
    for colleagues is as readable as when their notebook saves it.
    """
    with contextlib.suppress(PermissionError):  # it leads a session, and so has a group of its own
        # What it starts is killed at once with its group; Ctrl-C in a terminal is for the server to handle.
        os.setpgid(0, 0)
    if LINUX:
        # Not RLIMIT_AS: Polars and DuckDB reserve 0.9 GB of addresses that they never use, V8 65 GB. Mappings
        # shared with nobody (`mmap.mmap(-1, n)`) are not counted here; `private_bytes` sees them.
        _lower(resource.RLIMIT_DATA, _data_bytes() + limits.memory)
        with contextlib.suppress(OSError):  # not writable in some containers
            # The highest: if the machine runs out of memory, a picture is lost and not the server.
            (_PROC / "self/oom_score_adj").write_text("1000")
    _lower(resource.RLIMIT_CORE, 0)  # the dump of a killed renderer takes seconds and gigabytes
    # Python ignores SIGXFSZ, so that a write beyond it is an OSError.
    _lower(resource.RLIMIT_FSIZE, limits.output_file)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # see `arm_cpu`
    if not limits.processes and seccomp.available():
        seccomp.install()


def arm_cpu(seconds: float) -> None:
    """End this process by SIGXCPU once it, all threads together, has used `seconds` more of CPU time.

    The second line behind the clock outside, for when nobody is left to watch it. The kernel counts in whole
    seconds, so it comes up to 2 s late. Only the soft limit is set: the next job arms it again.
    """
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = math.ceil(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(soft, hard), hard))


def hard_limits() -> list[int]:
    """Return the hard limits of this process: what a plot lowers there cannot be put back."""
    return [resource.getrlimit(which)[1] for which in KINDS]


def unsupported() -> list[str]:
    """Name what `apply` and the watch from outside cannot enforce here, for a message at start."""
    missing = []
    if not LINUX:
        missing += ["the memory limit of a plot", "stopping the processes that a plot started"]
    elif not (_PROC / "self/smaps_rollup").exists():  # before Linux 4.14, and gVisor
        missing.append("an exact count of a plot's memory")
    if not seccomp.available():
        missing.append("refusing new processes to plots")
    return missing


def one_thread_each() -> dict[str, str]:
    """Return the environment that keeps numeric libraries to one thread; they read it when imported.

    Renderers already share the CPUs one each: N pools of N threads are slower, and each thread's stack counts
    as memory. Where the user set one of them, let the user's stand.
    """
    names = (
        "OMP_NUM_THREADS",  # OpenMP: scikit-learn, SciPy; also pyarrow's pool
        "OPENBLAS_NUM_THREADS",  # NumPy and SciPy from PyPI
        "MKL_NUM_THREADS",  # NumPy from conda
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",  # NumPy on macOS
        "NUMEXPR_NUM_THREADS",  # pandas.eval
        "NUMBA_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",  # other libraries written in Rust
        # joblib: `n_jobs=-1` is then 1, without processes; and scikit-learn need not run `lscpu` to count.
        "LOKY_MAX_CPU_COUNT",
    )
    return dict.fromkeys(names, "1")


def private_bytes(pid: int) -> int:
    """Return the bytes that only this process holds, 0 if it is gone (or unknown: not on Linux).

    What it shares with the process that forked it does not count, until that one ends. The kernel walks the
    page tables: 0.7 ms for a process of 50 MB, 12 ms for one of 1 GB, shared or not, while the process's own
    requests for memory wait. So ask `resident_bytes` first.
    """
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_bytes()
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
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def become_subreaper() -> None:
    """Make this process the parent of descendants whose parents end, instead of init (Linux only).

    So a process that left its session and its parent is still found by `descendants`. The exit status of each
    must be asked for, or it stays as a zombie.
    """
    if LINUX:
        seccomp.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """End this process by SIGKILL when the one that forked it ends (Linux only).

    `parent` is its `os.getpid()`, taken before the fork: it may have ended before this call, and whose child
    one is by then, init's or a subreaper's, does not tell. The kernel means the *thread* that forked: fork
    from one that lasts as long as its process, the main thread. What this process forks does not inherit it.
    """
    if LINUX:
        seccomp.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return the children of `pid`, their children and so on, parents first; no zombies.

    Reads /proc, 14 µs for each process of the machine; empty where there is none.
    """
    table = _processes()
    return [one for one in _below(pid, table, frozenset()) if table[one].alive]


def kill_descendants(pid: int, except_: Collection[int] = frozenset()) -> None:
    """End by SIGKILL all that `pid` started, and go on until nothing new turns up.

    Processes in `except_` are spared, with all that they started. Nobody is waited for: a process that was
    signalled can start no other, but may take its time to go (or never go, stuck in a network disk).
    """
    killed: set[int] = set()
    killed_groups: set[int] = {0}  # 0 is how we see a group from outside our container
    for _ in range(_PASSES):
        table = _processes()
        below = set(_below(pid, table, except_))
        fresh = {one for one in below if table[one].alive} - killed
        # Who forks faster than we read /proc is always one process ahead of us: all we see is the zombies.
        # But a signal to their group reaches every process in it at once.
        with_others = {process.group for one, process in table.items() if one not in below}
        groups = {table[one].group for one in below} - with_others - killed_groups
        if not fresh and not groups:
            return
        for kill, numbers in ((os.killpg, groups), (os.kill, fresh)):
            for number in numbers:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(number, signal.SIGKILL)
        killed |= fresh
        killed_groups |= groups


class _Process(NamedTuple):
    parent: int
    group: int
    alive: bool


def _processes() -> dict[int, _Process]:
    found = {}
    for name in os.listdir(_PROC) if LINUX else ():
        if not name.isdecimal():
            continue
        try:
            # "pid (name) state ppid pgrp …", and a name may hold spaces and brackets.
            fields = (_PROC / name / "stat").read_bytes().rpartition(b")")[2].split(None, 3)
        except OSError:  # it ended
            continue
        found[int(name)] = _Process(int(fields[1]), int(fields[2]), fields[0] not in b"ZX")
    return found


def _below(pid: int, table: Mapping[int, _Process], except_: Collection[int]) -> list[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for one, process in table.items():
        if one not in except_:
            children[process.parent].append(one)
    found = [pid]
    for one in found:  # grows while we go
        found += children[one]
    return found[1:]


def default_renderers(budget: int) -> int:
    """Return how many renderers of `budget` bytes each this machine takes: one for a CPU, at least 1."""
    return max(1, min(cpus(), (memory() - _OTHERS) // budget))


def cpus() -> int:
    """Return the CPUs that this process may use: its affinity and its containers' quotas, at least 1.

    A quota of 1.5 CPUs is 1: the second renderer would be stopped half of the time.
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
    """Return the bytes that this process and its children may use: what is free, or a container's limit.

    The limit is taken whole, whatever is used of it: after a restart the answer is the same.
    """
    if not LINUX:
        return int(os.sysconf("SC_PHYS_PAGES")) * _PAGE
    known = dict(line.split(":") for line in (_PROC / "meminfo").read_text().splitlines())
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
        memberships = (_PROC / "self/cgroup").read_text().splitlines()
        mounts = [line.split() for line in (_PROC / "self/mountinfo").read_text().splitlines()]
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


def _data_bytes() -> int:
    """Return what RLIMIT_DATA counts of this process: its private writable mappings, used or not."""
    for line in (_PROC / "self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _lower(which: int, value: int) -> None:
    """Set both limits: what an author's code would raise again is no limit."""
    value = _at_most(value, resource.getrlimit(which)[1])
    resource.setrlimit(which, (value, value))


def _at_most(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
