"""Names of values that ad-hoc plots may ask for."""

import pytest

from plotroute.data import sources
from plotroute.errors import UnknownSource
from plotroute.model import DatasetRef, DatasetSpec, Manifest, Param, PlotSpec

NAME = Param(name="name", kind="str", required=True)
REGION = Param(name="region", kind="str", default="EU")

MANIFEST = Manifest(
    datasets=(
        DatasetSpec(name="hours", sources=("hours",)),
        DatasetSpec(name="weather", params=(REGION,), sources=("weather.temperature", "weather.wind.gusts")),
        DatasetSpec(name="raw", params=(NAME,)),
        DatasetSpec(name="values", params=(NAME,), reads=("raw",), sources=("values:",)),
        DatasetSpec(name="finance/prices", sources=("finance/prices.close",)),
        DatasetSpec(name="secrets"),
    )
)

LINE = PlotSpec(
    name="line",
    addresses=("/plot.png",),
    params=(
        Param(name="x", kind="values", optional=True),
        Param(name="y", kind="values", required=True),
        Param(name="title", kind="str", default=""),
    ),
    adhoc=True,
)


def needed(x, y, **rest):
    return sources.needed(MANIFEST, LINE, {"x": x, "y": y, "title": ""} | rest)


def source(name):
    return {"source": name}


@pytest.mark.parametrize(
    ("text", "ref", "column"),
    [
        ("hours", DatasetRef("hours"), None),
        ("weather.temperature", DatasetRef("weather", {"region": "EU"}), "temperature"),
        ("weather.wind.gusts", DatasetRef("weather", {"region": "EU"}), "wind.gusts"),
        ("finance/prices.close", DatasetRef("finance/prices"), "close"),
        ("values:wind", DatasetRef("values", {"name": "wind"}), None),
        ("values:a:b.c", DatasetRef("values", {"name": "a:b.c"}), None),
    ],
)
def test_a_source_is_a_dataset_a_column_or_a_function_of_a_name(text, ref, column):
    assert sources.find(MANIFEST, text) == sources.Source(ref, column)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secrets",
        "weather",
        "weather.pressure",
        "hours.a",
        "hours:",
        "values",
        "values:",
        "raw:a",
        "Hours",
    ],
)
def test_nothing_is_a_source_unless_its_author_said_so(text):
    with pytest.raises(UnknownSource):
        sources.find(MANIFEST, text)


def test_an_unknown_source_is_answered_with_the_nearest_and_all_there_are():
    with pytest.raises(UnknownSource, match="'hour'") as caught:
        sources.find(MANIFEST, "hour")

    assert caught.value.members["nearest"] == "hours"
    assert "values:" in caught.value.members["allowed"]
    assert "secrets" not in caught.value.members["allowed"]


def test_a_long_name_is_not_shown_whole():
    with pytest.raises(UnknownSource) as caught:
        sources.find(MANIFEST, "x" * 5000)

    assert len(caught.value.title) < 200


def test_a_dataset_takes_its_own_parameters_and_defaults_for_the_rest():
    weather = MANIFEST.datasets[1]

    assert sources.reference(weather, {"region": "US", "bins": 3}) == DatasetRef("weather", {"region": "US"})
    assert sources.reference(weather, {}) == DatasetRef("weather", {"region": "EU"})


def test_a_plot_needs_its_datasets_for_its_own_values_in_loading_order():
    plot = PlotSpec(name="a", addresses=("/plots/a",), params=(REGION,), datasets=("hours", "weather"))

    found = sources.needed(MANIFEST, plot, {"region": "US"})

    assert list(found.items()) == [
        ("hours", DatasetRef("hours")),
        ("weather", DatasetRef("weather", {"region": "US"})),
    ]


def test_an_ad_hoc_plot_needs_the_sources_it_names():
    found = needed(source("hours"), source("weather.temperature"))

    assert [ref.id for ref in found.values()] == ["hours", 'weather?region="EU"']


def test_values_in_the_query_need_no_data():
    assert needed([1, 2, 3], [4, 5, 6]) == {}
    assert needed(None, [4, 5, 6]) == {}


def test_a_column_and_its_neighbour_are_one_dataset():
    assert len(needed(source("weather.temperature"), source("weather.wind.gusts"))) == 1


def test_a_source_is_found_under_its_id():
    ref = DatasetRef("values", {"name": "wind"})

    assert needed(None, source("values:wind"))[ref.id] == ref


def test_what_a_source_reads_is_loaded_before_it():
    ids = [ref.id for ref in needed(None, source("values:wind")).values()]

    assert ids == ['raw?name="wind"', 'values?name="wind"']


def test_two_names_of_one_function_are_two_datasets_with_all_they_read():
    ids = {ref.id for ref in needed(source("values:wind"), source("values:rain")).values()}

    assert ids == {'raw?name="wind"', 'values?name="wind"', 'raw?name="rain"', 'values?name="rain"'}
