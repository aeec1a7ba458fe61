"""What every cache promises, written once: a test of a cache says how to make one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute.cache.base import MISSING, Cache, Stored
from plotroute.model import Image


def stored(body=b"picture", *, etag='W/"1"', drawn_at=1000.0, expires_at=None, plot="sales/revenue"):
    """A picture in a cache."""
    image = Image(
        body=body,
        type="image/png",
        alt="Größe",
        timings={"draw": 0.25},
        versions={'orders?region="EU"': "polled:1"},
    )
    return Stored(image, etag, drawn_at, expires_at, plot)


class Conformance:
    """Subclass it and give it a fixture `cache`: an empty one, large enough for a megabyte."""

    @pytest.fixture
    def cache(self) -> Cache:
        raise NotImplementedError

    def test_what_is_put_is_got(self, cache):
        picture = stored(bytes(range(256)), expires_at=2000.0)

        cache.put("key", picture)

        assert cache.get("key") == picture

    def test_what_was_never_put_is_missing(self, cache):
        cache.put("key", stored())

        assert cache.get("other") is MISSING

    def test_keys_do_not_mix(self, cache):
        for n in range(20):
            cache.put(f"key{n}", stored(b"%d" % n))

        assert [cache.get(f"key{n}").image.body for n in range(20)] == [b"%d" % n for n in range(20)]

    def test_getting_takes_nothing_away(self, cache):
        cache.put("key", stored())

        assert cache.get("key") == cache.get("key") == stored()

    def test_a_later_picture_replaces_an_earlier_one(self, cache):
        cache.put("key", stored(b"first", etag='W/"1"'))
        cache.put("key", stored(b"second", etag='W/"2"', drawn_at=1001.0))

        assert cache.get("key") == stored(b"second", etag='W/"2"', drawn_at=1001.0)

    def test_an_expired_picture_is_still_there_and_says_so(self, cache):
        cache.put("key", stored(drawn_at=0.0, expires_at=1.0))

        found = cache.get("key")

        assert found == stored(drawn_at=0.0, expires_at=1.0)
        assert not found.fresh(1.0)

    def test_clearing_forgets_everything(self, cache):
        for n in range(10):
            cache.put(f"key{n}", stored())

        cache.clear()

        assert all(cache.get(f"key{n}") is MISSING for n in range(10))

    def test_a_cleared_cache_works_on(self, cache):
        cache.put("key", stored(b"before"))
        cache.clear()
        cache.put("key", stored(b"after"))

        assert cache.get("key").image.body == b"after"

    def test_clearing_an_empty_cache_is_fine(self, cache):
        cache.clear()

        assert cache.get("key") is MISSING

    def test_an_empty_body_is_a_picture_too(self, cache):
        cache.put("key", stored(b""))

        assert cache.get("key") == stored(b"")

    @pytest.mark.parametrize("key", ["0" * 32, "a/b", "../a", "a b", "é", "\udc80", "x" * 500, ""])
    def test_any_text_is_a_key(self, cache, key):
        cache.put(key, stored())

        assert cache.get(key) == stored()

    def test_a_plot_that_was_never_purged_has_no_epoch(self, cache):
        cache.put("key", stored(plot="sales"))
        cache.purge("costs")

        assert cache.epoch("sales") == ""

    def test_every_purge_begins_another_epoch(self, cache):
        epochs = {cache.epoch("sales")}
        for _ in range(5):
            cache.purge("sales")
            assert cache.epoch("sales") == cache.epoch("sales")
            epochs.add(cache.epoch("sales"))

        assert len(epochs) == 6

    def test_purging_forgets_the_pictures_of_one_plot_and_says_how_many(self, cache):
        for n in range(3):
            cache.put(f"sales{n}", stored(plot="sales"))
            cache.put(f"costs{n}", stored(plot="costs"))
            cache.put(f"nobody{n}", stored(plot=""))

        assert cache.purge("sales") == 3
        assert all(cache.get(f"sales{n}") is MISSING for n in range(3))
        assert all(cache.get(f"costs{n}") and cache.get(f"nobody{n}") for n in range(3))

    def test_a_purged_plot_is_kept_again(self, cache):
        cache.put("key", stored(b"before", plot="sales"))
        cache.purge("sales")
        cache.put("key", stored(b"after", plot="sales"))

        assert cache.get("key") == stored(b"after", plot="sales")

    def test_purging_a_plot_without_pictures_is_a_new_epoch_too(self, cache):
        assert cache.purge("sales") == 0
        assert cache.epoch("sales")

    def test_clearing_takes_no_epoch_back(self, cache):
        cache.purge("sales")
        epoch = cache.epoch("sales")

        cache.clear()

        assert cache.epoch("sales") == epoch

    @pytest.mark.parametrize("plot", ["sales/revenue", "../a", "a b", "é", "\udc80", "x" * 500, ""])
    def test_any_text_is_the_name_of_a_plot(self, cache, plot):
        cache.put("key", stored(plot=plot))

        assert cache.purge(plot) == 1
        assert cache.epoch(plot)

    def test_many_threads_get_what_was_put_under_their_key(self, cache):
        def use(n):
            key = f"key{n % 5}"
            cache.put(key, stored(b"%d" % (n % 5) * 10_000))
            found = cache.get(key)
            if n % 50 == 0:
                cache.clear()
            return found is MISSING or found.image.body == b"%d" % (n % 5) * 10_000

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(use, range(1000)))
