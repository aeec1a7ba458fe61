"""A picture as the bytes of one file."""

import io
import struct

import pytest

from cache.conformance import stored
from plotroute.cache import packing
from plotroute.cache.base import MISSING
from plotroute.cache.packing import MOST_WORDS, Damaged, pack, plot_of, unpack

PICTURE = stored(b"picture", expires_at=2000.0, worth_until=2600.0)
PACKED = pack("key", PICTURE)


def test_what_is_packed_is_unpacked():
    assert unpack(PACKED, "key") == PICTURE


def test_the_plot_is_told_by_the_first_bytes():
    file = io.BytesIO(pack("key", stored(b"x" * 2**20, plot="sales")))

    assert plot_of(file) == "sales"
    assert file.tell() < 2**10


def test_a_file_that_ends_too_early_is_damaged():
    for length in range(len(PACKED)):
        with pytest.raises(Damaged):
            unpack(PACKED[:length], "key")


def test_a_file_that_goes_on_is_damaged():
    with pytest.raises(Damaged):
        unpack(PACKED + b"\0", "key")


def test_a_picture_of_another_key_is_damaged():
    with pytest.raises(Damaged, match="another key"):
        unpack(PACKED, "other")


def test_another_format_is_missing_and_not_damaged(monkeypatch):
    monkeypatch.setattr(packing, "_FORMAT", 2)
    newer = pack("key", PICTURE)
    monkeypatch.undo()

    assert unpack(newer, "key") is MISSING
    assert plot_of(io.BytesIO(newer)) is None


@pytest.mark.parametrize("alt", ["x" * MOST_WORDS, "\udc80"])
def test_what_cannot_be_told_is_not_packed(alt):
    image = packing.Image(body=b"picture", type="image/png", alt=alt)

    with pytest.raises(ValueError):
        pack("key", packing.Stored(image, 'W/"1"', 1000.0))


HEAD = struct.Struct("!4sHIIQ")


@pytest.mark.parametrize(
    "file",
    [
        b"",
        PACKED[:10],
        PACKED[: HEAD.size + 5],
        b"PNG!" + PACKED[4:],
        HEAD.pack(b"plrc", 1, 2**31, 0, 0) + b"[" * 2**16,
        HEAD.pack(b"plrc", 1, 2**16, 0, 0) + b"[" * 2**16,
        HEAD.pack(b"plrc", 1, 2, 0, 0) + b"[]",
        HEAD.pack(b"plrc", 1, 2, 0, 0) + b"{}",
        HEAD.pack(b"plrc", 1, 12, 0, 0) + b'{"plot":[1]}',
    ],
)
def test_what_is_no_picture_is_of_no_plot(file):
    assert plot_of(io.BytesIO(file)) is None
