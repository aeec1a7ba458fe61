"""Limits of a worker, seen from outside: each test forks a real one and looks at how it ends."""

import signal
import sys
from textwrap import dedent

import pytest

from plotroute.render.system import limits, machine, seccomp
from render.system.forked import MB, render, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


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
        print(process_tree.descendants(os.getpid()))
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


def test_what_is_not_enforced_is_named(monkeypatch):
    assert limits.unsupported() == []
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    assert limits.unsupported() == ["refusing new processes to plots"]
    monkeypatch.setattr(machine, "LINUX", False)
    assert len(limits.unsupported()) == 3


def test_without_what_only_linux_has_the_rest_still_works():
    printed = render(
        """
        import resource
        limits.arm_cpu(100)
        process_tree.become_subreaper()
        process_tree.die_with_parent(1)
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], process_tree.descendants(1), machine.cpus() > 0)
        print(machine.memory() > 0)
        """,
        before="machine.LINUX = False; limits.seccomp.available = lambda: False",
    )
    assert printed.split() == ["256", "[]", "True", "True", "ended", "0"]


# Seen from outside


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
