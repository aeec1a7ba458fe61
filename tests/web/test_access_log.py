"""The log lines and counts of ready answers: as those of the others, and none lost or doubled."""

import contextlib
import io
import logging
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute.logs import write_lines
from plotroute.web.access_log import AccessLog
from sketches import PATIENCE, World, count, logged, until

LINE = re.compile(
    r"[0-9:]{8} I ([A-Za-z0-9._-]+) GET /plots/line\?_=(\S+) 200 hit key=[0-9a-f]{32} [0-9.]+ ms"
)


@pytest.fixture
def world():
    """A server with the journal that it really has, and a ready answer."""
    world = World(access_log=AccessLog)
    for _ in range(2):
        world.get("/plots/line")
    return world


@contextlib.contextmanager
def only(*handlers):
    """Have the root's log written by these handlers alone."""
    root = logging.getLogger()
    before, root.handlers, level = root.handlers, list(handlers), root.level
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers = before
        root.setLevel(level)


def hits(world):
    """Return how many hits /metrics tells."""
    found = re.search(r'outcome="hit",plot="line",status="200"} ([0-9.]+)', "\n".join(count(world.metrics)))
    return float(found[1])


def test_ready_answers_come_to_the_log_and_the_counts_by_themselves(world):
    with logged() as log:
        for n in range(3):
            world.get("/plots/line", X_Request_ID=f"mine-{n}")
        until(lambda: log.getvalue().count("mine-") == 3)
    assert re.findall(r"mine-\d", log.getvalue()) == ["mine-0", "mine-1", "mine-2"]
    assert hits(world) == 4
    assert world.entered == 2


def test_what_comes_later_is_written_too(world):
    with logged() as log:
        for n in range(3):
            world.get("/plots/line", X_Request_ID=f"mine-{n}")
            until(lambda n=n: f"mine-{n}" in log.getvalue())
    assert hits(world) == 4


def test_of_many_threads_nothing_is_lost_or_doubled(world):
    each, readers = 250, 8
    for reader in range(readers):
        world.get(f"/plots/line?_={reader}")
    before = hits(world)

    def read(reader):
        for n in range(each):
            world.client.open(f"/plots/line?_={reader}", headers={"X-Request-ID": f"{reader}-{n}"})

    with logged() as log, ThreadPoolExecutor(readers) as threads:
        assert [one.result(PATIENCE) for one in [threads.submit(read, n) for n in range(readers)]]
        until(lambda: log.getvalue().count("\n") >= each * readers)
        until(lambda: hits(world) >= before + each * readers)
    lines = [LINE.fullmatch(line) for line in log.getvalue().splitlines()]
    assert Counter(line[1] for line in lines) == Counter(
        f"{reader}-{n}" for reader in range(readers) for n in range(each)
    )
    assert all(line[1].partition("-")[0] == line[2] for line in lines)
    for reader in range(readers):
        assert [int(line[1].partition("-")[2]) for line in lines if line[2] == str(reader)] == [*range(each)]
    assert hits(world) == before + each * readers


def test_lines_of_others_are_not_torn_apart(world):
    world.get("/plots/line?_=ready")
    other = logging.getLogger("plotroute.access")

    def write():
        for n in range(500):
            other.info("x%d GET /plots/line?_=x 200 hit key=%032x 0.1 ms", n, n)

    def read():
        for n in range(500):
            world.client.open("/plots/line?_=ready", headers={"X-Request-ID": f"r{n}"})

    with logged() as log, ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(write), threads.submit(read)]:
            one.result(PATIENCE)
        until(lambda: log.getvalue().count("\n") >= 1000)
    assert all(LINE.fullmatch(line) for line in log.getvalue().splitlines())


def test_no_reader_waits_for_a_log_that_is_slow(world):
    written, released = threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text):
            written.set()
            assert released.wait(PATIENCE)
            return super().write(text)

    log = Slow()
    with only(logging.StreamHandler(log)):
        try:
            world.get("/plots/line")
            assert written.wait(PATIENCE)
            for _ in range(100):
                assert world.get("/plots/line").status_code == 200
        finally:
            released.set()
        until(lambda: log.getvalue().count("\n") == 101)
    assert hits(world) == 102


def test_a_log_that_breaks_does_not_end_the_counts(world):
    class Broken(io.StringIO):
        broken = True

        def write(self, text):
            if self.broken:
                raise BrokenPipeError("whoever read the log is gone")
            return super().write(text)

    log = Broken()
    with only(logging.StreamHandler(log)):
        world.get("/plots/line")
        until(lambda: hits(world) == 2)
        world.get("/plots/line")
        until(lambda: hits(world) == 3, seconds=10)
        log.broken = False
        world.get("/plots/line", X_Request_ID="after")
        until(lambda: "after" in log.getvalue())


def test_a_log_of_warnings_has_no_lines_and_the_counts_go_on(world):
    access = logging.getLogger("plotroute.access")
    access.setLevel(logging.WARNING)
    try:
        with logged() as log:
            for number in (2, 3):  # lines are written after the count, and before the next one
                world.get("/plots/line")
                until(lambda number=number: hits(world) == number)
        assert log.getvalue() == ""
    finally:
        access.setLevel(logging.NOTSET)


def test_nothing_runs_before_the_first_ready_answer():
    before = set(threading.enumerate())
    world = World(access_log=AccessLog)
    for _ in range(2):
        world.get("/plots/line")
    assert set(threading.enumerate()) - before == set()


def test_there_is_one_thread_however_many_answer_first(world):
    before = set(threading.enumerate())
    barrier = threading.Barrier(8)

    def read():
        barrier.wait(PATIENCE)
        world.client.open("/plots/line")

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(PATIENCE)
    [access_log] = set(threading.enumerate()) - before
    assert access_log.daemon
    until(lambda: hits(world) == 9)


def test_the_time_of_a_line_is_that_of_its_answer(world, monkeypatch):
    monkeypatch.setattr("plotroute.web.access_log.time.time", lambda: 86_400.0 * 365 + 3661.5)
    with logged() as log:
        world.get("/plots/line", X_Request_ID="mine")
        until(lambda: "mine" in log.getvalue())
    record = logging.makeLogRecord({"created": 86_400.0 * 365 + 3661.5})
    assert log.getvalue().startswith(logging.Formatter().formatTime(record, "%H:%M:%S") + " I mine GET ")


# write_lines


@pytest.mark.parametrize("at", [0.0, 0.999, 1_700_000_000.25, 1_720_000_000.9, 4_102_444_800.0])
def test_lines_have_the_format_of_the_log(at):
    with logged() as log:
        write_lines([(at, "a line, 100 % of it")])
        record = logging.makeLogRecord(
            {"created": at, "levelname": "INFO", "levelno": logging.INFO, "msg": "a line, 100 % of it"}
        )
        [handler] = [one for one in logging.getLogger().handlers if one.stream is log]
        assert log.getvalue() == handler.format(record) + "\n"


def test_no_lines_are_nothing():
    with logged() as log:
        write_lines([])
    assert log.getvalue() == ""


def test_every_log_gets_every_line():
    logs = io.StringIO(), io.StringIO()
    with only(*map(logging.StreamHandler, logs)):
        write_lines((0.0, f"line {n}") for n in range(3))
    assert [log.getvalue().count("line") for log in logs] == [3, 3]


def test_a_handler_that_is_no_stream_is_left_alone():
    log = io.StringIO()
    with only(logging.NullHandler(), logging.StreamHandler(log)):
        write_lines([(0.0, "line")])
    assert log.getvalue().endswith(" I line\n")
