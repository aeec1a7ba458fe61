"""Reset Matplotlib's fonts and colormaps: two parts of the state (`tables.py` has the protocol)."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import Any

from plotroute.render.state.tables import Redo, all_of, is_whole


class Fonts:
    """The fonts that Matplotlib knows: `fontManager.addfont(…)`."""

    def __init__(self) -> None:
        self._manager: Any = importlib.import_module("matplotlib.font_manager").fontManager

    def take(self) -> tuple[list[Any], list[Any]]:
        """Return copies of the font manager's lists."""
        return self._manager.ttflist[:], self._manager.afmlist[:]

    def put_back(self, before: tuple[list[Any], list[Any]]) -> None:
        """Reset the font manager's lists."""
        manager = self._manager
        if manager.ttflist != before[0] or manager.afmlist != before[1]:
            manager.ttflist[:], manager.afmlist[:] = before
            self._forget()

    def changes(self, before: tuple[list[Any], list[Any]]) -> Redo | None:
        """Return a function that adds the new fonts; None without new fonts."""
        added = [
            [font for font in now if font not in then]
            for now, then in zip(self.take(), before, strict=True)
            if now != then
        ]
        return partial(self._add, [font for fonts in added for font in fonts]) if any(added) else None

    def _add(self, fonts: list[Any]) -> None:
        for font in fonts:
            known = self._manager.afmlist if font.fname.lower().endswith(".afm") else self._manager.ttflist
            if font not in known:
                known.append(font)
        self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(AttributeError):  # another version of Matplotlib
            self._manager._findfont_cached.cache_clear()


_LOOKS = itemgetter("_isinit", "_rgba_bad", "_rgba_under", "_rgba_over", "N")


class Colormaps:
    """Colormap objects that modules share, if they are changed in place: `plt.cm.viridis.set_bad(…)`.

    Colormaps that are looked up by name are copies.
    """

    def __init__(self) -> None:
        self._modules = 0
        self._looked: set[str] = set()
        self._maps: list[Any] = []
        self._first: list[Any] = []

    def look(self) -> None:
        """Find the colormaps of modules that were imported since the last look."""
        if self._modules == len(sys.modules):
            return
        from matplotlib.colors import Colormap

        self._modules = len(sys.modules)

        known = {id(colormap) for colormap in self._maps}
        for name in sys.modules.keys() - self._looked:
            space = getattr(sys.modules[name], "__dict__", {})
            if not is_whole(sys.modules[name]):
                self._modules = 0  # look again
            elif type(space) is dict:
                self._looked.add(name)
                for value in list(space.values()):
                    if issubclass(type(value), Colormap) and id(value) not in known:
                        known.add(id(value))
                        self._maps.append(value)
                        self._first.append(_look_of(value))
        self._looked &= sys.modules.keys()

    def take(self) -> tuple[list[Any], list[Any]]:
        """Return the look of all colormaps, with the colour tables of those that have computed them."""
        self.look()
        return self._looks(), [_look_of(colormap) for colormap in self._maps]

    def put_back(self, before: tuple[list[Any], list[Any]]) -> None:
        """Reset the look of changed colormaps."""
        for colormap, look in self._changed(before):
            _put_look(colormap, look)

    def changes(self, before: tuple[list[Any], list[Any]]) -> Redo | None:
        """Return a function that gives changed colormaps the look of now; None if none has changed."""
        redo = [
            partial(_put_look, colormap, _look_of(colormap))
            for colormap, look in self._changed(before)
            if _look_of(colormap)[1:5] != look[1:5] or look[0]
        ]
        return partial(all_of, redo) if redo else None

    def _changed(self, before: tuple[list[Any], list[Any]]) -> Iterator[tuple[Any, Any]]:
        looks, whole = before
        self.look()
        if len(whole) == len(self._maps) and self._looks() == looks and not any(map(itemgetter(0), looks)):
            return
        for colormap, look in zip(self._maps, whole + self._first[len(whole) :], strict=True):
            if _LOOKS(vars(colormap)) != look[:5] or (look[0] and (colormap._lut != look[5]).any()):
                yield colormap, look

    def _looks(self) -> list[Any]:
        return list(map(_LOOKS, map(vars, self._maps)))


def _look_of(colormap: Any) -> tuple[Any, ...]:
    return (*_LOOKS(vars(colormap)), colormap._lut.copy() if colormap._isinit else None)


def _put_look(colormap: Any, look: tuple[Any, ...]) -> None:
    colormap._isinit, colormap._rgba_bad, colormap._rgba_under, colormap._rgba_over, colormap.N, lut = look
    if lut is not None:
        colormap._lut = lut.copy()
