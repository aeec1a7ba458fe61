"""Descendants of a process: found and ended, however they have left it."""

import sys
from textwrap import dedent

import pytest

from render.system.forked import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

# A grandchild in a session of its own, whose parent has ended: it tells its pid, and its own child's.
LOST = """
import os, signal, time
from plotroute.render.system import process_tree
process_tree.become_subreaper()
read, write = os.pipe()

def lost():
    os.setsid()
    os.fork()
    os.write(write, b"%8d" % os.getpid())
    time.sleep(100)

def start_lost():
    if (parent := os.fork()) == 0:
        if os.fork() == 0:
            lost()
        os._exit(0)
    os.waitpid(parent, 0)
    return {int(os.read(read, 8)), int(os.read(read, 8))}

def ends():
    found = {}
    try:
        while True:
            pid, status = os.wait()
            found[pid] = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        return found
"""


def test_a_process_that_left_its_parent_and_its_session_is_found_and_killed():
    printed = run(
        LOST
        + dedent("""
        pids = start_lost()
        print(set(process_tree.descendants(os.getpid())) == pids)
        process_tree.kill_descendants(os.getpid())
        print(ends() == dict.fromkeys(pids, -signal.SIGKILL))
        print(process_tree.descendants(os.getpid()))
        """)
    )
    assert printed.split() == ["True", "True", "[]"]


def test_a_spared_process_keeps_its_children():
    printed = run(
        LOST
        + dedent("""
        kept = start_lost()
        top = next(pid for pid in kept if process_tree.descendants(pid))
        others = start_lost()
        process_tree.kill_descendants(os.getpid(), except_={top})
        found = {os.wait()[0]}
        while others - found:
            found.add(os.wait()[0])
        print(found == others, set(process_tree.descendants(os.getpid())) == kept)
        process_tree.kill_descendants(os.getpid())
        print(ends().keys() == kept)
        """)
    )
    assert printed.split() == ["True", "True", "True"]


def test_a_process_that_forks_faster_than_we_look_is_killed_too():
    printed = run(
        LOST
        + dedent("""
        if os.fork() == 0:
            os.setpgid(0, 0)
            for _ in range(20_000):  # each goes on where its parent ends; some day it ends by itself
                if os.fork() > 0:
                    os._exit(0)
                os.write(write, b".")
            os._exit(7)
        os.read(read, 10)
        process_tree.kill_descendants(os.getpid())
        found = set(ends().values())
        print(-signal.SIGKILL in found, 7 in found)
        """)
    )
    assert printed.split() == ["True", "False"]


def test_a_group_that_also_has_others_is_not_killed_whole():
    printed = run(
        LOST
        + dedent("""
        pids = start_lost()  # in one group, the child's parent spared
        top = next(pid for pid in pids if process_tree.descendants(pid))
        process_tree.kill_descendants(top)
        while len(process_tree.descendants(os.getpid())) > 1:
            time.sleep(0.01)
        print(process_tree.descendants(os.getpid()) == [top], os.getpgid(top) == top)
        process_tree.kill_descendants(os.getpid())
        print(ends().keys() == pids)
        """)
    )
    assert printed.split() == ["True", "True", "True"]


def test_zombies_are_not_descendants():
    printed = run(
        LOST
        + dedent("""
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(process_tree.descendants(os.getpid()))
        process_tree.kill_descendants(os.getpid())
        """)
    )
    assert printed.split() == ["[]"]


def test_a_process_dies_with_its_parent():
    printed = run(
        LOST
        + dedent("""
        if (zygote := os.fork()) == 0:
            parent = os.getpid()
            if os.fork() == 0:
                process_tree.die_with_parent(parent)
                os.write(write, b"%8d" % os.getpid())
            time.sleep(100)
        child = int(os.read(read, 8))
        os.kill(zygote, signal.SIGKILL)
        print(ends() == {zygote: -signal.SIGKILL, child: -signal.SIGKILL})
        """)
    )
    assert printed.split() == ["True"]


def test_a_process_whose_parent_is_already_gone_ends_at_once():
    printed = run(
        LOST
        + dedent("""
        if (child := os.fork()) == 0:
            process_tree.die_with_parent(2**22 + 1)  # no pid is that high
            time.sleep(100)
        print(ends() == {child: -signal.SIGKILL})
        """)
    )
    assert printed.split() == ["True"]
