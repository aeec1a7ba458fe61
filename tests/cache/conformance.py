"""The promises of every cache, of all epochs and of all claims: a subclass gives a fixture that makes one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute.cache.base import MISSING, Cache, Claims, Epochs, Stored, join_names
from plotroute.model import Image

ANY_TEXT = ["a/b", "../a", "a b", "é", "\udc80", "x" * 500, ""]

PATIENCE = 60
"""Seconds that nothing here takes; a test that waits so long has hung."""


def stored(
    body=b"picture",
    *,
    etag='W/"1"',
    drawn_at=1000.0,
    expires_at=None,
    plot="sales/revenue",
    worth_until=None,
):
    """Return a picture in a cache."""
    image = Image(
        body=body,
        type="image/png",
        alt="Größe",
        timings={"draw": 0.25},
        versions={'orders?region="EU"': "polled:1"},
    )
    return Stored(image, etag, drawn_at, expires_at, plot, worth_until)


class CacheConformance:
    """The promises of a cache. Subclass it and give it a fixture `cache`: an empty one, large enough for a megabyte."""

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

    def test_a_picture_that_is_worth_keeping_is_there_and_says_until_when(self, cache):
        later = time.time() + 3600
        cache.put("key", stored(drawn_at=0.0, expires_at=1.0, worth_until=later))

        assert cache.get("key") == stored(drawn_at=0.0, expires_at=1.0, worth_until=later)

    def test_a_picture_that_is_worth_nothing_any_more_may_be_there_or_not(self, cache):
        worthless = stored(drawn_at=0.0, expires_at=1.0, worth_until=2.0)
        cache.put("key", worthless)

        assert cache.get("key") in (MISSING, worthless)

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

    @pytest.mark.parametrize("key", ["0" * 32, *ANY_TEXT])
    def test_any_text_is_a_key(self, cache, key):
        cache.put(key, stored())

        assert cache.get(key) == stored()

    def test_forgetting_a_plot_forgets_its_pictures_and_says_how_many(self, cache):
        for n in range(3):
            cache.put(f"sales{n}", stored(plot="sales"))
            cache.put(f"costs{n}", stored(plot="costs"))
            cache.put(f"none{n}", stored(plot=""))

        assert cache.forget("sales") == 3
        assert all(cache.get(f"sales{n}") is MISSING for n in range(3))
        assert all(cache.get(f"costs{n}") and cache.get(f"none{n}") for n in range(3))

    def test_any_of_its_names_forgets_a_plot(self, cache):
        for name in ("sales", "/sales.svg"):
            cache.put("key", stored(plot=join_names(["sales", "/sales.svg"])))

            assert cache.forget(name) == 1
            assert cache.get("key") is MISSING

    def test_a_part_of_a_name_forgets_no_plot(self, cache):
        cache.put("key", stored(plot=join_names(["sales/revenue", "revenue"])))

        assert [cache.forget(name) for name in ("sales", "/revenue", "rev", "")] == [0] * 4
        assert cache.get("key")

    def test_a_forgotten_plot_is_kept_again(self, cache):
        cache.put("key", stored(b"before", plot="sales"))
        cache.forget("sales")
        cache.put("key", stored(b"after", plot="sales"))

        assert cache.get("key") == stored(b"after", plot="sales")

    def test_forgetting_a_plot_without_pictures_is_fine(self, cache):
        assert cache.forget("sales") == 0

    @pytest.mark.parametrize("plot", ANY_TEXT)
    def test_any_text_may_name_a_plot(self, cache, plot):
        cache.put("key", stored(plot=plot))

        assert cache.forget(plot) == 1

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


class EpochsConformance:
    """The promises of epochs. Subclass it and give it a fixture `epochs`: new ones, without a purge."""

    @pytest.fixture
    def epochs(self) -> Epochs:
        raise NotImplementedError

    def test_a_plot_that_was_never_purged_has_no_epoch(self, epochs):
        epochs.renew("costs")

        assert epochs.of("sales") == epochs.of("sales", "revenue") == ""

    def test_every_purge_begins_another_epoch_that_stays(self, epochs):
        seen = {epochs.of("sales")}
        for _ in range(5):
            epochs.renew("sales")
            assert epochs.of("sales") == epochs.of("sales")
            seen.add(epochs.of("sales"))

        assert len(seen) == 6

    def test_a_purge_by_any_name_begins_another_epoch_of_the_plot(self, epochs):
        names = ("sales", "/sales.svg", "old/sales")
        seen = {epochs.of(*names)}
        for name in names * 2:
            epochs.renew(name)
            seen.add(epochs.of(*names))

        assert len(seen) == 7

    def test_purges_do_not_mix(self, epochs):
        for name in ("sales", "costs"):
            epochs.renew(name)
        before = epochs.of("sales")
        epochs.renew("costs")

        assert epochs.of("sales") == before != epochs.of("costs")

    @pytest.mark.parametrize("plot", ANY_TEXT)
    def test_any_text_may_name_a_plot(self, epochs, plot):
        epochs.renew(plot)

        assert epochs.of(plot)

    def test_many_threads_purge_and_ask(self, epochs):
        def use(n):
            epochs.renew(f"plot{n % 5}")
            return epochs.of(f"plot{n % 5}")

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(use, range(100)))


class ClaimsConformance:
    """The promises of claims.

    Subclass it and give it a fixture `make`, which returns the claims of one more process with the same storage.
    """

    @pytest.fixture
    def make(self) -> Callable[[], Claims]:
        raise NotImplementedError

    @pytest.fixture
    def ours(self, make):
        return make()

    @pytest.fixture
    def theirs(self, make):
        return make()

    def test_a_key_is_claimed_once(self, ours, theirs):
        assert ours.take("key", PATIENCE)

        assert theirs.take("key", PATIENCE) is None
        assert ours.take("key", PATIENCE) is None

    def test_keys_do_not_mix(self, ours, theirs):
        assert ours.take("key", PATIENCE)
        assert theirs.take("other", PATIENCE)

    def test_a_released_key_can_be_claimed_again(self, ours, theirs):
        for claims in (ours, theirs, ours):
            token = claims.take("key", PATIENCE)
            assert token
            claims.release("key", token)

    def test_a_claim_ends_by_itself(self, ours, theirs):
        ours.take("key", 0.01)
        theirs.wait("key", PATIENCE)

        assert theirs.take("key", PATIENCE)

    def test_a_late_release_ends_no_claim_of_another_process(self, ours, theirs):
        late = ours.take("key", 0.01)
        theirs.wait("key", PATIENCE)
        assert theirs.take("key", PATIENCE)
        ours.release("key", late)

        assert ours.take("key", PATIENCE) is None

    def test_releasing_twice_or_without_a_claim_is_fine(self, ours, theirs):
        token = ours.take("key", PATIENCE)
        for _ in range(2):
            ours.release("key", token)
        theirs.release("other", "token")

        assert theirs.take("key", PATIENCE)

    def test_no_claim_is_not_waited_for(self, ours):
        ours.wait("key", PATIENCE)

    def test_waiting_ends_with_the_claim(self, ours, theirs):
        token = ours.take("key", PATIENCE)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(theirs.wait, "key", PATIENCE)
            assert not waiting.done()
            ours.release("key", token)
            waiting.result(PATIENCE)

        assert theirs.take("key", PATIENCE)

    def test_waiting_ends_after_its_own_time(self, ours, theirs):
        ours.take("key", PATIENCE)
        theirs.wait("key", 0.01)

        assert theirs.take("key", PATIENCE) is None

    @pytest.mark.parametrize("key", ANY_TEXT)
    def test_any_text_is_a_key(self, ours, theirs, key):
        assert ours.take(key, PATIENCE)
        assert theirs.take(key, PATIENCE) is None

    def test_of_many_threads_one_has_the_claim(self, make):
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda claims: claims.take("key", PATIENCE), [make() for _ in range(50)]))

        assert len([token for token in taken if token]) == 1
