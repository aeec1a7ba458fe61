"""Limits of a render process, seen from outside: each test forks a real one and looks at how it ends."""

import os
import signal
import struct
import subprocess
import sys
from textwrap import dedent, indent

import pytest

from plotroute.render.system import limits, seccomp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

MB = 2**20

# A generation (`before`) in an interpreter of its own, whose fork goes under the limits and runs `code`.
SCRIPT = """
import os, signal, sys, time, traceback
from plotroute.render.system import limits
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


@pytest.mark.parametrize("size", ["bytearray(128 * MB)", "numpy.ones(16 * MB)", "[0] * 16 * MB"])
def test_memory_beyond_the_budget_is_a_memory_error_where_it_is_asked_for(size):
    printed = render(
        f"""
        kept = bytearray(16 * MB)  # within the budget, beside a parent of many times that
        try:
            kept = {size}
        except MemoryError:
            print("refused")
        """,
        before="import numpy; heap = b'x' * (300 * MB)",
        memory=64 * MB,
    )
    assert printed.split() == ["refused", "ended", "0"]


def test_a_file_cannot_grow_beyond_its_limit():
    printed = render(
        """
        import errno, tempfile
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(bytes(MB))
            try:
                file.write(b"x")
            except OSError as error:
                print(errno.errorcode[error.errno])
        """,
        output_file=MB,
    )
    assert printed.split() == ["EFBIG", "ended", "0"]


def test_open_files_and_core_dumps_are_limited():
    printed = render(
        """
        import errno, resource
        try:
            files = [open(os.devnull) for _ in range(100)]
        except OSError as error:
            print(errno.errorcode[error.errno])
        print(resource.getrlimit(resource.RLIMIT_CORE))
        print(open("/proc/self/oom_score_adj").read())
        """,
        open_files=50,
    )
    assert printed.split() == ["EMFILE", "(0,", "0)", "1000", "ended", "0"]


def test_a_limit_above_what_the_user_allows_stays_at_that():
    printed = render(
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_FSIZE))",
        before="""
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 60))
        resource.setrlimit(resource.RLIMIT_FSIZE, (7 * MB, 7 * MB))
        """,
    )
    assert printed.splitlines()[0] == f"(60, 60) ({7 * MB}, {7 * MB})"


# CPU time


def test_a_loop_in_c_ends_when_its_cpu_time_is_used_up_and_the_next_job_has_its_own():
    printed = render(
        """
        limits.arm_cpu(0.1)
        while time.process_time() < 1.2:
            pass
        limits.arm_cpu(0.1)
        while time.process_time() < 2.2:  # beyond the first limit
            pass
        print("armed again", flush=True)
        sum(range(10**12))
        """,
    )
    assert printed.splitlines() == ["armed again", f"ended {-signal.SIGXCPU}"]


# Processes


@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "os.forkpty()",
        "subprocess.run(['true'])",
        "subprocess.run('true', shell=True, start_new_session=True)",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "multiprocessing.get_context('fork').Process(target=print).start()",
        "multiprocessing.get_context('spawn').Process(target=print).start()",
        "multiprocessing.get_context('forkserver').Process(target=print).start()",
        "ProcessPoolExecutor().submit(print)",
    ],
)
def test_a_new_process_is_refused(attempt):
    printed = render(
        f"""
        import multiprocessing, subprocess
        from concurrent.futures import ProcessPoolExecutor
        try:
            {attempt}
        except PermissionError:
            print("refused")
        print(limits.descendants(os.getpid()))
        """,
    )
    assert printed.split() == ["refused", "[]", "ended", "0"]


def test_a_shell_command_is_refused():
    assert render("print(os.system('echo started') != 0)").split() == ["True", "ended", "0"]


def test_processes_can_be_allowed():
    printed = render(
        "import subprocess; print(subprocess.check_output(['echo', 'started'], text=True))", processes=True
    )
    assert printed.split() == ["started", "ended", "0"]


def test_threads_still_work():
    printed = render(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        seen = []
        thread = threading.Thread(target=seen.append, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(4) as pool:
            seen += pool.map(str, range(3))
        matrix = numpy.ones((600, 600))
        seen.append((matrix @ matrix)[0, 0])
        table = pyarrow.table({"a": list(range(1000)), "b": [1, 2] * 500})
        seen.append(table.group_by("b", use_threads=True).aggregate([("a", "sum")]).num_rows)
        print(*seen)
        """,
        before="import numpy, pyarrow",
        OPENBLAS_NUM_THREADS="4",
        OMP_NUM_THREADS="4",
        PYTHONWARNINGS="ignore",  # Python 3.12 sees OpenBLAS's threads at the fork
    )
    assert printed.split() == ["thread", "0", "1", "2", "600.0", "2", "ended", "0"]


@pytest.mark.parametrize("processes_of", ["os.getppid()", "0", "-os.getpgrp()", "-1"])
def test_another_process_cannot_be_signalled(processes_of):
    printed = render(
        f"""
        try:
            os.kill({processes_of}, 0)
        except PermissionError:
            print("refused")
        """,
    )
    assert printed.split() == ["refused", "ended", "0"]


def test_the_generation_cannot_be_killed_by_handle_or_thread():
    printed = render(
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getppid()
        for call in (
            lambda: signal.pidfd_send_signal(os.pidfd_open(parent), signal.SIGKILL),
            lambda: os.killpg(os.getpgid(parent), signal.SIGKILL),
        ):
            try:
                call()
            except PermissionError:
                print("refused")
        print(libc.tgkill(parent, parent, signal.SIGKILL), ctypes.get_errno())
        """,
    )
    assert printed.split() == ["refused", "refused", "-1", "1", "ended", "0"]


@pytest.mark.parametrize(
    ("end", "by"),
    [
        ("os.abort()", signal.SIGABRT),
        ("signal.raise_signal(signal.SIGTERM)", signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", signal.SIGKILL),
        ("import ctypes; ctypes.string_at(0)", signal.SIGSEGV),
    ],
)
def test_a_process_can_still_end_itself(end, by):
    assert f"ended {-by}" in render(end)


def test_a_figure_of_seaborn_and_scipy_is_drawn_as_without_limits(tmp_path):
    drawing = """
        import io, hashlib
        import numpy as np, scipy.stats, seaborn as sns, matplotlib.pyplot as plt
        values = np.random.default_rng(1).normal(size=2000)
        figure, (left, right) = plt.subplots(1, 2)
        sns.kdeplot(x=values, ax=left)
        sns.regplot(x=values[:100], y=values[100:200], ax=right, seed=1)
        right.set_title(f"$p = {scipy.stats.normaltest(values).pvalue:.3f}$")
        for type in ("png", "svg", "pdf"):
            figure.savefig(io.BytesIO(), format=type)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        print(hashlib.sha256(file.getvalue()).hexdigest())
    """
    limited = render(drawing, before="import matplotlib.pyplot")
    assert limited.split() == [*run(dedent(drawing)).split(), "ended", "0"]


# The filter itself, also for the machine the tests do not run on


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


def test_what_is_not_enforced_is_named(monkeypatch):
    assert limits.unsupported() == []
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    assert limits.unsupported() == ["refusing new processes to plots"]
    monkeypatch.setattr(limits, "LINUX", False)
    assert len(limits.unsupported()) == 3


def test_without_what_only_linux_has_the_rest_still_works():
    printed = render(
        """
        import resource
        limits.arm_cpu(100)
        limits.become_subreaper()
        limits.die_with_parent(1)
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.descendants(1), limits.cpus() > 0)
        print(limits.memory() > 0)
        """,
        before="limits.LINUX = False; limits.seccomp.available = lambda: False",
    )
    assert printed.split() == ["256", "[]", "True", "True", "ended", "0"]


# Seen from outside


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
            print(limits.private_bytes(pid) // MB)
            assert limits.resident_bytes(pid) > max(limits.private_bytes(pid), 200 * MB)
            os.write(gone, b".")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(limits.private_bytes(pid))  # a zombie
        """,
    )
    at_fork, after_writing, after_mapping, zombie = (int(number) for number in printed.split()[:4])
    assert at_fork < 40
    assert 45 <= after_writing - at_fork <= 60
    assert after_mapping - at_fork >= 35
    assert zombie == 0


def test_private_bytes_of_nobody_and_without_the_kernels_count(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_PROC", tmp_path)
    assert limits.private_bytes(5) == 0
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "statm").write_text("900 300 100 1 0 250 0")
    assert limits.private_bytes(5) == limits.resident_bytes(5) == 300 * os.sysconf("SC_PAGE_SIZE")


# A grandchild in a session of its own, whose parent has ended: it tells its pid, and its own child's.
LOST = """
import os, signal, time
from plotroute.render.system import limits
limits.become_subreaper()
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


def test_what_left_its_parent_and_its_session_is_found_and_killed():
    printed = run(
        LOST
        + dedent("""
        pids = start_lost()
        print(set(limits.descendants(os.getpid())) == pids)
        limits.kill_descendants(os.getpid())
        print(ends() == dict.fromkeys(pids, -signal.SIGKILL))
        print(limits.descendants(os.getpid()))
        """)
    )
    assert printed.split() == ["True", "True", "[]"]


def test_who_is_spared_keeps_what_it_started():
    printed = run(
        LOST
        + dedent("""
        kept = start_lost()
        top = next(pid for pid in kept if limits.descendants(pid))
        others = start_lost()
        limits.kill_descendants(os.getpid(), except_={top})
        found = {os.wait()[0]}
        while others - found:
            found.add(os.wait()[0])
        print(found == others, set(limits.descendants(os.getpid())) == kept)
        limits.kill_descendants(os.getpid())
        print(ends().keys() == kept)
        """)
    )
    assert printed.split() == ["True", "True", "True"]


def test_who_forks_faster_than_we_look_is_killed_too():
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
        limits.kill_descendants(os.getpid())
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
        top = next(pid for pid in pids if limits.descendants(pid))
        limits.kill_descendants(top)
        while len(limits.descendants(os.getpid())) > 1:
            time.sleep(0.01)
        print(limits.descendants(os.getpid()) == [top], os.getpgid(top) == top)
        limits.kill_descendants(os.getpid())
        print(ends().keys() == pids)
        """)
    )
    assert printed.split() == ["True", "True", "True"]


def test_zombies_are_no_descendants():
    printed = run(
        LOST
        + dedent("""
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(limits.descendants(os.getpid()))
        limits.kill_descendants(os.getpid())
        """)
    )
    assert printed.split() == ["[]"]


def test_a_process_dies_with_its_parent():
    printed = run(
        LOST
        + dedent("""
        if (generation := os.fork()) == 0:
            parent = os.getpid()
            if os.fork() == 0:
                limits.die_with_parent(parent)
                os.write(write, b"%8d" % os.getpid())
            time.sleep(100)
        child = int(os.read(read, 8))
        os.kill(generation, signal.SIGKILL)
        print(ends() == {generation: -signal.SIGKILL, child: -signal.SIGKILL})
        """)
    )
    assert printed.split() == ["True"]


def test_a_process_whose_parent_is_already_gone_ends_at_once():
    printed = run(
        LOST
        + dedent("""
        if (child := os.fork()) == 0:
            limits.die_with_parent(2**22 + 1)  # no pid is that high
            time.sleep(100)
        print(ends() == {child: -signal.SIGKILL})
        """)
    )
    assert printed.split() == ["True"]


# What the machine has


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that makes up a machine: what /proc says, and its cgroups' files."""

    def make(cgroup: str, mounts: dict[str, str], files: dict[str, str]):
        proc = tmp_path / "proc"
        (proc / "self").mkdir(parents=True)
        (proc / "self/cgroup").write_text(cgroup)
        (proc / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nHugePages_Free: 0\n")
        lines = []
        for point, rest in mounts.items():
            root, kind = rest.split(" ", 1)
            lines.append(f"31 23 0:28 {root} {tmp_path / point} rw,relatime shared:9 - {kind}\n")
        (proc / "self/mountinfo").write_text("".join(lines))
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    monkeypatch.setattr(limits, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    return make


V2 = {"cgroup": "/ cgroup2 cgroup2 rw"}
GB = 1024 * MB


def test_without_a_limit_it_is_what_the_machine_has(machine):
    machine("0::/\n", V2, {"cgroup/cpu.max": "max 100000\n", "cgroup/memory.max": "max\n"})
    assert (limits.cpus(), limits.memory()) == (64, 4 * GB)
    assert limits.default_renderers(GB) == 3  # what is left beside the other processes
    assert limits.default_renderers(GB // 100) == 64
    assert limits.default_renderers(100 * GB) == 1


@pytest.mark.parametrize(("quota", "expected"), [("250000 100000", 2), ("50000 100000", 1)])
def test_the_limits_of_a_container(machine, quota, expected):
    machine("0::/\n", V2, {"cgroup/cpu.max": quota, "cgroup/memory.max": str(GB)})
    assert (limits.cpus(), limits.memory()) == (expected, GB)


def test_the_tightest_limit_on_the_way_to_the_root_counts(machine):
    files = {
        "cgroup/a/b/cpu.max": "600000 100000",
        "cgroup/a/b/memory.max": "max",
        "cgroup/a/b/memory.high": str(3 * GB),
        "cgroup/a/cpu.max": "300000 100000",
        "cgroup/a/memory.max": str(2 * GB),
        "cgroup/other/cpu.max": "100000 100000",
    }
    machine("0::/a/b\n", V2, files)
    assert (limits.cpus(), limits.memory()) == (3, 2 * GB)


@pytest.mark.parametrize(("root", "path"), [("/docker/1", "/docker/1"), ("/", "/"), ("/", "/../..")])
def test_the_limits_of_a_container_of_cgroups_version_1(machine, root, path):
    machine(
        f"5:cpu,cpuacct:{path}\n4:memory:{path}\n1:name=systemd:/\n0::/\n",
        {
            "cpu": f"{root} cgroup cgroup rw,cpu,cpuacct",
            "memory": f"{root} cgroup cgroup rw,memory",
            "unified": "/ cgroup2 cgroup2 rw",
        },
        {
            "cpu/cpu.cfs_quota_us": "400000",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": str(2 * GB),
        },
    )
    assert (limits.cpus(), limits.memory()) == (4, 2 * GB)


def test_no_limit_in_version_1_and_no_cgroups_at_all(machine, tmp_path):
    machine(
        "5:cpu:/\n4:memory:/\n",
        {"cpu": "/ cgroup cgroup rw,cpu", "memory": "/ cgroup cgroup rw,memory"},
        {
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert (limits.cpus(), limits.memory()) == (64, 4 * GB)
    (tmp_path / "proc/self/cgroup").unlink()
    assert (limits.cpus(), limits.memory()) == (64, 4 * GB)


def test_one_thread_each():
    assert set(limits.one_thread_each().values()) == {"1"}
    assert run("import joblib, pyarrow; print(pyarrow.cpu_count(), joblib.cpu_count())").split() == ["1", "1"]


def test_scikit_learn_with_all_jobs_needs_no_process_and_warns_of_nothing():
    printed = render(
        """
        from sklearn.cluster import KMeans
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_score
        import numpy as np
        values = np.random.default_rng(1).random((90, 3))
        KMeans(3, n_init=2).fit(values)
        print(len(cross_val_score(LogisticRegression(), values, values[:, 0] > 0.5, n_jobs=-1)))
        """,
        PYTHONWARNINGS="error::UserWarning",
    )
    assert printed.split() == ["5", "ended", "0"]
