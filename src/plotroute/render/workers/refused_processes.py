"""Explain errors of plots that tried to start a process: libraries raise errors that do not say so."""

from __future__ import annotations

import sys
from typing import Any

from plotroute.errors import AnswerError
from plotroute.model import Frame

_EVENTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}

_tried: list[str] = []
"""The first process that was tried since the current job began, or nothing."""


def watch() -> None:
    """Record each try of this process to start another one, for good: audit hooks cannot be removed."""
    sys.addaudithook(_hook)
    import _posixsubprocess

    fork_exec = _posixsubprocess.fork_exec

    def fork_exec_noticed(arguments: Any, *rest: Any) -> Any:
        # multiprocessing and joblib call it without an audit event.
        _note("a worker process" if "multiprocessing" in str(arguments) else _name(arguments))
        return fork_exec(arguments, *rest)

    _posixsubprocess.fork_exec = fork_exec_noticed


def begin() -> None:
    """Forget the tries: another job begins."""
    _tried.clear()


def explain(error: AnswerError) -> AnswerError:
    """Return `error`, whose detail (for the log) now says that a process was refused, if one was."""
    if _tried and error.status >= 500:
        refused = (
            f"It tried to start {_tried[0]}, and plots may start no processes here: start the server with "
            "--allow-processes (PLOTROUTE_ALLOW_PROCESSES=1), or do it in this process (n_jobs=1, no pool).\n"
        )
        error.frames = (Frame(refused, names_error=True), *error.frames)
    return error


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        _note("a copy of this process" if event.startswith("os.fork") else _name(arguments))


def _note(what: str) -> None:
    if len(_tried) < 1:
        _tried.append(what)


def _name(arguments: Any) -> str:
    first = arguments[0] if isinstance(arguments, (tuple, list)) and arguments else arguments
    if isinstance(first, bytes):
        first = first.decode("utf-8", "backslashreplace")
    return repr(str(first)[:100])
