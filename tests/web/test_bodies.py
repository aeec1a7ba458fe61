"""Bodies of requests within a size, a time, and few at once."""

import contextlib
import io
import os

import pytest

from plotroute.errors import BodyTooLarge, BodyTooSlow, QueueFull
from plotroute.settings import Settings
from plotroute.web.bodies import Bodies


class NotToBeRead(io.BytesIO):
    def read(self, *_):
        raise AssertionError("it was read")


@contextlib.contextmanager
def trickling():
    """A stream of which nothing comes until the test is over."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream:
        yield stream
        os.close(write)  # whoever reads finds the end


def bodies(**settings):
    return Bodies(Settings(**{"max_body": 1024, **settings}))


@pytest.mark.parametrize("length", [5, None], ids=["announced", "chunked"])
def test_a_body_is_read_whole(length):
    assert bodies().read(io.BytesIO(b"whole"), length) == b"whole"


def test_a_body_that_says_it_is_too_large_is_not_read():
    with pytest.raises(BodyTooLarge):
        bodies().read(NotToBeRead(), 1025)


def test_a_body_that_turns_out_too_large_is_read_to_the_limit():
    stream = io.BytesIO(b"x" * 5000)
    with pytest.raises(BodyTooLarge):
        bodies().read(stream, None)
    assert stream.tell() == 1025


def test_a_body_that_does_not_come_is_given_up():
    with trickling() as stream, pytest.raises(BodyTooSlow) as caught:
        bodies(body_timeout=0.1).read(stream, 10)
    assert caught.value.headers["Connection"] == "close"


def test_bodies_that_do_not_come_leave_room_for_other_requests():
    few = bodies(body_timeout=0.1, threads=32)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            with pytest.raises(BodyTooSlow):
                few.read(stack.enter_context(trickling()), 10)
        with pytest.raises(QueueFull):
            few.read(io.BytesIO(b"another"), 7)


def test_room_is_there_again_when_a_body_has_come():
    one = bodies(threads=16)
    assert [one.read(io.BytesIO(b"body"), 4) for _ in range(5)] == [b"body"] * 5


def test_a_connection_that_breaks_is_told():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        bodies().read(Broken(), 10)
