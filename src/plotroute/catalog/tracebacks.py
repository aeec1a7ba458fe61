"""Write tracebacks for authors: from the first line of their code on, without the frames of plotroute."""

from __future__ import annotations

import importlib
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from traceback import TracebackException

from plotroute.errors import CannotLoad, SetupError
from plotroute.model import Frame

_OWN = Path(__file__).parents[1]
# Characters that are kept of each end: the text of an exception may hold a whole data set.
_MOST = 4000
_DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image"} | {
    "sklearn": "scikit-learn", "yaml": "pyyaml", "bs4": "beautifulsoup4", "dateutil": "python-dateutil"
}  # fmt: skip


def author_traceback(error: BaseException) -> tuple[Frame, ...]:
    """Return the traceback of `error`, without leading frames of plotroute.

    >>> "".join(frame.text for frame in author_traceback(error))  # as Python prints it
    """
    told = TracebackException.from_exception(error)
    _trim(told, lambda file: not file.startswith(str(_OWN)))
    return _frames(told)


def cannot_load(error: BaseException, name: str, root: Path, owns: Callable[[str], bool]) -> CannotLoad:
    """Return the error that says why the author's code cannot be imported: file, line, and the cure.

    Args:
        error: what the import raised.
        name: the file or module that was imported.
        root: the directory that paths are shown from.
        owns: whether a file is the author's.
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
    return CannotLoad(f"{where}: {_cut(text)}{_hint(error)}", _frames(told))


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
    """Drop the frames before the author's first, and those of plotroute and of the import system."""
    inner = (str(_OWN), "<frozen importlib", importlib.__file__)
    for each in _chain(told):
        frames = [frame for frame in each.stack if not frame.filename.startswith(inner)]
        first = next((n for n, frame in enumerate(frames) if owns(frame.filename)), 0)
        each.stack[:] = frames[first:]


def _chain(told: TracebackException) -> Iterator[TracebackException]:
    """Yield a traceback, those of its causes and contexts, and those of a group."""
    # Not by recursion: a loop that tries again makes chains of thousands of errors.
    seen: set[int] = set()
    left = [told]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left += [other for other in (each.__cause__, each.__context__, *(each.exceptions or ())) if other]


def _frames(told: TracebackException) -> tuple[Frame, ...]:
    """Return a traceback in pieces, each of which is known to be a call, an error or a text between."""
    calls: dict[str, Frame] = {}
    errors: set[str] = set()
    notes: set[str] = set()
    for each in _chain(told):
        unindented = [text for text in each.format_exception_only() if not text.startswith((" ", "\t"))]
        errors.update(unindented[:1])
        notes.update(unindented[1:])
        for call in each.stack:
            text = each.stack.format_frame_summary(call)
            calls[text] = _call(text, call.filename, call.lineno, call.name, call.line)
        if file := getattr(each, "filename", None):  # a SyntaxError: its place is printed as a call is
            text = f'  File "{file}", line {each.lineno}\n'
            calls[text] = _call(text, file, int(each.lineno or 0), "", each.text)
    frames: list[Frame] = []
    for text in told.format():
        # A group indents the tracebacks of its errors and draws a line beside them.
        inner = text if text in calls else _MARGIN.sub("", text)
        if inner in calls:
            frames.append(replace(calls[inner], text=_cut(text)))
        elif frames and inner not in errors and (inner.startswith((" ", "\t")) or inner in notes):
            # Or the code at a SyntaxError, or `[Previous line repeated 3 more times]`.
            frames[-1] = replace(frames[-1], text=_cut(frames[-1].text + text))
        else:
            frames.append(Frame(_cut(text), names_error=inner in errors))
    return _bounded(frames)


_MARGIN = re.compile(r"^ *[|+] ", re.MULTILINE)


def _call(text: str, file: str, line: int | None, function: str, source: str | None) -> Frame:
    return Frame(text, file, line or 0, function, _cut((source or "").strip()), is_authors=_is_authors(file))


_LIBRARIES = {"site-packages", "dist-packages"}
_NOT_AUTHORS = tuple(
    # The trailing separator keeps `/usr/lib/python3.11-plots` the author's.
    f"{path}/"
    for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), _OWN)
)


def _is_authors(file: str) -> bool:
    """Whether a file is neither of Python, nor of an installed library, nor of plotroute."""
    return not (_LIBRARIES & set(re.split(r"[\\/]", file)) or file.startswith(("<frozen", *_NOT_AUTHORS)))


def _bounded(frames: list[Frame]) -> tuple[Frame, ...]:
    """Return the frames at either end that fit, where all of them are too many characters."""
    if sum(len(frame.text) for frame in frames) <= 2 * _MOST:
        return tuple(frames)
    first = _fitting(frames)
    last = _fitting(frames[: first - 1 : -1])
    return (*frames[:first], Frame("[…]\n"), *frames[len(frames) - last :])


def _fitting(frames: list[Frame]) -> int:
    """Return how many of the frames fit into the characters of one end, and at least one."""
    lengths = accumulate(len(frame.text) for frame in frames)
    return max(1, sum(length <= _MOST for length in lengths))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST // 2]}\n[…]\n{text[-_MOST // 2 :]}"
