"""Notice files that author code looks for without opening them: `os.path.exists`, `Path.is_file`, `os.stat`.

Python calls no audit hook for these. But a plot must be drawn again when a file appears that its code has
looked for, as it is when a file is edited. So the functions of `os` that all of these call in the end are
wrapped, in processes that are plotroute's own.
"""

from __future__ import annotations

import functools
import glob
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from plotroute.data.opened_files import Opened, note

_LOOK = ("stat", "lstat", "access", "readlink")

# Files whose functions may call these for author code; `os` and `posixpath` are frozen into Python.
_BETWEEN = ("<frozen ", glob.__file__, os.path.splitext(pathlib.__file__)[0])


def notice() -> None:
    """Notice look-ups in this process from now on. Call it before author code is imported."""
    for name in _LOOK:
        function = getattr(os, name)
        if not hasattr(function, "__wrapped__"):
            setattr(os, name, _noticing(function))


def _noticing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def look(path: Any, *arguments: Any, **options: Any) -> Any:
        note(_looked_for, path, options)
        return function(path, *arguments, **options)

    look.__module__ = "os"
    # Code looks into these sets for what a function can do: without it `shutil.copystat` would copy less.
    for able in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if function in able:
            able.add(look)
    return look


def _looked_for(by: Opened, path: Any, options: dict[str, Any]) -> None:
    if isinstance(path, int) or options.get("dir_fd") is not None:
        return
    frame = sys._getframe(3)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_BETWEEN):
        frame = frame.f_back
    by.looked_for(os.path.abspath(os.fsdecode(path)), frame.f_code.co_filename)
