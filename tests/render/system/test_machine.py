"""What a machine has, and what its containers leave of it."""

import os
import sys

import pytest

from plotroute.render.system import machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

MB = 2**20


@pytest.fixture
def make_machine(tmp_path, monkeypatch):
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

    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    return make


V2 = {"cgroup": "/ cgroup2 cgroup2 rw"}
GB = 1024 * MB


def test_without_a_limit_it_is_what_the_machine_has(make_machine):
    make_machine("0::/\n", V2, {"cgroup/cpu.max": "max 100000\n", "cgroup/memory.max": "max\n"})
    assert (machine.cpus(), machine.memory()) == (64, 4 * GB)
    assert machine.default_renderers(GB) == 3  # what is left beside the other processes
    assert machine.default_renderers(GB // 100) == 64
    assert machine.default_renderers(100 * GB) == 1


@pytest.mark.parametrize(("quota", "expected"), [("250000 100000", 2), ("50000 100000", 1)])
def test_the_limits_of_a_container(make_machine, quota, expected):
    make_machine("0::/\n", V2, {"cgroup/cpu.max": quota, "cgroup/memory.max": str(GB)})
    assert (machine.cpus(), machine.memory()) == (expected, GB)


def test_the_tightest_limit_on_the_way_to_the_root_counts(make_machine):
    files = {
        "cgroup/a/b/cpu.max": "600000 100000",
        "cgroup/a/b/memory.max": "max",
        "cgroup/a/b/memory.high": str(3 * GB),
        "cgroup/a/cpu.max": "300000 100000",
        "cgroup/a/memory.max": str(2 * GB),
        "cgroup/other/cpu.max": "100000 100000",
    }
    make_machine("0::/a/b\n", V2, files)
    assert (machine.cpus(), machine.memory()) == (3, 2 * GB)


@pytest.mark.parametrize(("root", "path"), [("/docker/1", "/docker/1"), ("/", "/"), ("/", "/../..")])
def test_the_limits_of_a_container_of_cgroups_version_1(make_machine, root, path):
    make_machine(
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
    assert (machine.cpus(), machine.memory()) == (4, 2 * GB)


def test_no_limit_in_version_1_and_no_cgroups_at_all(make_machine, tmp_path):
    make_machine(
        "5:cpu:/\n4:memory:/\n",
        {"cpu": "/ cgroup cgroup rw,cpu", "memory": "/ cgroup cgroup rw,memory"},
        {
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert (machine.cpus(), machine.memory()) == (64, 4 * GB)
    (tmp_path / "proc/self/cgroup").unlink()
    assert (machine.cpus(), machine.memory()) == (64, 4 * GB)
