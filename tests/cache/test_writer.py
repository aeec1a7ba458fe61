"""Pictures that wait to be written, and the one thread that writes them."""

import threading

import pytest

from cache.conformance import stored
from plotroute.cache.base import MISSING
from plotroute.cache.writer import Writer

PATIENCE = 60
MEGABYTE = 2**20


class Disk:
    """A slow disk: every write waits until the test lets it."""

    def __init__(self):
        self.began = threading.Event()
        self.go = threading.Event()
        self.written = []
        self.threads = set()

    def write(self, key, picture):
        self.began.set()
        assert self.go.wait(PATIENCE)
        self.written.append((key, picture.image.body))
        self.threads.add(threading.current_thread())


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def writer(disk):
    writer = Writer(disk.write)
    yield writer
    disk.go.set()
    assert writer.flush(PATIENCE)


def test_a_put_does_not_wait_and_a_get_finds_it(writer, disk):
    writer.put("key", stored())

    assert writer.get("key") == stored()
    assert writer.get("other") is MISSING
    assert disk.written == []


def test_what_is_written_waits_no_more(writer, disk):
    disk.go.set()
    writer.put("key", stored())

    assert writer.flush(PATIENCE)
    assert disk.written == [("key", b"picture")]
    assert writer.get("key") is MISSING


def test_what_comes_first_is_written_first_by_one_thread(writer, disk):
    for n in range(5):
        writer.put(f"key{n}", stored(b"%d" % n))
    disk.go.set()
    writer.flush(PATIENCE)

    assert disk.written == [(f"key{n}", b"%d" % n) for n in range(5)]
    assert len(disk.threads) == 1


def test_there_is_a_thread_only_while_pictures_wait(writer, disk):
    disk.go.set()
    for _ in range(3):
        writer.put("key", stored())
        writer.flush(PATIENCE)
    for thread in disk.threads:
        thread.join(PATIENCE)

    assert not any(thread.is_alive() for thread in disk.threads)


def test_a_later_picture_takes_the_place_of_one_that_waits_or_is_written(writer, disk):
    writer.put("key", stored(b"first"))
    assert disk.began.wait(PATIENCE)
    writer.put("key", stored(b"second"))
    writer.put("key", stored(b"third"))

    assert writer.get("key").image.body == b"third"
    disk.go.set()
    writer.flush(PATIENCE)
    assert disk.written == [("key", b"first"), ("key", b"third")]


def test_what_is_too_much_does_not_wait(writer, disk):
    taken = [writer.put(f"key{n}", stored(b"x" * MEGABYTE)) for n in range(100)]

    assert taken == [True] * sum(taken) + [False] * (100 - sum(taken))
    assert 20 <= sum(taken) <= 32
    assert [bool(writer.get(f"key{n}")) for n in range(100)] == taken


def test_there_is_room_again_when_some_are_written_or_dropped(writer, disk):
    for n in range(100):
        writer.put(f"key{n}", stored(b"x" * MEGABYTE))
    writer.drop(lambda key, picture: key == "key5")
    assert writer.put("dropped", stored(b"x" * MEGABYTE))
    assert not writer.put("full", stored(b"x" * MEGABYTE))
    disk.go.set()
    writer.flush(PATIENCE)

    assert writer.put("written", stored(b"x" * MEGABYTE))


def test_what_is_dropped_is_not_written(writer, disk):
    writer.put("first", stored())
    assert disk.began.wait(PATIENCE)
    writer.put("dropped", stored(plot="sales"))
    writer.put("last", stored())

    assert writer.drop(lambda key, picture: picture.plot == "sales") == ["dropped"]
    disk.go.set()
    writer.flush(PATIENCE)
    assert [key for key, _ in disk.written] == ["first", "last"]


def test_after_a_drop_the_holder_of_the_lock_sees_nothing_written(writer, disk):
    for n in range(5):
        writer.put(f"key{n}", stored())
    assert disk.began.wait(PATIENCE)
    writer.drop(lambda key, picture: True)
    disk.go.set()
    with writer.writing:
        written = list(disk.written)
        writer.put("later", stored())
        assert disk.written == written == [("key0", b"picture")]

    writer.flush(PATIENCE)
    assert [key for key, _ in disk.written] == ["key0", "later"]


def test_flushing_ends_when_the_disk_hangs(writer):
    writer.put("key", stored())

    assert not writer.flush(0.01)


def test_without_a_thread_nothing_waits(writer, disk, monkeypatch):
    def no_more(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)

    assert not writer.put("key", stored())
    assert writer.get("key") is MISSING
    assert writer.flush(PATIENCE)
