"""A cache miss, a stored picture, and a purge."""

import pytest

from cache.conformance import stored
from plotroute.cache.base import MISSING, Storage
from plotroute.cache.memory import MemoryCache, MemoryClaims, MemoryEpochs, in_memory


def test_missing_is_false_and_says_what_it_is():
    assert not MISSING
    assert MISSING is not None
    assert repr(MISSING) == "MISSING"


@pytest.mark.parametrize(
    ("expires_at", "now", "fresh"),
    [
        (None, 1e12, True),
        (2000.0, 1999.9, True),
        (2000.0, 2000.0, False),
        (2000.0, 2001.0, False),
        (2000.0, 950.0, True),  # drawn at 1000 by the clock of another machine
        (2000.0, 900.0, False),  # the clock was set back: how old the picture is cannot be told
        (None, 900.0, True),
    ],
)
def test_a_picture_is_fresh_until_it_expires(expires_at, now, fresh):
    assert stored(expires_at=expires_at).fresh(now) is fresh


def test_a_purge_begins_an_epoch_and_forgets_the_pictures():
    storage = in_memory(2**20)
    storage.cache.put("key", stored(plot="sales"))
    storage.cache.put("other", stored(plot="costs"))

    assert storage.purge("sales") == 1
    assert storage.epochs.of("sales")
    assert not storage.epochs.of("costs")
    assert [bool(storage.cache.get(key)) for key in ("key", "other")] == [False, True]
    assert storage.purge("sales") == 0


class FullDisk(MemoryEpochs):
    """Epochs that can be written when a picture has gone."""

    def __init__(self, cache):
        super().__init__()
        self.cache = cache

    def renew(self, name):
        if self.cache.get("key"):
            raise OSError("No space left on device")
        super().renew(name)


@pytest.mark.parametrize(("plot", "purged"), [("sales", 1), ("costs", None)])
def test_a_purge_on_a_full_disk_makes_its_own_room(plot, purged):
    cache = MemoryCache(2**20)
    cache.put("key", stored(plot="sales"))
    storage = Storage(cache, FullDisk(cache), MemoryClaims())

    if purged is None:  # its pictures make no room: it has none
        with pytest.raises(OSError, match="No space"):
            storage.purge(plot)
    else:
        assert storage.purge(plot) == purged
    assert bool(storage.epochs.of(plot)) is bool(purged)
