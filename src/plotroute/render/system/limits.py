"""Limits that a worker puts itself under, so that an accident of the author's code is an exception there.

The exception has the author's line number. What these limits do not catch, the render server sees from
outside and ends with SIGKILL, which no code can refuse.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import time
from dataclasses import dataclass

from plotroute.render.system import machine, seccomp

KINDS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
"""The limits that a process has, as `resource` knows them."""


@dataclass(frozen=True)
class Limits:
    """What a render process may use."""

    # Bytes beyond those of the process at the fork: libraries and what the zygote has are not counted.
    # A plain plot needs less than 200 MB, vl-convert (Altair) 1 GB.
    memory: int
    # Bytes of each file that it writes: a full disk would break the other plots too.
    output_file: int
    # File descriptors, those inherited at the fork included.
    open_files: int
    # Whether the author's code may start processes (and signal any process of the user: see `seccomp`).
    processes: bool


def apply(limits: Limits) -> None:
    """Put this process under `limits`, for good (1 ms). Call it right after the fork, before author code.

    Limits that the system lacks are left out: see `unsupported`. The umask stays: a file that author code
    saves for colleagues is as readable as when a notebook saves it.
    """
    with contextlib.suppress(PermissionError):  # it leads a session, and so has a group of its own
        # Its children are killed at once with its group; Ctrl-C in a terminal is for the server to handle.
        os.setpgid(0, 0)
    if machine.LINUX:
        # Not RLIMIT_AS: Polars and DuckDB reserve 0.9 GB of addresses that they never use, V8 65 GB. Mappings
        # shared with no other process (`mmap.mmap(-1, n)`) are not counted here; `private_bytes` sees them.
        _lower(resource.RLIMIT_DATA, _data_bytes() + limits.memory)
        with contextlib.suppress(OSError):  # not writable in some containers
            # The highest: if the machine runs out of memory, a picture is lost and not the server.
            (machine.PROC / "self/oom_score_adj").write_text("1000")
    _lower(resource.RLIMIT_CORE, 0)  # the dump of a killed renderer takes seconds and gigabytes
    # Python ignores SIGXFSZ, so that a write beyond it is an OSError.
    _lower(resource.RLIMIT_FSIZE, limits.output_file)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # see `arm_cpu`
    if not limits.processes and seccomp.available():
        seccomp.install()


def arm_cpu(seconds: float) -> None:
    """End this process by SIGXCPU once it, all threads together, has used `seconds` more of CPU time.

    The second line behind the clock of the render server, should that have ended. The kernel counts in whole
    seconds, so the signal comes up to 2 s late. Only the soft limit is set: the next job arms it again.
    """
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = math.ceil(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(soft, hard), hard))


def hard_limits() -> list[int]:
    """Return the hard limits of this process: a plot that lowers them does so for good."""
    return [resource.getrlimit(which)[1] for which in KINDS]


def unsupported() -> list[str]:
    """Return what `apply` and the render server cannot enforce on this system, for a message at start."""
    missing = []
    if not machine.LINUX:
        missing += ["the memory limit of a plot", "stopping the processes that a plot started"]
    elif not (machine.PROC / "self/smaps_rollup").exists():  # before Linux 4.14, and gVisor
        missing.append("an exact count of a plot's memory")
    if not seccomp.available():
        missing.append("refusing new processes to plots")
    return missing


def one_thread_each() -> dict[str, str]:
    """Return the environment that keeps numeric libraries to one thread; they read it when imported.

    Each worker has a CPU already: N pools of N threads are slower, and each thread's stack counts as memory.
    A variable that the operator has set takes precedence.
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


def _data_bytes() -> int:
    """Return what RLIMIT_DATA counts of this process: its private writable mappings, used or not."""
    for line in (machine.PROC / "self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _lower(which: int, value: int) -> None:
    """Set both limits: author code could raise a soft limit again."""
    value = _at_most(value, resource.getrlimit(which)[1])
    resource.setrlimit(which, (value, value))


def _at_most(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
