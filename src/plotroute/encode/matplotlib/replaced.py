"""Replace methods and functions of Matplotlib while a picture is drawn, where it has no public hook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_INHERITED = object()


@contextmanager
def replaced(owner: Any, **replacements: Any) -> Iterator[None]:
    """Replace attributes of a class, module or object while the body runs, then put the originals back.

    The replacement is for the whole process; a process draws and encodes one figure at a time. A replacement
    that calls the original has to look it up before. Nested calls have to end in the reverse order.

    Args:
        owner: The class, module or object. An attribute that it only inherits is inherited again afterwards.
        replacements: By name of the attribute, its value meanwhile.

    >>> draw = Text.draw
    >>> with replaced(Text, draw=lambda text, renderer: draw(text, renderer)):
    ...     figure.savefig(file)
    """
    for name in replacements:
        getattr(owner, name)  # an AttributeError, before anything is replaced
    originals = {name: vars(owner).get(name, _INHERITED) for name in replacements}
    try:
        for name, replacement in replacements.items():
            setattr(owner, name, replacement)
        yield
    finally:
        for name, original in originals.items():
            if original is not _INHERITED:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)
