"""The protocol of a renderer, in three parts: the catalog, the versions of data, and drawing.

All answers to requests stand on one side, all author code on the other. The parts are apart so that each can
be behind something else: a cluster that draws needs only to be a `Drawer`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from plotroute.model import DatasetRef, Image, Job, Manifest, Versions


class CatalogSource(Protocol):
    """Says which plots there are. Every method may be called from any thread."""

    def ready(self) -> bool:
        """Whether a version of the author's code is loaded now."""

    def manifest(self) -> Manifest:
        """Return the manifest of the newest version of the code that loads.

        Raises:
            AnswerError: No version of the code has loaded yet.
        """


class VersionSource(Protocol):
    """Knows and finds the versions of data. Every method may be called from any thread."""

    def versions(self, refs: Sequence[DatasetRef]) -> Versions:
        """Return the versions of data: the last known ones, or else found by polling or loading now.

        Returns:
            Id of data → its version, for each of `refs`.

        Raises:
            AnswerError: The data is still being loaded, or cannot be loaded.
        """

    def known(self, ref: DatasetRef) -> str | None:
        """Return the last known version of some data while it may still be believed. Never waits."""

    def changed(self, names: Collection[str]) -> None:
        """Forget the versions of the datasets `names`, which have changed, everywhere before returning."""


class Drawer(Protocol):
    """Draws pictures. Every method may be called from any thread."""

    def render(self, job: Job) -> Image:
        """Load the data that a plot reads, draw the plot, and return the picture.

        Args:
            job: The picture, complete: nothing else has to be asked to draw it.

        Returns:
            The picture, with the versions of the data that it was really drawn from.

        Raises:
            AnswerError: The plot failed, took too long, or was refused.
        """


class Renderer(CatalogSource, VersionSource, Drawer, Protocol):
    """Runs the author's code. What goes in and comes out is plain data (`model`), or an `AnswerError`."""

    def close(self) -> None:
        """Stop. No method is called afterwards."""
