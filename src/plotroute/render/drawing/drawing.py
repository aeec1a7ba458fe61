"""One job, from its data to its bytes: the only place that calls a plot.

A worker belongs to one saved version of the code and is used by one thread at a time.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

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
from plotroute.encode.base import NotAFigure, Target
from plotroute.encode.matplotlib.literal_text import literal_texts
from plotroute.encode.matplotlib.missing_glyphs import missing_glyphs_told_once
from plotroute.encode.matplotlib.renderer_cache import renderers_kept
from plotroute.encode.matplotlib.theme import RC
from plotroute.errors import AnswerError, CannotDraw, DatasetLoading, OutOfMemory, PlotFailed, UnknownPlot
from plotroute.model import Image, Job, Picture
from plotroute.params import hints, time_columns
from plotroute.render.drawing import far_values, missing_here
from plotroute.render.drawing.app_context import Context
from plotroute.render.drawing.datasets import Datasets
from plotroute.render.drawing.file_reads import Reads
from plotroute.render.drawing.returned import drawn, give
from plotroute.render.state.imports import Came
from plotroute.render.state.late_styles import late_styles_told
from plotroute.render.state.reset import State, imports
from plotroute.render.state.seeding import content_key, seeded
from plotroute.settings import Settings


class JobRunner:
    """Draws the plots of a catalog. Make it right after the author's module was imported."""

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        context: Context = nullcontext,
        places: Sequence[str] = (),
    ) -> None:
        """`context` is entered around each call of the author's functions; `places` are their folders."""
        self.catalog = catalog
        self.datasets = Datasets(catalog, context=context, places=places)
        self.reads = Reads(loader.modules)
        self._places = places
        self._settings = settings
        self._context = context
        self._came: Came = Came()
        self.missed = ""
        """Why the last drawing is not what it was: another process can do it; empty: it is."""
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
        """Take the process as it is now for what every render starts from."""
        self._state = State(self._places)

    @property
    def broken(self) -> str:
        """Why this process cannot be made what it was before its last drawing; empty: it could."""
        return self._state.broken

    def run(
        self, job: Job, data_at_hand: Callable[[], None] = lambda: None, patience: float = math.inf
    ) -> Image:
        """Return the picture, or raise the AnswerError that says why there is none.

        `data_at_hand` is called when everything is loaded: drawing has a clock of its own. After `patience`
        seconds no request waits any more, so what took longer to load is kept and nothing is drawn.
        """
        self.missed = ""
        plot = self.catalog.plots.get(job.plot)
        if plot is None:  # the newest version of the code does not have it any more
            raise UnknownPlot("There is no plot at this address")
        live = plot.spec.freshness == "live"
        timings: dict[str, float] = {}
        opened = Opened(self._places)
        try:
            with self._state.clean():
                with timed(timings, "data"):
                    arguments, versions = self._arguments(plot, job)
                    self._state.restore()  # loading is the author's code too
                    self.datasets.repeat_imports(versions)
                data_at_hand()
                if timings["data"] > patience:
                    # All waiting requests have been told to come back: then the data is to be there.
                    refs = sources.needed(self.catalog.manifest, plot.spec, job.values)
                    self.datasets.take_back(refs.values())
                    raise DatasetLoading("The data has just been loaded", headers={"Retry-After": "1"})
                self.reads.begin(plot.function)
                content = content_key(job.plot, job.values, versions)
                own_paper = _paper()
                with (
                    opened.recording(),
                    seeded(None if job.live else content),
                    literal_texts(job.texts),
                    renderers_kept(),
                    missing_glyphs_told_once(inspect.unwrap(plot.function)),
                ):
                    with (
                        timed(timings, "draw"),
                        self._context(),
                        missing_here.author_code(f"The plot {job.plot}"),
                    ):
                        picture, made_by_us = self._draw_as_before(plot, arguments, job, content)
                    with timed(timings, "encode"):
                        encoder = encode.find(picture.figure)
                        target = self._target(plot, job, made_by_us, own_paper, content)
                        encoded = encoder.encode(picture.figure, target)
            return Image(
                body=encoded.body,
                type=encoded.type,
                alt=picture.alt or plot.spec.alt,
                timings=timings,
                versions=versions,
                code=self.catalog.manifest.code,
                files={} if live else self.reads.of(job.plot, opened.states),
            )
        except AnswerError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a plot cannot end the process
            if self.missed and isinstance(error, Exception):
                error.add_note(f"plotroute: {self.missed}.")
            raise _answer(error, plot, job) from error
        finally:
            self.reads.end(job.plot, opened.states, live=live)

    def _draw_as_before(
        self, plot: BoundPlot, arguments: dict[str, Any], job: Job, content: str
    ) -> tuple[Picture, bool]:
        """Draw; a PlotFailed says that the drawing lacks an import that it had the last time."""
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
        """Return what the function is called with, and the versions of the data in it."""
        refs = sources.needed(self.catalog.manifest, plot.spec, job.values)
        data, versions = self.datasets.values(refs, job.versions)
        own = {argument.name for argument in plot.arguments}
        arguments: dict[str, Any] = {name: data[full] for name, full in plot.datasets.items()}
        for parameter in (*plot.spec.params, *plot.spec.users):
            if parameter.name not in own:
                continue
            value = job.values[parameter.name]
            if parameter.kind == "values":
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
    """Return the catalog with the sizes of the figures that `_draw` will make, by the rcParams of now."""
    import matplotlib

    inches = matplotlib.rcParams["figure.figsize"]
    natural = round(inches[0] * 100), round(inches[1] * 100)

    def sized(plot: BoundPlot) -> BoundPlot:
        makes = plot.spec.size is None and any(argument.name in FIGURES for argument in plot.arguments)
        return replace(plot, spec=replace(plot.spec, natural=natural)) if makes else plot

    plots = {name: sized(plot) for name, plot in catalog.plots.items()}
    manifest = replace(catalog.manifest, plots=tuple(plot.spec for plot in plots.values()))
    return replace(catalog, plots=plots, manifest=manifest)


def _paper() -> str:
    """Return the background of axes that the author's module has set, before a theme comes over it."""
    import matplotlib
    from matplotlib.colors import to_hex, to_rgba

    face = to_rgba(matplotlib.rcParams["axes.facecolor"])
    return to_hex(face if face[3] else matplotlib.rcParams["figure.facecolor"])


def _draw(plot: BoundPlot, arguments: dict[str, Any], job: Job) -> tuple[Picture, bool]:
    """Call the author's function; return what there is to encode, and whether the figure is ours."""
    import matplotlib

    if job.options.theme is not None:
        matplotlib.rcParams.update(dict(RC[job.options.theme]))  # type: ignore[arg-type]
    asked = [argument.name for argument in plot.arguments if argument.name in FIGURES]
    given = give(asked, plot.spec.size)
    with late_styles_told(job.plot, given.figure) if asked else nullcontext():
        returned = plot.function(**{**arguments, **{name: given.arguments[name] for name in asked}})
    return drawn(returned, given, job.options.theme)


def _answer(error: BaseException, plot: BoundPlot, job: Job) -> AnswerError:
    """Return what to answer where drawing has raised `error`."""
    if ran_out(error):
        return OutOfMemory("The plot ran out of memory", detail=author_traceback(error))
    no_picture = error if isinstance(error, NotAFigure) else hints_for_authors.of_error(error)
    if no_picture is not None:
        return PlotFailed("The plot did not return a picture", detail=f"{job.plot}: {no_picture}")
    if (far := far_values.explained(error, plot.spec.params, job.values)) is not None:
        return far
    missing_here.explain(error)
    time_columns.explain(error, lambda: [p.name for p in plot.spec.params if p.kind == "timerange"])
    return PlotFailed("The plot's code raised an error", detail=author_traceback(error))


@contextmanager
def timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Note the seconds that the body takes."""
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = time.perf_counter() - started
