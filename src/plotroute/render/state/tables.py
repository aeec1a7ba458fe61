"""What libraries keep in dicts, lists and objects that a plot can reach: taken, put back, and compared.

A *part* is one kind of it. `take` returns what it is now, `put_back` makes it so again, and `changes` returns
what does once more what has happened since: the work of an import that Python does only once
(`render/imports.py`). Each is asked several times for every picture, so finding that nothing has changed must
cost microseconds.
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
"""The value of a name that is not there."""

Redo = Callable[[], object]
"""Does once more what an import has done."""


class Part(Protocol):
    """One kind of state."""

    def take(self) -> Any:
        """Return what it is now."""

    def put_back(self, before: Any) -> None:
        """Make it what it was."""

    def changes(self, before: Any) -> Redo | None:
        """Return what does again all that has changed since `before`; None if nothing has."""


class Value:
    """Something that one call returns and another one sets."""

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], object]) -> None:
        self.take = get
        self._put = put

    def put_back(self, before: Any) -> None:
        """Set it, if it has changed."""
        if self.take() != before:
            self._put(before)

    def changes(self, before: Any) -> Redo | None:
        """Return what sets it to what it is now."""
        now = self.take()
        return None if now == before else partial(self._put, now)


# Where libraries keep what plots may change, with the module that must be there.
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
    """The dicts and lists of `_PLACES`, and the dicts in those dicts, as far as they are imported."""

    def __init__(self) -> None:
        self._looked: set[str] = set()
        self._tables: list[Any] = []
        self._first: list[Any] = []
        self._views: list[Any] = []

    def look(self) -> None:
        """Take in the tables of modules that were imported since."""
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
        """Return a copy of all tables, and all that is in them in one list."""
        self.look()
        return [_copy(table) for table in self._tables], self._flat()

    def put_back(self, before: tuple[list[Any], list[Any]]) -> None:
        """Give each table the content that it had."""
        for table, content in self._changed(before):
            if isinstance(table, dict):
                dict.clear(table)
                dict.update(table, content)
            else:
                table[:] = content
            _forget_colors()

    def changes(self, before: tuple[list[Any], list[Any]]) -> Redo | None:
        """Return what makes the changed entries what they are now."""
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
        # Of a table that is younger than `before`, what it was when its module had been imported.
        for table, content in zip(self._tables, contents + self._first[len(contents) :], strict=True):
            if not isinstance(table, dict):
                different = not _equal(table, content)
            else:  # another order too, or the comparison above would fail from now on
                different = bool(_differing(table, content)) or list(dict.keys(table)) != list(content)
            if different:
                yield table, content

    def _flat(self) -> list[Any]:
        return list(chain.from_iterable(self._views))


class Rc:
    """Matplotlib's rcParams, by an import also those that were set to what they were."""

    def __init__(self) -> None:
        import matplotlib

        self._rc: Any = matplotlib.rcParams
        self.written: Counter[str] = Counter()
        """How often an import has set a key since `changes` was asked last."""

    def take(self) -> dict[str, Any]:
        """Return a copy, with lists of its own: `rcParams["font.sans-serif"].insert(0, …)` is common."""
        return _copied({key: value for key, value in dict.items(self._rc) if key != "backend"})

    def put_back(self, before: dict[str, Any]) -> None:
        """Set all of them, without the validation that was done when they were set first: 1.4 ms saved."""
        dict.update(self._rc, _copied(before))

    def changes(self, before: dict[str, Any]) -> Redo | None:
        """Return what sets again the keys that were set or differ."""
        now = self.take()
        keys = {key for key in now if now[key] is not before.get(key) and now[key] != before.get(key)}
        # What was set and has not changed is meant too: a theme may have set it before. Unless it was set and
        # set back (`with sns.axes_style(…)`).
        keys |= {key for key, times in self.written.items() if times == 1 and key in now}
        self.written.clear()
        return partial(self.put_back, {key: now[key] for key in keys}) if keys else None

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Note in `written` what the body sets and does not set back, as `with plt.style.context(…)` does."""
        kind = type(self._rc)
        update = kind._update_raw

        def set_back(rc: Any, values: Any) -> None:
            update(rc, values)
            for key in values:
                self.written.pop(key, None)

        kind._update_raw = set_back
        try:
            with self.told(lambda key: self.written.update((key,))):
                yield
        finally:
            kind._update_raw = update

    @contextlib.contextmanager
    def told(self, tell: Callable[[str], object]) -> Iterator[None]:
        """Tell each key that the body sets, whatever it was."""
        kind = type(self._rc)
        setting = kind.__setitem__

        def note(rc: Any, key: str, value: Any) -> None:
            setting(rc, key, value)
            if rc is self._rc:
                tell(key)

        kind.__setitem__ = note
        try:
            yield
        finally:
            kind.__setitem__ = setting


class Environment:
    """The environment variables, as bytes: to decode them all takes as long as everything else here."""

    def take(self) -> dict[bytes, bytes]:
        """Return a copy."""
        return dict(os.environb._data)  # type: ignore[attr-defined]

    def put_back(self, before: dict[bytes, bytes]) -> None:
        """Set and remove what has changed, for the processes that are started too."""
        if os.environb._data != before:  # type: ignore[attr-defined]
            zone = os.environb.get(b"TZ")
            os.environb.clear()
            os.environb.update(before)
            if zone != os.environb.get(b"TZ"):
                time.tzset()

    def changes(self, before: dict[bytes, bytes]) -> Redo | None:
        """Return what sets the changed ones again."""
        changed = {name: value for name, value in self.take().items() if before.get(name) != value}
        return partial(self._update, changed) if changed else None

    def _update(self, changed: dict[bytes, bytes]) -> None:
        os.environb.update(changed)
        if b"TZ" in changed:
            time.tzset()


class Filters:
    """The filters of warnings."""

    def take(self) -> list[Any]:
        """Return them."""
        return list(warnings.filters)

    def put_back(self, before: list[Any]) -> None:
        """Make them what they were."""
        if warnings.filters != before:
            self._set(before)

    def changes(self, before: list[Any]) -> Redo | None:
        """Return what puts the new ones before those that are there."""
        added = [one for one in warnings.filters if one not in before]
        return partial(self._add, added) if added else None

    def _add(self, added: list[Any]) -> None:
        self._set([*added, *(one for one in warnings.filters if one not in added)])

    def _set(self, filters: list[Any]) -> None:
        warnings.resetwarnings()  # says as well that the cache of decisions is out of date
        warnings.filters[:] = filters  # type: ignore[index]


def values() -> list[Part]:
    """Return what is got by one call and set by another."""
    import numpy as np
    from matplotlib import dates

    dates_: Any = dates
    return [
        Value(np.geterr, lambda kept: np.seterr(**kept)),
        Value(np.get_printoptions, lambda kept: np.set_printoptions(**kept)),
        Value(lambda: locale.setlocale(locale.LC_ALL), lambda kept: locale.setlocale(locale.LC_ALL, kept)),
        # What `set_epoch` has set, or the first plot of dates, after which it cannot be set: a plot that does
        # so would work once in each process.
        Value(lambda: dates_._epoch, lambda kept: setattr(dates_, "_epoch", kept)),
        Value(_sklearn, _set_sklearn),
        Value(_arithmetic, _set_arithmetic),
        Value(sys.getrecursionlimit, sys.setrecursionlimit),
    ]


def _sklearn() -> dict[str, Any]:
    """Return the settings of scikit-learn, of which each thread has its own, that are not the usual ones."""
    config = sys.modules.get("sklearn._config")
    if config is None:
        return {}
    usual = config._global_config
    return {key: value for key, value in config._get_threadlocal_config().items() if value != usual.get(key)}


def _set_sklearn(kept: dict[str, Any]) -> None:
    config = sys.modules["sklearn._config"]
    config._get_threadlocal_config().update(config._global_config | kept)


def _arithmetic() -> dict[str, Any]:
    """Return the decimal context: two equal ones do not compare as equal."""
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
    """Whether two lists are equal; what is the same object counts as equal to itself."""
    try:
        return bool(now == before)
    except Exception:  # arrays, and other things that cannot be compared
        return False


def _differing(table: dict[Any, Any], before: dict[Any, Any]) -> dict[Any, Any]:
    """Return the entries that are not what they were, ABSENT those that are gone."""
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
    """Do one after the other."""
    for one in redo:
        one()


def is_whole(module: Any) -> bool:
    """Whether the module is no longer being imported."""
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)
