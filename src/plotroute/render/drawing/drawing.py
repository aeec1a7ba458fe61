"""Run one job, from its data to the bytes of its picture: the only place that calls a plot function.

A `JobRunner` belongs to one saved version of the code and is used by one thread at a time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn

from plotroute import encode
from plotroute.catalog import author_code, loader
from plotroute.catalog.binding import BoundPlot
from plotroute.catalog.catalog import Catalog, complete
from plotroute.catalog.signatures import FIGURES
from plotroute.catalog.tracebacks import author_traceback
from plotroute.data import sources
from plotroute.data.files import ran_out
from plotroute.data.opened_files import Opened, content_hash
from plotroute.encode import hints_for_authors
from plotroute.encode.base import Encoded, NotAFigure, Surface, Target
from plotroute.errors import AnswerError, CannotDraw, DatasetLoading, OutOfMemory, PlotFailed, UnknownPlot
from plotroute.model import Image, Job, Picture
from plotroute.params import hints, kind_of, time_columns
from plotroute.render.drawing import far_values, missing_here
from plotroute.render.drawing.app_context import Context
from plotroute.render.drawing.datasets import Datasets
from plotroute.render.drawing.file_reads import Reads
from plotroute.render.drawing.returned import picture_of
from plotroute.render.state.imports import Came
from plotroute.render.state.late_styles import warn_of_late_styles
from plotroute.render.state.reset import State, imports
from plotroute.render.state.seeding import content_key, seeded
from plotroute.settings import Settings


class JobRunner:
    """Draws the plots of a catalog. Make it right after the author's module was imported.

    >>> runner = JobRunner.of(["plots.py"], settings, environment)
    >>> runner.run(job).type
    'image/png'
    """

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        context: Context = nullcontext,
        places: Sequence[str] = (),
    ) -> None:
        """Prepare to draw from the state of now.

        Args:
            catalog: The plots and datasets.
            settings: The settings in force.
            context: Entered around each call of the author's functions.
            places: The author's folders.
        """
        self.catalog = catalog
        self.datasets = Datasets(catalog, context=context, places=places)
        self.reads = Reads(loader.modules)
        self._places = places
        self._settings = settings
        self._context = context
        self._came: Came = Came()
        self.missed = ""
        """Why the last drawing may differ from before, and needs another process; empty: it does not."""
        self.snapshot()

    @classmethod
    def of(
        cls,
        targets: Sequence[str],
        settings: Settings,
        environment: str,
        context: Context = nullcontext,
        first: Callable[[], None] = lambda: None,
        opened: Opened | None = None,
        *,
        built_in: Sequence[str] = (),
        lenient: bool = False,
    ) -> JobRunner:
        """Load the author's code and return a worker for it; a SetupError says why it does not load.

        `built_in` are targets of plots that come with plotroute. `first` may import other modules, with the
        author's in reach. What the import is seen to read is noted in `opened`, also where it fails. With
        `lenient`, plots whose registration is wrong do not keep the others from being drawn.
        """
        opened = opened or Opened()
        opened.places = places = author_code.places(targets)
        sources = author_code.read(targets, settings.release)
        with opened.recording():
            loaded = loader.load(targets, first, sources.contents)
        code = sources.hash
        if opened.states and not settings.release:
            code = sha256(f"{code} {content_hash(opened.states)}".encode()).hexdigest()
        registries = [*loaded.registries, *loader.built_in(built_in)]
        catalog = complete(registries, code=code, environment=environment, lenient=lenient)
        return cls(with_natural_sizes(catalog), settings, context, places)

    def snapshot(self) -> None:
        """Start every drawing from the state of the process of now."""
        self._state = State(self._places)

    @property
    def broken(self) -> str:
        """Why this process cannot be reset after its last drawing; empty: it was reset."""
        return self._state.broken

    def run(
        self, job: Job, data_at_hand: Callable[[], None] = lambda: None, patience: float = math.inf
    ) -> Image:
        """Draw the picture of a job.

        Args:
            job: The picture to draw.
            data_at_hand: Called when all data is loaded: drawing has a time limit of its own.
            patience: Seconds after which no request waits any more. If loading takes longer, the data is
                kept and nothing is drawn.

        Raises:
            AnswerError: There is no picture; the error says why.
        """
        self.missed = ""
        plot = self.catalog.plots.get(job.plot)
        if plot is None:  # the newest version of the code does not have it any more
            raise UnknownPlot("There is no plot at this address")
        opened = Opened(self._places)
        try:
            with self._state.clean():
                timings: dict[str, float] = {}
                arguments, versions = self._load(plot, job, timings)
                data_at_hand()
                if timings["data"] > patience:
                    self._keep_for_later(plot, job)
                self.reads.begin(plot.function)
                with opened.recording():
                    picture, encoded = self._draw_and_encode(plot, arguments, job, versions, timings)
            return Image(
                body=encoded.body,
                type=encoded.type,
                alt=picture.alt or plot.spec.alt,
                timings=timings,
                versions=versions,
                code=self.catalog.manifest.code,
                files={} if _is_live(plot) else self.reads.of(job.plot, opened.states),
            )
        except (AnswerError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit too: a plot cannot end the process
            if self.missed and isinstance(error, Exception):
                error.add_note(f"plotroute: {self.missed}.")
            raise _error_for(error, plot, job) from error
        finally:
            self.reads.end(job.plot, opened.states, live=_is_live(plot))

    def _load(
        self, plot: BoundPlot, job: Job, timings: dict[str, float]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Load the data of a job; return the arguments of the plot function and the versions of the data."""
        with timed(timings, "data"):
            arguments, versions = self._arguments(plot, job)
            self._state.restore()  # loading runs the author's code too
            self.datasets.repeat_imports(versions)
        return arguments, versions

    def _keep_for_later(self, plot: BoundPlot, job: Job) -> NoReturn:
        """Keep the loaded data, and end the drawing.

        All waiting requests were told to come back; the data is to be there when they do.
        """
        refs = sources.needed(self.catalog.manifest, plot.spec, job.values)
        self.datasets.take_back(refs.values())
        raise DatasetLoading("The data has just been loaded", headers={"Retry-After": "1"})

    def _draw_and_encode(
        self,
        plot: BoundPlot,
        arguments: dict[str, Any],
        job: Job,
        versions: dict[str, str],
        timings: dict[str, float],
    ) -> tuple[Picture, Encoded]:
        """Call the plot function and encode its picture, both under the same seed and settings."""
        content = content_key(job.plot, job.values, versions)
        surface = _surface_of(plot)
        own_paper = surface.background()  # before a theme comes over it
        with seeded(None if job.live else content), surface.drawing(job.texts, plot.function):
            with (
                timed(timings, "draw"),
                self._context(),
                missing_here.author_code(f"The plot {job.plot}"),
            ):
                picture, made_by_us = self._draw_as_before(plot, arguments, job, content)
            with timed(timings, "encode"):
                encoder = encode.find(picture.figure)
                target = self._target(plot, job, made_by_us, own_paper, content)
                return picture, encoder.encode(picture.figure, target)

    def _draw_as_before(
        self, plot: BoundPlot, arguments: dict[str, Any], job: Job, content: str
    ) -> tuple[Picture, bool]:
        """Draw; raise PlotFailed if the drawing lacks an import that it had the last time."""
        try:
            found = _draw(plot, arguments, job)
        except BaseException:
            self.missed = imports().missed(self._came, content, failed=True)
            raise
        self.missed = imports().missed(self._came, content, failed=False)
        if self.missed:
            raise PlotFailed("The picture would be another than before", detail=f"{job.plot}: {self.missed}.")
        return found

    def _arguments(self, plot: BoundPlot, job: Job) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the arguments of the plot function, and the versions of the data in them."""
        refs = sources.needed(self.catalog.manifest, plot.spec, job.values)
        data, versions = self.datasets.values(refs, job.versions)
        own = {argument.name for argument in plot.arguments}
        arguments: dict[str, Any] = {name: data[full] for name, full in plot.datasets.items()}
        for parameter in (*plot.spec.params, *plot.spec.users):
            if parameter.name not in own:
                continue
            value = job.values[parameter.name]
            if kind_of(parameter).is_series:
                arguments[parameter.name] = self._series(parameter.name, value, data)
            else:
                arguments[parameter.name] = hints.decode(
                    parameter, plot.annotations.get(parameter.name), value
                )
        return arguments, versions

    def _series(self, name: str, value: Any, data: Mapping[str, Any]) -> Any:
        """Return the one-dimensional array that a `Values` parameter stands for."""
        import numpy as np

        if value is None:
            return None
        if not isinstance(value, dict):
            if value and isinstance(value[0], str):
                return np.array([datetime.fromisoformat(text).replace(tzinfo=None) for text in value])
            return np.array(value, dtype=float)
        source = sources.find(self.catalog.manifest, value["source"])
        whole = data[source.ref.id]
        try:
            array = np.asarray(whole if source.column is None else whole[source.column])
        except (KeyError, IndexError, TypeError):
            raise CannotDraw(f"the source {value['source']!r} of {name} has no such column") from None
        if array.ndim != 1:
            raise CannotDraw(
                f"the source {value['source']!r} of {name} has {array.ndim} dimensions; a line needs one"
            )
        return array

    def _target(self, plot: BoundPlot, job: Job, made_by_us: bool, own_paper: str, salt: str) -> Target:
        return Target(
            format=job.format,
            explicit_format=job.explicit_format,
            options=job.options,
            size=plot.spec.size,
            min_size=plot.spec.min_size,
            made_by_us=made_by_us,
            max_pixels=plot.spec.max_pixels or self._settings.max_pixels,
            max_bytes=self._settings.max_output,
            texts=job.texts,
            own_paper=own_paper,
            salt=salt,
        )


def with_natural_sizes(catalog: Catalog) -> Catalog:
    """Return the catalog with the sizes of the figures that `_draw` will make, by the settings of now."""

    def sized(plot: BoundPlot) -> BoundPlot:
        if plot.spec.size is not None or not _asked_figures(plot):
            return plot
        return replace(plot, spec=replace(plot.spec, natural=_surface_of(plot).natural_size()))

    plots = {name: sized(plot) for name, plot in catalog.plots.items()}
    manifest = replace(catalog.manifest, plots=tuple(plot.spec for plot in plots.values()))
    return replace(catalog, plots=plots, manifest=manifest)


def _asked_figures(plot: BoundPlot) -> list[str]:
    """Return the arguments of a plot function that a surface makes."""
    return [argument.name for argument in plot.arguments if argument.name in FIGURES]


def _surface_of(plot: BoundPlot) -> Surface:
    return encode.surface_for(_asked_figures(plot))


def _is_live(plot: BoundPlot) -> bool:
    return plot.spec.freshness == "live"


def _draw(plot: BoundPlot, arguments: dict[str, Any], job: Job) -> tuple[Picture, bool]:
    """Call the plot function; return the picture, and whether it is on a figure that plotroute made."""
    surface, asked = _surface_of(plot), _asked_figures(plot)
    if job.options.theme is not None:
        surface.apply_theme(job.options.theme)
    given = surface.give(asked, plot.spec.size)
    with warn_of_late_styles(job.plot, given) if asked else nullcontext():
        returned = plot.function(**arguments, **given.arguments)
    return picture_of(returned, given, job.options.theme)


def _error_for(error: BaseException, plot: BoundPlot, job: Job) -> AnswerError:
    """Return the error for the client after drawing has raised `error`."""
    if ran_out(error):
        return OutOfMemory("The plot ran out of memory", detail=author_traceback(error))
    no_picture = error if isinstance(error, NotAFigure) else hints_for_authors.of_error(error)
    if no_picture is not None:
        return PlotFailed("The plot did not return a picture", detail=f"{job.plot}: {no_picture}")
    if (far := far_values.error_for(error, plot.spec.params, job.values)) is not None:
        return far
    missing_here.explain(error)
    time_columns.explain(error, lambda: [p.name for p in plot.spec.params if kind_of(p).is_range])
    return PlotFailed("The plot's code raised an error", detail=author_traceback(error))


@contextmanager
def timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Note in `timings` the seconds that the body takes."""
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = time.perf_counter() - started
