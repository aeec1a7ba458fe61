"""How many requests hold a thread while they wait, and for how long."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from plotroute.errors import PlotFailed, QueueFull
from plotroute.pipeline.waiting_room import Room, come_again, places

PATIENCE = 60


def fill(stack, room, count):
    """Let `count` requests hold a thread until the stack is closed."""
    for _ in range(count):
        stack.enter_context(room.taken())


@pytest.mark.parametrize(("threads", "held"), [(1, 1), (2, 1), (4, 3), (8, 7), (16, 14), (100, 88)])
def test_an_eighth_of_the_threads_stays_free_and_one_of_several(threads, held):
    assert places(threads) == held
    with ExitStack() as stack:
        room = Room(threads)
        fill(stack, room, held)
        with pytest.raises(QueueFull), room.taken():
            pass


def test_threads_of_plotroutes_own_take_no_place_of_a_request():
    with ExitStack() as stack:
        room = Room(4, spare=1)
        fill(stack, room, 4)
        with pytest.raises(QueueFull), room.taken():
            pass


def test_a_request_without_room_is_told_to_come_again():
    room = Room(1)
    with room.taken(), pytest.raises(QueueFull) as caught, room.taken():
        pass
    assert caught.value.again
    assert "Retry-After" in caught.value.headers


@pytest.mark.parametrize("error", [PlotFailed("no luck"), come_again("busy"), KeyboardInterrupt()], ids=repr)
def test_a_place_is_free_again_however_the_wait_ends(error):
    room = Room(1)
    for _ in range(3):
        with pytest.raises(type(error)), room.taken():
            raise error
        with room.taken():
            pass


@pytest.mark.parametrize("starting", [False, True])
def test_a_patient_request_gets_the_place_that_becomes_free(starting):
    room = Room(1, patience=PATIENCE)
    waits = threading.Event()

    def wait():
        waits.set()
        with room.taken(starting=starting):
            return "done"

    with ThreadPoolExecutor(1) as pool:
        with room.taken():
            waiting = pool.submit(wait)
            assert waits.wait(PATIENCE)
        assert waiting.result(PATIENCE) == "done"


def test_the_time_of_a_thread_is_bounded_within_the_body_alone():
    room = Room(4)
    assert room.left() is None
    with room.at_most(PATIENCE):
        assert 0 < room.left() <= PATIENCE
    assert room.left() is None
    with room.at_most(0.0):
        assert room.left() == 0
    with room.at_most(None):
        assert room.left() is None


def test_the_time_of_one_thread_is_not_that_of_another():
    room = Room(4)
    with ThreadPoolExecutor(1) as pool, room.at_most(PATIENCE, returning=True):
        assert pool.submit(room.left).result(PATIENCE) is None
        assert not pool.submit(room.returns).result(PATIENCE)
        assert room.returns()
    assert not room.returns()


def test_a_bound_is_over_when_the_body_fails():
    room = Room(4)
    with pytest.raises(PlotFailed), room.at_most(PATIENCE, request="a", returning=True):
        raise PlotFailed("no luck")
    assert room.left() is None
    assert not room.returns()
