"""Decide which code is the author's: that is found, hashed, watched and imported anew.

A target is a file (`plots.py`), a folder (its files that use plotroute) or a `module:attribute`. The
author's code is every `.py` under the file's directory, or under the top-level package of a module: it is
hashed and watched as one, and imported afresh by each load. Nothing is imported here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Literal

from plotroute.errors import CannotLoad

Stamp = tuple[tuple[str, int, int, int, int], ...]
"""Path, times of change, size and inode of each file of the author's code: differs after a save."""

MOST_FILES, MOST_FOLDERS = 10_000, 20_000
"""To list them takes about a second. Where there are more, plots.py has been put into a home directory."""

_OWN = Path(__file__).parents[1]
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_ENVIRONMENT_MARKS = {"pyvenv.cfg", "conda-meta"}
_PREFIXES = {os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix, _OWN)}
THREE_LINES = """Add three lines:

    from plotroute import Plots
    plots = Plots()

    @plots.plot          # above the function that draws
"""


@dataclass(frozen=True, slots=True)
class Target:
    """The place that a target names."""

    kind: Literal["file", "folder", "module"]
    spelled: str
    """The target with absolute paths, so that it means the same from any directory."""
    root: Path
    code: Path
    """The directory, or the one file, that holds the author's code."""
    entry: str
    """The folder that is put first on sys.path; empty for a module that Python finds by itself."""
    name: str
    attribute: str = ""
    """The name of the Plots that the target is for; empty: all of the module."""


def absolute(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the targets with absolute paths, so that they mean the same after a change of directory."""
    return tuple(find(target).spelled for target in targets)


def root_of(targets: Sequence[str]) -> Path:
    """Return the directory that the process should work in: that of the first target. Imports nothing."""
    return find(targets[0]).root


def code_files(targets: Sequence[str]) -> tuple[Path, ...]:
    """Return every file of the author's code, sorted.

    Raises:
        CannotLoad: there are too many files to watch, or a target names no Python code.
    """
    found = [find(target) for target in targets]
    files = {file for place in dict.fromkeys(t.code for t in found) for file in _walk(place)}
    return tuple(sorted(files | {t.root / t.name for t in found if t.kind == "file"}))


@dataclass(frozen=True, slots=True)
class Sources:
    """The author's code at one moment. Imports compile these contents, so what runs is what was hashed."""

    hash: str
    contents: Mapping[str, bytes]
    """Absolute path, as found and as the file system has it → the bytes of the file."""


def code_hash(targets: Sequence[str], release: str = "") -> str:
    """Return a hash of the author's code and its place; of `release` alone where that is given."""
    return read(targets, release).hash


def read(targets: Sequence[str], release: str = "") -> Sources:
    """Read the author's code, and hash it together with its place.

    Two copies of the same code may be two instances that read different data, so they share no pictures.
    Where they should, the operator names a `release`: then that alone is hashed.

    Args:
        targets: files, folders or modules with plots.
        release: the setting `PLOTROUTE_RELEASE`; empty: the code is hashed.

    Raises:
        CannotLoad: there is too much code to read, or a target names none.
    """
    if release:
        return Sources(sha256(b"release\0" + release.encode()).hexdigest(), {})
    digest = sha256()
    contents: dict[str, bytes] = {}
    for target in (find(target) for target in targets):
        # Names too: two files of one folder may each have a plot of the same name.
        digest.update("\0".join((target.kind, target.name, target.attribute, "")).encode())
        digest.update(os.fsencode(target.code) + b"\0")
        base = target.code if target.code.is_dir() else target.code.parent
        for file in code_files([target.spelled]):
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                continue
            contents[str(file)] = contents[os.path.realpath(file)] = content
            digest.update(os.fsencode(file.relative_to(base).as_posix()) + b"\0" + sha256(content).digest())
    return Sources(digest.hexdigest(), contents)


def places(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the folders that are the author's own: of the code, and those that relative paths count from."""
    found = [find(target) for target in targets]
    return tuple(dict.fromkeys(str(place) for t in found for place in (t.code, t.root)))


def stamp(targets: Sequence[str]) -> Stamp:
    """Return a stamp that differs as soon as a file of the author's was saved, added or removed."""
    found = []
    try:
        for file in code_files(targets):
            if file.exists() and not file.is_dir():
                status = file.stat()
                # The time of the last change too: `cp -p`, `rsync -t` and archives set the other one.
                times = (status.st_mtime_ns, status.st_ctime_ns)
                found.append((str(file), *times, status.st_size, status.st_ino))
    except (_NotFound, FileNotFoundError):
        # An editor may be replacing a file. If something is wrong, the load that follows says what.
        return ()
    return tuple(found)


class _NotFound(CannotLoad):
    """There is nothing at the place that a target names."""


def find(target: str) -> Target:
    """Return the place that a target names.

    Args:
        target: a file (`plots.py`), a folder, or a module and its Plots (`shop.charts:plots`).

    Raises:
        CannotLoad: there is nothing of that name, or it is no Python code. It has the cure.

    >>> find("shop.charts:plots").kind
    'module'
    """
    whole = Path(os.path.abspath(target))
    if whole.is_dir():
        return Target("folder", str(whole), whole, whole, str(whole), "")
    named, _, attribute = target.rpartition(":") if ":" in target and not whole.exists() else (target, "", "")
    file = Path(os.path.abspath(named))
    if file.suffix == ".ipynb" and file.exists():
        raise CannotLoad(
            f"{file.name} is a notebook, and plotroute reads .py files. Export it (jupyter nbconvert "
            f"--to script {file.name}), or move the function that draws to a .py file. {THREE_LINES}"
        )
    if file.exists() and not file.is_dir():
        spelled = f"{file}:{attribute}" if attribute else str(file)
        return Target("file", spelled, file.parent, file.parent, str(file.parent), file.name, attribute)
    folder, _, dotted = named.rpartition("/")
    if all(part.isidentifier() for part in dotted.split(".")) and not dotted.endswith((".py", ".ipynb")):
        return _find_module(os.path.abspath(folder or "."), dotted, attribute or "plots")
    raise _not_found(f"file {file.name} in {file.parent}")


def _not_found(what: str) -> _NotFound:
    return _NotFound(
        f"There is no {what}. `plotroute new` writes a plots.py to start from; or name another file, "
        "a folder, or a module and its Plots (shop.charts:plots)."
    )


def _find_module(base: str, dotted: str, attribute: str) -> Target:
    top = dotted.partition(".")[0]
    spec = PathFinder.find_spec(top, [base, *sys.path])
    for finder in sys.meta_path:  # Packages installed with --editable have finders of their own.
        spec = spec or finder.find_spec(top, None)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations and not (spec and spec.origin and spec.has_location):
        raise _not_found(f"file, folder or module {dotted} in {base}, nor such a module on Python's path")
    code = Path(os.path.abspath(locations[0] if locations else str(spec and spec.origin)))
    root, installed = code.parent, code.parent.name in _SKIPPED
    # A folder that Python searches anyway stays where it is: put first, it could hide Python's own modules.
    entry = base if str(root) == base and not installed else ""
    spelled = f"{entry}/{dotted}:{attribute}" if entry else f"{dotted}:{attribute}"
    # Of an installed module that is one file, the code is that file, and no data lies beside it.
    code, root = root if not (locations or installed) else code, Path.cwd() if installed else root
    return Target("module", spelled, root, code, entry, dotted, attribute)


def _walk(place: Path) -> Iterator[Path]:
    """Yield the `.py` files under a directory, without folders that hold no code of the author's own."""
    if not place.is_dir():
        yield place
        return
    # By their real paths, and with the folders above: a link to one of these leads in circles.
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


def is_in(path: Path, place: Path) -> bool:
    """Whether a file, or folder, is part of the author's code at `place`: whether `_walk` reaches it."""
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
