"""Target → module, code hash, what `dev` watches: one definition of which code is the author's.

A target is a file (`plots.py`), a folder (its files that use plotroute) or a `module:attribute`. The
author's code is every `.py` under the file's directory, or under the top-level package of a module: it is
hashed and watched as one, and imported afresh by each load.

A process has one set of targets: a load takes the place of the one before. Loads must not overlap.
"""

# Over 400 lines: what is the author's decides at once what is hashed, watched, found and imported anew.

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import linecache
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Literal, NoReturn

from plotroute.errors import CannotLoad
from plotroute.registry import Registry
from plotroute.tracebacks import cannot_load

Stamp = tuple[tuple[str, int, int, int], ...]
"""Path, modification time, size and inode of each file of the author's: differs after a save."""

MOST_FILES, MOST_FOLDERS = 10_000, 20_000
"""Listing them takes about a second. Who has more has put plots.py into a home directory."""

_OWN = Path(__file__).parent
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_ENVIRONMENT_MARKS = {"pyvenv.cfg", "conda-meta"}
_PREFIXES = {os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix, _OWN)}
_USES_PLOTROUTE = re.compile(
    rb"^\s*(from\s+plotroute|import\s[^#\n]*\bplotroute|@[\w.]+\.(plot|dataset))\b", re.M
)
_THREE_LINES = """Add three lines:

    from plotroute import Plots
    plots = Plots()

    @plots.plot          # above the function that draws
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the targets gave."""

    registries: tuple[Registry, ...]
    """One per Plots, without those that another one of them includes."""
    root: Path
    """The directory to work in, where `data/sales.csv` counts from: that of the first target."""
    files: tuple[Path, ...]
    """The files that were named, or found in a named folder, in the order of their import."""


@dataclass(frozen=True, slots=True)
class _Target:
    kind: Literal["file", "folder", "module"]
    spelled: str
    """The target, so that it means the same from any directory."""
    root: Path
    code: Path
    """The directory, or the one file, that holds the author's code."""
    entry: str
    """What is put first on sys.path; empty for what Python finds by itself."""
    name: str
    attribute: str = ""
    """The Plots that was asked for; empty: all."""


def absolute(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the targets spelled so that they mean the same after a change of directory."""
    return tuple(_find(target).spelled for target in targets)


def root_of(targets: Sequence[str]) -> Path:
    """Return the directory that the process should work in; nothing is imported."""
    return _find(targets[0]).root


def code_files(targets: Sequence[str]) -> tuple[Path, ...]:
    """Return every file of the author's code, sorted; CannotLoad if there are too many to watch."""
    found = [_find(target) for target in targets]
    files = {file for place in dict.fromkeys(t.code for t in found) for file in _walk(place)}
    return tuple(sorted(files | {t.root / t.name for t in found if t.kind == "file"}))


def code_hash(targets: Sequence[str], release: str = "") -> str:
    """Return a hash of the author's code, the same wherever it lies; of `release` alone where given."""
    if release:
        return sha256(b"release\0" + release.encode()).hexdigest()
    digest = sha256()
    for target in (_find(target) for target in targets):
        # Names too: two files of one folder may each have a plot of the same name.
        digest.update("\0".join((target.kind, target.name, target.attribute, "")).encode())
        base = target.code if target.code.is_dir() else target.code.parent
        for file in code_files([target.spelled]):
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                continue
            digest.update(os.fsencode(file.relative_to(base).as_posix()) + b"\0" + sha256(content).digest())
    return digest.hexdigest()


def stamp(targets: Sequence[str]) -> Stamp:
    """Return what differs as soon as a file of the author's was saved, added or removed."""
    found = []
    try:
        for file in code_files(targets):
            if file.exists() and not file.is_dir():
                status = file.stat()
                found.append((str(file), status.st_mtime_ns, status.st_size, status.st_ino))
    except (_NotFound, FileNotFoundError):
        # An editor may be replacing a file. What is wrong, if anything, the load that follows tells.
        return ()
    return tuple(found)


def load(targets: Sequence[str]) -> Loaded:
    """Import the targets, all code of the author's afresh, and return the Plots in them.

    CannotLoad says what is wrong in the author's file and line; whatever was imported before is then in
    place again. The working directory is the caller's business, see `root_of`.
    """
    found = tuple(_find(target) for target in targets)
    before, path, author = _author, sys.path[:], _Author(found)
    aside = _purge(before) | _purge(author)
    _install(author)
    sys.path[:] = [entry for entry in path if entry not in before.entries]
    try:
        registries, files = _import_all(found, author)
    except BaseException:
        _purge(author)
        _install(before)
        sys.path[:] = path
        sys.modules.update(aside)
        raise
    return Loaded(registries=registries, root=found[0].root, files=files)


class _NotFound(CannotLoad):
    """Nothing is where the target points."""


def _find(target: str) -> _Target:
    whole = Path(os.path.abspath(target))
    if whole.is_dir():
        return _Target("folder", str(whole), whole, whole, str(whole), "")
    named, _, attribute = target.rpartition(":") if ":" in target and not whole.exists() else (target, "", "")
    file = Path(os.path.abspath(named))
    if file.suffix == ".ipynb" and file.exists():
        raise CannotLoad(
            f"{file.name} is a notebook, and plotroute reads .py files. Export it (jupyter nbconvert "
            f"--to script {file.name}), or move the function that draws to a .py file. {_THREE_LINES}"
        )
    if file.exists() and not file.is_dir():
        spelled = f"{file}:{attribute}" if attribute else str(file)
        return _Target("file", spelled, file.parent, file.parent, str(file.parent), file.name, attribute)
    folder, _, dotted = named.rpartition("/")
    if all(part.isidentifier() for part in dotted.split(".")) and not dotted.endswith((".py", ".ipynb")):
        return _find_module(os.path.abspath(folder or "."), dotted, attribute or "plots")
    raise _not_found(f"file {file.name} in {file.parent}")


def _not_found(what: str) -> _NotFound:
    return _NotFound(
        f"There is no {what}. `plotroute new` writes a plots.py to start from; or name another file, "
        "a folder, or a module and its Plots (shop.charts:plots)."
    )


def _find_module(base: str, dotted: str, attribute: str) -> _Target:
    top = dotted.partition(".")[0]
    spec = PathFinder.find_spec(top, [base, *sys.path])
    for finder in sys.meta_path:  # Packages installed with --editable have finders of their own.
        spec = spec or finder.find_spec(top, None)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations and not (spec and spec.origin and spec.has_location):
        raise _not_found(f"file, folder or module {dotted} in {base}, nor such a module on Python's path")
    code = Path(os.path.abspath(locations[0] if locations else str(spec and spec.origin)))
    root, installed = code.parent, code.parent.name in _SKIPPED
    # What Python finds by itself stays where it is: first, it could hide modules of Python's own.
    entry = base if str(root) == base and not installed else ""
    spelled = f"{entry}/{dotted}:{attribute}" if entry else f"{dotted}:{attribute}"
    # The code of a file among others that are installed is that file, and nobody keeps data beside it.
    code, root = root if not (locations or installed) else code, Path.cwd() if installed else root
    return _Target("module", spelled, root, code, entry, dotted, attribute)


def _walk(place: Path) -> Iterator[Path]:
    """Yield the `.py` files under a directory, without folders that hold no code of the author's own."""
    if not place.is_dir():
        yield place
        return
    # By their real paths, those above too: a link to one of them leads in circles.
    seen = {os.path.realpath(folder) for folder in (place, *place.parents)} | _PREFIXES
    waiting, files = [place], 0
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue  # Python could not import from it either.
        if folder != place and not _ENVIRONMENT_MARKS.isdisjoint(entry.name for entry in entries):
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name in _SKIPPED:
                continue
            if path.is_dir() if entry.is_symlink() else entry.is_dir():
                if (real := os.path.realpath(path)) not in seen:
                    seen.add(real)
                    waiting.append(path)
            elif entry.name.endswith(".py") and path.is_file():
                files += 1
                yield path
        if files > MOST_FILES or len(seen) > MOST_FOLDERS:
            raise CannotLoad(
                f"{place} holds too much to see what was saved (more than {MOST_FILES:,} Python files or "
                f"{MOST_FOLDERS:,} folders). Move the plots to a folder of their own."
            )


class _Source(SourceFileLoader):
    """Compiles a file of the author's each time, and leaves no `__pycache__` beside it.

    Bytecode is matched with its source by size and whole seconds: of two saves within a second one may go
    unseen. And plots are often deployed where nothing may be written.
    """

    def path_stats(self, path: object) -> NoReturn:
        """Make Python believe that nothing is known of the file: it then neither reads nor keeps bytecode."""
        raise OSError("the author's code is always compiled")


# Asked for every imported module at each load, and slow on a thousand of them.
_real = functools.lru_cache(maxsize=10_000)(os.path.realpath)


class _Author:
    """Which code is the author's; on sys.meta_path, finds modules as Python does, but compiles those."""

    def __init__(self, found: Sequence[_Target]) -> None:
        self.places = {place for t in found for place in (t.code, Path(os.path.realpath(t.code)))}
        self.entries = list(dict.fromkeys(t.entry for t in found if t.entry))
        self.elsewhere: set[str] = set()
        """Names of targets that mean another module in an import: seaborn, in seaborn.py."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is, as any finder does."""
        if path is None and name in self.elsewhere:
            path = [entry for entry in sys.path if entry not in self.entries]
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin and type(spec.loader) is SourceFileLoader and self.owns(spec.origin):
            spec.loader = _Source(spec.name, spec.origin)
        return spec

    def owns(self, file: str) -> bool:
        """Tell whether the file, or folder, is the author's: `_walk` comes by it."""
        # Not `<string>` and its like.
        paths = {Path(file), Path(_real(file))} if os.path.isabs(file) else ()
        return any(_is_in(path, place) for path in paths for place in self.places)

    def modules(self) -> dict[str, ModuleType]:
        """Return the author's modules that are imported now."""
        found = {}
        for name, module in list(sys.modules.items()):
            try:
                file = module.__file__ if getattr(module, "__file__", None) else next(iter(module.__path__))
            except Exception:  # A lazy module may answer with anything.
                continue
            # Few extension modules bear to be imported twice.
            once = name == "__main__" or str(file).endswith(tuple(EXTENSION_SUFFIXES))
            if not once and self.owns(str(file)):
                found[name] = module
        return found


_author = _Author(())


def _is_in(path: Path, place: Path) -> bool:
    if path.is_relative_to(_OWN) or not path.is_relative_to(place):
        return False
    between = path.parents[: max(len(path.parts) - len(place.parts) - 1, 0)]
    return not any(
        folder.name.startswith(".")
        or folder.name in _SKIPPED
        or str(folder) in _PREFIXES
        or any((folder / mark).exists() for mark in _ENVIRONMENT_MARKS)
        for folder in between
    )


def _install(author: _Author) -> None:
    global _author
    # Where Python's own is: built-in modules keep winning over the author's files.
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


def _import_all(found: Sequence[_Target], author: _Author) -> tuple[tuple[Registry, ...], tuple[Path, ...]]:
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
            raise CannotLoad(f"There is no Plots in {where}, so there is nothing to show. {_THREE_LINES}")
        registries |= {id(registry): registry for registry in plots}
    # They stay: a plot may import a helper when it is called.
    for entry in reversed(author.entries):
        _put_first(entry)
    included = {id(inner) for outer in registries.values() for _, inner in outer.walk() if inner is not outer}
    return tuple(r for r in registries.values() if id(r) not in included), tuple(dict.fromkeys(files))


def _put_first(entry: str) -> None:
    if entry:
        sys.path[:] = [entry, *(other for other in sys.path if other != entry)]


def _refuse_twins(target: _Target, files: Sequence[Path], author: _Author) -> None:
    """Two folders may each have a helpers.py, and Python would give the first to the plots of both."""
    for name, module in author.modules().items() if target.entry else ():
        mine, first = Path(target.entry, f"{name}.py"), Path(getattr(module, "__file__", None) or "")
        if mine.is_file() and mine != first and not (first in files and target.kind == "file"):
            raise CannotLoad(
                f"{mine} and {first} have the same name, and Python imports only one of a name. "
                "Rename one, make packages of the folders (a.plots:plots), or run plotroute for each."
            )


def _import_target(target: _Target, author: _Author) -> list[ModuleType]:
    files = [target.root / target.name]
    if target.kind == "module":
        return [_attempt(lambda: importlib.import_module(target.name), target, author)]
    if target.kind == "folder":
        python = sorted(file for file in target.root.glob("[!._]*.py") if file.is_file())
        # Others are left alone: what a script in the same folder does when imported is not ours to cause.
        files = [file for file in python if _USES_PLOTROUTE.search(file.read_bytes())]
    return [_attempt(functools.partial(_import_file, file, author), target, author) for file in files]


def _import_file(file: Path, author: _Author) -> ModuleType:
    """Import a file under its own name, or another where the name is taken by what others import."""
    stem = file.stem.replace(".", "_")
    own_name = re.compile(rb"^\s*(from|import)\s+%s\b" % re.escape(stem.encode()), re.M)
    path = [entry for entry in sys.path if entry not in author.entries]
    for name in itertools.chain([stem], (f"plotsfile{n}_{stem}" for n in itertools.count(1))):
        known = sys.modules.get(name)
        if known is not None and getattr(known, "__file__", None) == str(file):
            return known
        # No file imports itself: `import seaborn` in seaborn.py means the other one, if there is one.
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
        except Exception:  # Any object of the author's: it may do as it likes.
            continue
        if isinstance(registry, Registry):
            found[name] = registry
    if attribute and attribute not in found:
        others = ", ".join(f"{module.__name__}:{name}" for name in found)
        raise CannotLoad(
            f"{module.__name__}:{attribute} is not a Plots. "
            + (f"The module has {others}." if others else f"The module has none. {_THREE_LINES}")
        )
    return [found[attribute]] if attribute else list(found.values())


def _attempt(act: Callable[[], ModuleType], target: _Target, author: _Author) -> ModuleType:
    try:
        return act()
    except (Exception, SystemExit) as error:
        failure = cannot_load(error, target.name, target.root, author.owns)
    # Out here, so that the failure keeps no frames, and with them data, of the author's alive.
    raise failure
