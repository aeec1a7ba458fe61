"""Identical requests at the same time are one call."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute import errors
from plotroute.cache.memory import MemoryClaims
from plotroute.errors import (
    SHARE_FAILURES_FOR,
    CannotDraw,
    InvalidParameters,
    PlotFailed,
    QueueFull,
    RenderTimeout,
)
from plotroute.pipeline.single_flight import SingleFlight, do_once
from sketches import Clock

# Nothing here takes so long; whatever does has hung.
PATIENCE = 60

LEAVES = [kind for kind in errors.answer_errors() if kind.__module__ == "plotroute.errors"]


class Waiters(ThreadPoolExecutor):
    """Threads that join calls."""

    def __init__(self, count):
        super().__init__(count, thread_name_prefix="waiter")

    def all_wait(self, count):
        """Return when `count` of them wait for their call: nothing else here calls a `wait`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            frames = sys._current_frames()
            at = [frames.get(one.ident) for one in threading.enumerate() if one.name.startswith("waiter")]
            if sum(frame is not None and frame.f_code.co_name == "wait" for frame in at) == count:
                return
            time.sleep(0.001)
        raise AssertionError(f"{count} threads never waited at the same time")


class Work:
    """Work that counts how often it is done, and lasts until it is released."""

    def __init__(self, outcome="picture", held=False):
        self.outcome = outcome
        self.done = 0
        self.ended = threading.Event()
        self.released = threading.Event()
        if not held:
            self.released.set()

    def __call__(self):
        self.done += 1
        assert self.released.wait(PATIENCE)
        try:
            if isinstance(self.outcome, BaseException):
                raise self.outcome
            return self.outcome
        finally:
            self.ended.set()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def flights(clock):
    return SingleFlight(clock)


def make(kind):
    return kind([]) if kind is InvalidParameters else kind("no")


def fail(flights, work, key="key"):
    with pytest.raises(errors.AnswerError) as caught:
        flights.join(key, work, PATIENCE)
    return caught.value


def test_work_is_done_and_its_result_returned(flights):
    assert flights.join("key", Work("picture"), PATIENCE) == ("picture", False)


@pytest.mark.parametrize("result", [None, 0, "", b""])
def test_a_falsy_result_is_a_result(flights, result):
    assert flights.join("key", Work(result), PATIENCE) == (result, False)


def test_requests_at_the_same_time_are_done_once_for_all(flights):
    work = Work(object(), held=True)

    with Waiters(20) as waiters:
        waiting = [waiters.submit(flights.join, "key", work, PATIENCE) for _ in range(20)]
        waiters.all_wait(20)
        work.released.set()
        answers = [one.result(PATIENCE) for one in waiting]

    assert work.done == 1
    assert all(result is work.outcome for result, _ in answers)
    assert sorted(joined for _, joined in answers) == [False] + [True] * 19


def test_a_failure_is_the_answer_to_all_waiters(flights):
    work = Work(CannotDraw("no orders"), held=True)

    with Waiters(5) as waiters:
        waiting = [waiters.submit(flights.join, "key", work, PATIENCE) for _ in range(5)]
        waiters.all_wait(5)
        work.released.set()
        failures = [one.exception(PATIENCE) for one in waiting]

    assert work.done == 1
    assert [(type(failure), failure.title) for failure in failures] == [(CannotDraw, "no orders")] * 5


def test_different_requests_are_different_calls(flights):
    first, second = Work("first", held=True), Work("second")

    with Waiters(1) as waiters:
        waiting = waiters.submit(flights.join, "first", first, PATIENCE)
        assert flights.join("second", second, PATIENCE) == ("second", False)
        first.released.set()
        assert waiting.result(PATIENCE) == ("first", False)


def test_a_result_is_not_kept_that_is_what_the_cache_is_for(flights):
    work = Work()

    answers = [flights.join("key", work, PATIENCE) for _ in range(3)]

    assert work.done == 3
    assert answers == [("picture", False)] * 3


def test_a_failure_is_kept_for_some_seconds(flights, clock):
    work = Work(CannotDraw("no orders"))

    fail(flights, work)
    clock.now += SHARE_FAILURES_FOR - 0.01
    assert fail(flights, work).title == "no orders"
    assert work.done == 1

    clock.now += 0.02
    fail(flights, work)
    assert work.done == 2


def test_failures_are_kept_for_five_seconds():
    assert SHARE_FAILURES_FOR == 5


def test_asking_again_does_not_prolong_a_failure(flights, clock):
    work = Work(CannotDraw("no orders"))

    fail(flights, work)
    for _ in range(3):
        clock.now += 2
        fail(flights, work)

    assert work.done == 2


def test_after_a_failure_the_work_may_succeed(flights, clock):
    fail(flights, Work(CannotDraw("no orders")))
    clock.now += SHARE_FAILURES_FOR + 1

    assert flights.join("key", Work("picture"), PATIENCE) == ("picture", False)


def test_a_failure_is_no_other_keys_failure(flights):
    fail(flights, Work(CannotDraw("no orders")))

    assert flights.join("other", Work("picture"), PATIENCE) == ("picture", False)


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if kind.shared], ids=lambda kind: kind.code)
def test_what_would_fail_again_is_not_tried_at_once(flights, kind):
    work = Work(make(kind))

    assert type(fail(flights, work)) is type(fail(flights, work)) is kind
    assert work.done == 1


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if kind.status == 503], ids=lambda kind: kind.code)
def test_a_waiter_that_was_refused_may_try_again_at_once(flights, kind):
    work = Work(make(kind))

    assert type(fail(flights, work)) is type(fail(flights, work)) is kind
    assert work.done == 2


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if kind.status == 503], ids=lambda kind: kind.code)
def test_a_waiter_that_joined_a_refused_call_starts_one_of_its_own(flights, kind):
    turned_away = Work(make(kind), held=True)

    with Waiters(2) as waiters:
        first = waiters.submit(flights.join, "key", turned_away, PATIENCE)
        waiters.all_wait(1)
        second = waiters.submit(flights.join, "key", Work("picture"), PATIENCE)
        waiters.all_wait(2)
        turned_away.released.set()

        assert type(first.exception(PATIENCE)) is kind
        assert second.result(PATIENCE) == ("picture", False)


def test_a_call_that_could_not_start_blocks_no_other(flights, monkeypatch):
    def no_more_threads(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more_threads)
        with pytest.raises(QueueFull):
            flights.join("key", Work(), PATIENCE)

    assert flights.join("key", Work("picture"), 1) == ("picture", False)


def test_a_waiters_deadline_does_not_end_the_work(flights):
    work = Work("picture", held=True)

    with pytest.raises(RenderTimeout):
        flights.join("key", work, 0)
    assert not work.ended.is_set()
    work.released.set()

    assert work.ended.wait(PATIENCE)
    assert work.done == 1


def test_a_deadline_is_that_of_one_waiter(flights):
    work = Work("picture", held=True)

    with Waiters(1) as waiters:
        with pytest.raises(RenderTimeout):
            flights.join("key", work, 0)
        patient = waiters.submit(flights.join, "key", work, PATIENCE)
        waiters.all_wait(1)
        for _ in range(3):
            with pytest.raises(RenderTimeout):
                flights.join("key", work, 0)
        work.released.set()

        assert patient.result(PATIENCE) == ("picture", True)
    assert work.done == 1


def test_a_waiters_deadline_is_not_kept_as_a_failure(flights):
    work = Work("picture", held=True)
    before = set(threading.enumerate())
    with pytest.raises(RenderTimeout):
        flights.join("key", work, 0)
    started = set(threading.enumerate()) - before
    work.released.set()
    for thread in started:
        thread.join(PATIENCE)

    assert flights.join("key", Work("another"), PATIENCE) == ("another", False)


def test_the_deadline_is_told_in_seconds(flights):
    work = Work(held=True)

    with pytest.raises(RenderTimeout, match=r"longer than 0\.001 s"):
        flights.join("key", work, 0.001)
    work.released.set()


@pytest.mark.parametrize(
    "error", [ValueError("secret"), KeyError("secret"), MemoryError("secret"), SystemExit("secret")], ids=repr
)
def test_an_error_of_another_kind_is_a_failed_plot(flights, error):
    failure = fail(flights, Work(error))

    assert type(failure) is PlotFailed
    assert "secret" in failure.detail
    assert "secret" not in failure.title


def test_work_may_wait_for_other_work(flights):
    def work():
        return flights.join("inner", Work("inner"), PATIENCE)

    assert flights.join("outer", work, PATIENCE) == (("inner", False), False)


def test_two_single_flights_share_nothing():
    work = Work("picture", held=True)
    first, second = SingleFlight(), SingleFlight()

    with Waiters(1) as waiters:
        waiting = waiters.submit(first.join, "key", work, PATIENCE)
        assert second.join("key", Work("another"), PATIENCE) == ("another", False)
        work.released.set()
        assert waiting.result(PATIENCE) == ("picture", False)


def test_many_requests_of_many_kinds_get_what_they_asked_for(flights):
    with Waiters(16) as waiters:
        asked = [(n % 7, waiters.submit(flights.join, str(n % 7), Work(n % 7), PATIENCE)) for n in range(500)]

        assert all(one.result(PATIENCE)[0] == key for key, one in asked)


# Calls without a waiter


def begin(flights, work, key="key", most=8):
    """Begin a call, and return when it is done, if it was begun at all."""
    before = set(threading.enumerate())
    flights.begin(key, work, most)
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)


def test_a_call_may_begin_without_a_waiter(flights):
    work = Work(held=True)
    flights.begin("key", work, 8)
    assert not work.ended.is_set()
    work.released.set()
    assert work.ended.wait(PATIENCE)
    assert work.done == 1


def test_one_call_begins_however_many_ask_for_it(flights):
    work = Work(held=True)
    with Waiters(8) as waiters:
        for one in [waiters.submit(flights.begin, "key", work, 8) for _ in range(50)]:
            assert one.result(PATIENCE) is None
        work.released.set()
    assert work.done == 1


def test_a_waiter_joins_a_call_that_began_without_one(flights):
    work = Work(held=True)
    flights.begin("key", work, 8)
    with Waiters(1) as waiters:
        waiting = waiters.submit(flights.join, "key", Work("another"), PATIENCE)
        waiters.all_wait(1)
        work.released.set()
        assert waiting.result(PATIENCE) == ("picture", True)


def test_no_call_begins_while_there_is_one(flights):
    work = Work(held=True)
    with Waiters(1) as waiters:
        waiting = waiters.submit(flights.join, "key", work, PATIENCE)
        waiters.all_wait(1)
        begin(flights, Work("another"))
        work.released.set()
        assert waiting.result(PATIENCE) == ("picture", False)
    assert work.done == 1


def test_a_failure_without_a_waiter_is_shared_like_any_other(flights, clock):
    work = Work(CannotDraw("no orders"))
    begin(flights, work)
    begin(flights, work)
    assert work.done == 1
    assert fail(flights, Work()).title == "no orders"
    clock.now += SHARE_FAILURES_FOR + 0.01
    begin(flights, work)
    assert work.done == 2


def test_an_error_of_another_kind_without_a_waiter_ends_nothing(flights):
    begin(flights, Work(ValueError("secret")))
    assert type(fail(flights, Work())) is PlotFailed


def test_no_more_begin_than_may_be_under_way(flights):
    held = [Work(held=True) for _ in range(2)]
    for number, work in enumerate(held):
        flights.begin(str(number), work, 2)
    late = Work()
    flights.begin("late", late, 2)
    for work in held:
        work.released.set()
        assert work.ended.wait(PATIENCE)
    assert late.done == 0
    with Waiters(1) as waiters:  # a waiter is not held back
        assert waiters.submit(flights.join, "late", late, PATIENCE).result(PATIENCE) == ("picture", False)


def test_a_call_that_is_done_is_not_under_way(flights, clock):
    for number in range(2):
        begin(flights, Work(CannotDraw("no orders")), str(number), most=2)
    work = Work()
    begin(flights, work, "another", most=2)
    assert work.done == 1


def test_failures_of_long_ago_keep_no_call_from_beginning(flights, clock):
    for number in range(2):
        begin(flights, Work(CannotDraw("no orders")), str(number), most=2)
    clock.now += SHARE_FAILURES_FOR + 1
    work = Work()
    begin(flights, work, "another", most=2)
    assert work.done == 1


def test_a_call_without_a_waiter_that_cannot_start_blocks_no_other(flights, monkeypatch):
    def no_more_threads(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more_threads)
        flights.begin("key", Work(), 8)

    assert flights.join("key", Work("picture"), PATIENCE) == ("picture", False)


# Work that other processes may be doing


class Process:
    """A process with claims that it shares with others, and a place where all leave their results."""

    def __init__(self, claims, results):
        self.claims, self.results = claims, results

    def do(self, work, key="key", seconds=PATIENCE):
        def leave():
            self.results[key] = work()
            return self.results[key]

        return do_once(self.claims, key, leave, lambda: self.results.get(key), seconds)


@pytest.fixture
def processes():
    """Make one more process."""
    claims, results = MemoryClaims(), {}
    return lambda: Process(claims, results)


def test_work_of_one_process_is_done_and_its_claim_released(processes):
    for _ in range(3):
        work = Work()
        assert processes().do(work) == "picture"
        assert work.done == 1


def test_processes_with_the_same_work_do_it_once(processes):
    work = Work(object(), held=True)
    with Waiters(5) as waiters:
        doing = [waiters.submit(processes().do, work) for _ in range(5)]
        waiters.all_wait(5)
        work.released.set()
        assert {one.result(PATIENCE) for one in doing} == {work.outcome}
    assert work.done == 1


def test_processes_with_different_work_do_not_wait_for_each_other(processes):
    held = Work(held=True)
    with Waiters(1) as waiters:
        doing = waiters.submit(processes().do, held)
        waiters.all_wait(1)
        assert processes().do(Work("another"), key="other") == "another"
        held.released.set()
        assert doing.result(PATIENCE) == "picture"


@pytest.mark.parametrize("error", [PlotFailed("no luck"), QueueFull("busy"), SystemExit("killed")], ids=repr)
def test_work_that_failed_elsewhere_is_tried_here(processes, error):
    failing, work = Work(error, held=True), Work()
    with Waiters(2) as waiters:
        first = waiters.submit(processes().do, failing)
        waiters.all_wait(1)
        second = waiters.submit(processes().do, work)
        waiters.all_wait(2)
        failing.released.set()
        assert first.exception(PATIENCE) is error
        assert second.result(PATIENCE) == "picture"
    assert work.done == 1


def test_a_killed_process_is_waited_for_until_its_claim_ends(processes):
    killed = processes()
    assert killed.claims.take("key", 0.01)
    assert processes().do(Work()) == "picture"


def test_work_is_done_in_time_whatever_other_processes_do(processes):
    stuck = processes()
    assert stuck.claims.take("key", PATIENCE)
    assert processes().do(Work(), seconds=0.01) == "picture"
