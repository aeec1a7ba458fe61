"""Actions on a cache whose file system takes nothing: it is full, or read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adversarial.cache_faults import expect_same, keep, new_folder, pictures
from adversarial.servers import Reply, Server, eventually

if TYPE_CHECKING:
    from adversarial.stage import Stage

_NAMESPACE = ["unshare", "--mount", "sh", "-c"]


def _as_seen_by(server: Server, folder: Path) -> Path:
    """Return a directory as the server's own mounts have it."""
    return Path(f"/proc/{server.process.pid}/root{folder}")


def full_disk(stage: Stage) -> list[Reply]:
    """A disk of 1 MB that is full; later there is room."""
    folder = new_folder(stage)
    script = (
        'mount --make-rprivate / && mount -t tmpfs -o size=1m,mode=700 tmpfs "$ADVERSARIAL_CACHE" || exit 1; '
        'head -c 2m /dev/zero >"$ADVERSARIAL_CACHE/filler" 2>/dev/null; exec "$@"'
    )
    server = stage.launch(
        wrapper=[*_NAMESPACE, script, "sh"],
        settings={"--cache-dir": folder},
        environment={"ADVERSARIAL_CACHE": str(folder)},
    )
    seen = _as_seen_by(server, folder)
    replies = _served_from_memory(stage, server)

    def files() -> list[str]:
        return [file.name for file in seen.rglob("*") if file.is_file()]

    # One may be on its way, to find that there is no room.
    stage.expect(eventually(lambda: files() == ["filler"]), f"there is {files()}")
    (seen / "filler").unlink()
    kept, _ = keep(stage, server, seen, stage.request(99))
    return [*replies, kept]


def read_only_disk(stage: Stage) -> list[Reply]:
    """A directory that an earlier server filled, read-only: what is there is found, the rest is drawn."""
    folder = new_folder(stage)
    earlier = stage.launch(settings={"--cache-dir": folder})
    first, _ = keep(stage, earlier, folder, stage.request(99))
    stage.stop(earlier)
    script = (
        'mount --make-rprivate / && mount --bind "$ADVERSARIAL_CACHE" "$ADVERSARIAL_CACHE" && '
        'mount -o remount,bind,ro "$ADVERSARIAL_CACHE" && exec "$@"'
    )
    server = stage.launch(
        wrapper=[*_NAMESPACE, script, "sh"],
        settings={"--cache-dir": folder},
        environment={"ADVERSARIAL_CACHE": str(folder)},
    )
    found = server.ask(stage.request(99))
    expect_same(stage, "what was there", first, found, "hit")
    replies = _served_from_memory(stage, server)
    stage.expect(len(pictures(folder)) == 1, f"{len(pictures(folder))} pictures are there")
    return [found, *replies]


def _served_from_memory(stage: Stage, server: Server) -> list[Reply]:
    """Some pictures twice: drawn, then found; and one warning for all of them."""
    replies = []
    for number in range(1, 4):
        first, second = (server.ask(stage.request(number)) for _ in range(2))
        expect_same(stage, "in memory", first, second, "hit")
        replies += [first, second]

    def warnings() -> int:
        return server.log(stage.log_from).count("cannot be written")

    eventually(lambda: warnings() > 0, 5)
    stage.expect(warnings() == 1, f"{warnings()} warnings in the log")
    return replies
