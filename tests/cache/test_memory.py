"""The storage in this process's memory."""

import pytest

from cache.conformance import CacheConformance, ClaimsConformance, EpochsConformance, stored
from plotroute.cache.base import MISSING
from plotroute.cache.memory import MemoryCache, MemoryClaims, MemoryEpochs

MEGABYTE = 2**20
PICTURE = stored(b"x" * 100 * 2**10)
ABOUT_TEN = range(20)
"""Pictures of which a megabyte holds some, but not all."""


class TestMemoryCache(CacheConformance):
    @pytest.fixture
    def cache(self):
        return MemoryCache(16 * MEGABYTE)


class TestMemoryEpochs(EpochsConformance):
    @pytest.fixture
    def epochs(self):
        return MemoryEpochs()


class TestMemoryClaims(ClaimsConformance):
    @pytest.fixture
    def make(self):
        claims = MemoryClaims()
        return lambda: claims


def test_two_processes_never_begin_the_same_epoch():
    ours, theirs = MemoryEpochs(), MemoryEpochs()
    ours.renew("sales")
    theirs.renew("sales")

    assert ours.of("sales") != theirs.of("sales")


@pytest.fixture
def cache():
    return MemoryCache(MEGABYTE)


def kept(cache, keys):
    """Return those of the keys that are in the cache. This uses the pictures, in this order."""
    return [key for key in keys if cache.get(key) is not MISSING]


def test_the_pictures_never_have_more_bytes_than_the_cache_may(cache):
    for n in ABOUT_TEN:
        cache.put(str(n), PICTURE)

    found = kept(cache, map(str, ABOUT_TEN))

    assert len(found) >= 5
    assert len(found) * len(PICTURE.image.body) <= MEGABYTE


def test_the_oldest_go_first(cache):
    for n in ABOUT_TEN:
        cache.put(str(n), PICTURE)

    found = kept(cache, map(str, ABOUT_TEN))

    assert found == [str(n) for n in ABOUT_TEN][-len(found) :]


def test_what_was_used_lately_stays(cache):
    cache.put("used", PICTURE)
    cache.put("unused", PICTURE)
    for n in ABOUT_TEN:
        assert cache.get("used") == PICTURE
        cache.put(str(n), PICTURE)

    assert kept(cache, ["used", "unused"]) == ["used"]


def test_putting_is_using(cache):
    cache.put("used", PICTURE)
    cache.put("unused", PICTURE)
    for n in ABOUT_TEN:
        cache.put("used", PICTURE)
        cache.put(str(n), PICTURE)

    assert kept(cache, ["used", "unused"]) == ["used"]


def test_one_picture_put_again_and_again_takes_the_room_of_one(cache):
    cache.put("other", PICTURE)
    for _ in range(100):
        cache.put("key", PICTURE)

    assert kept(cache, ["other", "key"]) == ["other", "key"]


def test_room_that_was_cleared_is_free_again(cache):
    for _ in range(10):
        for n in range(5):
            cache.put(str(n), PICTURE)
        cache.clear()
    for n in range(5):
        cache.put(str(n), PICTURE)

    assert len(kept(cache, "01234")) == 5


def test_a_giant_is_not_kept_and_evicts_no_picture(cache):
    cache.put("small", PICTURE)
    cache.put("giant", stored(b"x" * (MEGABYTE // 8 + 1)))

    assert kept(cache, ["small", "giant"]) == ["small"]


def test_a_giant_that_replaces_a_picture_leaves_neither(cache):
    cache.put("key", PICTURE)
    cache.put("key", stored(b"x" * MEGABYTE))

    assert cache.get("key") is MISSING


def test_pictures_of_no_bytes_take_room_too(cache):
    keys = [str(n) for n in range(10_000)]
    for key in keys:
        cache.put(key, stored(b""))

    assert 0 < len(kept(cache, keys)) <= 1024


@pytest.mark.parametrize("size", [0, 1])
def test_a_cache_without_room_keeps_nothing(size):
    cache = MemoryCache(size)

    cache.put("key", stored(b""))

    assert cache.get("key") is MISSING
