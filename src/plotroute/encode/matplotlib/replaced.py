"""Replace methods and functions of Matplotlib while a picture is drawn, where it has no public hook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, **replacements: Any) -> Iterator[None]:
    """Replace attributes of a class or module while the body runs, then put the originals back.

    The replacement is for the whole process; a process draws and encodes one figure at a time. A replacement
    that calls the original has to look it up before. Nested calls have to end in the reverse order.

    Args:
        owner: The class or module.
        replacements: By name of the attribute, its value meanwhile.

    >>> draw = Text.draw
    >>> with replaced(Text, draw=lambda text, renderer: draw(text, renderer)):
    ...     figure.savefig(file)
    """
    originals = {name: getattr(owner, name) for name in replacements}
    try:
        for name, replacement in replacements.items():
            setattr(owner, name, replacement)
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)
