"""Who is drawn next and who is refused, on a clock that only the test moves."""

import pytest

from plotroute import errors
from plotroute.errors import SHARE_FAILURES_FOR
from plotroute.render import scheduler as module
from plotroute.render.scheduler import OPEN_AFTER, OPEN_FOR, Flight, Scheduler

LEAVES = [kind for kind in errors.answer_errors() if kind.__module__ == "plotroute.errors"]


class Clock:
    """A clock that only a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scheduler(clock):
    return Scheduler(clock, queue_timeout=10.0)


def make(key="key", plot="plot", *, clock=None, queue_until=1010.0, timeout=10.0):
    return Flight(
        key=key,
        plot=plot,
        message={"op": "render"},
        code="code",
        data=frozenset(),
        timeout=timeout,
        request_id="-",
        queued_at=clock.now if clock else 1000.0,
        queue_until=queue_until,
    )


def some(kind):
    return kind([]) if kind is errors.InvalidParameters else kind("a title")


def fly(scheduler, clock, key="key", plot="plot", *, took=0.0, error=None, processes=2):
    """Have one drawing asked for, begun and ended; return the error if it was refused."""
    flight = make(key, plot)
    refused = scheduler.join(flight, "reader", processes)
    if refused is None:
        scheduler.take(flight)
        clock.now += took
        assert scheduler.land(flight, error) == ["reader"]
    return refused


# One flight per key


def test_whoever_asks_for_the_same_waits_for_the_same(scheduler):
    first, second, other = make(), make(), make("other")
    assert scheduler.join(first, "a", 2) is None
    assert scheduler.join(second, "b", 2) is None
    assert scheduler.join(other, "c", 2) is None
    assert list(scheduler.queue) == [first, other]
    scheduler.take(first)
    assert scheduler.join(make(), "d", 2) is None  # under way already
    assert list(scheduler.queue) == [other]
    assert scheduler.land(first, None) == ["a", "b", "d"]
    assert list(scheduler.flights) == ["other"]


def test_what_has_landed_is_flown_again(scheduler, clock):
    assert fly(scheduler, clock) is None
    again = make()
    assert scheduler.join(again, "b", 2) is None
    assert list(scheduler.queue) == [again]


def test_a_flight_that_nobody_waits_for_is_joined(scheduler):
    refresh = make()
    scheduler.add(refresh)
    assert scheduler.join(make(), "reader", 2) is None
    scheduler.take(refresh)
    assert scheduler.land(refresh, None) == ["reader"]


# Failures


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)
def test_a_failure_is_answered_for_a_while_if_it_would_come_again(scheduler, clock, kind):
    error = some(kind)
    fly(scheduler, clock, error=error)
    clock.now += SHARE_FAILURES_FOR
    assert fly(scheduler, clock) is (error if kind.shared else None)
    assert scheduler.flights == {}
    clock.now += 0.01
    assert fly(scheduler, clock) is None


def test_a_failure_is_of_one_picture(scheduler, clock):
    fly(scheduler, clock, error=some(errors.PlotFailed))
    assert fly(scheduler, clock, "another") is None


def test_an_answer_from_memory_does_not_make_a_failure_younger(scheduler, clock):
    fly(scheduler, clock, error=some(errors.PlotFailed))
    for _ in range(3):
        clock.now += SHARE_FAILURES_FOR / 3
        assert fly(scheduler, clock) is not None
    clock.now += 0.01
    assert fly(scheduler, clock) is None


def test_only_so_many_failures_are_remembered(scheduler, clock, monkeypatch):
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 10)
    for n in range(100):
        fly(scheduler, clock, f"key {n}", error=some(errors.RenderTimeout))
    assert fly(scheduler, clock, "key 99") is not None
    assert fly(scheduler, clock, "key 0") is None
    assert len(scheduler._failures) == len(scheduler._timeouts) == 10


# The circuit of a picture


def time_out(scheduler, clock, times):
    for _ in range(times):
        clock.now += SHARE_FAILURES_FOR + 1
        assert fly(scheduler, clock, error=some(errors.RenderTimeout)) is None
    clock.now += SHARE_FAILURES_FOR + 1


def test_a_circuit_opens_after_three_time_outs_and_closes_again(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    clock.now -= SHARE_FAILURES_FOR + 1
    time_out(scheduler, clock, 1)
    refused = fly(scheduler, clock)
    assert isinstance(refused, errors.CircuitOpen)
    assert 0 < int(refused.headers["Retry-After"]) <= OPEN_FOR
    assert scheduler.flights == {}
    assert fly(scheduler, clock, "another picture") is None
    clock.now += int(refused.headers["Retry-After"])
    assert fly(scheduler, clock) is None


def test_two_time_outs_are_bad_luck(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert fly(scheduler, clock) is None


def test_a_success_in_between_begins_the_count_anew(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert fly(scheduler, clock) is None
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert fly(scheduler, clock) is None


def test_after_the_pause_one_more_time_out_opens_it_at_once(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER)
    clock.now += OPEN_FOR
    time_out(scheduler, clock, 1)
    assert isinstance(fly(scheduler, clock), errors.CircuitOpen)


def test_other_failures_open_no_circuit(scheduler, clock):
    for _ in range(OPEN_AFTER * 2):
        clock.now += SHARE_FAILURES_FOR + 1
        assert fly(scheduler, clock, error=some(errors.PlotCrashed)) is None


# Admission


def ask(scheduler, count, processes=2, plot="plot", timeout=10.0):
    """Have `count` different pictures asked for; return those that are queued, and the refusals."""
    answers = [scheduler.join(make(f"{plot} {n}", plot, timeout=timeout), n, processes) for n in range(count)]
    refused = [answer for answer in answers if answer is not None]
    return list(scheduler.queue), refused


def test_a_page_of_forty_cold_pictures_is_admitted(scheduler):
    queued, refused = ask(scheduler, 40)
    assert (len(queued), refused) == (40, [])


def test_more_than_can_be_drawn_in_time_is_refused(scheduler, clock):
    fly(scheduler, clock, took=1.0)
    queued, refused = ask(scheduler, 400)
    assert 20 <= len(queued) <= 22
    assert {type(error) for error in refused} == {errors.QueueFull}
    assert all(int(error.headers["Retry-After"]) >= 1 for error in refused)
    assert set(scheduler.flights) == {flight.key for flight in queued}


def test_more_processes_admit_more(scheduler, clock):
    fly(scheduler, clock, took=1.0)
    queued, _ = ask(scheduler, 400, processes=8)
    assert 80 <= len(queued) <= 88


def test_no_process_at_all_is_no_reason_to_fail(scheduler):
    queued, _ = ask(scheduler, 5, processes=0)
    assert len(queued) == 5


def test_a_refused_picture_is_admitted_when_others_are_done(scheduler, clock):
    fly(scheduler, clock, took=1.0)
    queued, refused = ask(scheduler, 400)
    assert refused
    for flight in queued:
        scheduler.take(flight)
        scheduler.land(flight, None)
    assert scheduler.join(make("late"), "late", 2) is None


def test_who_joins_a_flight_is_never_refused(scheduler, clock):
    fly(scheduler, clock, took=1.0)
    queued, _ = ask(scheduler, 400)
    assert scheduler.join(make(queued[-1].key), "late", 2) is None


def test_what_is_being_drawn_counts_too(scheduler, clock):
    fly(scheduler, clock, "slow", "slow", took=8.0)
    assert scheduler.expected_wait(1) == 0
    flight = make("slow", "slow")
    scheduler.join(flight, "a", 1)
    assert scheduler.expected_wait(1) == pytest.approx(8.0)
    scheduler.take(flight)
    assert scheduler.expected_wait(1) == pytest.approx(8.0)
    clock.now += 6.0
    assert scheduler.expected_wait(1) == pytest.approx(3.0)
    clock.now += 1000.0  # however long it has hung, not longer than it may
    assert scheduler.expected_wait(1) == pytest.approx(5.0)
    scheduler.land(flight, None)
    assert scheduler.expected_wait(1) == 0


# Readers that leave


def test_a_queued_flight_that_nobody_waits_for_is_dropped(scheduler):
    flight = make()
    scheduler.join(flight, "a", 2)
    scheduler.join(make(), "b", 2)
    scheduler.leave("a")
    assert list(scheduler.queue) == [flight]
    scheduler.leave("b")
    assert (list(scheduler.queue), scheduler.flights) == ([], {})
    scheduler.leave("a stranger")


def test_a_flight_under_way_ends_as_it_began(scheduler):
    flight = make()
    scheduler.join(flight, "a", 2)
    scheduler.take(flight)
    scheduler.leave("a")
    assert scheduler.join(make(), "b", 2) is None
    assert scheduler.land(flight, None) == ["b"]


def test_a_refresh_is_not_for_anyone_and_stays(scheduler):
    refresh = make("refresh")
    scheduler.add(refresh)
    scheduler.join(make(), "a", 2)
    scheduler.leave("a")
    assert list(scheduler.queue) == [refresh]


def test_only_those_who_leave_are_forgotten(scheduler):
    flights = [make(f"{n}") for n in range(3)]
    for flight in flights:
        scheduler.join(flight, flight.key, 2)
    scheduler.leave("1")
    assert list(scheduler.queue) == [flights[0], flights[2]]


# The queue


def test_overdue_is_what_nobody_has_begun_in_time(scheduler, clock):
    early, late, begun = make("early", queue_until=1010), make("late", queue_until=1020), make("begun")
    for flight in (early, late, begun):
        scheduler.join(flight, "reader", 2)
    scheduler.take(begun)
    clock.now = 1010.0
    assert scheduler.overdue() == []
    clock.now = 1015.0
    assert scheduler.overdue() == [early]
    clock.now = 1025.0
    assert scheduler.overdue() == [early, late]
    assert scheduler.land(early, some(errors.QueueFull)) == ["reader"]
    assert list(scheduler.queue) == [late]


def test_a_flight_that_had_not_begun_is_next(scheduler, clock):
    first, second = make("first"), make("second")
    for flight in (first, second):
        scheduler.join(flight, "reader", 2)
    scheduler.take(first)
    first.data_at = clock.now
    scheduler.put_back(first)
    assert list(scheduler.queue) == [first, second]
    assert first.started_at is first.data_at is None
    assert scheduler.join(make("first"), "another", 2) is None
    scheduler.take(first)
    assert scheduler.land(first, None) == ["reader", "another"]


def test_time_in_the_queue_is_not_taken_for_drawing(scheduler, clock):
    flight = make()
    scheduler.join(flight, "reader", 2)
    clock.now += 100.0
    scheduler.take(flight)
    clock.now += 1.0
    scheduler.land(flight, None)
    scheduler.join(make(), "reader", 1)
    assert scheduler.expected_wait(1) == pytest.approx(1.0)
