"""Who is drawn next and who is refused, on a clock that only the test moves."""

import pytest

from plotroute import errors
from plotroute.errors import SHARE_FAILURES_FOR
from plotroute.render.messages import Draw
from plotroute.render.server import fair_share
from plotroute.render.server.fair_share import Lane, QueuedJob
from plotroute.render.server.scheduler import OPEN_AFTER, OPEN_FOR, Scheduler
from sketches import Clock

LEAVES = [kind for kind in errors.answer_errors() if kind.__module__ == "plotroute.errors"]


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def scheduler(clock):
    return Scheduler(clock, queue_timeout=10.0)


IDLE = [Lane(), Lane()]


def make(key="key", plot="plot", *, clock=None, queue_until=1010.0, timeout=10.0, **more):
    return QueuedJob(
        key=key,
        plot=plot,
        work=Draw(job="{}"),
        code="code",
        data=frozenset(more.pop("data", ())),
        timeout=timeout,
        request_id="-",
        queued_at=clock.now if clock else 1000.0,
        queue_until=queue_until,
        **more,
    )


def some(kind):
    return kind([]) if kind is errors.InvalidParameters else kind("a title")


def begin(scheduler, clock, job, loads=False):
    """Have a process begin a job whose data is at hand, or is not yet."""
    scheduler.begin(job, loads)
    job.data_at = None if loads else clock.now
    return Lane(job)


def draw(
    scheduler, clock, key="key", plot="plot", *, took=0.0, loaded_in=None, error=None, lanes=IDLE, **more
):
    """Have one drawing asked for, begun and ended; return the error if it was refused."""
    job = make(key, plot, **more)
    refused = scheduler.join(job, "reader", lanes)
    if refused is None:
        begin(scheduler, clock, job, loaded_in is not None)
        if loaded_in is not None:
            clock.now += loaded_in
            job.data_at = clock.now
        clock.now += took
        assert scheduler.finish(job, error) == ["reader"]
    return refused


# One job per key


def test_whoever_asks_for_the_same_waits_for_the_same(scheduler):
    first, second, other = make(), make(), make("other")
    assert scheduler.join(first, "a", IDLE) is None
    assert scheduler.join(second, "b", IDLE) is None
    assert scheduler.join(other, "c", IDLE) is None
    assert list(scheduler.queue) == [first, other]
    scheduler.begin(first)
    assert scheduler.join(make(), "d", IDLE) is None  # under way already
    assert list(scheduler.queue) == [other]
    assert scheduler.finish(first, None) == ["a", "b", "d"]
    assert list(scheduler.jobs) == ["other"]


def test_a_job_that_has_ended_is_drawn_again(scheduler, clock):
    assert draw(scheduler, clock) is None
    again = make()
    assert scheduler.join(again, "b", IDLE) is None
    assert list(scheduler.queue) == [again]


def test_a_job_that_nobody_waits_for_is_joined(scheduler):
    refresh = make()
    scheduler.add(refresh)
    assert scheduler.join(make(), "reader", IDLE) is None
    scheduler.begin(refresh)
    assert scheduler.finish(refresh, None) == ["reader"]


# Failures


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)
def test_a_failure_is_answered_for_a_while_if_it_would_come_again(scheduler, clock, kind):
    error = some(kind)
    draw(scheduler, clock, error=error)
    clock.now += SHARE_FAILURES_FOR
    assert draw(scheduler, clock) is (error if kind.shared else None)
    assert scheduler.jobs == {}
    clock.now += 0.01
    assert draw(scheduler, clock) is None


def test_a_failure_is_of_one_picture(scheduler, clock):
    draw(scheduler, clock, error=some(errors.PlotFailed))
    assert draw(scheduler, clock, "another") is None


def test_an_answer_from_memory_does_not_make_a_failure_younger(scheduler, clock):
    draw(scheduler, clock, error=some(errors.PlotFailed))
    for _ in range(3):
        clock.now += SHARE_FAILURES_FOR / 3
        assert draw(scheduler, clock) is not None
    clock.now += 0.01
    assert draw(scheduler, clock) is None


def test_only_so_many_failures_are_remembered(scheduler, clock, monkeypatch):
    monkeypatch.setattr(fair_share, "MOST_REMEMBERED", 10)
    for n in range(100):
        draw(scheduler, clock, f"key {n}", error=some(errors.RenderTimeout))
    assert draw(scheduler, clock, "key 99") is not None
    assert draw(scheduler, clock, "key 0") is None
    assert len(scheduler._failures) == len(scheduler._timeouts) == 10


# The circuit of a picture


def time_out(scheduler, clock, times):
    for _ in range(times):
        clock.now += SHARE_FAILURES_FOR + 1
        assert draw(scheduler, clock, error=some(errors.RenderTimeout)) is None
    clock.now += SHARE_FAILURES_FOR + 1


def test_a_circuit_opens_after_three_time_outs_and_closes_again(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    clock.now -= SHARE_FAILURES_FOR + 1
    time_out(scheduler, clock, 1)
    refused = draw(scheduler, clock)
    assert isinstance(refused, errors.CircuitOpen)
    assert 0 < int(refused.headers["Retry-After"]) <= OPEN_FOR
    assert scheduler.jobs == {}
    assert draw(scheduler, clock, "another picture") is None
    clock.now += int(refused.headers["Retry-After"])
    assert draw(scheduler, clock) is None


def test_two_time_outs_are_bad_luck(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert draw(scheduler, clock) is None


def test_a_success_in_between_begins_the_count_anew(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert draw(scheduler, clock) is None
    time_out(scheduler, clock, OPEN_AFTER - 1)
    assert draw(scheduler, clock) is None


def test_after_the_pause_one_more_time_out_opens_it_at_once(scheduler, clock):
    time_out(scheduler, clock, OPEN_AFTER)
    clock.now += OPEN_FOR
    time_out(scheduler, clock, 1)
    assert isinstance(draw(scheduler, clock), errors.CircuitOpen)


def test_other_failures_open_no_circuit(scheduler, clock):
    for _ in range(OPEN_AFTER * 2):
        clock.now += SHARE_FAILURES_FOR + 1
        assert draw(scheduler, clock, error=some(errors.PlotCrashed)) is None


# Admission


def ask(scheduler, count, lanes=IDLE, plot="plot", **more):
    """Have `count` different pictures asked for; return those that are queued, and the refusals."""
    answers = [scheduler.join(make(f"{plot} {n}", plot, **more), (plot, n), lanes) for n in range(count)]
    refused = [answer for answer in answers if answer is not None]
    return [job for job in scheduler.queue if job.plot == plot], refused


def wait(scheduler, lanes, plot="plot", **more):
    return scheduler.expected_wait(make("one more", plot, **more), lanes)


def test_a_page_of_forty_cold_pictures_is_admitted(scheduler):
    queued, refused = ask(scheduler, 40)
    assert (len(queued), refused) == (40, [])


def test_more_than_can_be_drawn_in_time_is_refused(scheduler, clock):
    draw(scheduler, clock, took=1.0)
    queued, refused = ask(scheduler, 400)
    assert 20 <= len(queued) <= 22
    assert {type(error) for error in refused} == {errors.QueueFull}
    assert all(int(error.headers["Retry-After"]) >= 1 for error in refused)
    assert set(scheduler.jobs) == {job.key for job in queued}


def test_more_processes_admit_more(scheduler, clock):
    draw(scheduler, clock, took=1.0)
    queued, _ = ask(scheduler, 400, [Lane()] * 8)
    assert 80 <= len(queued) <= 88


def test_no_process_at_all_is_no_reason_to_fail(scheduler):
    queued, _ = ask(scheduler, 5, [])
    assert len(queued) == 5


# Pictures whose data is being loaded wait for that, not for a process


def load(scheduler, clock, id, took):
    """Have data loaded, so that it is known how long that takes."""
    job = make(id, f"of {id}", data=[id])
    scheduler.join(job, "a", [Lane()])
    begin(scheduler, clock, job, loads=True)
    clock.now += took
    job.data_at = clock.now
    scheduler.finish(job, None)


def crowd(scheduler, clock, id, took=12.0, plots=40):
    """Have a process load data again, and pictures of many plots wait for it; return that process."""
    load(scheduler, clock, id, took)
    first = make("first", "first", clock=clock, data=[f"{id}?n=1"])
    scheduler.join(first, "a", IDLE)
    lane = begin(scheduler, clock, first, loads=True)
    for n in range(plots):
        scheduler.add(make(f"waits {n}", f"waits {n}", clock=clock, data=[f"{id}?n=1"]))
    return lane


def test_what_waits_for_data_does_not_wait_for_the_idle_process(scheduler, clock):
    loading = crowd(scheduler, clock, "orders")
    assert wait(scheduler, [loading, Lane()]) == 0
    assert wait(scheduler, [Lane(), loading]) == 0
    assert wait(scheduler, [loading]) > 12
    assert wait(scheduler, [loading, Lane()], data=["orders?n=1"]) > 12


def test_what_waits_for_data_is_not_before_others_where_all_are_busy(scheduler, clock):
    loading = crowd(scheduler, clock, "orders")
    other = make("other", "other", clock=clock)
    scheduler.join(other, "a", [loading, Lane()])
    assert wait(scheduler, [loading, begin(scheduler, clock, other)]) == pytest.approx(0.3)


def test_what_waits_for_the_process_that_has_the_data_does_not_wait_for_another(scheduler, clock):
    """Loading it there as well is what a picture does only after it has waited for a while."""
    loading = crowd(scheduler, clock, "orders")
    clock.now += 12
    loading.job.data_at = clock.now
    for job in scheduler.queue:
        job.queued_at = clock.now
    assert wait(scheduler, [loading, Lane()]) == 0
    assert wait(scheduler, [loading, Lane()], data=["orders?n=1"], clock=clock) > 0
    clock.now += 5
    assert wait(scheduler, [loading, Lane()]) > 0


def test_a_picture_that_an_idle_process_draws_at_once_is_admitted_whatever_waits(scheduler, clock):
    draw(scheduler, clock, took=9.0)
    ask(scheduler, 400)
    assert isinstance(scheduler.join(make("late"), "late", IDLE), errors.QueueFull)
    assert scheduler.join(make("late"), "late", IDLE, at_once=True) is None


def test_a_refused_picture_is_admitted_when_others_are_done(scheduler, clock):
    draw(scheduler, clock, took=1.0)
    queued, refused = ask(scheduler, 400)
    assert refused
    for job in queued:
        begin(scheduler, clock, job)
        scheduler.finish(job, None)
    assert scheduler.join(make("late"), "late", IDLE) is None


def test_who_joins_a_job_is_never_refused(scheduler, clock):
    draw(scheduler, clock, took=1.0)
    queued, _ = ask(scheduler, 400)
    assert scheduler.join(make(queued[-1].key), "late", IDLE) is None


def test_what_is_being_drawn_counts_too(scheduler, clock):
    draw(scheduler, clock, "slow", "slow", took=8.0)
    assert wait(scheduler, [Lane()]) == 0
    job = make("slow", "slow")
    scheduler.join(job, "a", [Lane()])
    lanes = [begin(scheduler, clock, job)]
    assert wait(scheduler, lanes) == pytest.approx(8.0)
    clock.now += 6.0
    assert wait(scheduler, lanes) == pytest.approx(2.0)
    clock.now += 3.0  # it takes longer than it did
    assert wait(scheduler, lanes) == pytest.approx(1.0)
    clock.now += 1000.0  # its limit ends it
    assert wait(scheduler, lanes) == 0


@pytest.mark.parametrize("processes", [2, 16])
@pytest.mark.parametrize("seconds", [30.0, 3000.0])
def test_while_a_process_is_idle_it_is_not_waited_for(scheduler, clock, processes, seconds):
    """However long the others are at what they draw."""
    draw(scheduler, clock, "report", "report", took=seconds, timeout=4000.0)
    report = make("report", "report", timeout=4000.0)
    scheduler.join(report, "a", [Lane()] * processes)
    lanes = [begin(scheduler, clock, report)] + [Lane()] * (processes - 1)
    assert wait(scheduler, lanes) == 0
    assert scheduler.join(make("fast", "fast"), "b", lanes) is None


def test_the_one_that_is_free_first_is_waited_for(scheduler, clock):
    lanes = []
    for seconds in (8.0, 2.0, 5.0):
        draw(scheduler, clock, f"{seconds}", f"{seconds}", took=seconds)
    for seconds in (8.0, 2.0, 5.0):
        job = make(f"{seconds}", f"{seconds}")
        scheduler.join(job, "a", [Lane()] * 3)
        lanes.append(begin(scheduler, clock, job))
    assert wait(scheduler, lanes) == pytest.approx(2.0)


def test_a_slow_format_is_no_slow_plot(scheduler, clock):
    draw(scheduler, clock, took=0.1, format="png")
    draw(scheduler, clock, took=9.0, format="pdf")
    ask(scheduler, 20, [Lane()], format="png")
    assert wait(scheduler, [Lane()], format="png") == pytest.approx(2.0)
    ask(scheduler, 1, [Lane()], "another", format="png")
    assert wait(scheduler, [Lane()], format="svg") == pytest.approx(2.0 + 0.3)


def test_in_a_new_format_a_plot_is_taken_to_be_as_quick_as_in_the_quickest(scheduler, clock):
    draw(scheduler, clock, took=3.0, format="png")
    draw(scheduler, clock, took=9.0, format="pdf")
    ask(scheduler, 1, [Lane()], format="svg")
    assert wait(scheduler, [Lane()], "another") == 0
    assert wait(scheduler, [Lane()], format="svg") == pytest.approx(3.0)


def test_what_a_process_costs_at_first_is_not_the_plots(scheduler, clock):
    for _ in IDLE:
        draw(scheduler, clock, took=8.0, warms_up=True)
    queued, refused = ask(scheduler, 40)
    assert (len(queued), refused) == (40, [])
    draw(scheduler, clock, "report", "report", took=30.0, timeout=60.0, warms_up=True)
    lanes = [begin(scheduler, clock, make("more", "report", timeout=60.0)), Lane()]
    assert not scheduler.may_begin(make("and more", "report"), lanes)


def test_the_first_drawing_of_a_further_process_takes_as_long_as_that_of_the_first(scheduler, clock):
    draw(scheduler, clock, took=8.0, warms_up=True)
    draw(scheduler, clock, took=0.1)
    warming_up = begin(scheduler, clock, make("in another process", warms_up=True))
    assert wait(scheduler, [warming_up]) == pytest.approx(8.0)
    assert wait(scheduler, [begin(scheduler, clock, make("in the first"))]) == pytest.approx(0.1)
    assert not ask(scheduler, 40, [warming_up, Lane()])[1]


def test_a_report_that_was_drawn_once_leaves_a_process_to_others(scheduler, clock):
    draw(scheduler, clock, "report", "report", took=30.0, timeout=60.0, warms_up=True)
    lanes = [begin(scheduler, clock, make("more", "report", timeout=60.0, warms_up=True)), Lane()]
    assert not scheduler.may_begin(make("and more", "report"), lanes)
    assert wait(scheduler, lanes, "fast") == 0
    # Once a process has drawn it twice, it is known which of it was imports.
    draw(scheduler, clock, "again", "report", took=0.2, timeout=60.0)
    assert scheduler.may_begin(make("and more", "report"), [lanes[0], Lane()])


def test_loading_is_not_drawing(scheduler, clock):
    draw(scheduler, clock, took=0.1, loaded_in=8.0, data={"orders"})
    queued, refused = ask(scheduler, 40, [Lane(loaded={"orders"})] * 2, data={"orders"})
    assert (len(queued), refused) == (40, [])
    assert wait(scheduler, [Lane(loaded={"orders"})], data={"orders"}) == pytest.approx(4.0)


def test_data_is_loaded_once_per_process_and_not_once_per_picture(scheduler, clock):
    draw(scheduler, clock, took=0.1, loaded_in=5.0, data={"orders?region=1"})
    queued, _ = ask(scheduler, 40, [Lane()], data={"orders?region=2"})
    assert len(queued) == 40
    assert wait(scheduler, [Lane()], data={"orders?region=2"}) == pytest.approx(5.0 + 40 * 0.1)


def test_versions_that_are_polled_keep_no_picture_waiting(scheduler, clock):
    draw(scheduler, clock, "poll", "poll:orders", took=9.0, role="watcher")
    for n in range(5):
        scheduler.add(make(f"poll {n}", f"poll:orders {n}", role="watcher"))
    assert wait(scheduler, [Lane()]) == 0


def test_pictures_of_another_version_of_the_code_wait_for_its_own_processes(scheduler, clock):
    draw(scheduler, clock, took=4.0)
    for n in range(2):
        job = make(f"old {n}")
        job.code = "older"
        scheduler.add(job)
    assert wait(scheduler, [Lane()]) == 0


# What takes long


def report(scheduler, clock, key, lanes):
    job = make(key, "report", timeout=60.0)
    assert scheduler.join(job, "a", lanes) is None
    return job


def test_what_takes_longer_than_others_may_wait_never_has_the_last_process(scheduler, clock):
    draw(scheduler, clock, "report", "report", took=30.0, timeout=60.0)
    first, fast = report(scheduler, clock, "first", IDLE), make("fast", "fast")
    lanes = [begin(scheduler, clock, first), Lane()]
    second = make("second", "report", timeout=60.0)
    assert not scheduler.may_begin(second, lanes)
    assert isinstance(scheduler.join(second, "b", lanes), errors.QueueFull)
    assert scheduler.may_begin(fast, lanes)
    clock.now += 25.0  # soon it is the second one's turn
    assert scheduler.join(second, "b", lanes) is None
    scheduler.finish(first, None)
    assert scheduler.may_begin(second, IDLE)


def test_what_turned_out_to_take_long_counts_as_such(scheduler, clock):
    draw(scheduler, clock, "report", "report", took=30.0, timeout=60.0)
    unknown = make("unknown", "unknown", timeout=60.0)
    scheduler.join(unknown, "a", IDLE)
    lanes = [begin(scheduler, clock, unknown), Lane()]
    assert scheduler.may_begin(make("report", "report", timeout=60.0), lanes)
    clock.now += 11.0
    assert not scheduler.may_begin(make("report", "report", timeout=60.0), lanes)


def test_the_only_process_is_given_to_what_takes_long(scheduler, clock):
    draw(scheduler, clock, "report", "report", took=30.0, timeout=60.0)
    assert scheduler.may_begin(make("again", "report", timeout=60.0), [Lane()])


# A fair share for each plot


def drawn_in_order(scheduler, clock, seconds):
    """Draw all that waits, one after the other; return the names of the plots."""
    names = []
    while len(scheduler.queue):
        job = next(iter(scheduler.queue))
        begin(scheduler, clock, job)
        clock.now += seconds[job.plot]
        scheduler.finish(job, None)
        names.append(job.plot)
    return names


def test_plots_take_turns(scheduler, clock):
    for plot in "abc":
        ask(scheduler, 3, plot=plot)
    assert drawn_in_order(scheduler, clock, dict.fromkeys("abc", 0.3)) == list("abcabcabc")


def test_turns_are_of_time_and_not_of_pictures(scheduler, clock):
    seconds = {"slow": 4.0, "fast": 0.1}
    for plot, took in seconds.items():
        draw(scheduler, clock, plot, plot, took=took)
    ask(scheduler, 4, [Lane()] * 8, "slow")
    ask(scheduler, 30, [Lane()] * 8, "fast")
    order = drawn_in_order(scheduler, clock, seconds)
    assert order.index("fast") <= 1
    assert order[1:31].count("slow") <= 1


def test_many_requests_of_a_slow_plot_keep_no_other_out(scheduler, clock):
    draw(scheduler, clock, "slow", "slow", took=4.0)
    first, _ = ask(scheduler, 2, plot="slow")
    lanes = [begin(scheduler, clock, job) for job in first]
    for n in range(48):
        scheduler.join(make(f"slow too {n}", "slow"), n, lanes)
    assert isinstance(scheduler.join(make("slow at last", "slow"), "slow", lanes), errors.QueueFull)
    for plot in ("one", "another", "a third"):
        assert wait(scheduler, lanes, plot) < 5.0
        assert scheduler.join(make(plot, plot), plot, lanes) is None
    assert [job.plot for job in scheduler.queue][:3] == ["one", "another", "a third"]


def test_a_plot_that_asked_for_nothing_has_saved_nothing_up(scheduler, clock):
    ask(scheduler, 10, plot="busy")
    drawn_in_order(scheduler, clock, {"busy": 1.0})
    ask(scheduler, 3, plot="busy")
    ask(scheduler, 8, plot="rested")
    order = drawn_in_order(scheduler, clock, {"busy": 0.3, "rested": 0.3})
    assert "busy" in order[:6]


def test_a_job_that_was_given_back_costs_its_plot_nothing(scheduler, clock):
    ask(scheduler, 2, plot="a")
    ask(scheduler, 2, plot="b")
    job = next(iter(scheduler.queue))
    begin(scheduler, clock, job)
    clock.now += 5.0
    scheduler.put_back(job)
    assert [job.plot for job in scheduler.queue] == list("abab")


# Readers that leave


def test_a_queued_job_that_nobody_waits_for_is_dropped(scheduler):
    job = make()
    scheduler.join(job, "a", IDLE)
    scheduler.join(make(), "b", IDLE)
    scheduler.leave("a")
    assert list(scheduler.queue) == [job]
    scheduler.leave("b")
    assert (list(scheduler.queue), scheduler.jobs) == ([], {})
    scheduler.leave("a stranger")


def test_a_job_under_way_ends_as_it_began(scheduler):
    job = make()
    scheduler.join(job, "a", IDLE)
    scheduler.begin(job)
    scheduler.leave("a")
    assert scheduler.join(make(), "b", IDLE) is None
    assert scheduler.finish(job, None) == ["b"]


def test_a_refresh_is_not_for_anyone_and_stays(scheduler):
    refresh = make("refresh")
    scheduler.add(refresh)
    scheduler.join(make(), "a", IDLE)
    scheduler.leave("a")
    assert list(scheduler.queue) == [refresh]


def test_only_those_who_leave_are_forgotten(scheduler):
    jobs = [make(f"{n}") for n in range(3)]
    for job in jobs:
        scheduler.join(job, job.key, IDLE)
    scheduler.leave("1")
    assert list(scheduler.queue) == [jobs[0], jobs[2]]


# The queue


def test_overdue_is_what_nobody_has_begun_in_time(scheduler, clock):
    early, late, begun = make("early", queue_until=1010), make("late", queue_until=1020), make("begun")
    for job in (early, late, begun):
        scheduler.join(job, "reader", IDLE)
    scheduler.begin(begun)
    clock.now = 1010.0
    assert scheduler.overdue() == []
    clock.now = 1015.0
    assert scheduler.overdue() == [early]
    clock.now = 1025.0
    assert scheduler.overdue() == [early, late]
    assert scheduler.finish(early, some(errors.QueueFull)) == ["reader"]
    assert list(scheduler.queue) == [late]


def test_a_job_that_had_not_begun_is_next(scheduler, clock):
    first, second = make("first"), make("second")
    for job in (first, second):
        scheduler.join(job, "reader", IDLE)
    begin(scheduler, clock, first)
    scheduler.put_back(first)
    assert list(scheduler.queue) == [first, second]
    assert first.started_at is first.data_at is None
    assert scheduler.join(make("first"), "another", IDLE) is None
    scheduler.begin(first)
    assert scheduler.finish(first, None) == ["reader", "another"]


def test_time_in_the_queue_is_not_taken_for_drawing(scheduler, clock):
    job = make()
    scheduler.join(job, "reader", IDLE)
    clock.now += 100.0
    begin(scheduler, clock, job)
    clock.now += 1.0
    scheduler.finish(job, None)
    scheduler.join(make(), "reader", [Lane()])
    assert wait(scheduler, [Lane()]) == pytest.approx(1.0)
