"""Files as data: a version that changes when they do, and frames read from them.

Patterns are relative to the working directory, which is the plots file's own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from plotroute import digest
from plotroute.errors import BadRegistration


class files:  # reads as a word: version=files("data/*.csv")
    """The state of all files that match a pattern, as the version of a dataset.

    The version is another one when a file is added, removed or changed: it is a hash of names, sizes, times
    of change and inodes. No file is read.

    Args:
        pattern: Which files, relative to the directory of the plots file: "data/*.csv", "data/**/*.parquet".

    Raises:
        BadRegistration: The pattern is empty or no text.

    Example:
        >>> @plots.dataset(version=files("data/*.csv"))
        ... def orders():
        ...     return pd.concat(pd.read_csv(path) for path in files("data/*.csv").paths())
    """

    def __init__(self, pattern: str) -> None:
        if not isinstance(pattern, str) or not pattern:
            raise BadRegistration(f'files() takes a pattern such as "data/*.csv", not {pattern!r}')
        self.pattern = pattern

    def paths(self) -> list[Path]:
        """Return the files that match now, sorted by name."""
        pattern = Path(self.pattern)
        base = Path(pattern.anchor) if pattern.is_absolute() else Path()
        relative = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
        return sorted(path for path in base.glob(str(relative)) if path.is_file())

    def __call__(self) -> str:
        """Return the version: a hash of what the system says of each file; none of them is read."""
        hashed = digest.hasher()
        for path in self.paths():
            stat = path.stat()
            # The time of the last change too: `cp -p`, `rsync -t` and archives set the other one.
            times = f"{stat.st_mtime_ns}\0{stat.st_ctime_ns}"
            hashed.update(f"{path}\0{stat.st_size}\0{times}\0{stat.st_ino}\n".encode())
        return hashed.hexdigest()

    def __repr__(self) -> str:
        return f"files({self.pattern!r})"


_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".feather": "read_feather"}


# The argument of each reader of pandas that names columns. `read_json` has none: it reads files whole.
_COLUMNS = {".csv": "usecols", ".parquet": "columns", ".feather": "columns"}


def reader(pattern: str, columns: list[str] | None = None) -> Callable[[], Any]:
    """Return a function that reads all files of a pattern into one DataFrame, in the order of their names.

    Args:
        pattern: of files of one kind: .csv, .parquet, .json or .feather.
        columns: the columns to read, in the order that the frame is to have; None reads all.

    Returns:
        A function without arguments. It raises FileNotFoundError where no file matches, and MemoryError, with
        the cure, where the files are too large.

    Raises:
        BadRegistration: pandas has no reader for files of this kind, or only a reader of all columns.
    """
    kind = _READERS.get(Path(pattern).suffix)
    if kind is None:
        raise BadRegistration(
            f"plots.files cannot read {pattern!r}: it knows {', '.join(_READERS)}. "
            "For anything else write a @plots.dataset(version=files(...)) that reads it."
        )

    named = _COLUMNS.get(Path(pattern).suffix)
    if columns is not None and named is None:
        raise BadRegistration(
            f"plots.files reads {pattern!r} whole: columns= is for {', '.join(_COLUMNS)}. Leave it out, or "
            "write a @plots.dataset(version=files(...)) that keeps the columns it needs."
        )
    options = {named: columns} if named and columns is not None else {}

    def read() -> Any:
        import pandas as pd

        found = files(pattern).paths()
        if not found:
            raise FileNotFoundError(f"no file matches {pattern!r} in {Path.cwd()}")
        try:
            frames = [getattr(pd, kind)(path, **options) for path in found]
            frame = pd.concat(frames, ignore_index=True)
        except Exception as error:
            if not ran_out(error):
                raise
            raise MemoryError(_too_large(pattern, found, columns)) from error
        # In the order of `columns`: a CSV keeps its own.
        return frame if columns is None else frame[columns]

    return read


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there was no memory: Arrow has an error of its own for it."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ArrowMemoryError"


def _too_large(pattern: str, found: list[Path], columns: list[str] | None) -> str:
    megabytes = sum(path.stat().st_size for path in found) / 2**20
    cure = (
        "plots.files reads all columns of them: name those that plots use, columns=[...]"
        if columns is None
        else "even these columns are too much"
    )
    return (
        f"{pattern!r} matches {len(found)} file(s) of {megabytes:,.1f} MiB in all, and in memory they are "
        f"several times as large. {cure}; or write a @plots.dataset(version=files({pattern!r})) "
        "that reads what it needs and no more; or allow more (PLOTROUTE_RENDER_MEMORY)."
    )
