"""Record, reset and compare what libraries keep in dicts, lists and objects that a plot can change.

A *part* is one kind of such state. `take` returns its content, `put_back` restores a content, and `changes`
returns a function that repeats what has changed since: the work of an import that Python does only once
(`imports.py`). Each is called several times per picture, so finding no change must cost microseconds.
"""

from __future__ import annotations

import contextlib
import decimal
import locale
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Protocol

ABSENT = object()
"""The value of a missing name."""

Redo = Callable[[], object]
"""Repeat what an import has done."""


class Part(Protocol):
    """One kind of state that a plot may change."""

    def take(self) -> Any:
        """Return its content of now."""

    def put_back(self, before: Any) -> None:
        """Restore the content `before`."""

    def changes(self, before: Any) -> Redo | None:
        """Return a function that repeats all changes since `before`; None if nothing has changed."""


class Value:
    """A value that one call returns and another call sets."""

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], object]) -> None:
        self.take = get
        self._put = put

    def put_back(self, before: Any) -> None:
        """Set the value, if it has changed."""
        if self.take() != before:
            self._put(before)

    def changes(self, before: Any) -> Redo | None:
        """Return a function that sets the value of now; None if it has not changed."""
        now = self.take()
        return None if now == before else partial(self._put, now)


# Module → where it keeps what plots may change.
_PLACES: dict[str, Callable[[Any], list[Any]]] = {
    "matplotlib": lambda m: [m.colormaps._cmaps, m.color_sequences._color_sequences],
    "matplotlib.backend_bases": lambda m: [m._default_backends, m._default_filetypes],
    "matplotlib.colors": lambda m: [m.colorConverter.colors],  # set_theme(color_codes=True): "b", "g", …
    "matplotlib.hatch": lambda m: [m._hatch_types],
    "matplotlib.legend": lambda m: [m.Legend._default_handler_map],
    "matplotlib.lines": lambda m: [m.Line2D.lineStyles, m.Line2D.drawStyles],
    "matplotlib.markers": lambda m: [m.MarkerStyle.markers],
    "matplotlib.patches": lambda m: [
        kind._style_list for kind in (m.BoxStyle, m.ArrowStyle, m.ConnectionStyle)
    ],
    "matplotlib.projections": lambda m: [m.projection_registry._all_projection_types],
    "matplotlib.scale": lambda m: [m._scale_mapping],
    "matplotlib.style": lambda m: [m.library, m.available],
    "matplotlib.units": lambda m: [m.registry],  # with pandas' converters a plot of dates has other ticks
    "pandas._config.config": lambda m: [m._global_config],
    "pandas.plotting._misc": lambda m: [m.plot_params],
    "seaborn._core.plot": lambda m: [m.Plot.config._theme, m.Plot.config._display],
    "seaborn.palettes": lambda m: [m.SEABORN_PALETTES],
    "xarray.core.options": lambda m: [m.OPTIONS],
}


class Tables:
    """The dicts and lists of `_PLACES`, and the dicts in those dicts, if their modules are imported."""

    def __init__(self) -> None:
        self._looked: set[str] = set()
        self._tables: list[Any] = []
        self._first: list[Any] = []
        self._views: list[Any] = []

    def look(self) -> None:
        """Find the tables of modules that were imported since the last look."""
        for name in _PLACES.keys() - self._looked:
            module, package = (sys.modules.get(one) for one in (name, name.partition(".")[0]))
            if module is not None and is_whole(package):  # pandas' options come from all of its modules
                self._looked.add(name)
                with contextlib.suppress(AttributeError):  # another version of the library
                    for table in _PLACES[name](module):
                        self._add(table)

    def _add(self, table: Any) -> None:
        self._tables.append(table)
        self._first.append(_copy(table))
        # Views follow their dict, so comparing all of them is one pass in C.
        self._views += [dict.keys(table), dict.values(table)] if isinstance(table, dict) else [table]
        for value in dict.values(table) if isinstance(table, dict) else ():
            if isinstance(value, dict):
                self._add(value)

    def take(self) -> tuple[list[Any], list[Any]]:
        """Return a copy of all tables, and all their entries in one list."""
        self.look()
        return [_copy(table) for table in self._tables], self._flat()

    def put_back(self, before: tuple[list[Any], list[Any]]) -> None:
        """Restore the content of each changed table."""
        for table, content in self._changed(before):
            if isinstance(table, dict):
                dict.clear(table)
                dict.update(table, content)
            else:
                table[:] = content
            _forget_colors()

    def changes(self, before: tuple[list[Any], list[Any]]) -> Redo | None:
        """Return a function that sets the changed entries to their values of now."""
        redo = [
            partial(_set, table, content, _differing(table, content))
            if isinstance(table, dict)
            else partial(_extend, table, [value for value in table if value not in content])
            for table, content in self._changed(before)
        ]
        return partial(all_of, redo) if redo else None

    def _changed(self, before: tuple[list[Any], list[Any]]) -> Iterator[tuple[Any, Any]]:
        contents, flat = before
        self.look()
        if len(contents) == len(self._tables) and _equal(self._flat(), flat):
            return
        # A table that was found after `before` is compared with its content after the import of its module.
        for table, content in zip(self._tables, contents + self._first[len(contents) :], strict=True):
            if not isinstance(table, dict):
                different = not _equal(table, content)
            else:  # the order counts too, or the comparison above would fail from now on
                different = bool(_differing(table, content)) or list(dict.keys(table)) != list(content)
            if different:
                yield table, content

    def _flat(self) -> list[Any]:
        return list(chain.from_iterable(self._views))


class Rc:
    """Matplotlib's rcParams. For an import, also those that it has set to the value that they had."""

    def __init__(self) -> None:
        import matplotlib

        self._rc: Any = matplotlib.rcParams
        self.written: Counter[str] = Counter()
        """How often an import has set a key since the last call of `changes`."""

    def take(self) -> dict[str, Any]:
        """Return a copy, lists copied too: `rcParams["font.sans-serif"].insert(0, …)` is common."""
        return _copied({key: value for key, value in dict.items(self._rc) if key != "backend"})

    def put_back(self, before: dict[str, Any]) -> None:
        """Set all keys, without the validation of their first setting: 1.4 ms saved."""
        dict.update(self._rc, _copied(before))

    def changes(self, before: dict[str, Any]) -> Redo | None:
        """Return a function that sets again the keys that were set or differ; None if there are none."""
        now = self.take()
        keys = {key for key in now if now[key] is not before.get(key) and now[key] != before.get(key)}
        # A key that was set to the value that it had counts too: a theme may have set it before. A key that
        # was set and set back (`with sns.axes_style(…)`) does not.
        keys |= {key for key, times in self.written.items() if times == 1 and key in now}
        self.written.clear()
        return partial(self.put_back, {key: now[key] for key in keys}) if keys else None

    @contextlib.contextmanager
    def count_sets(self) -> Iterator[None]:
        """Count in `written` the keys that the body sets, except those that it sets back.

        `with plt.style.context(…)` sets keys back.
        """
        kind = type(self._rc)
        update = kind._update_raw

        def set_back(rc: Any, values: Any) -> None:
            update(rc, values)
            for key in values:
                self.written.pop(key, None)

        kind._update_raw = set_back
        try:
            with self.on_set(lambda key: self.written.update((key,))):
                yield
        finally:
            kind._update_raw = update

    @contextlib.contextmanager
    def on_set(self, call: Callable[[str], object]) -> Iterator[None]:
        """Call `call` with each key that the body sets, also if its value stays the same."""
        kind = type(self._rc)
        setting = kind.__setitem__

        def note(rc: Any, key: str, value: Any) -> None:
            setting(rc, key, value)
            if rc is self._rc:
                call(key)

        kind.__setitem__ = note
        try:
            yield
        finally:
            kind.__setitem__ = setting


class Environment:
    """The environment variables, as bytes: decoding all takes as long as everything else in this module."""

    def take(self) -> dict[bytes, bytes]:
        """Return a copy."""
        return dict(os.environb._data)  # type: ignore[attr-defined]

    def put_back(self, before: dict[bytes, bytes]) -> None:
        """Set and remove what has changed, also for processes that are started."""
        if os.environb._data != before:  # type: ignore[attr-defined]
            zone = os.environb.get(b"TZ")
            os.environb.clear()
            os.environb.update(before)
            if zone != os.environb.get(b"TZ"):
                time.tzset()

    def changes(self, before: dict[bytes, bytes]) -> Redo | None:
        """Return a function that sets the changed variables again; None if there are none."""
        changed = {name: value for name, value in self.take().items() if before.get(name) != value}
        return partial(self._update, changed) if changed else None

    def _update(self, changed: dict[bytes, bytes]) -> None:
        os.environb.update(changed)
        if b"TZ" in changed:
            time.tzset()


class Filters:
    """The filters of warnings."""

    def take(self) -> list[Any]:
        """Return a copy of the list."""
        return list(warnings.filters)

    def put_back(self, before: list[Any]) -> None:
        """Restore the list, if it has changed."""
        if warnings.filters != before:
            self._set(before)

    def changes(self, before: list[Any]) -> Redo | None:
        """Return a function that puts the new filters before the others; None without new filters."""
        added = [one for one in warnings.filters if one not in before]
        return partial(self._add, added) if added else None

    def _add(self, added: list[Any]) -> None:
        self._set([*added, *(one for one in warnings.filters if one not in added)])

    def _set(self, filters: list[Any]) -> None:
        warnings.resetwarnings()  # also invalidates the cache of decisions
        warnings.filters[:] = filters  # type: ignore[index]


def values() -> list[Part]:
    """Return the parts that one call returns and another call sets."""
    import numpy as np
    from matplotlib import dates

    dates_: Any = dates
    return [
        Value(np.geterr, lambda kept: np.seterr(**kept)),
        Value(np.get_printoptions, lambda kept: np.set_printoptions(**kept)),
        Value(lambda: locale.setlocale(locale.LC_ALL), lambda kept: locale.setlocale(locale.LC_ALL, kept)),
        # The epoch that `set_epoch` or the first plot of dates has set. Afterwards it cannot be set: a plot
        # that sets it would work once in each process.
        Value(lambda: dates_._epoch, lambda kept: setattr(dates_, "_epoch", kept)),
        Value(_sklearn, _set_sklearn),
        Value(_arithmetic, _set_arithmetic),
        Value(sys.getrecursionlimit, sys.setrecursionlimit),
    ]


def _sklearn() -> dict[str, Any]:
    """Return the settings of scikit-learn in this thread that differ from its global settings."""
    config = sys.modules.get("sklearn._config")
    if config is None:
        return {}
    usual = config._global_config
    return {key: value for key, value in config._get_threadlocal_config().items() if value != usual.get(key)}


def _set_sklearn(kept: dict[str, Any]) -> None:
    config = sys.modules["sklearn._config"]
    config._get_threadlocal_config().update(config._global_config | kept)


def _arithmetic() -> dict[str, Any]:
    """Return the decimal context as a dict: equal contexts do not compare as equal."""
    context = decimal.getcontext()
    kept: dict[str, Any] = {name: getattr(context, name) for name in _ARITHMETIC}
    return kept | {"traps": context.traps.copy()}


_ARITHMETIC = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _set_arithmetic(kept: dict[str, Any]) -> None:
    decimal.setcontext(decimal.Context(**kept | {"traps": kept["traps"].copy()}))


def _copied(rc: dict[str, Any]) -> dict[str, Any]:
    return {key: value[:] if isinstance(value, list) else value for key, value in rc.items()}


def _copy(table: Any) -> Any:
    return dict(dict.items(table)) if isinstance(table, dict) else list(table)


def _equal(now: list[Any], before: list[Any]) -> bool:
    """Whether two lists are equal; an object counts as equal to itself."""
    try:
        return bool(now == before)
    except Exception:  # arrays, and other things that cannot be compared
        return False


def _differing(table: dict[Any, Any], before: dict[Any, Any]) -> dict[Any, Any]:
    """Return the changed entries; removed entries have the value ABSENT."""
    found = {key: value for key, value in dict.items(table) if not _equal([value], [before.get(key, ABSENT)])}
    return found | dict.fromkeys(before.keys() - table.keys(), ABSENT)


def _set(table: dict[Any, Any], _before: object, entries: dict[Any, Any]) -> None:
    for key, value in entries.items():
        if value is ABSENT:
            dict.pop(table, key, None)
        else:
            dict.__setitem__(table, key, value)
    _forget_colors()


def _extend(table: list[Any], added: list[Any]) -> None:
    table += [value for value in added if value not in table]


def _forget_colors() -> None:
    from matplotlib.colors import colorConverter

    colorConverter.cache.clear()


def all_of(redo: Sequence[Redo]) -> None:
    """Call the functions one after the other."""
    for one in redo:
        one()


def is_whole(module: Any) -> bool:
    """Whether the module is no longer being imported."""
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)
