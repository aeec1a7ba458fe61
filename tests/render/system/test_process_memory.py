"""The memory of a process, as it writes, maps and ends."""

import os
import sys

import pytest

from plotroute.render.system import machine, process_memory
from render.system.forked import render

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


def test_private_bytes_count_what_a_process_wrote_and_not_what_it_shares():
    printed = render(
        """
        def step():
            os.write(told, b".")
            os.read(go, 1)
        heap.count(b"y")  # reads all of it
        step()
        mine = b"x" * (50 * MB)
        step()
        mine = None
        import mmap
        shared = mmap.mmap(-1, 40 * MB)  # with nobody
        shared.write(b"x" * (40 * MB))
        step()
        """,
        before="heap = b'x' * (200 * MB); tell, told = os.pipe(); go, gone = os.pipe()",
        after="""
        for _ in range(3):
            os.read(tell, 1)
            print(process_memory.private_bytes(pid) // MB)
            assert process_memory.resident_bytes(pid) > max(process_memory.private_bytes(pid), 200 * MB)
            os.write(gone, b".")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(process_memory.private_bytes(pid))  # a zombie
        """,
    )
    at_fork, after_writing, after_mapping, zombie = (int(number) for number in printed.split()[:4])
    assert at_fork < 40
    assert 45 <= after_writing - at_fork <= 60
    assert after_mapping - at_fork >= 35
    assert zombie == 0


def test_private_bytes_of_no_process_and_without_the_kernels_count(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "PROC", tmp_path)
    assert process_memory.private_bytes(5) == 0
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "statm").write_text("900 300 100 1 0 250 0")
    assert (
        process_memory.private_bytes(5)
        == process_memory.resident_bytes(5)
        == 300 * os.sysconf("SC_PAGE_SIZE")
    )
