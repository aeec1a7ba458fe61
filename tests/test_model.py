"""The nouns that travel."""

import json
from dataclasses import MISSING, FrozenInstanceError, asdict, fields

import pytest

from plotroute.model import (
    IMAGE_TYPES,
    DatasetRef,
    DatasetSpec,
    Frame,
    Image,
    Job,
    Manifest,
    Options,
    Param,
    Picture,
    PlotSpec,
    from_wire,
    to_wire,
)

PARAM = Param(
    name="method",
    kind="choice",
    many=True,
    required=True,
    optional=True,
    default=["pearson", None, 1, 1.5, True],
    choices=("pearson", 1, 2.5, True, None),
    bounds={"min_length": 1, "max_length": 3},
    item_bounds={"ge": 0.5, "pattern": r"^\w+$"},
    step="1h",
    description="Wie – and why",
    example=["pearson"],
    is_user=True,
)

DATASET = DatasetSpec(
    name="orders",
    params=(PARAM,),
    reads=("raw", "customers"),
    freshness="bucket",
    version="2026-10",
    ttl=600.0,
    sources=("orders.total",),
)

PLOT = PlotSpec(
    name="sales/<region>/revenue",
    addresses=("/plots/sales/<region>/revenue", "/old.png"),
    params=(PARAM,),
    users=(PARAM,),
    datasets=("raw", "orders"),
    freshness="timed",
    ttl=3600.0,
    stale=600.0,
    max_age=60,
    timeout=2.5,
    max_pixels=1_000_000,
    size=(800, 500),
    natural=(640, 480),
    min_size=(400, 250),
    title="Revenue",
    alt="Revenue by week",
    description="Revenue by week.\n\nIn €.",
    takes_options=("width", "theme"),
    adhoc=True,
    function="revenue",
    also=("/plots/revenue",),
    contested=("/plots/orders/revenue",),
    mistake="plot 'revenue': there is no dataset named 'order'.",
)

MANIFEST = Manifest(
    plots=(PLOT,),
    datasets=(DATASET,),
    code="c0de",
    environment="e",
    broken=(PLOT,),
    mistakes=("plot 'revenue': there is no dataset named 'order'.",),
    problem="plots.py does not load",
    problem_detail=(Frame('File "plots.py", line 3', "plots.py", 3, is_authors=True),),
)

OPTIONS = Options(width=800, height=500, dpr=1.5, theme="dark", background="transparent", png8=True)

JOB = Job(
    plot="sales/revenue",
    values={
        "text": 'é "\\ \N{SNAKE} \x00',
        "number": 0.1,
        "whole": 2**60,
        "flag": True,
        "none": None,
        "list": [1, "a", None, [2.5]],
        "source": {"source": "orders.total"},
    },
    texts=("$\\sin_$", ""),
    format="svg",
    explicit_format=True,
    options=OPTIONS,
    live=True,
    versions={'orders?region="EU"': "polled:1"},
    timeout=2.5,
    code="c0de",
    ttl=3600.0,
    epoch="e90c",
    request_id="4bf9",
)

IMAGE = Image(
    body=bytes(range(256)),
    type="image/png",
    alt="Größe",
    timings={"data": 0.5, "draw": 0.25},
    versions={"orders": "content:1"},
    code="c0de",
    age=2.5,
    files={"/srv/logo.png": "1:2:3", "/srv/not-there.yaml": None},
)

EXAMPLES = pytest.mark.parametrize(
    "example",
    [PARAM, DATASET, PLOT, MANIFEST, OPTIONS, JOB, IMAGE],
    ids=lambda example: type(example).__name__,
)
TRAVELLERS = pytest.mark.parametrize("noun", [MANIFEST, JOB, IMAGE], ids=lambda noun: type(noun).__name__)


def arrived(noun):
    return from_wire(type(noun), *to_wire(noun))


@EXAMPLES
def test_these_examples_leave_no_field_at_its_default(example):
    for field in fields(example):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        assert getattr(example, field.name) != default, field.name


@TRAVELLERS
def test_a_noun_arrives_as_it_left(noun):
    assert asdict(arrived(noun)) == asdict(noun)


@TRAVELLERS
def test_a_noun_arrives_in_the_types_it_left_in(noun):
    found = arrived(noun)

    assert type(found) is type(noun)
    assert repr(asdict(found)) == repr(asdict(noun))


@pytest.mark.parametrize(
    "noun",
    [Manifest(), Job(plot="a", values={}), Image(body=b"", type="image/png")],
    ids=lambda n: type(n).__name__,
)
def test_a_noun_of_defaults_arrives_too(noun):
    assert asdict(arrived(noun)) == asdict(noun)


@TRAVELLERS
def test_the_header_is_json_and_only_a_picture_has_bytes_behind_it(noun):
    header, body = to_wire(noun)

    assert isinstance(json.loads(header), dict)
    assert body == (noun.body if isinstance(noun, Image) else b"")


def test_the_bytes_of_a_picture_are_not_in_its_header():
    header, _ = to_wire(Image(body=b"\xff" * 100_000, type="image/png"))

    assert len(header) < 1000


@pytest.mark.parametrize("kind", [Job, Image])
@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"null", b"{}", b'{"plot": 1, "type": 1}', b"\xff"])
def test_anything_else_is_refused(kind, header):
    with pytest.raises(ValueError):
        from_wire(kind, header)


@pytest.mark.parametrize(
    ("field", "value"),
    [("theme", "blue"), ("background", "white"), ("width", "wide")],
)
def test_a_value_that_no_option_has_is_refused(field, value):
    header = json.dumps({"plot": "a", "values": {}, "options": {field: value}}).encode()

    with pytest.raises(ValueError):
        from_wire(Job, header)


@EXAMPLES
def test_nouns_are_frozen(example):
    with pytest.raises(FrozenInstanceError):
        setattr(example, fields(example)[0].name, "other")


def test_two_manifests_are_two_versions_even_if_they_say_the_same():
    assert Manifest() != Manifest()
    assert len({Manifest(), Manifest()}) == 2


@pytest.mark.parametrize(
    ("ref", "id"),
    [
        (DatasetRef("orders"), "orders"),
        (DatasetRef("orders", {"region": "EU"}), 'orders?region="EU"'),
        (DatasetRef("orders", {"b": 1, "a": None}), "orders?a=null&b=1"),
        (DatasetRef("orders", {"tags": ["a", 1.5, True]}), 'orders?tags=["a",1.5,true]'),
    ],
)
def test_a_dataset_is_identified_by_its_name_and_values(ref, id):
    assert ref.id == id


def test_the_order_of_values_does_not_matter_to_the_id():
    assert DatasetRef("d", {"a": 1, "b": 2}).id == DatasetRef("d", {"b": 2, "a": 1}).id


def test_different_values_have_different_ids():
    values = [None, True, 1, 1.5, "1", "true", "null", "", [1], ["1"], '1&b="2"', "é"]
    refs = [DatasetRef("d", {"a": value}) for value in values]
    refs += [DatasetRef("d"), DatasetRef("d", {"b": 1}), DatasetRef("d", {"a": 1, "b": 2}), DatasetRef("e")]

    assert len({ref.id for ref in refs}) == len(refs)


def test_a_picture_shows_itself_in_a_notebook():
    png = Image(body=b"\x89PNG", type="image/png")
    svg = Image(body="<svg>é</svg>".encode(), type="image/svg+xml")

    assert png._repr_mimebundle_() == {"image/png": b"\x89PNG", "text/plain": "<Image image/png, 4 bytes>"}
    assert svg._repr_mimebundle_()["image/svg+xml"] == "<svg>é</svg>"


def test_the_repr_of_a_picture_is_short():
    assert repr(Image(body=b"x" * 12_345, type="image/png")) == "<Image image/png, 12,345 bytes>"


def test_a_picture_is_saved_as_it_is(tmp_path):
    IMAGE.save(tmp_path / "picture.png")

    assert (tmp_path / "picture.png").read_bytes() == IMAGE.body


def test_a_picture_without_a_requested_format_is_a_png():
    assert next(iter(IMAGE_TYPES)) == "png"
    assert Job(plot="a", values={}).format == "png"


def test_a_figure_comes_with_words_and_numbers_or_without():
    assert Picture("figure") == Picture("figure", data=None, alt="")
    assert Picture("figure", alt="words").alt == "words"
