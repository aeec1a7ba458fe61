"""Draw in the thread of the caller: for `plots.draw` in a notebook, a test or a mail.

Prints, warnings and debuggers work as usual, and everything that the caller had set up (figures, rcParams,
working directory, random numbers) is unchanged afterwards.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from plotroute import encode
from plotroute.catalog.catalog import Catalog
from plotroute.model import DatasetRef, Image, Job, Manifest, Versions
from plotroute.render.drawing.app_context import Context
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.state.reset import State, import_matplotlib
from plotroute.settings import Settings

# Matplotlib is one state for all threads, whichever Plots they draw from.
one_at_a_time = threading.RLock()


class Direct:
    """Draws the plots of `catalog` in the thread of the caller."""

    def __init__(
        self, catalog: Catalog, root: Path | None, settings: Settings, context: Context = nullcontext
    ) -> None:
        """Prepare to draw.

        Args:
            catalog: The plots and datasets.
            root: The folder of relative paths; None: the working directory.
            settings: The settings in force.
            context: Entered around each call of the author's functions.
        """
        import_matplotlib()
        self.catalog = catalog
        self._root = root
        self._worker = JobRunner(catalog, settings, context, (str(root or Path.cwd()),))

    def ready(self) -> bool:
        """Return True: there is nothing to start."""
        return True

    def manifest(self) -> Manifest:
        """Return the plots, datasets and parameters."""
        return self.catalog.manifest

    def versions(self, refs: Sequence[DatasetRef]) -> Versions:
        """Return the versions of data; poll or load what is not known."""
        with self._at_root(), State().clean():
            return {ref.id: self._worker.datasets.version(ref) for ref in refs}

    def known(self, ref: DatasetRef) -> str | None:
        """Return the version that was loaded or polled less than a minute ago, if any."""
        return self._worker.datasets.known(ref)

    def changed(self, names: Collection[str]) -> None:
        """Forget what is known of the datasets `names`."""
        with one_at_a_time:
            self._worker.datasets.forget(names)

    def render(self, job: Job) -> Image:
        """Draw with the rcParams that the caller has set."""
        with self._at_root():
            self._worker.snapshot()
            return self._worker.run(job)

    def close(self) -> None:
        """Do nothing: there is nothing to stop."""

    @contextlib.contextmanager
    def _at_root(self) -> Iterator[None]:
        """Run the body in the plots' folder, without windows, while no other thread draws."""
        with one_at_a_time, contextlib.ExitStack() as stack:
            if self._root is not None:
                stack.enter_context(contextlib.chdir(self._root))
            for surface in encode.surfaces():
                stack.enter_context(surface.without_windows())
            yield
