"""What a library does when it is imported, done again by every drawing that imports it.

Python runs a module once in a process, however often it is imported. A colormap, a font, a style or a
converter that it sets up is put back after the drawing that came first (`render/reset.py`), and would be
missing from the second drawing on. Keeping it would show in other plots' pictures, or not, by what the
process has drawn before. So what the import changed is recorded, and done again where a later drawing comes
to its `import` statement: each drawing sees what it would see in a fresh interpreter.

The hooks are not there before the first drawing of a process, and do nothing outside of a drawing, but for a
module whose work was taken back: a notebook that imports it next finds it done.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plotroute.render.tables import Part, Rc, Redo


@dataclass(slots=True)
class _Execution:
    """A module that is being run for the first time."""

    name: str
    package: str
    steps: list[Redo | str] = field(default_factory=list)


class Imports:
    """The imports of this process since its first drawing. There is one, since there is one `sys.modules`."""

    def __init__(self, parts: Callable[[], Sequence[Part]]) -> None:
        """`parts` returns what is looked at: all that `State` puts back."""
        self._parts = parts
        self._effects: dict[str, list[Redo | str]] = {}
        """By module, what to do again, in its order; a text is another module, whose effects come there."""
        self.done: frozenset[str] = frozenset()
        """Modules whose effects are in place now. Part of what is put back."""
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
            return  # a circle of imports
        if self._running and name in self._running[-1].steps:
            return
        self._flush()
        self._note(name)
        if name not in self.done:
            self._do(name)
            self._look()

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
        self._flush() if self._running else self._look(first=True)
        running = _Execution(name, package)
        self._running.append(running)
        rc = next(part for part in self._parts() if isinstance(part, Rc))
        try:
            # Once, for all that is imported meanwhile.
            with rc.noting() if len(self._running) == 1 else contextlib.nullcontext():
                module = run()
                self._flush()
        except BaseException:
            self._flush()
            self._running.pop()
            if self._running:  # what a failed import has changed is changed
                self._running[-1].steps += running.steps
            raise
        self._running.pop()
        self._effects.pop(name, None)  # of the file as it was before it was saved
        if running.steps:
            self._effects[name] = running.steps
            self.done |= {name}
            self._note(name)
        return module

    def _note(self, name: str) -> None:
        """Remember that what is running has asked for a module: another time, its effects come there."""
        if self._running:
            self._running[-1].steps.append(name)
        elif self._noted is not None:
            self._noted.append(name)

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
            if module in self._effects and module in sys.modules:
                self.repeat(module)

    def install(self) -> None:
        """Put a hook where Python runs a module, and where it looks for one that is there; once."""
        if self._installed:
            return
        self._installed = True
        machinery: Any = importlib.import_module("importlib._bootstrap")
        load, find, statement = machinery._load_unlocked, machinery._gcd_import, builtins.__import__

        def load_recorded(spec: Any) -> Any:
            if self._thread != threading.get_ident():
                return load(spec)
            return self._execute(spec.name, lambda: load(spec))

        def find_again(name: str, package: Any = None, level: int = 0) -> Any:
            if self._effects:
                self._imported(name, {"__package__": package}, (), level)
            return find(name, package, level)

        def import_again(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            if self._effects:
                self._imported(name, globals, fromlist, level)
            return statement(name, globals, locals, fromlist, level)

        machinery._load_unlocked, machinery._gcd_import = load_recorded, find_again
        builtins.__import__ = import_again
