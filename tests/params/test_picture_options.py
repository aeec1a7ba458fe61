"""The picture options, the same for every plot."""

from datetime import UTC, datetime

import pytest

from plotroute import params
from plotroute.errors import InvalidParameters
from plotroute.model import Options, PlotSpec
from plotroute.params import picture_options

PLOT = PlotSpec(name="a", addresses=("/plots/a",))
NAMES = ["width", "height", "dpr", "theme", "background", "png8", "download", "on_error"]


def asked(*query, plot=PLOT, max_pixels=16_000_000):
    """The options that a query asks for."""
    values = params.parse(picture_options.offered(plot), query, {}, now=datetime.now(UTC))
    return picture_options.build(values, plot, max_pixels)


def refused(*query, **rest):
    with pytest.raises(InvalidParameters) as caught:
        asked(*query, **rest)
    [error] = caught.value.errors
    return error["parameter"], error["code"]


def test_the_options_are_these():
    assert [option.name for option in picture_options.PARAMS] == NAMES


def test_every_option_is_described_and_may_be_left_out():
    for option in picture_options.PARAMS:
        assert option.description.endswith(".")
        assert not option.required


def test_a_plot_offers_all_options_but_those_it_takes_itself():
    plot = PlotSpec(name="a", addresses=("/plots/a",), takes_options=picture_options.DECLARABLE)

    assert [option.name for option in picture_options.offered(PLOT)] == NAMES
    left = ["dpr", "background", "png8", "download", "on_error"]
    assert [option.name for option in picture_options.offered(plot)] == left


def test_nothing_asked_leaves_everything_to_the_author():
    assert asked() == Options()


def test_options_are_what_was_asked_for():
    query = [
        ("width", "800"),
        ("height", "500"),
        ("dpr", "2"),
        ("theme", "dark"),
        ("background", "transparent"),
        ("png8", "true"),
    ]

    assert asked(*query) == Options(
        width=800, height=500, dpr=2.0, theme="dark", background="transparent", png8=True
    )


@pytest.mark.parametrize(
    "query", [("download", "true"), ("on_error", "status")], ids=lambda pair: "=".join(pair)
)
def test_how_a_picture_is_sent_does_not_make_it_another(query):
    assert asked(query) == Options()


@pytest.mark.parametrize(
    ("sent", "ratio"),
    [
        ("0.1", 1.0),
        ("0", 1.0),
        ("-1", 1.0),
        ("1", 1.0),
        ("1.0", 1.0),
        ("1.01", 1.5),
        ("1.25", 1.5),
        ("1.5", 1.5),
        ("1.75", 2.0),
        ("2", 2.0),
        ("2.625", 3.0),
        ("3", 3.0),
        ("3.5", 4.0),
        ("4", 4.0),
        ("5", 4.0),
        ("1e300", 4.0),
    ],
)
def test_the_device_pixel_ratio_is_snapped_up_and_never_an_error(sent, ratio):
    assert asked(("dpr", sent)).dpr == ratio


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("width", "0", "out_of_bounds"),
        ("width", "-5", "out_of_bounds"),
        ("width", "8001", "out_of_bounds"),
        ("height", "0", "out_of_bounds"),
        ("height", "8001", "out_of_bounds"),
        ("width", "wide", "malformed"),
        ("width", "1.5", "malformed"),
        ("dpr", "nan", "malformed"),
        ("theme", "blue", "not_allowed"),
        ("background", "white", "not_allowed"),
        ("on_error", "picture", "not_allowed"),
        ("png8", "8", "malformed"),
        ("download", "perhaps", "malformed"),
    ],
)
def test_options_are_checked_like_any_parameter(name, sent, code):
    assert refused((name, sent)) == (name, code)


@pytest.mark.parametrize("side", ["1", "8000"])
def test_sides_go_from_one_pixel_to_eight_thousand(side):
    assert asked(("width", side)).width == int(side)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ([("width", "4000"), ("height", "4000")], True),
        ([("width", "4001"), ("height", "4000")], False),
        ([("width", "2000"), ("height", "2000"), ("dpr", "2")], True),
        ([("width", "2000"), ("height", "2000"), ("dpr", "2.1")], False),
        ([("width", "8000")], True),
        ([("height", "8000")], True),
    ],
)
def test_a_picture_has_a_bounded_number_of_pixels(query, fits):
    if fits:
        asked(*query)
    else:
        assert refused(*query) == ("width", "out_of_bounds")


def test_too_many_pixels_are_told_in_numbers():
    with pytest.raises(InvalidParameters) as caught:
        asked(("width", "800"), ("height", "500"), ("dpr", "2"), max_pixels=1_000_000)

    [error] = caught.value.errors
    assert error["sent"] == "800"
    for part in ("800 × 500", "dpr 2", "1,600,000 pixels", "1,000,000"):
        assert part in error["message"]


def test_a_plot_in_charge_of_its_size_is_not_sized_again():
    plot = PlotSpec(name="a", addresses=("/plots/a",), takes_options=("width", "height", "theme"))
    values = {"width": 8000, "height": 8000, "theme": "dark", "dpr": 1.2}

    assert picture_options.build(values, plot, 1_000_000) == Options(dpr=1.5)
