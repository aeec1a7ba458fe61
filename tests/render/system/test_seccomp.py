"""The filter of system calls itself, also for the machine that the tests do not run on."""

import signal
import struct

import pytest

from plotroute.render.system import seccomp


def verdict(machine: str, number: int, first: int = 0, *, arch: int | None = None) -> int:
    """Return what the kernel would: run the filter of process 1000 on one call."""
    data = struct.pack("<IIQQ", number, arch or seccomp._MACHINES[machine][0], 0, first)
    code = list(struct.iter_unpack("<HBBI", seccomp.program(machine, 1000)))
    at, word = 0, 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == seccomp._RETURN:
            return value
        if operation == seccomp._LOAD:
            word = struct.unpack_from("<I", data, value)[0]
        else:
            test = {seccomp._JEQ: word == value, seccomp._JGE: word >= value, seccomp._JSET: word & value}
            at += yes if test[operation] else no


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_of_each_machine(machine, column):
    refused = seccomp._PERMISSION
    # write, mmap, exit_group, prlimit64, futex, prctl, setsid
    usual = [(1, 64), (9, 222), (231, 94), (302, 261), (202, 98), (157, 167), (112, 157)]
    assert {verdict(machine, numbers[column]) for numbers in usual} == {seccomp._ALLOW}
    for numbers in seccomp._REFUSED.values():
        if numbers[column] is not None:
            assert verdict(machine, numbers[column], 1000) == refused
    for numbers in seccomp._ONLY_SELF.values():
        assert verdict(machine, numbers[column], 1000) == seccomp._ALLOW
        for other in (0, 1, 999, 2**32 - 1, 2**64 - 1):
            assert verdict(machine, numbers[column], other) == refused
    clone = seccomp._CLONE[column]
    assert verdict(machine, clone, 0x3D0F00) == seccomp._ALLOW  # as pthread_create calls it
    assert verdict(machine, clone, signal.SIGCHLD) == refused
    assert verdict(machine, clone, 0x4111) == refused  # as posix_spawn calls it
    assert verdict(machine, seccomp._CLONE3) == seccomp._NO_SUCH_CALL
    assert verdict(machine, 1, arch=0x40000003) == refused  # 32-bit code
    assert verdict(machine, 0x40000001) == refused  # x32
