"""Actions on a server of the case's own: signals, reloads, and surroundings that are not what one hopes for."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial.asking import copied_plots, together
from adversarial.processes import everything
from adversarial.servers import Reply, eventually, limited
from adversarial.slow_clients import PROBE, head

if TYPE_CHECKING:
    from adversarial.stage import Stage


def stop_while_drawing(stage: Stage) -> list[Reply]:
    server = stage.launch()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.ask, stage.request())
        eventually(lambda: bool(server.notes(stage.started_at)))
        stage.stop(server, exit_code=0 if stage.case.given.get("exit_code", True) else None)
        return [waiting.result()]


def ask_while_draining(stage: Stage) -> list[Reply]:
    server = stage.launch()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.ask, stage.request())
        eventually(lambda: bool(server.notes(stage.started_at)))
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        late = server.ask(PROBE)
        first = waiting.result()
    stage.expect(first.status == 200, f"the one that was being drawn: {first}")
    stage.stop(server)
    return [late]


def stop_twice(stage: Stage) -> list[Reply]:
    replies = []
    for number in (signal.SIGTERM, signal.SIGINT):
        server = stage.launch()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(server.ask, "GET /sleep.png?s=30")
            eventually(lambda: bool(server.notes(stage.started_at)))  # noqa: B023
            server.signal(number)
            time.sleep(0.5)
            stage.stop(server, number, exit_code=None)
            replies.append(waiting.result())
    return replies


def kill_the_server(stage: Stage) -> list[Reply]:
    """SIGKILL, by its id; then the next one starts at the same port."""
    server = stage.launch()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.herd, [stage.request(i) for i in (1, 2)])
        eventually(lambda: len(server.notes(stage.started_at)) == 2)
        server.signal(signal.SIGKILL)
        server.wait(10)
        replies = waiting.result()
    stage.nothing_left(server)
    stage.launch(port=server.port)
    return replies


def reload_under_load(stage: Stage) -> list[Reply]:
    server = stage.launch(settings=stage.case.given["settings"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(together, stage)
        time.sleep(0.3)
        server.signal(signal.SIGHUP)
        return waiting.result()


def reload_broken(stage: Stage) -> list[Reply]:
    """What was good goes on; the log names the file."""
    folder = copied_plots(stage)
    server = stage.launch(plots=folder)
    before = server.ask(PROBE)
    with (folder / "plain.py").open("a") as file:
        file.write("\n\ndef broken(:\n")
    server.signal(signal.SIGHUP)
    replies = [before]
    for _ in range(8):
        replies.append(server.ask(PROBE))
        time.sleep(0.25)
    named = eventually(lambda: bool(re.search(r"plain\.py", server.log(stage.log_from))), 5)
    stage.expect(named, "the log does not name the file")
    return replies


def bad_import(stage: Stage) -> list[Reply]:
    for source in stage.case.given["sources"]:
        folder = Path(tempfile.mkdtemp(prefix="adv-plots-"))
        stage.folders.append(folder)
        (folder / "unlucky.py").write_text(f"from plotroute import Plots\nplots = Plots()\n{source}\n")
        server = stage.launch(ready=False, plots=folder / "unlucky.py", settings={"--import-timeout": 3})
        code = server.wait(15)
        stage.expect(code not in (None, 0), f"{source!r}: the server's exit code is {code}")
        log = server.log()
        if code is not None:
            stage.expect("unlucky.py" in log, f"{source!r}: the log does not name the file: {log[-500:]}")
            stage.expect(log.count("\n") < 60, f"{source!r}: {log.count(chr(10))} lines in the log")
            stage.nothing_left(server)
        server.kill()
    return []


def with_environment(stage: Stage) -> list[Reply]:
    server = stage.launch(environment=stage.case.given["environment"])
    return [server.ask(request) for request in stage.case.requests]


def corrupt_font_cache(stage: Stage) -> list[Reply]:
    """Let a server write its font cache, cut it off, start another one."""
    folder = Path(tempfile.mkdtemp(prefix="adv-mpl-"))
    stage.folders.append(folder)
    first = stage.launch(environment={"MPLCONFIGDIR": str(folder)})
    replies = [first.ask(PROBE)]
    stage.stop(first)
    caches = list(folder.glob("fontlist-*.json"))
    stage.expect(caches, "there is no font cache to cut off")
    for file in caches:
        file.write_bytes(file.read_bytes()[:1000])
    return [*replies, stage.launch(environment={"MPLCONFIGDIR": str(folder)}).ask(PROBE)]


def few_descriptors(stage: Stage) -> list[Reply]:
    """More connections than descriptors; when they are gone, all is as before."""
    server = stage.launch(wrapper=limited(n=stage.case.given["files"]))
    with contextlib.ExitStack() as stack:
        for _ in range(stage.case.given["times"]):
            with contextlib.suppress(OSError):
                connection = stack.enter_context(server.connect(timeout=2))
                connection.sendall(head("GET /healthz"))
        time.sleep(1)
    eventually(lambda: server.ask("GET /healthz", patience=5).status == 200, 20)
    stage.unlogged = True  # lines of those two hundred may still come
    return [server.ask(PROBE)]


def log_pipe_closed(stage: Stage) -> list[Reply]:
    server = stage.launch(piped_log=True)
    assert server.process.stdout
    server.process.stdout.close()
    replies = [server.ask(PROBE), server.ask("GET /fault.png?mode=raise"), server.ask(PROBE)]
    stage.expect([r.status for r in replies] == [200, 500, 200], "; ".join(map(str, replies)))
    stage.unlogged = True
    return replies


def as_pid_1(stage: Stage) -> list[Reply]:
    server = stage.launch(wrapper=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    replies = together(stage)
    stage.expect(eventually(lambda: not server.footprint().zombies), "zombies are left")
    # The server is the child of `unshare`, which hands on no signal.
    for process in everything().values():
        if process.parent == server.process.pid:
            stage.main_pid = process.pid
    return replies


def read_only_root(stage: Stage) -> list[Reply]:
    """Everything but TMPDIR is read-only, and the user is nobody that the machine knows."""
    script = (
        'mount --make-rprivate / && mount -t tmpfs tmpfs "$TMPDIR" && chmod 777 "$TMPDIR" && '
        'chmod a+rw "$ADVERSARIAL_NOTES" && chmod a+rx "$(dirname "$TMPDIR")" && '
        'mount --bind "$ADVERSARIAL_NOTES" "$ADVERSARIAL_NOTES" && mount -o remount,bind,ro / && '
        "exec setpriv --reuid 12345 --regid 12345 --clear-groups --inh-caps=-all,+dac_read_search "
        '--ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search "$@"'
    )
    environment = {"HOME": None, "USER": None, "LOGNAME": None, "XDG_CACHE_HOME": None, "MPLCONFIGDIR": None}
    stage.launch(wrapper=["unshare", "--mount", "sh", "-c", script, "sh"], environment=environment)
    return stage.server.herd([PROBE, "GET /sine.svg", "GET /math.png", "GET /seaborn_themed.png"])


def tiny_tmp(stage: Stage) -> list[Reply]:
    script = (
        "mount --make-rprivate / && mount -t tmpfs -o size=64k tmpfs /dev/shm && "
        'mount -t tmpfs -o size=1m tmpfs "$TMPDIR" && exec "$@"'
    )
    stage.launch(wrapper=["unshare", "--mount", "sh", "-c", script, "sh"])
    return stage.server.herd([PROBE, "GET /big.png", "GET /scatter.svg", "GET /seaborn_themed.png"])


@cache
def has_namespaces() -> bool:
    """Whether this user may have a view of processes and mounts of its own."""
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "setpriv", "--reuid", "0", "true"]
    try:
        return os.getuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False
