"""Tracebacks for authors: from their own first line on, without the frames that are plotroute's."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from traceback import TracebackException

from plotroute.errors import CannotLoad, SetupError

_OWN = Path(__file__).parents[1]
# Characters kept of either end: an exception may hold a whole data set in its text.
_MOST = 4000
_DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image"} | {
    "sklearn": "scikit-learn", "yaml": "pyyaml", "bs4": "beautifulsoup4", "dateutil": "python-dateutil"
}  # fmt: skip


def author_traceback(error: BaseException) -> str:
    """Return the traceback of `error` as text, without leading frames of plotroute."""
    told = TracebackException.from_exception(error)
    _trim(told, lambda file: not file.startswith(str(_OWN)))
    return _text(told)


def cannot_load(error: BaseException, name: str, root: Path, owns: Callable[[str], bool]) -> CannotLoad:
    """Return the error that tells an author why their code does not import: file, line, and the cure.

    `name` is what was loaded, `root` its directory; `owns` says of a file whether it is the author's.
    """
    told = TracebackException.from_exception(error)
    file, line = name, None
    for frame in told.stack:
        if owns(frame.filename):
            file, line = frame.filename, frame.lineno
    text = f"{next(told.format_exception_only())}".strip().partition("\n")[0]
    if isinstance(error, SetupError):
        text = str(error)
    elif isinstance(error, SystemExit):
        text = (
            "the file ends the program (sys.exit) when it is imported. Move what is to happen only as a "
            'script below `if __name__ == "__main__":`.'
        )
    elif isinstance(error, SyntaxError):
        text = f"{type(error).__name__}: {error.msg}"
        if error.filename and owns(error.filename):
            file, line = error.filename, error.lineno
    if os.path.isabs(file) and Path(file).is_relative_to(root):
        file = os.path.relpath(file, root)
    _trim(told, owns)
    where = f"{file}, line {line}" if line else file
    return CannotLoad(f"{where}: {_cut(text)}{_hint(error)}", _text(told))


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.partition(".")[0]
        if name not in sys.stdlib_module_names and name not in sys.modules and not find_spec(name):
            command = f"{sys.executable} -m pip install {_DISTRIBUTIONS.get(name, name)}"
            return f". If that is a package, install it where plotroute runs: {command}"
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        return ". Name the file as a module of its package instead: package.module:plots"
    return ""


def _trim(told: TracebackException, owns: Callable[[str], bool]) -> None:
    """Begin at the author's first frame, and leave out plotroute's and the import system's."""
    inner = (str(_OWN), "<frozen importlib", importlib.__file__)
    # Not by recursion: a retry in a loop makes chains of thousands.
    trimmed: set[int] = set()
    left = [told]
    while left:
        each = left.pop()
        if id(each) in trimmed:
            continue
        trimmed.add(id(each))
        frames = [frame for frame in each.stack if not frame.filename.startswith(inner)]
        first = next((n for n, frame in enumerate(frames) if owns(frame.filename)), 0)
        each.stack[:] = frames[first:]
        left += [other for other in (each.__cause__, each.__context__, *(each.exceptions or ())) if other]


def _text(told: TracebackException) -> str:
    return _cut("".join(told.format()))


def _cut(text: str) -> str:
    return text if len(text) <= 2 * _MOST else f"{text[:_MOST]}\n[…]\n{text[-_MOST:]}"
