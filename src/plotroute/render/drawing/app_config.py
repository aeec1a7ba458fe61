"""Hash the configuration of an app, to find out whether two processes have the same app.

A factory that is called without arguments may make another app than the web worker has: with another
database, and a picture of the wrong data. Values are hashed key by key, so that no secret leaves a process in
clear text and an error can name the keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any

from plotroute import digest

_OURS = "PLOTROUTE_*"


class _NotPlain(Exception):
    """The value is, or contains, an object that has no hash that is the same in two processes."""


def hashes(app: Any, ignored: str = "") -> dict[str, str]:
    """Return a hash per key of `app.config`, as far as its value is plain data.

    Left out are objects, functions and moments, which differ from process to process; the keys that Flask
    itself defines, which are about requests, sessions and debugging; and plotroute's own keys.

    Args:
        app: The Flask app.
        ignored: Patterns of further keys to leave out: `"BUILD_*, STARTED"`.

    >>> hashes(app)
    {'SQLALCHEMY_DATABASE_URI': '0d1a…'}
    """
    left_out = [_OURS, *ignored.replace(",", " ").split()]
    found = {}
    for key, value in dict(getattr(app, "config", {})).items():
        if key in getattr(app, "default_config", {}) or any(fnmatchcase(key, name) for name in left_out):
            continue
        try:
            text = json.dumps(_plain(value), sort_keys=True)
        except _NotPlain:
            continue
        found[key] = digest.of_text(text)
    return found


def differing(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the keys whose hashes differ, or that only one of the apps has."""
    return sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))


def _plain(value: Any) -> Any:
    """Return a value for JSON, the same in every process; raise _NotPlain if there is none."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime):  # mostly the start of the process
        raise _NotPlain
    if isinstance(value, (date, timedelta, Decimal, PurePath, bytes)):
        return [type(value).__name__, str(value)]
    if isinstance(value, Mapping):
        return sorted([str(key), _plain(item)] for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return _each(value)
    if isinstance(value, (set, frozenset)):
        return sorted(_each(value), key=repr)
    raise _NotPlain


def _each(values: Iterable[Any]) -> list[Any]:
    return [_plain(value) for value in values]
