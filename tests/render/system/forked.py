"""A script in an interpreter of its own, and a fork of it under the limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from textwrap import dedent, indent

from plotroute.render.system import limits

MB = 2**20

# A zygote (`before`) in an interpreter of its own, whose fork goes under the limits and runs `code`.
SCRIPT = """
import os, signal, sys, time, traceback
from plotroute.render.system import limits, machine, process_memory, process_tree
MB = 2**20
{before}
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    try:
        limits.apply(limits.Limits(memory={memory}, output_file={output_file}, open_files={open_files},
                                   processes={processes}))
{code}
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
{after}
_, status = os.waitpid(pid, 0)
print("ended", os.waitstatus_to_exitcode(status))
"""


def run(script: str, **environment: str) -> str:
    """Run a script in an interpreter without the threads of this one; return what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "MPLBACKEND": "agg", **limits.one_thread_each(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=120)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # with what it forked, which would go on for ever
        process.communicate()
        raise
    assert process.returncode == 0, printed
    return printed


def render(
    code: str,
    *,
    before: str = "",
    after: str = "",
    memory: int = 1024 * MB,
    output_file: int = 64 * MB,
    open_files: int = 256,
    processes: bool = False,
    **environment: str,
) -> str:
    """Run `code` in a render process; return what was printed, and how the process ended."""
    return run(
        SCRIPT.format(
            before=dedent(before),
            code=indent(dedent(code), "        "),
            after=dedent(after),
            memory=memory,
            output_file=output_file,
            open_files=open_files,
            processes=processes,
        ),
        **environment,
    )


# Memory, files
