"""What a function may ask for: hints as authors write them, and what cannot be asked for."""

from textwrap import dedent

import pytest

from plotroute.catalog import loader
from plotroute.catalog.catalog import complete
from plotroute.errors import SetupError

START = "from plotroute import Plots\nplots = Plots()\n"


@pytest.fixture
def catalog(write_plots, process_state):
    """Load the text of a plots file and complete it."""

    def make(source):
        text = dedent(source)
        future = "from __future__ import annotations\n"
        text = (future if text.startswith(future) else "") + START + text.removeprefix(future)
        return complete(loader.load([str(write_plots(text))]).registries)

    return make


@pytest.fixture
def kinds(catalog):
    """Return parameter → kind of the only plot in the text of a plots file."""

    def make(source):
        (plot,) = catalog(dedent(source)).manifest.plots
        return {parameter.name: parameter.kind for parameter in plot.params}

    return make


# What works


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_hints_written_in_any_way(kinds, future):
    found = kinds(
        future
        + dedent("""
        from datetime import date, datetime, timedelta
        from enum import Enum
        from typing import Annotated, Literal, Optional
        from pydantic import Field
        from plotroute import TimeRange

        class Color(Enum):
            RED = "red"

        @plots.plot
        def f(
            ax, a: int, b: float | None = None, c: Optional[str] = None, d: Literal["x", "y"] = "x",
            e: Color = Color.RED, g: Annotated[int, Field(ge=1)] = 2, h: list[float] = [1.0], i=20, j="text",
            k: date = date(2026, 1, 1), l: "datetime | None" = None, m: timedelta = timedelta(1),
            n: TimeRange = TimeRange("-7d"), o: bool = False,
        ): ...
        """)
    )
    assert found == {
        "a": "int", "b": "float", "c": "str", "d": "choice", "e": "choice", "g": "int", "h": "float",
        "i": "int", "j": "str", "k": "date", "l": "datetime", "m": "timedelta", "n": "timerange", "o": "bool",
    }  # fmt: skip


def test_a_hint_for_the_type_checker_alone_is_no_obstacle_on_data_and_axes(kinds):
    found = kinds("""\
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import pandas as pd
            from matplotlib.axes import Axes
            from matplotlib.figure import Figure

        @plots.dataset
        def raw() -> pd.DataFrame: ...
        @plots.dataset
        def sales(raw: pd.DataFrame) -> pd.DataFrame: ...
        @plots.plot
        def f(sales: pd.DataFrame, ax: Axes, fig: Figure, bins: int = 20) -> Figure: ...
    """)
    assert found == {"bins": "int"}


def test_plots_from_loops_and_closures(catalog):
    made = catalog("""\
        from __future__ import annotations
        from typing import Literal

        def make(name, Choice):
            @plots.plot(f"made/{name}")
            def plot(ax, choice: Choice):
                return Choice
            return plot

        functions = [make(name, Literal[name, "none"]) for name in ("a", "b")]
        for name in ("c", "d"):
            def plot(ax, default=name): ...
            plots.plot(f"made/{name}")(plot)
    """)
    assert [(plot.name, plot.params[0].choices, plot.params[0].default) for plot in made.manifest.plots] == [
        ("made/a", ("a", "none"), None),
        ("made/b", ("b", "none"), None),
        ("made/c", (), "c"),
        ("made/d", (), "d"),
    ]
    assert made.plots["made/a"].function is not made.plots["made/b"].function


def test_a_wrapped_function_keeps_its_signature(catalog, write_plots):
    write_plots(
        """
        import functools
        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper
        """,
        "decorators.py",
    )
    made = catalog("""\
        from __future__ import annotations
        from decorators import logged
        from enum import Enum

        class Color(Enum):
            RED = "red"

        @plots.dataset
        def sales(): ...
        @plots.plot
        @logged
        def f(sales, color: Color = Color.RED, bins: int = 20):
            return color
    """)
    (plot,) = made.manifest.plots
    assert plot.name == "sales/f"
    assert {p.name: p.kind for p in plot.params} == {"color": "choice", "bins": "int"}


def test_keyword_only_arguments_are_parameters(kinds):
    assert kinds("@plots.plot\ndef f(ax, *, bins: int, color='red'): ...\n") == {
        "bins": "int",
        "color": "str",
    }


def test_options_that_a_function_asks_for_itself(catalog):
    made = catalog("@plots.plot\ndef f(ax, width: int = 300, theme: str = 'light', bins=2): ...\n")
    assert made.manifest.plots[0].takes_options == ("width", "theme")


# What does not, with the cure


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@plots.plot\ndef f(ax, *args): ...\n", ["*args accepts anything", "one by one"]),
        ("@plots.plot\ndef f(ax, **options): ...\n", ["**options accepts anything", "one by one"]),
        ("@plots.dataset\ndef f(**options): ...\n", ["dataset 'f'", "**options accepts anything"]),
        ("@plots.plot\ndef f(bins=20, /): ...\n", ["'bins' is positional-only", "remove the `/`"]),
        ("@plots.plot\nasync def f(ax): ...\n", ["f in plots.py, line 3 is async", "plain `def`"]),
        ("@plots.dataset\nasync def f(): yield\n", ["is async", "plain `def`"]),
        ("@plots.plot\ndef f(ax): yield ax\n", ["f in plots.py, line 3 yields", "return the one figure"]),
        ("@plots.plot\nclass F: ...\n", ["@plots.plot goes above a function"]),
        ("@plots.dataset\nclass F: ...\n", ["@plots.dataset goes above a function"]),
        ("plots.plot()(3)\n", ["@plots.plot goes above a function, not int 3"]),
        (
            "import functools\ndef g(ax): ...\nplots.plot('f')(functools.partial(g))\n",
            ["@plots.plot goes above a function, not partial"],
        ),
        ("@plots.plot\ndef f(ax, dpr: int = 2): ...\n", ["'dpr' is a picture option", "rename it"]),
        ("@plots.plot\ndef f(ax, background: str): ...\n", ["'background' is a picture option", "rename"]),
        ("@plots.plot\ndef f(ax, download=False): ...\n", ["'download' is a picture option", "rename it"]),
        ("@plots.plot\ndef f(ax, on_error='x'): ...\n", ["'on_error' is a picture option", "rename it"]),
        ("@plots.dataset\ndef f(width: int = 2): ...\n", ["dataset 'f'", "'width' is a picture option"]),
        ("@plots.plot\ndef f(ax, _bins=20): ...\n", ["'_bins' could never be given", "Rename it"]),
        ("@plots.plot\ndef f(ax, data: dict): ...\n", ["'data' has the hint dict", "register a dataset"]),
        ("@plots.plot\ndef f(ax, x: int | str): ...\n", ["'x'", "two types"]),
        ("@plots.plot\ndef f(ax, x: list[list[int]]): ...\n", ["'x' has the hint list[int]", "no URL"]),
        ("@plots.plot\ndef f(ax, x=object()): ...\n", ["'x'", "type object, which no URL can say"]),
        ("@plots.plot\ndef f(ax, x=None): ...\n", ["x: int | None = None"]),
        ("@plots.plot\ndef f(ax, x: int = None): ...\n", ["x: int | None = None"]),
        ("@plots.plot\ndef f(ax, x: int = 'a'): ...\n", ["'x' has the default 'a'", "not of its type"]),
        (
            "from typing import Annotated\nfrom pydantic import Field\n"
            "@plots.plot\ndef f(ax, x: Annotated[int, Field(ge=2)] = 1): ...\n",
            ["'x' has the default 1", "at least 2"],
        ),
        (
            "from typing import Literal\n@plots.plot\ndef f(ax, x: Literal['a', 'b'] = 'c'): ...\n",
            ["'x' has the default 'c'"],
        ),
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from shop import Color\n@plots.plot\ndef f(ax, x: Color): ...\n",
            ["hint `Color` of 'x' cannot be evaluated", "top of the module", "if TYPE_CHECKING:"],
        ),
        ("@plots.plot\ndef f(ax, x: 'int |'): ...\n", ["hint `int |` of 'x' cannot be evaluated"]),
        (
            "from __future__ import annotations\ndef make():\n    from enum import Enum\n"
            "    class Local(Enum):\n        A = 1\n    @plots.plot\n    def f(ax, x: Local): ...\nmake()\n",
            ["hint `Local` of 'x' cannot be evaluated", "and functions"],
        ),
    ],
)
def test_refused(catalog, source, told):
    with pytest.raises(SetupError) as caught:
        catalog(source)
    for words in told:
        assert words in str(caught.value)


def test_a_refusal_names_the_plot_its_file_and_its_line(catalog):
    with pytest.raises(SetupError, match=r"plot 'f' \(f in plots\.py, line 5\)"):
        catalog("\n\n@plots.plot\ndef f(ax, x: dict): ...\n")
