"""The same picture starts from the same random numbers."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest

from plotroute.render.state.seeding import seeded

SEED = "0123456789abcdef0123456789abcdef"

# One draw from each generator that plots use without a seed of their own.
DRAWS = """
import random, numpy as np
def draws():
    return [
        random.random(),
        random.randrange(10**9),
        random.Random().random(),
        random.Random(None).getrandbits(60),
        type("Own", (random.Random,), {})().gauss(0, 1),
        [random.seed(), random.random()][1],
        float(np.random.random()),
        float(np.random.default_rng().random()),
        float(np.random.default_rng().random()),
        float(np.random.RandomState().random_sample()),
        float(np.random.Generator(np.random.PCG64()).random()),
        int(np.random.SeedSequence().generate_state(1)[0]),
    ]
"""
exec(DRAWS)


def draws_in(seed):
    with seeded(seed):
        return draws()  # noqa: F821  # from DRAWS


def test_the_same_seed_gives_the_same_numbers():
    assert draws_in(SEED) == draws_in(SEED)


def test_another_seed_gives_other_numbers():
    pairs = zip(draws_in(SEED), draws_in(SEED[::-1]), strict=True)

    assert all(one != other for one, other in pairs)


def test_two_bare_generators_are_not_the_same():
    drawn = draws_in(SEED)

    assert len(set(drawn)) == len(drawn)


def test_every_process_gets_the_same_numbers():
    program = (
        f"{DRAWS}\nimport json\nfrom plotroute.render.state.seeding import seeded\n"
        f"with seeded({SEED!r}): print(json.dumps(draws()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == draws_in(SEED)


def test_numbers_drawn_before_do_not_matter():
    expected = draws_in(SEED)
    random.random()
    np.random.random(7)
    np.random.default_rng()

    assert draws_in(SEED) == expected


def test_a_live_picture_is_different_every_time():
    pairs = zip(draws_in(None), draws_in(None), strict=True)

    assert all(one != other for one, other in pairs)


def test_a_seed_of_the_authors_own_wins():
    with seeded(SEED):
        found = np.random.default_rng(5).random(), random.Random(5).random()

    assert found == (np.random.default_rng(5).random(), random.Random(5).random())


@pytest.mark.parametrize("seed", [SEED, None])
def test_random_numbers_go_on_afterwards_as_if_nothing_had_been(seed):
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)

    draws_in(seed)

    assert (random.random(), np.random.random()) == expected


def test_random_numbers_go_on_after_an_error_too():
    state = random.getstate()

    with pytest.raises(RuntimeError), seeded(SEED):
        random.seed(3)
        raise RuntimeError

    assert random.getstate() == state


def test_a_bare_generator_is_random_again_afterwards():
    draws_in(SEED)
    first = np.random.default_rng().random()
    draws_in(SEED)

    assert np.random.default_rng().random() != first


def test_one_inside_another_leaves_the_outer_one_as_it_was():
    with seeded(SEED):
        expected = [random.random(), np.random.random(), np.random.default_rng().random()]
    with seeded(SEED):
        draws_in("ab")
        found = [random.random(), np.random.random(), np.random.default_rng().random()]

    assert found == expected


def test_seaborns_error_bars_are_the_same_for_the_same_seed():
    from seaborn.algorithms import bootstrap

    def bar():
        with seeded(SEED):
            return bootstrap([1.0, 2.0, 4.0], n_boot=20).tolist()

    assert bar() == bar()
