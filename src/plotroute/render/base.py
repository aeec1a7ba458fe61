"""The protocol of a renderer: the only door between those who answer and those who run author code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from plotroute.model import DatasetRef, Image, Job, Manifest, Versions


class Renderer(Protocol):
    """Whoever runs the author's code. Every method may be called from any thread.

    What goes in and comes out is plain data (see `model`), or an `errors.AnswerError`.
    """

    def ready(self) -> bool:
        """Whether there is anything to draw with, now."""

    def manifest(self) -> Manifest:
        """Return what the newest version of the code that loads has to offer."""

    def versions(self, refs: Sequence[DatasetRef]) -> Versions:
        """Return the versions of the data: the last known ones, or, where none is, found out now."""

    def known(self, ref: DatasetRef) -> str | None:
        """Return the last known version of the data if it may still be believed. It waits for nothing."""

    def changed(self, names: Collection[str]) -> None:
        """Forget the versions of the datasets `names`, everywhere, before returning: they have changed."""

    def render(self, job: Job) -> Image:
        """Load what the plot reads, draw it, and return the picture."""

    def close(self) -> None:
        """Stop. Nothing is asked afterwards."""
