"""Files as data: a version that changes when they do, and frames read from them.

Patterns are relative to the working directory, which is the plots file's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plotroute.errors import BadRegistration


class files:  # reads as a word: version=files("data/*.csv")
    """The state of all files that match a pattern: names, sizes and times of change.

    >>> @plots.dataset(version=files("data/*.csv"))
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
        """Return the version: a hash of what `stat` says of the files."""
        digest = hashlib.blake2b(digest_size=16)
        for path in self.paths():
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ino}\n".encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"files({self.pattern!r})"


_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".feather": "read_feather"}


def reader(pattern: str) -> Callable[[], Any]:
    """Return a function that reads every file of the pattern into one DataFrame, in the order of names.

    A BadRegistration says which kinds of file there are readers for.
    """
    kind = _READERS.get(Path(pattern).suffix)
    if kind is None:
        raise BadRegistration(
            f"plots.files cannot read {pattern!r}: it knows {', '.join(_READERS)}. "
            "For anything else write a @plots.dataset(version=files(...)) that reads it."
        )

    def read() -> Any:
        import pandas as pd

        found = files(pattern).paths()
        if not found:
            raise FileNotFoundError(f"no file matches {pattern!r} in {Path.cwd()}")
        return pd.concat([getattr(pd, kind)(path) for path in found], ignore_index=True)

    return read
