"""Repeat what a library does when it is imported, in every drawing that imports it.

Python runs a module once in a process, however often it is imported. A colormap, a font, a style or a
converter that the module sets up is reset after the first drawing (`reset.py`), and would be missing from the
second drawing on. If it were kept, it would show in other plots' pictures, depending on what the process has
drawn before. So the changes of an import are recorded, and repeated when a later drawing reaches its `import`
statement: each drawing sees what it would see in a fresh interpreter.

The hooks are installed at the first drawing of a process. Outside of a drawing they do nothing, except for a
module whose changes were reset: a notebook that imports it next finds them made.

A module may keep what it has imported in a variable, and reach no import the next time. So variables that
keep an import are reset (`guards.py`), if they are found. For imports of a library, a cached function or a
thread, which are not imports of the drawing, that is not certain: if such an import shows in pictures, the
reason is in `hidden`, and a process that can be replaced is replaced. A drawing that has reached an import
before and does not reach it again has `missed` it: another process draws it, or it is an error.
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

# Parts that libraries change at import for good reasons, and that no picture shows: only repeated.
_UNSEEN = (Environment, Filters)

# Parts to which libraries add names of their own: a drawing that lacks a name fails, and shows no other
# picture.
_ADDING = (Tables, Fonts)

# Most drawings that are remembered with their imports: each takes some 200 bytes.
_MOST_DRAWINGS = 10_000

# Folders of libraries, even below a folder of the author's.
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

# Matplotlib imports a style by its dotted name, and the backend, each time.
_ASKS_AGAIN = ("matplotlib",)

Importer = tuple[dict[str, Any], CodeType]
"""The function that has imported a module: the namespace of its module, and its code."""

Came = OrderedDict[str, dict[str, Importer]]
"""Drawing → the modules with effects that it has imported."""


@dataclass(slots=True)
class _Execution:
    """A module that is being run for the first time."""

    name: str
    package: str
    steps: list[Redo | str] = field(default_factory=list)
    shows: bool = False
    """Whether pictures show what it has changed."""
    sets: bool = False
    """Whether it has changed what all plots use, as a style does, beyond adding names."""


class Imports:
    """The imports of this process since its first drawing: one object, as there is one `sys.modules`."""

    def __init__(self, parts: Callable[[], Sequence[Part]]) -> None:
        """Watch the parts of the state that `parts` returns: all that `State` resets."""
        self._parts = parts
        self._effects: dict[str, list[Redo | str]] = {}
        """Module → what to repeat, in order; a string is another module, whose effects come at that place."""
        self.done: frozenset[str] = frozenset()
        """Modules whose effects are in place now. `State` resets it, too."""
        self._shown: set[str] = set()
        """Modules whose effects pictures show."""
        self.places: Sequence[str] = ()
        """Folders of the author's code. Without folders, nothing is hidden."""
        self.hidden = ""
        """Why a later drawing may use an import without reaching it; empty: no drawing does."""
        self._sets: set[str] = set()
        """Modules that have done more than add names: without their effects a picture silently differs."""
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
        """Note what the author's modules have not imported yet, before a drawing."""
        self._came = {}
        self._guards.begin(self._is_authors)

    def open_guards(self) -> None:
        """Reset the variables that would keep the next drawing from the imports of this drawing."""
        before, self._thread = self._thread, None  # its own imports are no part of the drawing
        try:
            self._guards.put_back()
        finally:
            self._thread = before

    def missed(self, known: Came, drawing: str, *, failed: bool) -> str:
        """Return why a drawing differs from before: it has not reached an import that it reached before.

        A drawing without a name that an import adds fails, so missing names count for failed drawings only.

        Args:
            known: The imports of earlier drawings; those of this drawing are added.
            drawing: The key of what is drawn.
            failed: Whether the drawing has raised an error.

        Returns:
            The reason; empty if no import was missed.
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
        """Yield a list of the modules with effects that the body imports, for the first time or again."""
        found: list[str] = []
        before, self._noted = self._noted, found
        try:
            yield found
        finally:
            self._noted = before

    def repeat(self, name: str) -> None:
        """Put the effects of a module in place, as its import would."""
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
        """Note a circular import: a module that is imported alone would first run the other module."""
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
        """Run a module that is imported for the first time, and record its changes."""
        package = name.partition(".")[0]
        # The changes of a submodule count for its package, if the package imports it: neither is there
        # without the other. Modules of Python itself change nothing.
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
            if self._running:  # the changes of a failed import remain
                self._running[-1].steps += running.steps
                self._running[-1].shows |= running.shows
                self._running[-1].sets |= running.sets
            raise
        self._running.pop()
        self._effects.pop(name, None)  # the effects of an earlier version of the file
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
        """Prepare for the outermost import, once for all imports inside it.

        Its random numbers are the same whichever picture came first, and are not taken from that picture's.
        """
        with rc.count_sets(), seeded("0"):
            self._look(first=True)
            yield

    def _note(self, name: str) -> None:
        """Note that the running code imports a module: its effects are repeated here the next time."""
        if name in self._shown and self._thread is not None:
            self._guards.look(name, _callers())
            if not self._running and self._noted is None:
                frame = next(_callers(), None)
                if frame is not None:
                    self._came[name] = frame.f_globals, frame.f_code
        if self._running:
            self._running[-1].steps.append(name)
        elif self._noted is not None:
            self._noted.append(name)  # the effects are repeated with the data from now on
        elif name in self._shown and self._thread is not None and (by := self._not_again(name)):
            self._hide(
                f"{by} imports {name} in a way that it may not repeat, and pictures show what that sets up. "
                f"With `import {name}` at the top of the plots file it is there for all plots"
            )

    def _hide(self, why: str) -> None:
        if self.places:
            self.hidden = self.hidden or why

    def _not_again(self, name: str) -> str:
        """Return the code that is importing, if it may not repeat the import: a library, a cached function.

        A submodule that imports its package runs only when the package is imported.
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
        """Run a module that another thread imports during a drawing; set `hidden` if pictures show it."""
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
        """Record the state of now, to see what changes from here on."""
        if self._running or first:
            self._before = [part.take() for part in self._parts()]

    def _flush(self) -> None:
        """Record the changes since the last look as effects of the module that is running."""
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
        """Repeat the effects of the modules that an import statement names, if they are imported already."""
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
        """Hook into Python where it runs a module, and where it finds a module that is there; once."""
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
    """Yield the frames of author code and libraries that lead to an import, the innermost first."""
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
    """Whether a function was defined anew: a notebook's cell was edited and run again."""
    first, *rest = code.co_qualname.split(".")
    found = space.get(first)
    for name in rest:
        found = getattr(found, "__dict__", {}).get(name)
    return getattr(inspect.unwrap(found), "__code__", code) is not code if callable(found) else False
