"""The data of one process: loaded once per version, handed out to many plots.

Everything here runs author code or may, so it is called by one thread at a time; `known` alone may be
called by any.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from plotroute import columns, freshness, hints, keys
from plotroute.data.base import CONSUMED, fingerprint, hand_out, shareable
from plotroute.data.opened import Opened, States, changed
from plotroute.errors import AnswerError, DatasetUnavailable, OutOfMemory
from plotroute.model import DatasetRef, Versions
from plotroute.registry import BoundDataset, Catalog
from plotroute.render import absent
from plotroute.render.changes import affected
from plotroute.render.host import Context
from plotroute.render.randomness import seeded
from plotroute.sources import reference
from plotroute.tracebacks import author_traceback

log = logging.getLogger("plotroute.data")

# A dataset with parameters has as many instances as there are values of them; the least recently used go.
_MOST_INSTANCES = 32
# A version that changes while its data loads: after so many tries the data is used but never cached.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Loaded:
    value: Any
    shared: bool
    """Whether more than one plot may be given it."""
    version: str
    inputs: Versions
    files: States
    at: float


class Datasets:
    """The datasets of a catalog, as far as they are loaded."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Callable[[], float] = time.time,
        context: Context = nullcontext,
        places: Sequence[str] = (),
    ) -> None:
        self._catalog = catalog
        self._places = places
        self._context = context
        self._clock = clock
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        self._polled: dict[str, tuple[str, float]] = {}
        self._used: dict[str, tuple[DatasetRef, float]] = {}

    def known(self, ref: DatasetRef) -> str | None:
        """Return the last known version, if it is young enough to be believed."""
        self._used[ref.id] = (ref, self._clock())
        dataset = self._catalog.datasets[ref.name]
        version = freshness.known_version(dataset.spec, ref, self._clock())
        if version is not None:
            return version
        if dataset.spec.freshness == "polled":
            polled = self._polled.get(ref.id)
            return polled[0] if polled and self._clock() - polled[1] < freshness.KNOWN_FOR else None
        loaded = self._loaded.get(ref.id)
        if loaded is None or self._clock() - loaded.at >= freshness.KNOWN_FOR:
            return None
        return loaded.version

    def version(self, ref: DatasetRef) -> str:
        """Return the version, polling or loading if it is not known."""
        version = self.known(ref)
        if version is not None:
            return version
        dataset = self._catalog.datasets[ref.name]
        if dataset.spec.freshness == "polled":
            return self._poll(dataset, ref)
        return self._load(dataset, ref).version

    def reload(self, ref: DatasetRef) -> str:
        """Load again whatever is known, and return the version."""
        return self._load(self._catalog.datasets[ref.name], ref).version

    def poll(self, ref: DatasetRef) -> str:
        """Ask the author's `version=` whatever is known, and return the version."""
        return self._poll(self._catalog.datasets[ref.name], ref)

    def forget(self, names: Collection[str]) -> None:
        """Forget the datasets `names` and all that read them: what is loaded and polled is of before."""
        found = affected(names, (dataset.spec for dataset in self._catalog.datasets.values()))
        for table in (self._loaded, self._polled):
            for id in [id for id in table if id.partition("?")[0] in found]:
                del table[id]

    def files(self, ref: DatasetRef) -> States:
        """Return the files that the data was seen to be loaded from, each with its state."""
        loaded = self._loaded.get(ref.id)
        return loaded.files if loaded else {}

    def values(
        self, refs: Mapping[str, DatasetRef], expected: Versions | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return under the keys of `refs` the data for one render, and by `DatasetRef.id` the versions of it.

        `refs` is in loading order: what a dataset reads comes before it. Content that is not of the
        `expected` version is loaded again: another process has seen newer.
        """
        found: dict[str, Any] = {}
        versions: dict[str, str] = {}
        for name, ref in refs.items():
            loaded = self._current(ref, (expected or {}).get(ref.id))
            value = loaded.value
            if value is CONSUMED:
                loaded = self._load(self._catalog.datasets[ref.name], ref)
                value = loaded.value
            if loaded.shared:
                value = hand_out(value)
            elif ref.id in self._loaded:
                self._loaded[ref.id] = replace(loaded, value=CONSUMED)
            found[name] = value
            versions[ref.id] = loaded.version
        return found, versions

    def refresh(self) -> None:
        """Poll and load again what is due, as long as somebody uses it. For a watcher, every second."""
        now = self._clock()
        for id, (ref, used_at) in list(self._used.items()):
            dataset = self._catalog.datasets[ref.name]
            if now - used_at > freshness.WATCHED_FOR:
                del self._used[id]
                continue
            try:
                if dataset.spec.freshness == "polled":
                    if now - self._polled.get(id, ("", 0.0))[1] >= dataset.declared.poll:
                        self._poll(dataset, ref)
                elif (
                    dataset.spec.freshness == "content"
                    and (loaded := self._loaded.get(id))
                    and (now - loaded.at >= freshness.RELOAD_AFTER or changed(loaded.files))
                ):
                    self._load(dataset, ref)
            except AnswerError as error:
                log.error("%s: %s\n%s", id, error.title, error.detail)

    def _current(self, ref: DatasetRef, expected: str | None) -> _Loaded:
        """Return the data of the version in force, loading it if need be."""
        dataset = self._catalog.datasets[ref.name]
        loaded = self._loaded.get(ref.id)
        if loaded is not None:
            if dataset.spec.freshness == "polled" and expected not in (None, loaded.version):
                self._poll(dataset, ref)  # another process, the watcher, has seen newer
            inputs = {i.id: self.version(i) for i in self._inputs(dataset, ref)}
            outdated = dataset.spec.freshness == "content" and expected not in (None, loaded.version)
            if not outdated and loaded.version == self.version(ref) and loaded.inputs == inputs:
                self._loaded.move_to_end(ref.id)
                return loaded
        return self._load(dataset, ref)

    def _inputs(self, dataset: BoundDataset, ref: DatasetRef) -> list[DatasetRef]:
        datasets = self._catalog.datasets
        return [reference(datasets[name].spec, ref.values) for name in dataset.spec.reads]

    def _poll(self, dataset: BoundDataset, ref: DatasetRef) -> str:
        """Ask the author's `version=` callable."""
        ask = dataset.declared.version
        assert callable(ask)
        values = _arguments(ask, self._decoded(dataset, ref))
        version = f"polled:{self._author(lambda: ask(**values), f'The version of dataset {ref.id}')}"
        self._polled[ref.id] = (version, self._clock())
        return version

    def _load(self, dataset: BoundDataset, ref: DatasetRef) -> _Loaded:
        """Load, and find out which version it is: read before and after, so that the two belong together."""
        for _ in range(_TRIES):
            before = self._version_before(dataset, ref)
            refs = {i.name: i for i in self._inputs(dataset, ref)}
            data, inputs = self.values(refs)
            seed = keys.content_key(ref.id, {}, {ref.id: before}) if before else None
            arguments = self._decoded(dataset, ref) | {
                argument: data[name] for argument, name in dataset.datasets.items()
            }
            opened = Opened(self._places)
            with opened.recording(), seeded(seed):
                value = self._author(
                    lambda: dataset.declared.function(**arguments),  # noqa: B023
                    f"Loading dataset {ref.id}",
                )
            after = self._version_before(dataset, ref)
            if before == after:
                break
        version = after or _content_version(ref, value)
        if before != after:
            version = f"unstable:{uuid4().hex}"
        loaded = _Loaded(value, shareable(value), version, inputs, opened.states, self._clock())
        self._loaded[ref.id] = loaded
        self._loaded.move_to_end(ref.id)
        instances = [id for id in self._loaded if id == ref.name or id.startswith(f"{ref.name}?")]
        for id in instances[:-_MOST_INSTANCES]:
            del self._loaded[id]
        return loaded

    def _version_before(self, dataset: BoundDataset, ref: DatasetRef) -> str | None:
        if dataset.spec.freshness == "polled":
            return self._poll(dataset, ref)
        return freshness.known_version(dataset.spec, ref, self._clock())

    def _time_ranges(self) -> list[str]:
        params = (p for dataset in self._catalog.datasets.values() for p in dataset.spec.params)
        return [parameter.name for parameter in params if parameter.kind == "timerange"]

    def _author(self, call: Callable[[], Any], what: str) -> Any:
        """Call a function of the author's; what it raises becomes what readers are told."""
        try:
            with self._context():
                return call()
        except AnswerError:
            raise
        except MemoryError as error:
            raise OutOfMemory(f"{what} ran out of memory", detail=author_traceback(error)) from error
        except Exception as error:
            absent.explain(error)
            columns.explain(error, self._time_ranges)
            raise DatasetUnavailable(
                "Loading data failed" if what.startswith("Loading") else "Checking data failed",
                detail=f"{what} failed.\n{author_traceback(error)}",
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
    found = fingerprint(value)
    if found is None:
        log.warning(
            "The content of dataset %s cannot be hashed, so its plots are drawn anew after each load; "
            "give it a ttl= or a version=.",
            ref.id,
        )
    return f"content:{found or uuid4().hex}"


def _arguments(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the dataset's parameters that its `version=` callable asks for."""
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: value for name, value in values.items() if name in names}
