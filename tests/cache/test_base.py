"""What is in a cache, and what is not."""

import pytest

from cache.conformance import stored
from plotroute.cache.base import MISSING


def test_missing_is_false_and_says_what_it_is():
    assert not MISSING
    assert MISSING is not None
    assert repr(MISSING) == "MISSING"


@pytest.mark.parametrize(
    ("expires_at", "now", "fresh"),
    [(None, 1e12, True), (10.0, 9.99, True), (10.0, 10.0, False), (10.0, 11.0, False)],
)
def test_a_picture_is_fresh_until_it_expires(expires_at, now, fresh):
    assert stored(expires_at=expires_at).fresh(now) is fresh
