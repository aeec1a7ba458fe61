"""Random numbers that start from the same place for the same picture, in every process.

Three generators are started: `random`, `np.random`, and the entropy of a bare `np.random.default_rng()`,
which seaborn's confidence intervals use.
"""

from __future__ import annotations

import contextlib
import random
import secrets
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def seeded(seed: str | None) -> Iterator[None]:
    """Start from `seed` (hexadecimal), or from the system's entropy if it is None; then put things back."""
    import numpy as np
    from numpy.random import bit_generator

    number = int(seed, 16) if seed is not None else secrets.randbits(128)
    entropy: Any = bit_generator  # the stubs do not know `randbits`
    before = random.getstate(), np.random.get_state(), entropy.randbits
    random.seed(number)
    np.random.seed(number % 2**32)
    # What SeedSequence(None) asks for entropy; the system's own where the picture is live.
    entropy.randbits = random.Random(number).getrandbits
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        entropy.randbits = before[2]
