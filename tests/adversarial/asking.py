"""Actions that are requests: one, many at the same time, in a row, and what is done while they wait."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial.servers import Reply, Server, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

# Longer than failures are shared, so that the picture is tried anew.
FAILURES_FORGOTTEN = 5.3


def _long_title() -> tuple[bytes, dict[str, str]]:
    return json.dumps({"x": [1, 2], "y": [1, 2], "title": "W" * 20_000}).encode(), {}


def _compressed() -> tuple[bytes, dict[str, str]]:
    """A gigabyte of zeros, in a thousand pieces that are one stream."""
    return gzip.compress(bytes(2**20)) * 1024, {"Content-Encoding": "gzip"}


def _many_parts(many: int) -> tuple[bytes, dict[str, str]]:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    return part * many + b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


def _many_values() -> tuple[bytes, dict[str, str]]:
    return json.dumps({"x": list(range(4500)), "y": list(range(4500))}).encode(), {}


def _megabytes() -> tuple[bytes, dict[str, str]]:
    return b" " * 10_000_000, {}


BODIES: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
    "long title": _long_title,
    "compressed": _compressed,
    "20,000 parts": lambda: _many_parts(20_000),
    "100,000 parts": lambda: _many_parts(100_000),
    "4,500 values": _many_values,
    "ten megabytes": _megabytes,
}


def ask(stage: Stage) -> list[Reply]:
    """Ask once."""
    if not stage.case.body:
        return [stage.server.ask(stage.request())]
    body, headers = BODIES[stage.case.body]()
    return [
        stage.server.ask(stage.request(), body=body, headers={"Content-Type": "application/json", **headers})
    ]


def ask_then_stop(stage: Stage) -> list[Reply]:
    """Ask a server of the case's own; that it stops is looked at afterwards, as always."""
    stage.launch()
    return [stage.server.ask(stage.request())]


def together(stage: Stage) -> list[Reply]:
    """Ask at the same time: for one picture, or with `{i}` for one each."""
    given = stage.case.given
    requests = [stage.request(i) for i in range(1, given["times"] + 1)]
    for number, method in enumerate(given.get("methods", ())):
        step = len(given["methods"])
        requests[number::step] = [r.replace("GET", method) for r in requests[number::step]]
    return stage.server.herd(requests, given.get("at_once"))


def own_server_together(stage: Stage) -> list[Reply]:
    stage.launch(settings=stage.case.given["settings"])
    return together(stage)


def sequence(stage: Stage) -> list[Reply]:
    """Ask for one after the other, and between them for a picture that must stay what it is."""
    given = stage.case.given
    goldens = [r for r in stage.goldens if ("formula" in r) == (given["between"] == "formula")]
    replies = []
    for turn in range(given["times"]):
        for request in stage.case.requests:
            replies.append(stage.server.ask(stage.request(request=request)))
            golden = goldens[turn % len(goldens)]
            between = stage.server.ask(golden)
            right = between.status == 200 and between.body == stage.goldens[golden]
            stage.expect(right, f"after {request}, turn {turn}: {between} is not the golden picture")
        if stage.problems:
            break
    return replies


def poison(stage: Stage) -> list[Reply]:
    """Ask again and again for a picture that hangs, always after its failure was forgotten."""
    replies = []
    for _ in range(3):
        replies += [stage.server.ask(stage.request()) for _ in range(3)]
        time.sleep(FAILURES_FORGOTTEN)
    last = stage.server.ask(stage.request())
    stage.expect((last.status, last.code) == (503, "circuit_open"), f"the tenth time: {last}")
    drawn = len(stage.server.notes(stage.started_at, plot="fault"))
    stage.expect(drawn == 3, f"drawn {drawn} times")
    other = stage.server.ask("GET /fault.png?mode=none")
    stage.expect(other.status == 200, f"another picture of the same plot: {other}")
    return [*replies, last]


def memory_stays(stage: Stage) -> list[Reply]:
    """Draw in many sizes; the memory after all is that after a third of them."""
    given = stage.case.given
    stage.launch(settings={"--recycle-after": 100_000})
    sizes = range(given["first"], given["first"] + given["warm"] + given["times"])
    replies, before = [], 0
    for number, width in enumerate(sizes):
        if number == given["warm"]:
            before = stage.server.footprint().memory
        replies.append(stage.server.ask(stage.request(width)))
    grown = stage.server.footprint().memory - before
    stage.expect(grown < given["growth"], f"{grown:,} bytes more after {given['times']} sizes")
    return replies


def first_leaves(stage: Stage) -> list[Reply]:
    """The first client breaks its connection off; the others wait on, and the picture is kept."""
    request = stage.request()
    with stage.server.connect() as first:
        first.sendall(_raw(request))
        eventually(lambda: bool(stage.server.notes(stage.started_at)))
    replies = stage.server.herd([request] * stage.case.given["times"])
    kept = stage.server.ask(request)
    stage.expect("hit" in kept.headers.get("Cache-Status", ""), f"it is not kept: {kept.headers}")
    return [*replies, kept]


def kill_the_drawing(stage: Stage) -> list[Reply]:
    """Kill the process that draws, by its id, in the middle."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(together, stage)
        eventually(lambda: bool(stage.server.notes(stage.started_at)))
        time.sleep(0.3)
        for note in stage.server.notes(stage.started_at)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(str(note["pid"])), signal.SIGKILL)
        return waiting.result()


def deploy_under_load(stage: Stage) -> list[Reply]:
    """Save the plots anew and reload, while readers ask for a hundred pictures."""
    folder = copied_plots(stage)
    server = stage.launch(plots=folder)
    stage.server.herd([stage.request(i) for i in range(1, 20)], 4)
    file = folder / "plain.py"
    file.write_text(file.read_text() + "\n# the next version\n")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(together, stage)
        time.sleep(0.2)
        server.signal(signal.SIGHUP)
        return waiting.result()


def copied_plots(stage: Stage) -> Path:
    """Return a folder of the same plots that may be changed."""
    import shutil
    import tempfile

    from adversarial.servers import PLOTS

    folder = Path(tempfile.mkdtemp(prefix="adv-plots-"))
    stage.folders.append(folder)
    shutil.copytree(PLOTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _raw(request: str, **headers: str) -> bytes:
    lines = [f"{request} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def raw(server: Server, request: str, **headers: str) -> bytes:
    """Return the bytes of a request whose connection is the caller's business."""
    return _raw(request, **headers)
