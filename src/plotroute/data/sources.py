"""Sources of values: datasets that ad-hoc plots may ask for by name, because their authors said so.

Pure. `hours` is a one-dimensional dataset, `weather.temperature` a column of one, `values:wind` what a
function of a name returns for `wind`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from plotroute.errors import UnknownSource
from plotroute.model import DatasetRef, DatasetSpec, Json, Manifest, PlotSpec
from plotroute.params import kind_of


@dataclass(frozen=True, slots=True)
class Source:
    """What a name of a source means."""

    ref: DatasetRef
    column: str | None


def find(manifest: Manifest, text: str) -> Source:
    """Return the source named `text`; UnknownSource if no author offered one of that name."""
    for dataset in manifest.datasets:
        for offered in dataset.sources:
            if offered == text and not offered.endswith(":"):
                column = text.removeprefix(dataset.name).removeprefix(".") or None
                return Source(reference(dataset, {}), column)
            if offered.endswith(":") and text.startswith(offered) and text != offered:
                return Source(reference(dataset, {"name": text.removeprefix(offered)}), None)
    offered_names = [name for dataset in manifest.datasets for name in dataset.sources]
    nearest = next(iter(difflib.get_close_matches(text, offered_names, n=1)), None)
    shown = text if len(text) <= 100 else text[:99] + "…"
    raise UnknownSource(
        f"There is no source of values named {shown!r}",
        allowed=offered_names,
        nearest=nearest,
    )


def reference(dataset: DatasetSpec, values: Mapping[str, Json]) -> DatasetRef:
    """Return the dataset for those of `values` that it takes, and its defaults for the rest."""
    return DatasetRef(dataset.name, {p.name: values.get(p.name, p.default) for p in dataset.params})


def needed(manifest: Manifest, plot: PlotSpec, values: Mapping[str, Json]) -> dict[str, DatasetRef]:
    """Return by name what a plot reads for `values`, in loading order."""
    specs = {dataset.name: dataset for dataset in manifest.datasets}
    refs = {name: reference(specs[name], values) for name in plot.datasets}
    for parameter in plot.params:
        if (source := kind_of(parameter).source(values[parameter.name])) is not None:
            found = find(manifest, source).ref
            # Two names of one function-of-a-name are two datasets, so the id, not the name, tells them apart.
            for ref in (*(reference(specs[name], found.values) for name in specs[found.name].reads), found):
                refs[ref.id] = ref
    return refs
