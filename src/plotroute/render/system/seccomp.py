"""A filter of system calls, under which a process starts no other process and stops none but itself.

It guards the server against accidents of trusted authors (`subprocess.run` in a plot, a pool of workers, a
kill of the wrong process). It is no sandbox: files and the network stay open.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
import sys
from typing import Any

# Each call's number on x86-64 and on ARM64, where the kernel has it; from the kernel's unistd headers.
_REFUSED = {
    # A second process has its own memory limit and clock, and would outlive the kill of the first.
    "fork": (57, None),
    "vfork": (58, None),
    # Another program in our place would keep our pipes and answer nothing.
    "execve": (59, 221),
    "execveat": (322, 281),
    # Stopping, reading and rewriting another process; debuggers that look at us from outside still can.
    "ptrace": (101, 117),
    # A signal, or a file taken, by handle: the filter cannot see whose handle it is.
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    # In a container we may be root: nothing that changes the mounts or namespaces we run in...
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    # ... or ends the machine.
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
}
# Allowed where the first argument is our own process: `abort()` and `raise_signal` signal ourselves, and some
# libraries probe their own memory. 0 and negative numbers are process groups, which the server is in.
_ONLY_SELF = {
    "kill": (62, 129),
    "tkill": (200, 130),  # names a thread: of ours, only the main one has the number of the process
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
}
_CLONE = (56, 220)
_CLONE_THREAD = 0x10000
# Its flags are behind a pointer, which a filter cannot follow. "No such call" makes libc use `clone`; any
# other error would end every attempt to start a thread.
_CLONE3 = 435

# AUDIT_ARCH_*, and the column of the tables.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# From here on the numbers are those of x32, a third way into an x86-64 kernel.
_X32 = 0x40000000

# Classic BPF: load a word of `struct seccomp_data`, jump if equal / greater or equal / a bit is set, return.
_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets there. A pid and the clone flags are in the lower half of the first argument; both machines are
# little-endian, and the kernel ignores the upper half of an int.
_NUMBER, _ARCH, _FIRST = 0, 4, 16
_ALLOW = 0x7FFF0000
_PERMISSION = 0x00050000 | errno.EPERM
_NO_SUCH_CALL = 0x00050000 | errno.ENOSYS

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def prctl(option: int, first: int = 0, second: Any = 0) -> None:
    """Call Linux's prctl(2); raise OSError if it fails."""
    second = ctypes.c_ulong(second) if isinstance(second, int) else second
    zero = ctypes.c_ulong(0)
    if _libc().prctl(option, ctypes.c_ulong(first), second, zero, zero) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def available() -> bool:
    """Whether this system, kernel and machine can have the filter."""
    if sys.platform != "linux" or sys.maxsize < 2**32 or platform.machine() not in _MACHINES:
        return False
    try:
        # With no program: a kernel that has filters looks for it and fails on its address.
        prctl(_PR_SET_SECCOMP, _MODE_FILTER)
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def install() -> None:
    """Put the calling thread, and all it will start, under the filter, for good.

    Refused calls fail with EPERM, in Python a PermissionError. Takes 0.4 ms; afterwards every
    call costs 0.03 µs more.
    """
    code = program(platform.machine(), os.getpid())
    # Without this only root may install a filter. It also keeps setuid programs from raising our rights.
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(code) // 8, code)))


def program(machine: str, pid: int) -> bytes:
    """Return the filter for the process `pid`, as the kernel reads it: 8 bytes an instruction.

    Every rule returns its verdict itself or falls through to the next, so no jump leaves its rule.
    """
    arch, column = _MACHINES[machine]
    code = [
        # Numbers mean other calls on another machine's entry (32-bit code): refuse them all.
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, arch),
        (_RETURN, 0, 0, _PERMISSION),
        (_LOAD, 0, 0, _NUMBER),
        (_JGE, 0, 1, _X32),
        (_RETURN, 0, 0, _PERMISSION),
        (_JEQ, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
        (_JEQ, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST),
        (_JSET, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _PERMISSION),
    ]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            code += [(_JEQ, 0, 1, number), (_RETURN, 0, 0, _PERMISSION)]
    for numbers in _ONLY_SELF.values():
        code += [
            (_JEQ, 0, 4, numbers[column]),
            (_LOAD, 0, 0, _FIRST),
            (_JEQ, 0, 1, pid),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _PERMISSION),
        ]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
