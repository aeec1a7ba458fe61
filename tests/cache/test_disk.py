"""The cache in files, shared by processes."""

import json
import logging
import random
import shutil
import subprocess
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from cache.conformance import CacheConformance, stored
from cache.processes import KEYS, right, start
from plotroute.cache import disk, packing
from plotroute.cache.base import MISSING, Storage
from plotroute.cache.disk import DiskCache, on_disk
from plotroute.cache.epochs import FileEpochs
from plotroute.cache.folder import PrivateFolder
from plotroute.cache.memory import MemoryClaims
from plotroute.cache.packing import pack
from sketches import Clock

MEGABYTE = 2**20
PATIENCE = 60
PICTURE = stored(b"x" * 50 * 2**10)
SMALL = stored(b"a small picture")


STARTED_AT = 1_000_000.0


@pytest.fixture
def clock():
    return Clock(STARTED_AT)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def make(directory, clock):
    """Make one more cache in the same directory, as another process would."""
    made = []

    def make(max_bytes=16 * MEGABYTE, kind=DiskCache):
        cache = kind(directory, max_bytes, clock)
        made.append(cache)
        return cache

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def cache(make):
    return make()


@pytest.fixture
def warnings(caplog):
    """What the cache has logged until now."""
    caplog.set_level(logging.DEBUG, "plotroute.cache")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "plotroute.cache"]


class Written(DiskCache):
    """Every picture is in its file before it is got."""

    def put(self, key, stored):
        super().put(key, stored)
        assert self.flush()


class Shared(Written):
    """What is got was put by another process."""

    def get(self, key):
        return DiskCache(Path(self._folder.path), self._max_bytes).get(key)


class TestDiskCache(CacheConformance):
    """Some wait to be written, and some are."""

    @pytest.fixture
    def cache(self, make):
        return make()


class TestWritten(CacheConformance):
    @pytest.fixture
    def cache(self, make):
        return make(kind=Written)


class TestShared(CacheConformance):
    @pytest.fixture
    def cache(self, make):
        return make(kind=Shared)


class SlowDisk:
    """Every picture is written when the test lets it."""

    def __init__(self):
        self.began, self.go = threading.Event(), threading.Event()
        self._write = PrivateFolder.write

    def write(self, folder, name, data, **arguments):
        if name.startswith("pictures"):
            self.began.set()
            assert self.go.wait(PATIENCE)
        self._write(folder, name, data, **arguments)


@pytest.fixture
def slow_disk(monkeypatch):
    slow = SlowDisk()
    monkeypatch.setattr(PrivateFolder, "write", lambda *given, **named: slow.write(*given, **named))
    yield slow
    slow.go.set()


def files(directory, below="pictures"):
    """The files in the directory."""
    return sorted(path for path in (directory / below).rglob("*") if path.is_file())


def kept(cache, keys):
    """Those of the keys that are in the cache."""
    return [key for key in keys if cache.get(key) is not MISSING]


def put(cache, key, picture):
    """Put and wait until it is in its file; return that."""
    cache.put(key, picture)
    assert cache.flush()
    return Path(cache._folder.path, disk._name(key))


def test_nothing_is_touched_before_the_first_put(make, directory):
    cache = make()

    assert cache.get("key") is MISSING
    assert cache.forget("sales") == 0
    assert on_disk(directory, MEGABYTE).epochs.of("sales") == ""
    assert not directory.exists()


def test_a_restart_loses_nothing(make):
    before = make()
    for n in range(20):
        before.put(f"key{n}", stored(b"%d" % n))
    before.close()

    after = make()
    assert [after.get(f"key{n}") for n in range(20)] == [stored(b"%d" % n) for n in range(20)]


def test_two_caches_share(make):
    ours, theirs = make(), make()
    put(ours, "key", stored(b"first"))
    assert theirs.get("key") == stored(b"first")
    put(theirs, "key", stored(b"second"))
    assert ours.get("key") == stored(b"second")
    ours.clear()

    assert theirs.get("key") is MISSING


def test_a_closed_cache_takes_no_more_and_still_gives(make):
    cache = make()
    cache.put("key", SMALL)
    cache.close()
    cache.put("other", SMALL)

    assert kept(cache, ["key", "other"]) == ["key"]


@pytest.mark.parametrize("forget", [DiskCache.clear, lambda cache: cache.forget(SMALL.plot)])
def test_what_is_just_being_written_is_forgotten_too(cache, directory, slow_disk, forget):
    cache.put("key", SMALL)
    assert slow_disk.began.wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        forgetting = pool.submit(forget, cache)
        while cache.get("key"):
            time.sleep(0.001)
        slow_disk.go.set()
        forgetting.result()

    assert cache.flush()
    assert files(directory) == []


def test_a_cache_works_on_after_a_fork(directory, make):
    output, errors = start("fork", directory).communicate()

    assert json.loads(output) == [True, 0], errors
    cache = make()
    assert all(right(key, cache.get(key)) for key in ("key1", "key2", "key3"))


# What is in a file is what was put under that key, or nothing.


def test_a_file_that_was_cut_anywhere_is_a_miss_and_deleted(cache, warnings):
    file = put(cache, "key", SMALL)
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])

        assert cache.get("key") is MISSING
        assert not file.exists()

    assert len(warnings()) == 1
    assert "damaged" in warnings()[0]


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_a_file_with_any_byte_changed_is_a_miss(cache, change):
    file = put(cache, "key", SMALL)
    content = file.read_bytes()
    survived = []
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])

        assert cache.get("key") is MISSING
        if file.exists():
            survived.append(place)

    assert survived == [4, 5]  # it could be a picture in another format


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"x" * 100_000])
def test_a_file_of_something_else_is_a_miss_and_can_be_replaced(cache, content):
    put(cache, "key", SMALL).write_bytes(content)

    assert cache.get("key") is MISSING
    put(cache, "key", PICTURE)
    assert cache.get("key") == PICTURE


def test_a_file_under_another_keys_name_is_a_miss(cache):
    one, other = put(cache, "one", stored(b"1")), put(cache, "other", stored(b"2"))
    shutil.copy(one, other)

    assert cache.get("other") is MISSING
    assert cache.get("one") == stored(b"1")
    assert not other.exists()


def test_a_picture_in_another_format_is_a_miss_and_left_to_the_version_that_wrote_it(
    cache, warnings, monkeypatch
):
    file = put(cache, "key", SMALL)
    monkeypatch.setattr(packing, "_FORMAT", 2)
    file.write_bytes(pack("key", SMALL))
    monkeypatch.undo()

    assert cache.get("key") is MISSING
    assert file.exists()
    assert warnings() == []


def test_whole_bytes_that_say_something_else_are_a_miss(cache, warnings):
    file = put(cache, "key", SMALL)
    words = [b"[]", b"{}", b'"key"', b'{"key":"key"}', b"[" * 100_000]
    for label in words:
        content = packing._HEAD.pack(b"plrc", packing._FORMAT, len(label), 0, 0) + label
        file.write_bytes(content + packing._checksum(content))

        assert cache.get("key") is MISSING


def test_a_huge_file_is_not_read(cache):
    file = put(cache, "key", SMALL)
    with file.open("r+b") as huge:
        huge.truncate(500 * MEGABYTE)

    tracemalloc.start()
    try:
        assert cache.get("key") is MISSING
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MEGABYTE
    assert not file.exists()


def test_a_folder_in_the_place_of_a_file_is_a_miss(cache, directory, warnings):
    file = put(cache, "key", SMALL)
    file.unlink()
    file.mkdir()

    assert cache.get("key") is MISSING
    put(cache, "key", SMALL)
    assert cache.get("key") is MISSING
    assert files(directory, "new") == []
    assert len(warnings()) == 2


def test_what_cannot_be_written_down_is_not_kept(cache, warnings):
    image = packing.Image(body=b"", type="image/png", alt="\udc80")
    put(cache, "key", packing.Stored(image, 'W/"1"', 1000.0))

    assert cache.get("key") is MISSING
    assert len(warnings()) == 1


# The file system has its own will.


def test_a_directory_that_is_deleted_under_our_feet_is_made_again(cache, directory):
    put(cache, "key", SMALL)
    shutil.rmtree(directory)

    assert cache.get("key") is MISSING
    assert cache.forget("sales") == 0
    put(cache, "key", SMALL)
    assert cache.get("key") == SMALL


@pytest.mark.parametrize("taken", ["new", "pictures", "epochs"])
def test_where_nothing_can_be_written_nothing_is_kept(make, directory, warnings, taken):
    directory.mkdir(0o700)
    (directory / taken).touch()
    cache = make()
    put(cache, "key", SMALL)

    assert bool(cache.get("key")) is (taken == "epochs")
    with nullcontext() if taken == "pictures" else pytest.raises(OSError):
        Storage(cache, FileEpochs(cache._folder), MemoryClaims()).purge(SMALL.plot)
    assert cache.get("key") is MISSING
    cache.clear()
    assert (len(warnings()) == 0) is (taken == "epochs")
    assert len(warnings()) <= 3


def test_the_same_is_logged_once_a_minute(cache, directory, warnings, monkeypatch):
    directory.mkdir(0o700)
    (directory / "new").touch()
    for minute in (0, 61):
        monkeypatch.setattr("plotroute.cache.disk.time.monotonic", lambda now=minute: 1000.0 + now)
        for n in range(10):
            put(cache, f"key{n}", SMALL)

    assert len(warnings()) == 2
    assert "Not a directory" in warnings()[0] or "File exists" in warnings()[0]


def test_a_directory_that_is_not_private_is_an_empty_cache(make, directory, tmp_path, warnings):
    (tmp_path / "theirs").mkdir(0o700)
    directory.symlink_to("theirs")
    cache = make()
    for _ in range(3):
        cache.put("key", SMALL)
        cache.flush()
        assert cache.get("key") is MISSING
        assert cache.forget("sales") == 0
        cache.clear()

    assert list((tmp_path / "theirs").iterdir()) == []
    assert len(warnings()) == 1
    assert "symbolic link" in warnings()[0]


def test_a_file_that_may_not_be_so_large_is_not_kept(directory):
    output, errors = start("too_large_files", directory).communicate()
    report = json.loads(output)

    assert 0 < report["kept"] < KEYS / 2, errors
    assert report["wrong"] == 0
    assert report["left"] == []
    assert len(report["warnings"]) == 1
    assert "File too large" in report["warnings"][0]


@pytest.fixture
def small_disk(tmp_path):
    """A path, and a command that runs another one, which sees a disk of a megabyte at that path."""
    point = tmp_path / "disk"
    point.mkdir(0o700)
    mount = 'mount -t tmpfs -o size=1m,mode=700 none "$0" && exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", mount, str(point))
    try:
        tried = subprocess.run([*before, "true"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here")
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.strip()}")
    return point, before


def test_a_full_disk_keeps_what_it_has_and_can_be_purged(small_disk):
    point, before = small_disk
    output, errors = start("full", point, before=before).communicate()
    report = json.loads(output)

    assert 0 < report["kept"] < KEYS, errors
    assert report["wrong"] == 0
    assert report["left"] == []
    assert ["No space left" in warning for warning in report["warnings"]] == [True]
    assert report["purged"] == report["kept"]
    assert report["epoch"]
    assert report["after"]


def test_a_read_only_disk_gives_what_it_has(small_disk):
    point, before = small_disk
    output, errors = start("read_only", point, before=before).communicate()
    report = json.loads(output)

    assert (report["kept"], report["wrong"], report["left"]) == (1, 0, []), errors
    assert ["Read-only" in warning for warning in report["warnings"]] == [True]
    assert "Read-only" in report["failed"]
    assert not report["after"]


# Bounded in bytes; what was used longest ago goes first.


def size(directory):
    """The bytes of the pictures, in blocks of a file system."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files(directory))


def test_the_pictures_never_have_more_bytes_than_the_cache_may(make, clock, directory):
    cache = make(MEGABYTE)
    for n in range(60):
        clock.now += 1
        put(cache, f"key{n}", stored(b"x" * (n * 7919 % 100_000)))

        assert size(directory) <= MEGABYTE
    assert size(directory) > MEGABYTE / 2


def test_a_large_picture_finds_room_before_it_is_written(make, directory):
    cache = make(MEGABYTE)
    for n in range(300):
        cache.put(f"small{n}", SMALL)
    put(cache, "large", stored(b"x" * 120_000))

    assert MEGABYTE * 0.85 < size(directory) <= MEGABYTE * 0.9


def test_the_oldest_go_first(make, clock):
    cache = make(MEGABYTE)
    for n in range(40):
        clock.now += 1
        put(cache, str(n), PICTURE)

    found = kept(cache, map(str, range(40)))
    assert found == [str(n) for n in range(40)][-len(found) :]
    assert len(found) >= 10


def test_what_was_used_lately_stays(make, clock):
    cache = make(MEGABYTE)
    put(cache, "used", PICTURE)
    clock.now += 1
    put(cache, "unused", PICTURE)
    for n in range(40):
        clock.now += 1000
        assert cache.get("used") == PICTURE
        put(cache, str(n), PICTURE)

    assert kept(cache, ["used", "unused"]) == ["used"]


def test_use_is_written_down_once_in_ten_minutes(cache, clock):
    file = put(cache, "key", SMALL)
    used = []
    for later in (1, 599, 601, 602, 1200, 1202):
        clock.now = STARTED_AT + later
        cache.get("key")
        used.append(file.stat().st_mtime - STARTED_AT)

    assert used == [0, 0, 601, 601, 601, 1202]


def test_a_time_of_use_that_is_still_to_come_is_put_right(cache, clock):
    file = put(cache, "key", SMALL)
    clock.now -= 10_000
    cache.get("key")

    assert file.stat().st_mtime == clock.now


def test_a_giant_is_not_kept_and_evicts_no_picture(make, directory, warnings):
    cache = make(MEGABYTE)
    put(cache, "small", SMALL)
    put(cache, "giant", stored(b"x" * (MEGABYTE // 8)))
    put(cache, "wordy", stored(b"x", plot="x" * (MEGABYTE // 8)))

    assert len(files(directory)) == 1
    assert kept(cache, ["small", "giant", "wordy"]) == ["small"]
    assert warnings() == []


def test_a_giant_that_replaces_a_picture_leaves_neither(make):
    cache = make(MEGABYTE)
    put(cache, "key", SMALL)
    cache.put("key", stored(b"x" * MEGABYTE))

    assert cache.get("key") is MISSING


def test_a_giant_takes_the_place_of_a_picture_that_waits(make, slow_disk):
    cache = make(MEGABYTE)
    cache.put("other", SMALL)
    assert slow_disk.began.wait(PATIENCE)
    cache.put("key", SMALL)
    cache.put("key", stored(b"x" * MEGABYTE))
    slow_disk.go.set()

    assert cache.flush()
    assert kept(cache, ["key", "other"]) == ["other"]


def test_what_does_not_fit_into_the_line_is_not_kept_and_not_an_error(make, slow_disk, warnings):
    cache = make(1000 * MEGABYTE)
    for n in range(40):
        cache.put(f"key{n}", stored(b"x" * MEGABYTE))
    slow_disk.go.set()

    assert cache.flush()
    assert 20 <= len(kept(cache, [f"key{n}" for n in range(40)])) <= 32
    assert len(warnings()) == 1


@pytest.mark.parametrize("max_bytes", [0, 1, 4096])
def test_a_cache_without_room_keeps_nothing(make, max_bytes, directory):
    cache = make(max_bytes)
    put(cache, "key", stored(b""))

    assert cache.get("key") is MISSING
    assert size(directory) == 0


def test_pictures_of_no_bytes_take_room_too(make, directory):
    cache = make(MEGABYTE)
    for n in range(300):
        cache.put(f"key{n}", stored(b""))
    cache.flush()

    assert 0 < len(files(directory)) <= 256


def test_a_process_that_writes_one_picture_makes_room_too(make, directory, clock):
    for n in range(40):
        clock.now += 1
        cache = make(MEGABYTE)
        put(cache, str(n), PICTURE)

    assert MEGABYTE / 2 < size(directory) <= MEGABYTE


def test_what_killed_writers_left_is_removed(make, directory, clock):
    put(make(), "key", SMALL)
    left, under_way = directory / "new" / "left", directory / "new" / "under way"
    for file in (left, under_way):
        file.write_bytes(b"half a pict")
    clock.now = left.stat().st_mtime + 300
    put(make(), "one", SMALL)
    assert left.exists()
    clock.now += 600
    under_way.touch()
    put(make(), "two", SMALL)

    assert not left.exists()


# Several processes, some of them killed.


def test_a_purge_by_another_process_is_seen(cache, directory):
    for n in range(5):
        put(cache, f"sales{n}", stored(plot="sales"))
        put(cache, f"costs{n}", stored(plot="costs"))
    epochs = on_disk(directory, MEGABYTE).epochs
    assert epochs.of("sales") == ""

    output, _ = start("purge", directory, "sales").communicate()

    assert int(output) == 5
    assert kept(cache, [f"{plot}{n}" for plot in ("sales", "costs") for n in range(5)]) == [
        f"costs{n}" for n in range(5)
    ]
    while not epochs.of("sales"):  # the test's own timeout says where this hangs
        time.sleep(0.02)
    assert epochs.of("costs") == ""


def test_several_processes_that_write_and_evict_at_once_do_no_harm(make, directory):
    max_bytes = MEGABYTE
    writers = [start("write_many", directory, max_bytes, first, 400) for first in (0, 400, 800)]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    cache = make(max_bytes)
    while any(writer.poll() is None for writer in writers):
        for n in random.sample(range(KEYS), 10):
            found = cache.get(f"key{n}")
            assert not found or right(f"key{n}", found)
        time.sleep(0.01)

    assert [(writer.returncode, *writer.communicate()) for writer in writers] == [(0, "", "")] * 3
    found = {key: cache.get(key) for key in (f"key{n}" for n in range(KEYS))}
    assert all(right(key, picture) for key, picture in found.items() if picture)
    assert 0 < sum(map(bool, found.values())) < KEYS
    assert size(directory) <= max_bytes * (9 / 10 + 3 / 20)


def test_kill_9_at_any_moment_of_a_thousand_writes_leaves_no_wrong_picture(make, directory, clock, warnings):
    assert start("kill_writers", directory, 1000, random.random()).communicate() == ("", "")
    assert files(directory, "new")

    cache = make(2**30)
    found = {key: cache.get(key) for key in (f"key{n}" for n in range(KEYS))}
    assert all(picture and right(key, picture) for key, picture in found.items())
    assert warnings() == []

    clock.now = time.time() + 3600
    put(make(2**30), "key", SMALL)
    assert files(directory, "new") == []
