"""Give each drawing a copy of loaded data, so that a plot may change what it gets.

The library that the data comes from decides how: see `adapters`.
"""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

from plotroute.data import adapters


def is_shareable(value: Any) -> bool:
    """Whether plots can get copies of `value` one after the other without one seeing another's changes.

    Looks at every cell of columns of objects, so ask once per load.
    """
    return adapters.find(value).is_shareable(value)


def copy_for_plot(value: Any) -> Any:
    """Return a copy of a shareable value for a plot that may change it freely.

    A frame of pandas is a copy: a deep one, or for a large frame a shallow one under copy-on-write, with
    labels of its own. An array of NumPy is a read-only view. What nothing can change is the value itself.
    """
    return adapters.find(value).copy_for_plot(value)


class CannotCopy(Exception):
    """Nothing makes a copy of the value; the text says why."""


class Copies:
    """The copies of a loaded value, one for each drawing.

    Shareable values are copied by the adapter of their library. Others are pickled once and unpickled for
    each drawing, or copied by `copy.deepcopy` where they cannot be pickled. What neither can copy (a
    connection, a generator) is for one drawing only.
    """

    def __init__(self, value: Any, *, shared: bool = False) -> None:
        """Prepare copies of the value; with `shared`, all get the value itself: its author says so."""
        self.why = ""
        """Why the value is for one drawing only; empty where it is not."""
        self._make: Callable[[], Any]
        if shared:
            self._make = lambda: value
        elif is_shareable(value):
            self._make = functools.partial(copy_for_plot, value)
        else:
            try:
                self._make = _copier(value)
            except CannotCopy as error:
                self.why = str(error)
                self._make = lambda: value

    def next_copy(self) -> Any:
        """Return the value for one more drawing."""
        return self._make()


def _copier(value: Any) -> Callable[[], Any]:
    """Return a function that makes one more copy; it has done so once, to be sure that it can."""
    reasons = []
    for make in (_pickled, _deep):
        try:
            copier = make(value)
            copier()
            return copier
        except MemoryError:
            raise CannotCopy("there is no memory for a copy") from None
        except Exception as error:  # code of any class runs here
            reasons.append(f"{type(error).__name__}: {error}")
    raise CannotCopy(f"it cannot be pickled ({reasons[0]})")


def _pickled(value: Any) -> Callable[[], Any]:
    # Made and read in this process, of this version of the code: no pickle comes from elsewhere.
    return functools.partial(pickle.loads, pickle.dumps(value, protocol=5))


def _deep(value: Any) -> Callable[[], Any]:
    return functools.partial(copy.deepcopy, value)
