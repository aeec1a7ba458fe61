"""Import targets and find the Plots in them. Every load imports all of the author's code afresh.

A process has one set of targets: each load replaces the load before. Loads must not overlap.
"""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import linecache
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from plotroute.catalog import author_code
from plotroute.catalog.author_code import THREE_LINES, Target
from plotroute.catalog.registry import Registry, collecting
from plotroute.catalog.tracebacks import cannot_load
from plotroute.errors import CannotLoad

_USES_PLOTROUTE = re.compile(
    rb"^\s*(from\s+plotroute|import\s[^#\n]*\bplotroute|@[\w.]+\.(plot|dataset))\b", re.M
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The Plots that were found in the targets."""

    registries: tuple[Registry, ...]
    """The registry of each Plots, without those that another Plots of them includes."""
    root: Path
    """The directory to work in, which relative paths in author code count from: that of the first target."""
    files: tuple[Path, ...]
    """The files that were named, or found in a named folder, in the order of their import."""


def load(
    targets: Sequence[str],
    first: Callable[[], None] = lambda: None,
    contents: Mapping[str, bytes] | None = None,
) -> Loaded:
    """Import the targets, and with them all of the author's code afresh, and return the Plots in them.

    The caller sets the working directory: see `author_code.root_of`.

    Args:
        targets: files, folders or modules with plots.
        first: called before the targets are imported; the author's modules can be imported in it.
        contents: path → bytes of a file. Such files are compiled from these bytes, whatever has been saved
            since, also when a plot imports them later, inside its function. Otherwise pictures of one version
            of the code would show the code of another.

    Raises:
        CannotLoad: with what is wrong, and the author's file and line. The modules of the load before are
            then in place again.
    """
    found = tuple(author_code.find(target) for target in targets)
    before, path, author = _author, sys.path[:], _Author(found, contents or {})
    aside = _purge(before) | _purge(author)
    _install(author)
    sys.path[:] = [entry for entry in path if entry not in before.entries]
    # Mistakes in all decorators are reported, not only the first.
    token = collecting.set(True)
    try:
        for entry in reversed(author.entries):
            _put_first(entry)
        first()
        registries, files = _import_all(found, author)
    except BaseException:
        _purge(author)
        _install(before)
        sys.path[:] = path
        sys.modules.update(aside)
        raise
    finally:
        collecting.reset(token)
    return Loaded(registries=registries, root=found[0].root, files=files)


def built_in(targets: Sequence[str]) -> tuple[Registry, ...]:
    """Return the Plots of modules that are installed with plotroute, such as `plotroute.charts:plots`.

    No author edits them, so they are imported once, and are no part of what is hashed and watched.
    """
    pairs = (target.split(":") for target in targets)
    return tuple(getattr(importlib.import_module(module), name).registry for module, name in pairs)


class _Source(SourceFileLoader):
    """Compiles a file of the author's each time, and leaves no `__pycache__` beside it.

    Python matches bytecode with its source by size and whole seconds, so it may miss the second of two saves
    within a second. And plots are often deployed in folders that cannot be written to.
    """

    def path_stats(self, path: object) -> NoReturn:
        """Raise OSError, so that Python neither reads nor keeps bytecode."""
        raise OSError("the author's code is always compiled")

    def get_data(self, path: str) -> bytes:
        """Return the bytes of a file: those that the hash of the code was made of."""
        known = _author.contents.get(str(path))
        if known is None:
            known = _author.contents.get(_real(str(path)))
        return super().get_data(path) if known is None else known


# Called for every imported module at each load, which is slow with a thousand modules.
_real = functools.lru_cache(maxsize=10_000)(os.path.realpath)


class _Author:
    """The finder of the author's modules on sys.meta_path: finds as Python does, and compiles afresh."""

    def __init__(self, found: Sequence[Target], contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self.places = {place for t in found for place in (t.code, Path(os.path.realpath(t.code)))}
        self._beginnings = {os.path.join(place, ""): place for place in self.places}
        self.entries = list(dict.fromkeys(t.entry for t in found if t.entry))
        self._known: dict[str, tuple[ModuleType, bool]] = {}
        """Name of a module → the module, and whether it is the author's. Every drawing asks about a thousand
        modules, and a look at their paths took 3 ms."""
        self.elsewhere: set[str] = set()
        """Names of targets that mean another module in an import: seaborn, in seaborn.py."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module, as any finder does."""
        if path is None and name in self.elsewhere:
            path = [entry for entry in sys.path if entry not in self.entries]
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin and type(spec.loader) is SourceFileLoader and self.owns(spec.origin):
            spec.loader = _Source(spec.name, spec.origin)
        return spec

    def owns(self, file: str) -> bool:
        """Whether a file, or folder, is part of the author's code."""
        if not os.path.isabs(file):  # `<string>` and its like
            return False
        # By its text first: of a thousand modules few are the author's, and paths are slow.
        return any(
            author_code.is_in(Path(path), place)
            for path in {file, _real(file)}
            for beginning, place in self._beginnings.items()
            if os.path.join(path, "").startswith(beginning)
        )

    def modules(self) -> dict[str, ModuleType]:
        """Return the author's modules that are imported now."""
        found = {}
        for name, module in list(sys.modules.items()):
            known, is_authors = self._known.get(name, (None, False))
            if known is not module:
                try:
                    is_authors = self._is_authors(name, module)
                except Exception:  # A lazy module may answer with anything; it may know its file later.
                    continue
                self._known[name] = module, is_authors
            if is_authors:
                found[name] = module
        return found

    def _is_authors(self, name: str, module: ModuleType) -> bool:
        file = module.__file__ if getattr(module, "__file__", None) else next(iter(module.__path__))
        # Few extension modules can be imported twice.
        once = name == "__main__" or str(file).endswith(tuple(EXTENSION_SUFFIXES))
        return not once and self.owns(str(file))


def modules() -> list[ModuleType]:
    """Return the author's modules that are imported now."""
    return list(_author.modules().values())


_author = _Author((), {})


def _install(author: _Author) -> None:
    global _author
    # Just before Python's own finder: built-in modules still win over the author's files.
    others = [finder for finder in sys.meta_path if not isinstance(finder, _Author)]
    others.insert(others.index(PathFinder), author)
    sys.meta_path[:] = others
    _author = author


def _purge(author: _Author) -> dict[str, ModuleType]:
    modules = author.modules()
    for name, module in modules.items():
        del sys.modules[name]
        linecache.cache.pop(getattr(module, "__file__", None) or "", None)
    importlib.invalidate_caches()
    linecache.checkcache()
    return modules


def _import_all(found: Sequence[Target], author: _Author) -> tuple[tuple[Registry, ...], tuple[Path, ...]]:
    registries: dict[int, Registry] = {}
    files: list[Path] = []
    for target in found:
        _put_first(target.entry)
        _refuse_twins(target, files, author)
        plots: list[Registry] = []
        for module in _import_target(target, author):
            plots += _plots_in(module, target.attribute)
            files.append(Path(module.__file__ or module.__name__))
        if not plots:
            where = target.name or f"the files of {target.root} that use plotroute"
            raise CannotLoad(f"There is no Plots in {where}, so there is nothing to show. {THREE_LINES}")
        registries |= {id(registry): registry for registry in plots}
    # They stay: a plot may import a helper when it is called.
    for entry in reversed(author.entries):
        _put_first(entry)
    included = {id(inner) for outer in registries.values() for _, inner in outer.walk() if inner is not outer}
    return tuple(r for r in registries.values() if id(r) not in included), tuple(dict.fromkeys(files))


def _put_first(entry: str) -> None:
    if entry:
        sys.path[:] = [entry, *(other for other in sys.path if other != entry)]


def _refuse_twins(target: Target, files: Sequence[Path], author: _Author) -> None:
    """Raise CannotLoad where two folders have a module of one name: Python would give both the first."""
    for name, module in author.modules().items() if target.entry else ():
        mine, first = Path(target.entry, f"{name}.py"), Path(getattr(module, "__file__", None) or "")
        if mine.is_file() and mine != first and not (first in files and target.kind == "file"):
            raise CannotLoad(
                f"{mine} and {first} have the same name, and Python imports only one of a name. "
                "Rename one, make packages of the folders (a.plots:plots), or run plotroute for each."
            )


def _import_target(target: Target, author: _Author) -> list[ModuleType]:
    files = [target.root / target.name]
    if target.kind == "module":
        return [_attempt(lambda: importlib.import_module(target.name), target, author)]
    if target.kind == "folder":
        python = sorted(file for file in target.root.glob("[!._]*.py") if file.is_file())
        # Only these: a script in the same folder may do anything when it is imported.
        files = [file for file in python if _USES_PLOTROUTE.search(file.read_bytes())]
    return [_attempt(functools.partial(_import_file, file, author), target, author) for file in files]


def _import_file(file: Path, author: _Author) -> ModuleType:
    """Import a file under its own name, or under another where that is the name of another module."""
    stem = file.stem.replace(".", "_")
    own_name = re.compile(rb"^\s*(from|import)\s+%s\b" % re.escape(stem.encode()), re.M)
    path = [entry for entry in sys.path if entry not in author.entries]
    for name in itertools.chain([stem], (f"plotsfile{n}_{stem}" for n in itertools.count(1))):
        known = sys.modules.get(name)
        if known is not None and getattr(known, "__file__", None) == str(file):
            return known
        # No file imports itself: `import seaborn` in seaborn.py means the library, if it is installed.
        taken = name in sys.stdlib_module_names or (
            name == stem and own_name.search(file.read_bytes()) and PathFinder.find_spec(stem, path)
        )
        if known is None and not taken:
            break
        author.elsewhere.add(stem)
    loader = _Source(name, str(file))
    spec = spec_from_file_location(name, file, loader=loader)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _plots_in(module: ModuleType, attribute: str) -> list[Registry]:
    found = {}
    for name, value in list(vars(module).items()):
        try:
            registry = None if isinstance(value, ModuleType | type) else value.registry
        except Exception:  # any object of the author's, which may raise anything
            continue
        if isinstance(registry, Registry):
            found[name] = registry
    if attribute and attribute not in found:
        others = ", ".join(f"{module.__name__}:{name}" for name in found)
        raise CannotLoad(
            f"{module.__name__}:{attribute} is not a Plots. "
            + (f"The module has {others}." if others else f"The module has none. {THREE_LINES}")
        )
    return [found[attribute]] if attribute else list(found.values())


def _attempt(act: Callable[[], ModuleType], target: Target, author: _Author) -> ModuleType:
    try:
        return act()
    except (Exception, SystemExit) as error:
        failure = cannot_load(error, target.name, target.root, author.owns)
    # Out here, so that the error keeps no frames of the author's alive, and no data in them.
    raise failure
