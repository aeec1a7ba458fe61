"""Real processes that use one cache on disk: `start` one by the name of a function below."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from plotroute.cache.base import Storage, Stored
from plotroute.cache.disk import DiskCache, on_disk
from plotroute.cache.epochs import FileEpochs
from plotroute.cache.memory import MemoryClaims
from plotroute.model import Image

KEYS = 50
"""Keys that the processes use, again and again."""


def known(number: int) -> tuple[str, Stored]:
    """Return the key and the picture of a number: a process that finds the picture can check every byte of it."""
    key = f"key{number % KEYS}"
    body = hashlib.blake2b(f"{key}/{number}".encode()).digest() * (number * 37 % 1500)  # up to 96 kB
    return key, Stored(Image(body=body, type="image/png"), f'W/"{number}"', float(number), None, "sales")


def right(key: str, found: Stored) -> bool:
    """Return whether a picture is, to the last byte, one of those that were put under that key."""
    return known(int(found.drawn_at)) == (key, found)


def start(function: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a process that calls a function of this module; `before` is a command that runs another."""
    tests = str(Path(__file__).parents[1])
    return subprocess.Popen(
        [*before, sys.executable, "-m", "cache.processes", function, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_writers(directory: str, writes: str, seed: str) -> None:
    """Kill processes that write, at any moment, until so many writes were seen and some were cut off."""
    chance = random.Random(seed)
    written = 0
    while written < int(writes) or not any(Path(directory, "new").iterdir()):
        ours, theirs = os.pipe()
        writer = os.fork()
        if not writer:
            os.close(ours)
            write_for_ever(directory, written, theirs)
        os.close(theirs)
        for _ in range(chance.randrange(30)):
            written += len(os.read(ours, 1))
        time.sleep(chance.random() / 1000)  # about as long as two writes: any moment of one
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        written += len(os.read(ours, 1000))
        os.close(ours)


def write_for_ever(directory: str, first: int, told: int) -> None:
    """Write known pictures one after the other, and tell a byte for each that is written."""
    cache = DiskCache(Path(directory), 2**30)
    for number in itertools.count(first):
        cache.put(*known(number))
        cache.flush()
        os.write(told, b".")


def write_many(directory: str, max_bytes: str, first: str, count: str) -> None:
    """Write known pictures when told to."""
    cache = DiskCache(Path(directory), int(max_bytes))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(first), int(first) + int(count)):
        cache.put(*known(number))
        if number % 10 == 0:
            cache.flush()
    cache.close()


def purge(directory: str, plot: str) -> None:
    """Purge a plot and say how many pictures it had."""
    print(on_disk(Path(directory), 2**24).purge(plot))


def fork(directory: str) -> None:
    """Use a cache before a fork, and in both processes after it."""
    cache = DiskCache(Path(directory), 2**24)
    cache.put(*known(1))
    cache.flush()
    child = os.fork()
    number = 3 if child else 2
    cache.put(*known(number))
    done = cache.flush()
    if not child:
        os._exit(0 if done else 1)
    print(json.dumps([done, os.waitpid(child, 0)[1]]))


def too_large_files(directory: str) -> None:
    """Write to a file system that takes no file of more than 10 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    cache = DiskCache(Path(directory), 2**30)
    _purge_and_report(cache, _fill(cache))


def full(directory: str) -> None:
    """Write more than the file system holds, and fill that to the last byte."""
    cache = DiskCache(Path(directory), 2**30)
    report = _fill(cache)
    with suppress(OSError), Path(directory, "filled").open("wb", buffering=0) as file:
        while file.write(b"x"):
            pass
    _purge_and_report(cache, report)


def read_only(directory: str) -> None:
    """Write to a file system that has become read-only."""
    cache = DiskCache(Path(directory) / "cache", 2**30)
    cache.put(*known(0))
    cache.flush()
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
    _purge_and_report(cache, _fill(cache))


def _fill(cache: DiskCache) -> dict[str, Any]:
    """Put all known pictures, and return what has become of them."""
    warnings: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("plotroute.cache").addHandler(handler)
    for number in range(KEYS):
        cache.put(*known(number))
    cache.flush()
    found = [(key, cache.get(key)) for key in (known(number)[0] for number in range(KEYS))]
    return {
        "kept": sum(1 for _, stored in found if stored),
        "wrong": sum(1 for key, stored in found if stored and not right(key, stored)),
        "warnings": warnings,
        "left": [path.name for path in Path(cache._folder.path, "new").iterdir()],
    }


def _purge_and_report(cache: DiskCache, report: dict[str, Any]) -> None:
    """Purge, put again, and print the report of it all."""
    epochs = FileEpochs(cache._folder)
    try:
        report["purged"] = Storage(cache, epochs, MemoryClaims()).purge("sales")
    except OSError as error:
        report["failed"] = str(error)
    report["epoch"] = epochs.of("sales")
    cache.put(*known(1))
    cache.flush()
    report["after"] = bool(cache.get("key1"))
    print(json.dumps(report))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
