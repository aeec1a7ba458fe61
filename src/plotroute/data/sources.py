"""Sources of values: datasets that a request for an ad-hoc plot may name, because their authors allow it.

Pure. `hours` is a one-dimensional dataset, `weather.temperature` a column of a dataset, and `values:wind`
what the dataset `values`, a function of a name, returns for `wind`.
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
    """The dataset, and the column of it, that the name of a source stands for."""

    ref: DatasetRef
    column: str | None


def find(manifest: Manifest, text: str) -> Source:
    """Return the source of a name.

    Args:
        manifest: the plots and datasets that there are.
        text: the name, as it is in the address.

    Raises:
        UnknownSource: no dataset has this name as a source. The error has the nearest name.

    >>> find(manifest, "weather.temperature").column
    'temperature'
    """
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
    """Return the dataset with the `values` of the parameters that it has, and defaults for the rest."""
    return DatasetRef(dataset.name, {p.name: values.get(p.name, p.default) for p in dataset.params})


def needed(manifest: Manifest, plot: PlotSpec, values: Mapping[str, Json]) -> dict[str, DatasetRef]:
    """Return the datasets that a plot reads for `values`, by name, in the order in which they are loaded.

    Raises:
        UnknownSource: a value names a source that there is not.
    """
    specs = {dataset.name: dataset for dataset in manifest.datasets}
    refs = {name: reference(specs[name], values) for name in plot.datasets}
    for parameter in plot.params:
        if (source := kind_of(parameter).source(values[parameter.name])) is not None:
            found = find(manifest, source).ref
            # A function of a name gives a dataset for each name, so the id tells them apart, not the name.
            for ref in (*(reference(specs[name], found.values) for name in specs[found.name].reads), found):
                refs[ref.id] = ref
    return refs
