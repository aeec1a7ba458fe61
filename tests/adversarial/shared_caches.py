"""Actions of two servers that share one directory of pictures."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversarial.asking import FAILURES_FORGOTTEN
from adversarial.cache_faults import FILES_ONLY, expect_same, keep, new_folder, pictures
from adversarial.servers import Reply, Server, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage


def two_servers(stage: Stage, folder: Path, settings: Any = None, **how: Any) -> tuple[Server, Server]:
    """Start two servers with the same directory; what holds after every case is looked up at the second."""
    settings = {"--cache-dir": folder, **(settings or {})}
    here = stage.launch(ready=False, settings=settings, **how)
    there = stage.launch(ready=False, settings=settings, **how)
    for server in (here, there):
        server.await_ready()
    stage.begin()
    return here, there


def two_nodes(stage: Stage) -> list[Reply]:
    """Many ask both for a picture that nobody has drawn; then one for a picture that the other has."""
    folder, times = new_folder(stage), stage.case.given["times"]
    servers = two_servers(stage, folder, FILES_ONLY)
    with ThreadPoolExecutor(2) as pool:
        herds = list(pool.map(lambda server: server.herd([stage.request(1)] * times), servers))
    drawn = sum(len(server.notes(event="begun", k=int(f"{stage.new}1"))) for server in servers)
    stage.expect(1 <= drawn <= 2, f"drawn {drawn} times")
    first, _ = keep(stage, servers[0], folder, stage.request(2))
    second = servers[1].ask(stage.request(2))
    expect_same(stage, "the other server", first, second, "hit")
    stage.expect(first.headers.get("ETag") == second.headers.get("ETag"), "it has another ETag there")
    return [reply for herd in herds for reply in herd]


def evicted_by_both(stage: Stage) -> list[Reply]:
    """Both draw more than has room, and delete each other's files: every picture is right all the same."""
    folder, given = new_folder(stage), stage.case.given
    limit = given["bytes"]
    servers = two_servers(stage, folder, {"--cache-disk": limit, **FILES_ONLY})
    # Every picture twice, the last ones again first: those are there, the others gone or about to go.
    requests = [stage.request(number) for number in range(given["times"])]
    rounds = [*requests, *requests[::-1]]
    with ThreadPoolExecutor(2) as pool:
        herds = list(pool.map(lambda server: server.herd(rounds, given["at_once"]), servers))
    replies = [reply for herd in herds for reply in herd]
    for request in requests:
        different = {reply.body for reply in replies if reply.request == request}
        stage.expect(len(different) == 1, f"{request}: {len(different)} different pictures")
    stage.expect(any("hit" in r.headers.get("Cache-Status", "") for r in replies), "nothing was ever found")
    for server in servers:
        log = server.log()
        for word in ("FileNotFoundError", "Traceback", "damaged", "cannot be"):
            stage.expect(word not in log, f"a log has {word!r}")
    fits = eventually(lambda: _occupied(folder) <= limit, 3)
    stage.expect(fits, f"{_occupied(folder):,} bytes are kept of {limit:,}")
    return replies


def _occupied(folder: Path) -> int:
    sizes = []
    for file in pictures(folder):
        try:
            sizes.append(os.stat(file).st_blocks * 512)
        except FileNotFoundError:
            continue
    return sum(sizes)


def errors_are_not_kept(stage: Stage) -> list[Reply]:
    """A plot that fails, then does not: neither the files nor another server know of the failure."""
    folder, broken = new_folder(stage), new_folder(stage) / "broken"
    broken.touch()
    here, there = two_servers(stage, folder, environment={"ADVERSARIAL_BROKEN": str(broken)})
    failed = [here.ask(stage.request(number)) for number in (1, 2, 1)]
    stage.expect({reply.status for reply in failed} == {500}, f"it did not fail: {failed[0]}")
    stage.expect(len(here.notes(k=int(f"{stage.new}1"))) == 1, "a failure of just now was drawn again")
    stage.expect(not pictures(folder), "a failure is kept in a file")
    broken.unlink()
    fixed = there.ask(stage.request(1))
    stage.expect(fixed.status == 200, f"the other server: {fixed}")
    eventually(lambda: bool(pictures(folder)), 5)
    shared = here.ask(stage.request(1))
    expect_same(stage, "the server where it failed", fixed, shared, "hit")
    time.sleep(FAILURES_FORGOTTEN)
    later = [here.ask(stage.request(2)) for _ in range(2)]
    stage.expect([r.status for r in later] == [200, 200], f"once it is forgotten: {later[0]}, {later[1]}")
    return [*failed, fixed, shared, *later]
