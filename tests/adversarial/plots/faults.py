"""One plot that goes wrong in whatever way it is asked to."""

import atexit
import collections
import ctypes
import io
import itertools
import locale
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from typing import Literal

import matplotlib.axes
import matplotlib.pyplot as plt
import numpy as np
from notes import note

from plotroute import Plots

plots = Plots()

# A process that a plot leaves behind sleeps for so many seconds: nobody else does.
LEFT_BEHIND = "86461"


def os_exit_4():
    os._exit(4)


def sys_exit_3():
    sys.exit(3)


def keyboard_interrupt():
    raise KeyboardInterrupt


def segv():
    ctypes.string_at(0)


def stack_overflow_c():
    sys.setrecursionlimit(10**8)

    @ctypes.CFUNCTYPE(ctypes.c_int)
    def again():
        return again()

    again()


def oom_py():
    held = []
    while True:
        held.append(bytearray(b"x") * 2**26)
        note("fault", held=len(held) * 2**26)


def oom_c():
    """Agg takes a buffer in proportion to the marker."""
    figure, ax = plt.subplots()
    ax.plot([1, 2], [1, 2], "o", ms=1_000_000)
    figure.canvas.draw()


def hang_py():
    while True:
        pass


def hang_c():
    """Never comes back to the interpreter, and never lets go of its lock."""
    collections.deque(itertools.repeat(None), maxlen=0)


def hang_agg():
    """Dashes scale with the line's width; Agg counts them one by one."""
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], ls=":", lw=1e-9)
    figure.canvas.draw()


def hang_ignoring_sigterm():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    hang_py()


def hang_in_finally():
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def infinite_recursion():
    infinite_recursion()


def raise_():
    raise RuntimeError(f"{__file__} {os.environ['ADVERSARIAL_SECRET']}")


def raise_huge_message():
    raise RuntimeError("m" * 10_000_000)


def raise_group():
    raise BaseExceptionGroup("several", [ValueError("one"), SystemExit(3)])


def return_none():
    return None


def return_png_bytes():
    file = io.BytesIO()
    picture().savefig(file, format="png")
    return file.getvalue()


def return_huge_bytes():
    return b"\x89PNG\r\n\x1a\n" + bytes(200_000_000)


def print_to_stdout():
    print("printed by a plot", "p" * 1_000_000)
    return picture()


def write_fd_1_and_2():
    for number in (1, 2):
        os.write(number, b"written by a plot\n\x00\xff\n")
    return picture()


def read_stdin():
    input()


def close_all_fds():
    os.closerange(3, 256)
    return picture()


def leave_child_running():
    subprocess.Popen(["sleep", LEFT_BEHIND])
    return picture()


def leave_daemon_running():
    """A child in a session of its own: no signal to the group of processes reaches it."""
    subprocess.Popen(["sleep", LEFT_BEHIND], start_new_session=True)
    return picture()


def leave_thread_running():
    threading.Thread(target=lambda: [sum(range(10_000)) for _ in itertools.repeat(0)], daemon=True).start()
    return picture()


def chdir_env_umask_locale():
    os.chdir("/")
    os.environ |= {"TZ": "Asia/Kathmandu", "MPLBACKEND": "svg", "HOME": "/nowhere"}
    time.tzset()
    os.umask(0o777)
    locale.setlocale(locale.LC_ALL, "C")
    return picture()


def numpy_seterr_warnings_error():
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("error")
    return picture()


def monkeypatch_matplotlib():
    """Breaks every later picture of this process, silently: axes without lines."""
    figure = picture()
    matplotlib.axes.Axes.plot = lambda *_, **__: []
    return figure


def warnings_flood():
    for number in range(20_000):
        warnings.warn(f"warning {number}", stacklevel=1)
    return picture()


def atexit_hang():
    atexit.register(time.sleep, 3600)
    return picture()


def killed_mid_write():
    """Dies when half of a large answer has gone out, whichever way it goes."""

    def half_of(send):
        def send_half(out, data, *rest):
            if len(data) > 10_000:
                send(out, bytes(data)[: len(data) // 2], *rest)
                os.kill(os.getpid(), signal.SIGKILL)
            return send(out, data, *rest)

        return send_half

    socket.socket.sendall = half_of(socket.socket.sendall)
    socket.socket.send = half_of(socket.socket.send)
    os.write = half_of(os.write)
    figure = picture()
    figure.figimage(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    return figure


def import_error_on_first_call():
    import a_library_that_nobody_has  # noqa: F401


def none():
    return picture()


def picture():
    figure, ax = plt.subplots()
    ax.plot([1, 3, 2])
    return figure


MODES = {
    function.__name__.removesuffix("_"): function
    for function in (
        *(os_exit_4, sys_exit_3, keyboard_interrupt, segv, stack_overflow_c, oom_py, oom_c),
        *(hang_py, hang_c, hang_agg, hang_ignoring_sigterm, hang_in_finally, infinite_recursion),
        *(raise_, raise_huge_message, raise_group, return_none, return_png_bytes, return_huge_bytes),
        *(print_to_stdout, write_fd_1_and_2, read_stdin, close_all_fds),
        *(leave_child_running, leave_daemon_running, leave_thread_running),
        *(chdir_env_umask_locale, numpy_seterr_warnings_error, monkeypatch_matplotlib, warnings_flood),
        *(atexit_hang, killed_mid_write, import_error_on_first_call, none),
    )
}
Mode = Literal[tuple(MODES)]


@plots.plot("/fault", timeout=1)
def fault(mode: Mode = "none", k: int = 0):
    """Goes wrong as `mode` says; another `k` is another picture."""
    note("fault", mode=mode, k=k)
    return MODES[mode]()


@plots.plot("/slow_fault")
def slow_fault(mode: Mode = "none", k: int = 0):
    """The same with the server's own time limit, for what takes a while to go wrong."""
    return fault(mode, k)
