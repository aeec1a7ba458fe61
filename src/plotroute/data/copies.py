"""A loaded value, and what each drawing gets of it: a copy of its own, so that it may change what it gets."""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

from plotroute.data.sharing import copy_for_plot, is_shareable


class CannotCopy(Exception):
    """Nothing makes a copy of the value; the text says why."""


class Copies:
    """Hands out a value to one drawing after the other.

    Frames, arrays and values that cannot change are handed out as they are, or as cheap copies; other values
    are pickled once and unpickled for each drawing, or copied by `copy.deepcopy` where they cannot be
    pickled. What neither can copy (a connection, a generator) is for one drawing only.
    """

    def __init__(self, value: Any, *, shared: bool = False) -> None:
        """A `shared` value is the same object for all: its author says that plots do not write to it."""
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

    def take(self) -> Any:
        """Return the value for one drawing."""
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
