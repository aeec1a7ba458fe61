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
