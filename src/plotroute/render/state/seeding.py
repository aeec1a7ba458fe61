"""Seed random numbers, so that the same picture has the same numbers in every process.

`random` and `np.random` are seeded, and generators without a seed of their own get one:
`np.random.default_rng()`, which seaborn's confidence intervals use, and `random.Random()`, which word clouds
use. `secrets`, `os.urandom` and `uuid.uuid4()` are left alone, because they have to be unpredictable.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from plotroute import digest
from plotroute.model import Json, Versions


def content_key(plot: str, values: Mapping[str, Json], versions: Versions) -> str:
    """Return a key of what a picture shows, whatever its format, size and colours.

    It seeds random numbers and the ids inside an SVG, so that the PNG and the SVG, and the sizes of one
    `srcset`, show the same random points.

    Args:
        plot: The name of the plot.
        values: The canonical values of its parameters.
        versions: The versions of its data, by `DatasetRef.id`.
    """
    return digest.of_json("content", plot, values, versions)


@contextlib.contextmanager
def seeded(seed: str | None) -> Iterator[None]:
    """Seed random numbers with `seed` (hexadecimal; None: entropy of the system), then reset them."""
    import numpy as np
    from numpy.random import bit_generator

    number = int(seed, 16) if seed is not None else secrets.randbits(128)
    entropy: Any = bit_generator  # the stubs do not know `randbits`
    before = random.getstate(), np.random.get_state(), entropy.randbits
    generators: Any = random
    seed, bound = generators.Random.seed, generators.seed
    random.seed(number)
    np.random.seed(number % 2**32)
    # SeedSequence(None) takes its entropy from this; a live picture has the system's entropy.
    entropy.randbits = random.Random(number).getrandbits
    generators.Random.seed = _with_seeds_from(random.Random(number + 1).getrandbits)
    generators.seed = generators._inst.seed
    try:
        yield
    finally:
        generators.Random.seed, generators.seed = seed, bound
        random.setstate(before[0])
        np.random.set_state(before[1])
        entropy.randbits = before[2]


def _with_seeds_from(bits: Callable[[int], int]) -> Callable[..., None]:
    """Return a `random.Random.seed` that takes a missing seed from `bits`, in this thread only."""
    seed, thread = random.Random.seed, threading.get_ident()

    def seed_or(self: random.Random, a: Any = None, version: int = 2) -> None:
        seed(self, bits(128) if a is None and threading.get_ident() == thread else a, version)

    return seed_or
