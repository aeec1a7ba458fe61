"""Which URL means which plot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.errors import UnknownPlot
from plotroute.model import IMAGE_TYPES, Manifest, PlotSpec
from plotroute.routing import routes


def plots(*patterns, **builtin):
    """A manifest of one plot per address, named after it; keywords are built-in plots."""
    return Manifest(
        plots=(
            *(PlotSpec(name=name, addresses=(address,), adhoc=True) for name, address in builtin.items()),
            *(PlotSpec(name=pattern, addresses=(pattern,)) for pattern in patterns),
        )
    )


def found(manifest, path):
    """(plot, values, format) of what answers `path`, or None."""
    answer = routes.resolve(manifest, path)
    return answer and (answer.plot.name, dict(answer.values), answer.format)


@pytest.mark.parametrize(
    ("path", "prefix", "pattern"),
    [
        ("revenue", "", "/plots/revenue"),
        ("sales/revenue", "", "/plots/sales/revenue"),
        ("customers/<customer_id>/revenue", "", "/plots/customers/<customer_id>/revenue"),
        ("report.2024", "", "/plots/report.2024"),
        ("a_b-c.d~e", "", "/plots/a_b-c.d~e"),
        ("revenue", "finance", "/plots/finance/revenue"),
        ("revenue", "finance/europe", "/plots/finance/europe/revenue"),
        ("revenue", "/finance/", "/plots/finance/revenue"),
        ("/plot.png", "", "/plot.png"),
        ("/plot.png", "finance", "/plot.png"),
        ("/<x>/<y>/plot.png", "", "/<x>/<y>/plot.png"),
    ],
)
def test_a_path_counts_from_plots_or_with_a_slash_from_the_root(path, prefix, pattern):
    assert routes.pattern(path, prefix) == pattern


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("", "empty segment"),
        ("/", "empty segment"),
        ("a//b", "empty segment"),
        ("a/", "empty segment"),
        ("//a", "empty segment"),
        ("a/./b", "browsers remove"),
        ("../a", "browsers remove"),
        ("<a>/<a>", "twice"),
        ("a<b>", "exactly one <parameter>"),
        ("<a><b>", "exactly one <parameter>"),
        ("<a>.png", "exactly one <parameter>"),
        ("<int:a>", "exactly one <parameter>"),
        ("<1>", "exactly one <parameter>"),
        ("<>", "exactly one <parameter>"),
        ("a b", "letters, digits"),
        ("a?b", "letters, digits"),
        ("a%20b", "letters, digits"),
        ("größe", "letters, digits"),
        ("a\n", "letters, digits"),
    ],
)
def test_a_path_that_cannot_work_is_refused_with_the_reason(path, complaint):
    with pytest.raises(ValueError, match=complaint):
        routes.pattern(path)


def test_parameters_are_named_in_the_order_of_the_path():
    assert routes.parameters("/plots/<b>/x/<a>") == ("b", "a")
    assert routes.parameters("/plots/x") == ()


@pytest.mark.parametrize(
    ("pattern", "format"),
    [
        *((f"/plot.{suffix}", suffix) for suffix in IMAGE_TYPES),
        ("/<x>/<y>/plot.svg", "svg"),
        ("/plot", None),
        ("/plots/report.2024", None),
        ("/plots/a.png/b", None),
        ("/plots/<png>", None),
    ],
)
def test_an_address_fixes_a_format_by_its_suffix(pattern, format):
    assert routes.fixed_format(pattern) == format


def test_the_names_of_parameters_do_not_matter_to_the_shape():
    assert routes.shape("/plots/<a>/x/<b>") == routes.shape("/plots/<c>/x/<d>")
    assert routes.shape("/plots/<a>/x") != routes.shape("/plots/x/<a>")


@pytest.mark.parametrize(
    ("path", "format"),
    [("/plots/a", None), ("/plots/a.schema.json", "schema.json")]
    + [(f"/plots/a.{suffix}", suffix) for suffix in IMAGE_TYPES],
)
def test_a_suffix_asks_for_a_format(path, format):
    assert found(plots("/plots/a"), path) == ("/plots/a", {}, format)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/plots",
        "/plots/",
        "/plots/b",
        "/plots/a/",
        "/plots//a",
        "/plots/a/b",
        "/a",
        "/plots/A",
        "/plots/a.gif",
        "/plots/a.PNG",
        "/plots/a.json",
        "/plots/a.png.png",
        "/plots/a.",
        "/plots/.png",
    ],
)
def test_what_is_no_address_finds_nothing(path):
    assert found(plots("/plots/a"), path) is None


def test_other_dots_belong_to_the_address():
    both = plots("/plots/v1.2/report.2024", "/plots/v1")

    assert found(both, "/plots/v1.2/report.2024") == ("/plots/v1.2/report.2024", {}, None)
    assert found(both, "/plots/v1.2/report.2024.svg") == ("/plots/v1.2/report.2024", {}, "svg")
    assert found(both, "/plots/v1.2") is None


def test_an_address_with_a_fixed_format_answers_that_and_its_schema_only():
    manifest = plots("/plot.png")

    assert found(manifest, "/plot.png") == ("/plot.png", {}, "png")
    assert found(manifest, "/plot.png.schema.json") == ("/plot.png", {}, "schema.json")
    for path in ("/plot", "/plot.svg", "/plot.png.png", "/plot.png.svg", "/plot.schema.json"):
        assert found(manifest, path) is None


def test_formats_of_one_name_may_be_plots_of_their_own():
    manifest = plots("/plot.png", "/plot.svg")

    assert found(manifest, "/plot.png") == ("/plot.png", {}, "png")
    assert found(manifest, "/plot.svg") == ("/plot.svg", {}, "svg")


@pytest.mark.parametrize(
    ("path", "values", "format"),
    [
        ("/plots/customers/4/revenue", {"id": "4"}, None),
        ("/plots/customers/4/revenue.png", {"id": "4"}, "png"),
        ("/plots/customers/4.5/revenue", {"id": "4.5"}, None),
        ("/plots/customers/a b & c?=%2F/revenue", {"id": "a b & c?=%2F"}, None),
        ("/plots/customers/größe/revenue", {"id": "größe"}, None),
        ("/plots/customers/<id>/revenue", {"id": "<id>"}, None),
    ],
)
def test_a_path_parameter_takes_any_text_without_a_slash(path, values, format):
    pattern = "/plots/customers/<id>/revenue"

    assert found(plots(pattern), path) == (pattern, values, format)


def test_a_path_parameter_is_never_empty():
    assert found(plots("/plots/customers/<id>/revenue"), "/plots/customers//revenue") is None
    assert found(plots("/plots/<id>"), "/plots/") is None


def test_a_suffix_is_not_part_of_the_last_parameter():
    assert found(plots("/plots/<id>"), "/plots/4.png") == ("/plots/<id>", {"id": "4"}, "png")
    assert found(plots("/plots/<id>"), "/plots/4.5") == ("/plots/<id>", {"id": "4.5"}, None)


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("/plots/a/b", "/plots/a/b"),
        ("/plots/a/c", "/plots/a/<y>"),
        ("/plots/c/b", "/plots/<x>/b"),
        ("/plots/c/d", "/plots/<x>/<y>"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_text_beats_parameters_from_the_left(path, winner, reverse):
    patterns = ["/plots/<x>/<y>", "/plots/<x>/b", "/plots/a/<y>", "/plots/a/b"]

    assert found(plots(*(reversed(patterns) if reverse else patterns)), path)[0] == winner


def test_a_fixed_format_beats_a_parameter():
    manifest = plots("/plots/<id>", "/plots/plot.png")

    assert found(manifest, "/plots/plot.png")[0] == "/plots/plot.png"
    assert found(manifest, "/plots/plot.svg") == ("/plots/<id>", {"id": "plot"}, "svg")


@pytest.mark.parametrize("path", ["a", "a.2024", "a.png", "a.png.svg", "a.json", "a.schema", "a.schema.json"])
def test_an_address_that_is_not_refused_can_be_asked_for(path):
    try:
        address = routes.pattern(path)
    except ValueError:
        return

    assert found(plots(address), address)[0] == address


@pytest.mark.parametrize("pattern", ["/plot.png", "/<anything>"])
def test_the_authors_path_beats_a_built_in_one(pattern):
    assert found(plots(pattern, line="/plot.png"), "/plot.png")[0] == pattern
    assert found(plots(line="/plot.png"), "/plot.png")[0] == "line"


def test_aliases_answer_like_the_plots_own_address():
    plot = PlotSpec(name="new", addresses=("/plots/new", "/plots/old/<id>", "/old.svg"))
    manifest = Manifest(plots=(plot,))

    assert found(manifest, "/plots/new.pdf") == ("new", {}, "pdf")
    assert found(manifest, "/plots/old/4") == ("new", {"id": "4"}, None)
    assert found(manifest, "/old.svg") == ("new", {}, "svg")


@given(st.text())
def test_any_path_finds_a_plot_or_nothing(text):
    manifest = plots("/plots/<a>", "/plots/a/<b>/c", "/<x>/<y>/plot.png", line="/plot.png")

    answer = routes.resolve(manifest, "/" + text)

    if answer is not None:
        assert all(value and "/" not in value for value in answer.values.values())
        assert answer.format in (None, "schema.json", *IMAGE_TYPES)


@pytest.mark.parametrize("name", ["sales/revenue", "/plots/sales/revenue", "revenue", "/old"])
def test_a_plot_is_named_by_its_name_an_address_or_the_end_of_its_name(name):
    plot = PlotSpec(name="sales/revenue", addresses=("/plots/sales/revenue", "/old"))

    assert routes.by_name(Manifest(plots=(plot,)), name).plot is plot


def test_a_full_name_beats_the_end_of_another():
    long = PlotSpec(name="sales/revenue", addresses=("/plots/sales/revenue",))
    short = PlotSpec(name="revenue", addresses=("/plots/revenue",))

    assert routes.by_name(Manifest(plots=(long, short)), "revenue").plot is short


def test_an_end_of_two_names_names_neither():
    specs = [PlotSpec(name=f"{n}/revenue", addresses=(f"/plots/{n}/revenue",)) for n in ("a", "b")]

    with pytest.raises(UnknownPlot, match="'revenue'"):
        routes.by_name(Manifest(plots=tuple(specs)), "revenue")


def test_an_unknown_name_is_answered_with_the_nearest():
    plot = PlotSpec(name="sales/revenue", addresses=("/plots/sales/revenue",))

    with pytest.raises(UnknownPlot, match="did you mean 'sales/revenue'") as caught:
        routes.by_name(Manifest(plots=(plot,)), "sales/revenu")

    assert caught.value.members["nearest"] == "sales/revenue"


def test_a_named_plot_has_the_format_asked_for_or_that_of_its_address():
    manifest = plots("/plot.png", "/plots/a")

    assert routes.by_name(manifest, "/plot.png").format == "png"
    assert routes.by_name(manifest, "/plots/a").format is None
    assert routes.by_name(manifest, "/plots/a", "svg").format == "svg"


@pytest.mark.parametrize(
    "asked", ["/plots/customers//orders", "/plots/customers//order", "/customers//orders"]
)
def test_the_nearest_address_leaves_a_value_that_was_not_given_open(asked):
    manifest = plots("/plots/customers/<name>/orders")

    assert routes.nearest(manifest, asked) == "/plots/customers/<name>/orders"
