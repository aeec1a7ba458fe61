"""What a library does when it is imported, done again by every drawing that imports it.

Python runs a module once in a process, however often it is imported. A colormap, a font, a style or a
converter that it sets up is put back after the drawing that came first (`render/reset.py`), and would be
missing from the second drawing on. Keeping it would show in other plots' pictures, or not, by what the
process has drawn before. So what the import changed is recorded, and done again where a later drawing comes
to its `import` statement: each drawing sees what it would see in a fresh interpreter.

The hooks are not there before the first drawing of a process, and do nothing outside of a drawing, but for a
module whose work was taken back: a notebook that imports it next finds it done.

A module may keep what it has imported in a variable, and come to no import the next time. So variables that
keep an import are put back (`render/guards.py`), as far as they are found. For a library, a cached function
and a thread, whose imports are not those of the drawing, that is not sure: what shows in pictures and came
that way is told as `hidden`, and a process that can be replaced is. A drawing that has come to an import
before and does not come to it again has `missed` it: it is done in another process, or is an error.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import inspect
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from plotroute.render.state.artwork import Fonts
from plotroute.render.state.guards import Guards
from plotroute.render.state.seeding import seeded
from plotroute.render.state.tables import Environment, Filters, Part, Rc, Redo, Tables

# What libraries set at import for good reasons, and no picture shows: it is done again, and no more.
_UNSEEN = (Environment, Filters)

# What libraries add to under names of their own: a drawing that lacks one fails, and is not another picture.
_ADDING = (Tables, Fonts)

# How many drawings are remembered with their imports: each takes some 200 bytes.
_MOST_DRAWINGS = 10_000

# Where code is a library's even below a folder of the author's.
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

# A style by its dotted name, and the backend: Matplotlib asks for them by import each time.
_ASKS_AGAIN = ("matplotlib",)

Importer = tuple[dict[str, Any], CodeType]
"""The function that has imported a module: where it is defined, and its code."""

Came = OrderedDict[str, dict[str, Importer]]
"""By what was drawn, the modules with effects that its drawing has come to."""


@dataclass(slots=True)
class _Execution:
    """A module that is being run for the first time."""

    name: str
    package: str
    steps: list[Redo | str] = field(default_factory=list)
    shows: bool = False
    """Whether pictures show what it has changed."""
    sets: bool = False
    """Whether it has changed what is there for all, as a style does, beside adding names."""


class Imports:
    """The imports of this process since its first drawing. There is one, since there is one `sys.modules`."""

    def __init__(self, parts: Callable[[], Sequence[Part]]) -> None:
        """`parts` returns what is looked at: all that `State` puts back."""
        self._parts = parts
        self._effects: dict[str, list[Redo | str]] = {}
        """By module, what to do again, in its order; a text is another module, whose effects come there."""
        self.done: frozenset[str] = frozenset()
        """Modules whose effects are in place now. Part of what is put back."""
        self._shown: set[str] = set()
        """Modules whose effects pictures show."""
        self.places: Sequence[str] = ()
        """Folders of the author's code. Without any, nothing is told as hidden."""
        self.hidden = ""
        """Why a later drawing may use what was imported and come to no import; empty: none does."""
        self._sets: set[str] = set()
        """Modules that have changed more than to add names: without them a picture is silently another."""
        self._guards = Guards()
        self._came: dict[str, Importer] = {}
        self._thread: int | None = None
        self._running: list[_Execution] = []
        self._before: list[Any] = []
        self._noted: list[str] | None = None
        self._installed = False

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Record what is imported while the body, author code, runs in this thread."""
        before, self._thread = self._thread, threading.get_ident()
        try:
            yield
        finally:
            self._thread = before

    def begin(self) -> None:
        """Look at what the author's modules have not imported yet, before a drawing."""
        self._came = {}
        self._guards.begin(self._is_authors)

    def open_guards(self) -> None:
        """Have what this drawing has imported be imported again by the next."""
        before, self._thread = self._thread, None  # what that imports is no part of the drawing
        try:
            self._guards.put_back()
        finally:
            self._thread = before

    def missed(self, known: Came, drawing: str, *, failed: bool) -> str:
        """Return why a drawing is not what it was: it has not come to an import that it came to before.

        Without a name that an import adds it fails, so only what has failed is told then. Empty: it has.
        `known` are the imports of earlier drawings, this one's among them afterwards.
        """
        matters = self._shown if failed else self._sets
        for name, (space, code) in known.get(drawing, {}).items():
            if name in matters and name not in self._came and not _redefined(space, code):
                return (
                    f"It was drawn before, and {name} was imported then. Something keeps that module, so "
                    f"that it is not imported again. With `import {name}` at the top of the plots file it is "
                    "there for all plots"
                )
        if self._came and not failed:
            known[drawing] = self._came
            if len(known) > _MOST_DRAWINGS:
                known.popitem(last=False)
        return ""

    @contextlib.contextmanager
    def noted(self) -> Iterator[list[str]]:
        """Note which modules with effects the body imports, for the first time or not."""
        found: list[str] = []
        before, self._noted = self._noted, found
        try:
            yield found
        finally:
            self._noted = before

    def repeat(self, name: str) -> None:
        """Have the effects of a module in place, as its import would."""
        if any(running.name == name for running in self._running):
            self._circle(name)
            return
        if self._running and name in self._running[-1].steps:
            return
        self._flush()
        self._note(name)
        if name not in self.done:
            self._do(name)
            self._look()

    def _circle(self, name: str) -> None:
        """Note that what is running has asked for one that runs: imported alone, it would run that first."""
        running = self._running[-1]
        if running.name != name and name not in running.steps:
            self._flush()
            running.steps.append(name)

    def _do(self, name: str) -> None:
        self.done |= {name}
        for step in self._effects.get(name, ()):
            if not isinstance(step, str):
                step()
            elif step not in self.done:
                self._do(step)

    def _execute(self, name: str, run: Callable[[], Any]) -> Any:
        """Run a module that is imported for the first time, and record what that changes."""
        package = name.partition(".")[0]
        # What a part of a package does at its import counts for the package, if that imports it: neither is
        # there without the other. Modules of Python itself change nothing.
        if package in sys.stdlib_module_names or (self._running and self._running[-1].package == package):
            return run()
        first = not self._running
        self._flush()
        running = _Execution(name, package)
        self._running.append(running)
        rc = next(part for part in self._parts() if isinstance(part, Rc))
        try:
            with self._begun(rc) if first else contextlib.nullcontext():
                try:
                    module = run()
                finally:
                    self._flush()
        except BaseException:
            self._running.pop()
            if self._running:  # what a failed import has changed is changed
                self._running[-1].steps += running.steps
                self._running[-1].shows |= running.shows
                self._running[-1].sets |= running.sets
            raise
        self._running.pop()
        self._effects.pop(name, None)  # of the file as it was before it was saved
        if running.shows or not self._shown.isdisjoint(s for s in running.steps if isinstance(s, str)):
            self._shown.add(name)
        if running.sets or not self._sets.isdisjoint(s for s in running.steps if isinstance(s, str)):
            self._sets.add(name)
        if running.steps:
            self._effects[name] = running.steps
            self.done |= {name}
            self._note(name)
        return module

    @contextlib.contextmanager
    def _begun(self, rc: Rc) -> Iterator[None]:
        """Run the first of what is imported, once for all that is imported meanwhile.

        Its random numbers are the same whichever picture came first, and are none of that picture's.
        """
        with rc.noting(), seeded("0"):
            self._look(first=True)
            yield

    def _note(self, name: str) -> None:
        """Remember that what is running has asked for a module: another time, its effects come there."""
        if name in self._shown and self._thread is not None:
            self._guards.look(name, _callers())
            if not self._running and self._noted is None:
                frame = next(_callers(), None)
                if frame is not None:
                    self._came[name] = frame.f_globals, frame.f_code
        if self._running:
            self._running[-1].steps.append(name)
        elif self._noted is not None:
            self._noted.append(name)  # the effects come with the data from now on
        elif name in self._shown and self._thread is not None and (by := self._not_again(name)):
            self._hide(
                f"{by} imports {name} in a way that it may not repeat, and pictures show what that sets up. "
                f"With `import {name}` at the top of the plots file it is there for all plots"
            )

    def _hide(self, why: str) -> None:
        if self.places:
            self.hidden = self.hidden or why

    def _not_again(self, name: str) -> str:
        """Return what is importing, if it may not do so another time: a library, or a cached function.

        A part of a package that imports the package runs only where that is imported.
        """
        by = ""
        for frame in _callers():
            module = str(frame.f_globals.get("__name__", ""))
            file, function = frame.f_code.co_filename, frame.f_code.co_name
            if file.startswith("<"):
                continue
            if not by:
                by = module
                if module.startswith(f"{name}."):
                    return ""
                if not self._is_authors(file) and module.partition(".")[0] not in _ASKS_AGAIN:
                    return module
            if hasattr(frame.f_globals.get(function), "cache_info"):
                return f"{module}.{function}"
        return ""

    def _is_authors(self, file: str) -> bool:
        return any(file.startswith(place) for place in self.places) and not any(
            part in file for part in _INSTALLED
        )

    def _execute_elsewhere(self, name: str, run: Callable[[], Any]) -> Any:
        """Run a module that another thread imports while there is a drawing, and tell whether that shows."""
        if self._thread is None or not self.places or name.partition(".")[0] in sys.stdlib_module_names:
            return run()
        parts = [part for part in self._parts() if isinstance(part, Rc | Tables)]
        before = [part.take() for part in parts]
        try:
            return run()
        finally:
            if any(part.take() != one for part, one in zip(parts, before, strict=True)):
                self._hide(f"{name} was imported in a thread, and pictures show what that sets up")

    def _look(self, *, first: bool = False) -> None:
        """Remember the state as it is, to see what changes from here on."""
        if self._running or first:
            self._before = [part.take() for part in self._parts()]

    def _flush(self) -> None:
        """Record what has changed since the last look as the work of the module that is running."""
        if not self._running:
            return
        for number, part in enumerate(self._parts()):
            if (redo := part.changes(self._before[number])) is not None:
                self._running[-1].steps.append(redo)
                self._running[-1].shows |= not isinstance(part, _UNSEEN)
                self._running[-1].sets |= not isinstance(part, (*_UNSEEN, *_ADDING))
                self._before[number] = part.take()

    def _imported(
        self, name: str, globals: Mapping[str, Any] | None, items: Sequence[str] | None, level: int
    ) -> None:
        """Repeat what an import statement would do that names modules which are there already."""
        if self._thread not in (None, threading.get_ident()):
            return
        if level:
            package = (globals or {}).get("__package__") or ""
            parents = package.rsplit(".", level - 1)
            name = f"{parents[0]}.{name}" if name else parents[0]
        parts = name.split(".")
        asked = [".".join(parts[: n + 1]) for n in range(len(parts))]
        asked += [f"{name}.{item}" for item in items or ()]
        for module in asked:
            if self._running and any(running.name == module for running in self._running):
                self._circle(module)
            elif module in self._effects and module in sys.modules:
                self.repeat(module)

    def install(self) -> None:
        """Put a hook where Python runs a module, and where it looks for one that is there; once."""
        if self._installed:
            return
        self._installed = True
        importlib.import_module("numpy.random.bit_generator")  # NumPy loads it late: not inside of an import
        machinery: Any = importlib.import_module("importlib._bootstrap")
        load, find, statement = machinery._load_unlocked, machinery._gcd_import, builtins.__import__

        def load_recorded(spec: Any) -> Any:
            if self._thread != threading.get_ident():
                return self._execute_elsewhere(spec.name, lambda: load(spec))
            return self._execute(spec.name, lambda: load(spec))

        def find_again(name: str, package: Any = None, level: int = 0) -> Any:
            if self._effects or self._running:
                self._imported(name, {"__package__": package}, (), level)
            return find(name, package, level)

        def import_again(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            if self._effects or self._running:
                self._imported(name, globals, fromlist, level)
            return statement(name, globals, locals, fromlist, level)

        machinery._load_unlocked, machinery._gcd_import = load_recorded, find_again
        builtins.__import__ = import_again


def _callers() -> Iterator[FrameType]:
    """Yield the frames of author code and libraries that an import comes from, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module not in (__name__, Guards.__module__):
            if module.partition(".")[0] == "plotroute":
                return
            if not (module.startswith("importlib") or frame.f_code.co_filename.startswith("<frozen ")):
                yield frame
        frame = frame.f_back


def _redefined(space: dict[str, Any], code: CodeType) -> bool:
    """Whether a function is another one by now: a notebook's cell was edited and run again."""
    first, *rest = code.co_qualname.split(".")
    found = space.get(first)
    for name in rest:
        found = getattr(found, "__dict__", {}).get(name)
    return getattr(inspect.unwrap(found), "__code__", code) is not code if callable(found) else False
