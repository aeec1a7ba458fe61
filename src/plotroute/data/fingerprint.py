"""Tell two states of loaded data apart: a hash of its content, the version of data that has no other."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from plotroute import digest
from plotroute.data import adapters


def fingerprint(value: Any) -> str | None:
    """Return a hash of the data's content: equal content, equal hash.

    The content decides, not how it lies in memory, so processes and machines agree.

    Returns:
        The hash; None where the content cannot be told (open files, functions, circles).

    >>> fingerprint([1, 2]) == fingerprint([1, 2]) != fingerprint([2, 1])
    True
    """
    hashed = digest.hasher()
    try:
        _feed(hashed, value)
    except Exception:  # unhashable cells, unpicklable objects, circles: authors may return anything
        return None
    return hashed.hexdigest()


def unrun_query(value: Any) -> str | None:
    """Return the type of a query in the value that runs only when a plot uses it.

    The fingerprint of a query would be that of its plan, which stays when the data changes.

    Returns:
        The type, such as `polars.LazyFrame`; None where the value is data.
    """
    if isinstance(value, (dict, list, tuple)):
        items = value.values() if isinstance(value, dict) else value
        return next(filter(None, map(unrun_query, items)), None)
    return adapters.find(value).query_name(value) or None


def _feed(hashed: blake2b, value: Any) -> None:
    hashed.update(f"{type(value).__module__}.{type(value).__qualname__};".encode())
    adapters.find(value).feed(hashed, value, _feed)
