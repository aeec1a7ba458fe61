"""Each part of the state: a change is repeated by what `changes` returns, and undone by `put_back`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import colors

from plotroute.render.state.tables import Environment, Filters, Part, Rc, Tables, values


def _value_of(get: Callable[[], Any]) -> Part:
    """Return the part that one call returns: the part whose content is what `get` returns."""
    return next(part for part in values() if part.take() == get())


CASES = {
    "rcParams": (
        Rc,
        lambda: mpl.rcParams.update({"lines.linewidth": 7.5}),
        lambda: mpl.rcParams["lines.linewidth"],
    ),
    "a list in rcParams": (
        Rc,
        lambda: mpl.rcParams["font.sans-serif"].insert(0, "No Such Font"),
        lambda: mpl.rcParams["font.sans-serif"][0],
    ),
    "a colour": (
        Tables,
        lambda: colors.colorConverter.colors.update({"b": (1.0, 0.0, 0.0)}),
        lambda: colors.colorConverter.colors["b"],
    ),
    "a new colour": (
        Tables,
        lambda: colors.colorConverter.colors.update({"house": (1.0, 0.0, 0.0)}),
        lambda: colors.is_color_like("house"),
    ),
    "an environment variable": (
        Environment,
        lambda: os.environ.update({"PLOTROUTE_TEST_PART": "1"}),
        lambda: os.environ.get("PLOTROUTE_TEST_PART"),
    ),
    "a filter of warnings": (
        Filters,
        lambda: warnings.filterwarnings("ignore", "no such warning"),
        lambda: len(warnings.filters),
    ),
    "NumPy's error handling": (
        lambda: _value_of(np.geterr),
        lambda: np.seterr(divide="print"),
        lambda: np.geterr()["divide"],
    ),
}


@pytest.mark.parametrize(("make", "change", "read"), CASES.values(), ids=CASES)
def test_a_change_is_undone_and_can_be_repeated(make, change, read):
    part, original = make(), read()
    before = part.take()
    assert part.changes(before) is None
    try:
        change()
        changed = read()
        assert changed != original
        repeat = part.changes(before)
        assert repeat is not None
        part.put_back(before)
        assert read() == original
        repeat()
        assert read() == changed
    finally:
        part.put_back(before)
    assert read() == original


def test_a_key_that_an_import_sets_to_its_own_value_is_repeated():
    rc = Rc()
    before = rc.take()
    with rc.count_sets():
        mpl.rcParams["lines.linewidth"] = mpl.rcParams["lines.linewidth"]
    assert rc.changes(before) is not None


def test_a_key_that_an_import_sets_and_sets_back_is_not_repeated():
    rc = Rc()
    before = rc.take()
    with rc.count_sets(), mpl.rc_context({"lines.linewidth": 7.5}):
        pass
    assert rc.changes(before) is None


def test_every_setting_of_an_rc_param_is_reported_during_the_body_alone():
    seen = []
    with mpl.rc_context():
        with Rc().on_set(seen.append):
            mpl.rcParams["lines.linewidth"] = 7.5
        mpl.rcParams["lines.markersize"] = 7.5
    assert seen == ["lines.linewidth"]
