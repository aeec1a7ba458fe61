"""Decorators with options that there are not, or sizes in inches: the error names what is meant."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from plotroute import Plots
from plotroute.errors import BadRegistration

plots = Plots()


def told(decorator: Any, *arguments: Any, **options: Any) -> str:
    def something(ax: Any) -> None: ...

    with pytest.raises(BadRegistration) as raised:
        decorator(*arguments, **options)(something)
    return str(raised.value)


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"figsize": (8, 4)}, "size=(800, 400)"),
        ({"figsize": (6.4, 4.8)}, "size=(640, 480)"),
        ({"figsize": "large"}, "size=(width, height)"),
        ({"name": "sales"}, '@plots.plot("sales/revenue")'),
        ({"path": "sales"}, '@plots.plot("sales/revenue")'),
        ({"url": "sales"}, '@plots.plot("sales/revenue")'),
        ({"description": "Sales"}, "docstring"),
        ({"dpi": 200}, "dpr="),
        ({"cache": "1h"}, "ttl="),
        ({"min_sice": (300, 200)}, "did you mean min_size=?"),
        ({"alais": ()}, "did you mean aliases=?"),
        ({"maxage": "1h"}, "did you mean max_age=?"),
        ({"zzz": 1}, "it has aliases=, title=, alt="),
    ],
)
def test_an_option_of_plot_that_there_is_not_names_the_one_that_is_meant(
    options: dict[str, Any], meant: str
) -> None:
    assert f"@plots.plot has no option {next(iter(options))}=" in told(plots.plot, **options)
    assert meant in told(plots.plot, "sales", **options)


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"name": "orders"}, '@plots.dataset("orders")'),
        ({"path": "orders.csv"}, "plots.files("),
        ({"max_age": "1h"}, "ttl="),
        ({"versions": "1"}, "did you mean version=?"),
        ({"figsize": (8, 4)}, "it has ttl=, version=, poll=, source="),
    ],
)
def test_an_option_of_dataset_that_there_is_not_names_the_one_that_is_meant(
    options: dict[str, Any], meant: str
) -> None:
    assert f"@plots.dataset has no option {next(iter(options))}=" in told(plots.dataset, **options)
    assert meant in told(plots.dataset, "orders", **options)


@pytest.mark.parametrize(("decorator", "option"), [(plots.plot, "aliases="), (plots.dataset, "ttl=")])
def test_an_option_without_its_name_is_told_the_names(decorator: Any, option: str) -> None:
    assert option in told(decorator, "sales", (800, 400))


@pytest.mark.parametrize("option", ["size", "min_size"])
@pytest.mark.parametrize(
    ("inches", "pixels"), [((8, 4), "(800, 400)"), ([6.4, 4.8], "(640, 480)"), ((12, 0.5), "(1200, 50)")]
)
def test_a_size_in_inches_is_told_in_pixels(option: str, inches: Any, pixels: str) -> None:
    assert f"did you mean {pixels}?" in told(plots.plot, **{option: inches})


@pytest.mark.parametrize(
    "size", [(0, 0), (-8, 4), (800, 0), (9000, 100), 8, "800x400", (8,), (float("nan"), 2)]
)
def test_what_is_no_size_is_told_what_a_size_is(size: Any) -> None:
    assert "(800, 500)" in told(plots.plot, size=size)


def test_a_strip_may_be_low() -> None:
    own = Plots.__new__(Plots)
    own.__dict__.update(plots.__dict__, registry=type(plots.registry)(plots.registry.root))

    @own.plot(size=(200, 30))
    def sparkline(ax: Any) -> None:
        ax.plot([1, 3, 2])

    assert own.registry.plots[0].size == (200, 30)


@pytest.mark.parametrize("method", [Plots.plot, Plots.dataset])
def test_the_signature_is_the_one_that_help_shows(method: Any) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(method).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert kinds >= {inspect.Parameter.KEYWORD_ONLY}


def test_an_app_tells_it_with_file_and_line(make_client: Any) -> None:
    with pytest.raises(
        Exception, match=r"plots\.py, line 4\): @plots\.plot has no option figsize=.*\(800, 400\)"
    ):
        make_client(
            """
            from plotroute import Plots
            plots = Plots()
            @plots.plot(figsize=(8, 4))
            def sales(ax): ax.plot([1, 2])
            """
        )
