"""Bodies of requests within a size, a time, and few at once."""

import contextlib
import io
import socket
import threading
import time

import pytest

from plotroute.errors import BodyTooLarge, BodyTooSlow, QueueFull
from plotroute.settings import Settings
from plotroute.web.transport.request_body import Bodies


class NotToBeRead(io.BytesIO):
    def read(self, *_):
        raise AssertionError("it was read")


@contextlib.contextmanager
def connection(*sent):
    """A stream of what is sent on a TCP connection, and then nothing until the test is over."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
        listener.accept()[0] as accepted,
        accepted.makefile("rb") as stream,
    ):
        for data in sent:
            sender.sendall(data)
        yield stream, sender


def bodies(**settings):
    return Bodies(Settings(**{"max_body": 1024, **settings}))


@pytest.mark.parametrize("length", [5, None], ids=["announced", "chunked"])
def test_a_body_is_read_whole(length):
    assert bodies().read(io.BytesIO(b"whole"), length) == b"whole"


def test_a_body_that_says_it_is_far_too_large_is_not_read():
    with pytest.raises(BodyTooLarge) as caught:
        bodies().read(NotToBeRead(), 2**30)
    assert caught.value.headers["Connection"] == "close"


@pytest.mark.parametrize("length", [5000, None], ids=["announced", "chunked"])
def test_a_body_that_is_too_large_is_read_to_its_end_and_forgotten(length):
    stream = io.BytesIO(b"x" * 5000)
    with pytest.raises(BodyTooLarge) as caught:
        bodies().read(stream, length)
    assert stream.tell() == 5000
    assert not caught.value.headers


@pytest.mark.parametrize("greeted", [True, False])
def test_a_body_that_is_announced_too_large_and_does_not_come_is_too_large(greeted):
    with connection(b"head") as (stream, _), pytest.raises(BodyTooLarge) as caught:
        bodies(body_timeout=0.1).read(stream, 5000, greeted=greeted)
    assert caught.value.headers["Connection"] == "close"


def test_a_body_without_end_is_not_read_for_ever():
    class Endless(io.BytesIO):
        def read(self, size=-1):
            return b"x" * size

    with pytest.raises(BodyTooLarge) as caught:
        bodies().read(Endless(), None)
    assert caught.value.headers["Connection"] == "close"


@pytest.mark.parametrize("sent", [[b"GET"], [b"{", b"1"]], ids=["no body", "a part of one"])
def test_a_body_that_does_not_come_is_given_up(sent):
    with connection(*sent) as (stream, _), pytest.raises(BodyTooSlow) as caught:
        bodies(body_timeout=0.1).read(stream, 10)
    assert caught.value.headers["Connection"] == "close"


def test_a_body_that_trickles_is_given_up():
    over = threading.Event()

    def trickle(sender):
        with contextlib.suppress(OSError):
            while not over.wait(0.05):
                sender.sendall(b" ")

    with connection(b"{") as (stream, sender):
        sending = threading.Thread(target=trickle, args=(sender,))
        sending.start()
        try:
            with pytest.raises(BodyTooSlow):
                bodies(body_timeout=0.3).read(stream, 1000)
        finally:
            over.set()
            sending.join()


def test_a_connection_that_waits_for_a_picture_is_not_taken_for_that_of_a_late_body():
    given_up = threading.Event()

    def read(stream):
        with pytest.raises(BodyTooSlow):
            bodies(body_timeout=0.1).read(stream, 10)
        given_up.set()

    with connection(b"GET /slow") as (request, reader), connection(b"{") as (stream, _):
        reading = threading.Thread(target=read, args=(stream,))
        reading.start()
        assert not given_up.wait(1.5)  # three looks, and two connections that may be the body's
        reader.sendall(b" HTTP/1.1")
        assert request.read(18) == b"GET /slow HTTP/1.1"
        request.raw._sock.sendall(b"HTTP/1.1 200 OK")
        reading.join()
        reader.sendall(b"GET /next")
        assert request.read(9) == b"GET /next"


def test_as_many_bodies_are_read_at_once_as_leave_room_for_other_requests():
    few = bodies(body_timeout=60, threads=32)
    with contextlib.ExitStack() as stack:
        readers = []
        for _ in range(2):
            stream, sender = stack.enter_context(connection())
            reader = threading.Thread(target=few.read, args=(stream, 10), daemon=True)
            reader.start()
            readers.append((reader, sender))
        while True:  # until both have begun
            try:
                few.read(io.BytesIO(b"another"), 7)
            except QueueFull:
                break
            time.sleep(0.01)
        for reader, sender in readers:
            sender.shutdown(socket.SHUT_WR)
            reader.join()
        assert few.read(io.BytesIO(b"another"), 7) == b"another"


def test_room_is_there_again_when_a_body_has_come():
    one = bodies(threads=16)
    assert [one.read(io.BytesIO(b"body"), 4) for _ in range(5)] == [b"body"] * 5


def test_a_connection_that_breaks_is_told():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        bodies().read(Broken(), 10)
