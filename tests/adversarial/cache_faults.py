"""Actions on the files of a cache: damaged, foreign, far too large, and gone to another place."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial.processes import belonging_to, kill
from adversarial.servers import Reply, Server, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

# Pictures come from the files, as those of another process would: none is kept in memory.
FILES_ONLY = {"--cache-memory": 0}


def new_folder(stage: Stage) -> Path:
    """Return a directory for a cache, which goes when the case is over."""
    folder = Path(tempfile.mkdtemp(prefix="adv-cache-"))
    stage.folders.append(folder)
    return folder


def pictures(folder: Path) -> set[Path]:
    """Return the files of the pictures that a directory keeps."""
    return {file for file in folder.glob("pictures/*/*") if file.is_file()}


def keep(stage: Stage, server: Server, folder: Path, request: str) -> tuple[Reply, Path]:
    """Ask for a picture that is not there, and return it and its file."""
    before = pictures(folder)
    reply = server.ask(request)
    kept = eventually(lambda: bool(pictures(folder) - before), 5)
    stage.expect(kept, f"{reply} is not kept: {reply.headers.get('Cache-Status')}")
    return reply, min(pictures(folder) - before, default=folder / "none")


def _half(file: Path, other: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _empty(file: Path, other: Path) -> None:
    os.truncate(file, 0)


def _one_bit(file: Path, other: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _longer(file: Path, other: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def _zeros(file: Path, other: Path) -> None:
    """As a power failure leaves it on some file systems: the right length, and nothing in it."""
    file.write_bytes(bytes(file.stat().st_size))


def _of_another_key(file: Path, other: Path) -> None:
    shutil.copyfile(other, file)


def _another_format(file: Path, other: Path) -> None:
    data = bytearray(file.read_bytes())
    struct.pack_into("!H", data, 4, 999)
    file.write_bytes(data)


def _sparse(file: Path, other: Path) -> None:
    os.truncate(file, 500_000_000)


HARM: dict[str, Callable[[Path, Path], None]] = {
    function.__name__.lstrip("_"): function
    for function in (_half, _empty, _one_bit, _longer, _zeros, _of_another_key, _another_format, _sparse)
}


def harmed_files(stage: Stage) -> list[Reply]:
    """Do harm to the file of a picture, ask for it again and yet again."""
    folder, given = new_folder(stage), stage.case.given
    server = stage.launch(settings={"--cache-dir": folder, **FILES_ONLY})
    _, other = keep(stage, server, folder, stage.request(99))
    replies, before = [], _peaks(server)
    for number, harm in enumerate(given["harm"]):
        first, file = keep(stage, server, folder, stage.request(number))
        if not file.exists():
            break
        HARM[harm](file, other)
        harmed = _state(file)
        again = server.ask(stage.request(number))
        expect_same(stage, harm, first, again, "fwd=uri-miss")
        renewed = eventually(lambda: file.exists() and _state(file) != harmed, 5)  # noqa: B023
        stage.expect(renewed, f"{harm}: the file stays as it is")
        last = server.ask(stage.request(number))
        expect_same(stage, harm, first, last, "hit")
        replies += [first, again, last]
    warned = server.log(stage.log_from).count("deletes a damaged file")
    stage.expect(warned == given["warnings"], f"{warned} warnings in the log")
    grown = max((peak - before.get(pid, peak) for pid, peak in _peaks(server).items()), default=0)
    stage.expect(grown < given["growth"], f"a process has taken {grown:,} bytes more")
    return replies


def _state(file: Path) -> tuple[int, int, int]:
    state = file.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def expect_same(stage: Stage, what: str, first: Reply, reply: Reply, status: str) -> None:
    stage.expect(reply.body == first.body, f"{what}: {reply} is another picture")
    said = reply.headers.get("Cache-Status", "")
    stage.expect(status in said, f"{what}: Cache-Status is {said!r}, not {status}")


def _peaks(server: Server) -> dict[int, int]:
    """Return the most memory that each process has ever had."""
    found = {}
    for process in belonging_to(server.mark, server.process.pid):
        with contextlib.suppress(OSError):  # it has just ended
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    found[process.pid] = int(line.split()[1]) * 1024
    return found


def swapped_for_a_link(stage: Stage) -> list[Reply]:
    """Somebody puts a link in the place of the directory; later the directory is there again."""
    place = new_folder(stage)
    folder, elsewhere, aside = place / "cache", place / "elsewhere", place / "aside"
    server = stage.launch(settings={"--cache-dir": folder, **FILES_ONLY})
    first, _ = keep(stage, server, folder, stage.request(1))
    # What the link leads to is a cache, too, and has that picture: it is not to be trusted all the same.
    shutil.copytree(folder, elsewhere)
    before = _listing(elsewhere)
    folder.rename(aside)
    folder.symlink_to(elsewhere)
    others = [server.ask(stage.request(number)) for number in (1, 2, 3)]
    for reply in others:
        said = reply.headers.get("Cache-Status", "")
        stage.expect("uri-miss" in said, f"{reply} came through the link: {said}")

    def missed() -> bool:
        return "uri-miss" in server.ask(stage.request(1)).headers.get("Cache-Status", "")

    # Until it could not be written, it is known.
    stage.expect(eventually(missed), "it is kept where the link leads")
    refused = eventually(lambda: "symbolic link" in server.log(stage.log_from), 5)
    stage.expect(refused, "the log does not say that it is a link")
    stage.expect(server.log(stage.log_from).count("symbolic link") == 1, "the log says it more than once")
    stage.expect(_listing(elsewhere) == before, "something has changed where the link leads")
    folder.unlink()
    aside.rename(folder)
    back = server.ask(stage.request(1))
    expect_same(stage, "afterwards", first, back, "hit")
    return [first, *others, back]


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(f): (f.stat().st_size, f.stat().st_mtime_ns) for f in folder.rglob("*")}


def killed_while_writing(stage: Stage) -> list[Reply]:
    """SIGKILL of all of its processes while a file of 5 MB is on its way; then the next server starts."""
    folder = new_folder(stage)
    server = stage.launch(settings={"--cache-dir": folder})
    first, file = keep(stage, server, folder, stage.request(1))
    _kill_when(lambda: bool(os.listdir(folder / "new")), server, [stage.request(i) for i in range(2, 8)])
    server.wait(10)
    stage.nothing_left(server)
    # Where the file was quicker than the signal, half a file all the same; and as old as files on their
    # way never are, because nobody waits that long here.
    (folder / "new" / "half").write_bytes(file.read_bytes()[:2_000_000])
    for leftover in (folder / "new").iterdir():
        os.utime(leftover, (time.time() - 3600,) * 2)
    stage.launch(port=server.port, settings={"--cache-dir": folder, **FILES_ONLY})
    replies = [stage.server.ask(stage.request(number)) for number in (1, 2, 9)]
    expect_same(stage, "what was there before", first, replies[0], "hit")
    stage.expect(replies[1].body == first.body, "what was being written is another picture")
    tidied = eventually(lambda: not list((folder / "new").iterdir()), 5)
    stage.expect(tidied, "what was half written is still there")
    return replies


def _kill_when(holds: Callable[[], bool], server: Server, requests: list[str]) -> None:
    """Ask for one after the other, and end all processes of the server as soon as it holds."""
    everyone = belonging_to(server.mark, server.process.pid)
    with ThreadPoolExecutor(1) as pool:
        for request in requests:
            asked, until = pool.submit(server.ask, request), float("inf")
            while not holds() and time.monotonic() < until:
                # Files are written behind the reader's back.
                until = min(until, time.monotonic() + 0.2) if asked.done() else until
            if time.monotonic() < until:
                break
        kill(everyone)
