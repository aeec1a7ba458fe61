"""Hashes of an app's configuration: the same in two processes that have the same data."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from plotroute.render.drawing.app_config import differing, hashes


def app(**config: object) -> SimpleNamespace:
    return SimpleNamespace(config=config, default_config={"DEBUG": None})


@pytest.mark.parametrize(
    "value",
    [
        "sqlite://",
        7,
        1.5,
        None,
        True,
        b"key",
        date(2024, 5, 1),
        timedelta(days=1),
        Path("data"),
        [1, {"a": (2,)}],
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_data_is_hashed(value):
    found = hashes(app(DATA=value))
    assert list(found) == ["DATA"]
    assert found == hashes(app(DATA=value))
    assert found != hashes(app(DATA="something else"))
    assert len(found["DATA"]) == 32


@pytest.mark.parametrize(
    "value",
    [object(), print, datetime(2024, 5, 1), [object()], {"a": print}],
    ids=lambda value: type(value).__name__,
)
def test_what_differs_from_process_to_process_is_left_out(value):
    assert hashes(app(DATA=value)) == {}


def test_keys_of_flask_of_plotroute_and_ignored_keys_are_left_out():
    config = {"DEBUG": True, "PLOTROUTE_PORT": 1, "BUILD_ID": "7", "STARTED": 1, "DATA": "a"}
    assert list(hashes(app(**config), "BUILD_*, STARTED")) == ["DATA"]


def test_the_order_of_a_set_or_of_keys_does_not_count():
    assert hashes(app(DATA={"a", "b"})) == hashes(app(DATA={"b", "a"}))
    assert hashes(app(DATA={"a": 1, "b": 2})) == hashes(app(DATA={"b": 2, "a": 1}))


def test_differing_keys_are_named():
    assert differing(hashes(app(A=1, B=2)), hashes(app(A=1, B=3, C=4))) == ["B", "C"]
