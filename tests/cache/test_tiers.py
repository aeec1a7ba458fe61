"""One cache before another."""

import pytest

from cache.conformance import CacheConformance, stored
from plotroute.cache.base import MISSING
from plotroute.cache.disk import DiskCache
from plotroute.cache.memory import MemoryCache
from plotroute.cache.tiers import Tiers

MEGABYTE = 2**20


class TestTiers(CacheConformance):
    @pytest.fixture
    def cache(self, tmp_path):
        disk = DiskCache(tmp_path / "cache", 16 * MEGABYTE)
        yield Tiers(MemoryCache(16 * MEGABYTE), disk)
        disk.close()


class Far(MemoryCache):
    """A cache that counts how often it is asked."""

    asked = 0

    def get(self, key):
        self.asked += 1
        return super().get(key)


@pytest.fixture
def near():
    return MemoryCache(MEGABYTE)


@pytest.fixture
def far():
    return Far(MEGABYTE)


@pytest.fixture
def tiers(near, far):
    return Tiers(near, far, clock=lambda: 1500.0)


def test_what_is_near_is_not_asked_for_far_away(tiers, far):
    tiers.put("key", stored())

    assert tiers.get("key") == stored()
    assert far.asked == 0


def test_what_is_put_is_in_both(tiers, near, far):
    tiers.put("key", stored())

    assert near.get("key") == far.get("key") == stored()


@pytest.mark.parametrize("expires_at", [None, 2000.0, 1000.0])
def test_what_was_found_far_away_is_near_from_then_on(tiers, near, far, expires_at):
    far.put("key", stored(expires_at=expires_at))

    assert tiers.get("key") == stored(expires_at=expires_at)
    assert near.get("key") == stored(expires_at=expires_at)


def test_what_expired_here_and_was_drawn_again_elsewhere_is_found(tiers, near, far):
    near.put("key", stored(b"old", drawn_at=1000.0, expires_at=1100.0))
    far.put("key", stored(b"new", drawn_at=1400.0, expires_at=1600.0))

    assert tiers.get("key").image.body == near.get("key").image.body == b"new"


@pytest.mark.parametrize("elsewhere", [stored(b"older", drawn_at=900.0, expires_at=1000.0), None])
def test_what_expired_here_and_is_no_younger_elsewhere_stays(tiers, near, far, elsewhere):
    near.put("key", stored(b"old", drawn_at=1000.0, expires_at=1100.0))
    if elsewhere:
        far.put("key", elsewhere)

    assert tiers.get("key").image.body == b"old"


def test_clearing_and_forgetting_reach_both(tiers, near, far):
    tiers.put("key", stored(plot="sales"))
    tiers.put("other", stored(plot="costs"))

    assert tiers.forget("sales") == 1
    assert [near.get("key"), far.get("key")] == [MISSING, MISSING]
    assert near.get("other") == far.get("other") != MISSING

    tiers.clear()

    assert [near.get("other"), far.get("other")] == [MISSING, MISSING]
