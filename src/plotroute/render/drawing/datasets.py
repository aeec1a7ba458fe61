"""Keep the data of one process: loaded once per version, copied for many plots.

Everything here may run author code, so one thread at a time calls it; any thread may call `known`.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

from plotroute.catalog.binding import BoundDataset
from plotroute.catalog.catalog import Catalog
from plotroute.catalog.tracebacks import author_traceback
from plotroute.clock import now
from plotroute.data import freshness
from plotroute.data.files import ran_out
from plotroute.data.fingerprint import fingerprint, unrun_query
from plotroute.data.opened_files import Opened, States, changed
from plotroute.data.sharing import Copies
from plotroute.data.sources import reference
from plotroute.errors import AnswerError, DatasetUnavailable, OutOfMemory, PlotFailed
from plotroute.model import DatasetRef, Frame, Versions
from plotroute.params import hints, kind_of, time_columns
from plotroute.render.drawing import missing_here
from plotroute.render.drawing.app_context import Context
from plotroute.render.state.interpreter import reset_interpreter
from plotroute.render.state.reset import imports
from plotroute.render.state.seeding import content_key, seeded

log = logging.getLogger("plotroute.data")

# A dataset with parameters has an instance per combination of values; the least recently used are evicted.
_MOST_INSTANCES = 32


@dataclass(frozen=True, slots=True)
class _Loaded:
    copies: Copies
    version: str
    inputs: Versions
    files: States
    at: float
    """Seconds of a monotonic clock."""
    imports: tuple[str, ...] = ()
    """Modules with effects that the load has imported: a plot of the data may need the effects."""
    given: bool = False
    """Whether a drawing has got data of which only one drawing can be given."""


class Datasets:
    """The loaded datasets of a catalog."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Callable[[], float] = now,
        timer: Callable[[], float] = time.monotonic,
        context: Context = nullcontext,
        places: Sequence[str] = (),
    ) -> None:
        """Start without any data.

        Args:
            catalog: The datasets that there are.
            clock: The time of day; it decides the bucket of a `ttl`.
            timer: A monotonic clock, for ages.
            context: Entered around each call of the author's functions.
            places: The author's folders.
        """
        self._timer = timer
        self._catalog = catalog
        self._places = places
        self._context = context
        self._clock = clock
        self._warned_of: set[str] = set()
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        self._polled: dict[str, tuple[str, float]] = {}
        self._used: dict[str, tuple[DatasetRef, float]] = {}

    def known(self, ref: DatasetRef) -> str | None:
        """Return the last known version; None if it is too old to be used."""
        self._used[ref.id] = (ref, self._timer())
        dataset = self._catalog.datasets[ref.name]
        version = freshness.known_version(dataset.spec, ref, self._clock())
        if version is not None:
            return version
        if dataset.spec.freshness == "polled":
            polled = self._polled.get(ref.id)
            return polled[0] if polled and freshness.is_believed(polled[1], self._timer()) else None
        loaded = self._loaded.get(ref.id)
        if loaded is None or not freshness.is_believed(loaded.at, self._timer()):
            return None
        return loaded.version

    def version(self, ref: DatasetRef) -> str:
        """Return the version; poll or load the data if the version is not known."""
        version = self.known(ref)
        if version is not None:
            return version
        dataset = self._catalog.datasets[ref.name]
        if dataset.spec.freshness == "polled":
            return self._poll(dataset, ref)
        return self._load(dataset, ref).version

    def reload(self, ref: DatasetRef) -> str:
        """Load the data again, even if its version is known, and return the version."""
        return self._load(self._catalog.datasets[ref.name], ref).version

    def poll(self, ref: DatasetRef) -> str:
        """Call the author's `version=`, even if the version is known, and return the version."""
        return self._poll(self._catalog.datasets[ref.name], ref)

    def forget(self, names: Collection[str]) -> None:
        """Forget what was loaded and polled of the datasets `names`, and of all datasets that read them."""
        found = freshness.affected(names, (dataset.spec for dataset in self._catalog.datasets.values()))
        for table in (self._loaded, self._polled):
            for id in [id for id in table if id.partition("?")[0] in found]:
                del table[id]

    def files(self, ref: DatasetRef) -> States:
        """Return the files that the load has opened, each with its state."""
        loaded = self._loaded.get(ref.id)
        return loaded.files if loaded else {}

    def values(
        self, refs: Mapping[str, DatasetRef], expected: Versions | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the data for one drawing, loading what is missing or outdated.

        Args:
            refs: The datasets, by any keys, in loading order: a dataset comes after those that it reads.
            expected: The versions that the drawing is to have, by `DatasetRef.id`. Content of another
                version is loaded again: another process has seen a newer version.

        Returns:
            The data under the keys of `refs`, and the versions of the data by `DatasetRef.id`.

        Raises:
            AnswerError: Loading failed; the error says why.
        """
        found: dict[str, Any] = {}
        versions: dict[str, str] = {}
        for name, ref in refs.items():
            loaded = self._current(ref, expected or {})
            if loaded.given:
                loaded = self._load(self._catalog.datasets[ref.name], ref, expected or {})
            if loaded.copies.why:
                self._warn_of_reloads(ref, loaded.copies.why)
                self._loaded[ref.id] = replace(loaded, given=True)
            found[name] = loaded.copies.next_copy()
            versions[ref.id] = loaded.version
        return found, versions

    def take_back(self, refs: Iterable[DatasetRef]) -> None:
        """Keep data for the next drawing that was given to a drawing that does not take place."""
        refs = list(refs)
        read = {name for ref in refs for name in self._catalog.datasets[ref.name].spec.reads}
        for ref in refs:
            # Another dataset was loaded from this data, and may hold it.
            if ref.name not in read and (loaded := self._loaded.get(ref.id)) is not None:
                self._loaded[ref.id] = replace(loaded, given=False)

    def _warn_of_reloads(self, ref: DatasetRef, why: str) -> None:
        if ref.name not in self._warned_of:
            self._warned_of.add(ref.name)
            log.warning(
                "The dataset %s is loaded again for each picture: a plot may change what it gets, and "
                "no copy of it can be made: %s. If no plot changes it, say so: @plots.dataset(shared=True).",
                ref.name,
                why,
            )

    def repeat_imports(self, ids: Iterable[str]) -> None:
        """Repeat the effects of the imports of these datasets (colormaps, units), whenever they ran."""
        for id in ids:
            for module in self._loaded[id].imports if id in self._loaded else ():
                imports().repeat(module)

    def refresh(self) -> None:
        """Poll and reload datasets that are due and in use. A watcher calls it every second."""
        now = self._timer()
        for id, (ref, used_at) in list(self._used.items()):
            dataset = self._catalog.datasets[ref.name]
            if not freshness.is_watched(used_at, now):
                del self._used[id]
                continue
            try:
                if dataset.spec.freshness == "polled":
                    polled_at = self._polled.get(id, ("", -math.inf))[1]
                    if freshness.refresh(polled_at, now, poll=dataset.declared.poll):
                        self._poll(dataset, ref)
                elif (
                    dataset.spec.freshness == "content"
                    and (loaded := self._loaded.get(id))
                    and freshness.refresh(loaded.at, now, changed=partial(changed, loaded.files))
                ):
                    self._load(dataset, ref)
            except AnswerError as error:
                log.error("%s: %s\n%s", id, error.title, error.detail)

    def _current(self, ref: DatasetRef, expected: Versions) -> _Loaded:
        """Return the data of the version in force; load it if it is missing or outdated."""
        dataset = self._catalog.datasets[ref.name]
        loaded = self._loaded.get(ref.id)
        if loaded is not None:
            inputs = {i.id: self._in_force(i, expected) for i in self._inputs(dataset, ref)}
            version = expected.get(ref.id, loaded.version)
            outdated = dataset.spec.freshness == "content" and version != loaded.version
            # The clock was set back since, so an old bucket is in force again.
            outdated = outdated or self._timer() - loaded.at > (dataset.spec.ttl or math.inf)
            if not outdated and loaded.version == self._in_force(ref, expected) and loaded.inputs == inputs:
                self._loaded.move_to_end(ref.id)
                return loaded
        return self._load(dataset, ref, expected)

    def _in_force(self, ref: DatasetRef, expected: Versions) -> str:
        """Return the version that the data has to have at least: polled by the render server, or here."""
        polled = self._catalog.datasets[ref.name].spec.freshness == "polled"
        return expected[ref.id] if polled and ref.id in expected else self.version(ref)

    def _inputs(self, dataset: BoundDataset, ref: DatasetRef) -> list[DatasetRef]:
        datasets = self._catalog.datasets
        return [reference(datasets[name].spec, ref.values) for name in dataset.spec.reads]

    def _poll(self, dataset: BoundDataset, ref: DatasetRef) -> str:
        """Call the author's `version=`, and remember the version."""
        ask = dataset.declared.version
        assert callable(ask)
        values = _arguments(ask, self._decoded(dataset, ref))
        version = f"polled:{self._author(lambda: ask(**values), f'The version of dataset {ref.id}')}"
        self._polled[ref.id] = (version, self._timer())
        return version

    def _load(self, dataset: BoundDataset, ref: DatasetRef, expected: Versions | None = None) -> _Loaded:
        """Load the data. Its version is the version known before, so the data has that version or a newer.

        Newer data under an older version is harmless: as soon as the newer version is known, the data is
        loaded again.
        """
        expected = expected or {}
        before = self._version_before(dataset, ref, expected)
        data, inputs = self.values({i.name: i for i in self._inputs(dataset, ref)}, expected)
        seed = content_key(ref.id, {}, {ref.id: before}) if before else None
        arguments = self._decoded(dataset, ref) | {
            argument: data[name] for argument, name in dataset.datasets.items()
        }
        opened = Opened(self._places)
        with opened.recording(), seeded(seed), imports().noted() as noted:
            value = self._author(lambda: dataset.declared.function(**arguments), f"Loading dataset {ref.id}")
        version = before or _content_version(ref, value)
        copies = Copies(value, shared=dataset.declared.shared)
        imported = tuple(dict.fromkeys(noted))
        loaded = _Loaded(copies, version, inputs, opened.states, self._timer(), imported)
        self._loaded[ref.id] = loaded
        self._loaded.move_to_end(ref.id)
        instances = [id for id in self._loaded if id == ref.name or id.startswith(f"{ref.name}?")]
        for id in instances[:-_MOST_INSTANCES]:
            del self._loaded[id]
        return loaded

    def _version_before(self, dataset: BoundDataset, ref: DatasetRef, expected: Versions) -> str | None:
        """Return the version before a load; None if it is computed from the content."""
        if dataset.spec.freshness != "polled":
            return freshness.known_version(dataset.spec, ref, self._clock())
        version, at = self._polled.get(ref.id, ("", -math.inf))
        if ref.id in expected:
            return expected[ref.id]
        due = freshness.refresh(at, self._timer(), poll=dataset.declared.poll)
        return self._poll(dataset, ref) if due else version

    def _time_ranges(self) -> list[str]:
        params = (p for dataset in self._catalog.datasets.values() for p in dataset.spec.params)
        return [parameter.name for parameter in params if kind_of(parameter).is_range]

    def _author(self, call: Callable[[], Any], what: str) -> Any:
        """Call a function of the author's; turn what it raises into an error for the client."""
        try:
            with reset_interpreter(), imports().recorded(), self._context(), missing_here.author_code(what):
                return call()
        except AnswerError:
            raise
        except (Exception, SystemExit) as error:
            if ran_out(error):
                raise OutOfMemory(f"{what} ran out of memory", detail=author_traceback(error)) from error
            missing_here.explain(error)
            time_columns.explain(error, self._time_ranges)
            raise DatasetUnavailable(
                "Loading data failed" if what.startswith("Loading") else "Checking data failed",
                detail=(Frame(f"{what} failed.\n", names_error=True), *author_traceback(error)),
                headers={"Retry-After": "5"},
            ) from error

    def _decoded(self, dataset: BoundDataset, ref: DatasetRef) -> dict[str, Any]:
        own = {argument.name for argument in dataset.arguments}
        return {
            p.name: hints.decode(p, dataset.annotations.get(p.name), ref.values[p.name])
            for p in dataset.spec.params
            if p.name in own
        }


def _content_version(ref: DatasetRef, value: Any) -> str:
    if (query := unrun_query(value)) is not None:
        raise PlotFailed(
            "The version of data cannot be told",
            detail=f"Dataset {ref.id} returns a query that has not been run ({query}): its content cannot "
            "be told from it, so its pictures would never change. Say when they do: "
            '@plots.dataset(version=files("data/*.parquet")), or ttl="10m"; or return what it gives '
            "(.collect(), .df(), .to_table()).",
        )
    found = fingerprint(value)
    if found is None:
        log.warning(
            "The content of dataset %s cannot be hashed, so its plots are drawn anew after each load; "
            "give it a ttl= or a version=.",
            ref.id,
        )
    return f"content:{found or uuid4().hex}"


def _arguments(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the parameters that the dataset's `version=` takes as arguments."""
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: value for name, value in values.items() if name in names}
