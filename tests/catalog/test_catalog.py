"""The catalog: which address each plot has, and everything that is refused, with the cure."""

from textwrap import dedent

import pytest

from plotroute.catalog import loader
from plotroute.catalog.catalog import complete
from plotroute.errors import BadRegistration, SetupError
from plotroute.routing.routes import resolve

START = "from plotroute import Plots\nplots = Plots()\n"


@pytest.fixture
def catalog(write_plots, process_state):
    """Load the text of a plots file (its Plots is made for it) and complete it."""

    def make(source, name="plots.py"):
        file = write_plots(START + dedent(source), name)
        return complete(loader.load([str(file)]).registries)

    return make


@pytest.fixture
def refusal(catalog):
    """Return why a plots file is refused."""

    def make(source):
        with pytest.raises(SetupError) as caught:
            catalog(source)
        return str(caught.value)

    return make


def addresses_of(catalog):
    return {plot.name: plot.addresses for plot in catalog.manifest.plots}


# Ad-hoc plots


def test_a_registry_says_itself_that_its_plots_are_ad_hoc(catalog):
    made = catalog("""
        plots.registry.adhoc = True
        @plots.plot("/dots.png")
        def dots(ax, x: int): ...
    """)
    (plot,) = made.manifest.plots
    assert plot.adhoc
    # An author's plot can have no name with a colon: the two never take each other's.
    assert plot.name == ":dots"


def test_the_built_in_plots_are_ad_hoc_and_those_of_authors_beside_them_are_not(write_plots, process_state):
    file = write_plots(START + '@plots.plot("/plot.png")\ndef line(ax): ...\n')
    registries = [*loader.load([str(file)]).registries, *loader.built_in(["plotroute.charts:plots"])]
    plots = complete(registries).manifest.plots
    assert [(plot.name, plot.adhoc) for plot in plots] == [("/plot.png", False), (":line", True)]


# Addresses


def test_without_a_path_a_plot_is_named_after_its_first_dataset_and_its_function(catalog):
    made = catalog("""
        @plots.dataset
        def sales(): ...
        @plots.dataset
        def costs(): ...
        @plots.plot
        def revenue(bins: int, sales): ...
        @plots.plot
        def profit(costs, sales): ...
        @plots.plot
        def sine(ax, frequency=1.0): ...
    """)
    assert addresses_of(made) == {
        "sales/revenue": ("/plots/sales/revenue",),
        "costs/profit": ("/plots/costs/profit",),
        "sine": ("/plots/sine",),
    }


def test_a_second_dataset_never_moves_a_plot(catalog):
    datasets = """
        @plots.dataset
        def sales(): ...
        @plots.dataset
        def aaa(): ...
    """
    before = catalog(datasets + "    @plots.plot\n        def revenue(sales): ...\n")
    after = catalog(datasets + "    @plots.plot\n        def revenue(sales, aaa): ...\n")
    assert addresses_of(before).keys() == addresses_of(after).keys() == {"sales/revenue"}


def test_a_dataset_that_reads_another_names_the_address_by_itself(catalog):
    made = catalog("""
        @plots.dataset
        def raw(): ...
        @plots.dataset
        def clean(raw): ...
        @plots.plot
        def revenue(clean): ...
    """)
    (plot,) = made.manifest.plots
    assert (plot.name, plot.datasets) == ("clean/revenue", ("raw", "clean"))


def test_a_path_says_it_all(catalog):
    made = catalog("""
        @plots.dataset
        def sales(): ...
        @plots.plot("a/b.c")
        def first(sales): ...
        @plots.plot("/from/the/root")
        def second(sales): ...
        @plots.plot("/plot.png")
        def third(): ...
    """)
    assert [plot.addresses[0] for plot in made.manifest.plots] == [
        "/plots/a/b.c",
        "/from/the/root",
        "/plot.png",
    ]
    assert resolve(made.manifest, "/plots/a/b.c.svg").format == "svg"
    assert resolve(made.manifest, "/from/the/root.pdf").format == "pdf"
    assert resolve(made.manifest, "/plot.png").format == "png"
    assert resolve(made.manifest, "/plot.svg") is None
    assert resolve(made.manifest, "/plot") is None


def test_a_path_parameter_has_the_type_of_the_signature(catalog):
    made = catalog("""
        @plots.plot("customers/<customer_id>/revenue")
        def revenue(ax, customer_id: int): ...
    """)
    found = resolve(made.manifest, "/plots/customers/17/revenue.svg")
    assert (found.values, found.format) == ({"customer_id": "17"}, "svg")
    assert found.plot.params[0].kind == "int"
    assert resolve(made.manifest, "/plots/customers/1/7/revenue") is None


def test_text_beats_a_parameter_whatever_the_order(catalog):
    made = catalog("""
        @plots.plot("<region>/revenue")
        def one(ax, region: str): ...
        @plots.plot("total/revenue")
        def other(ax): ...
    """)
    assert resolve(made.manifest, "/plots/total/revenue").plot.name == "total/revenue"
    assert resolve(made.manifest, "/plots/north/revenue").plot.name == "<region>/revenue"


def test_aliases_answer_the_same(catalog):
    made = catalog("""
        @plots.plot("new", aliases=("old", "/very/old.png"))
        def first(ax): ...
        @plots.plot("other", aliases="single")
        def second(ax): ...
    """)
    assert addresses_of(made) == {
        "new": ("/plots/new", "/plots/old", "/very/old.png"),
        "other": ("/plots/other", "/plots/single"),
    }
    assert resolve(made.manifest, "/plots/old.svg").plot.name == "new"


def test_include_puts_a_prefix_before_plots_and_datasets(catalog, write_plots):
    write_plots(
        START
        + dedent("""
        @plots.dataset
        def sales(): ...
        @plots.plot
        def revenue(sales): ...
        @plots.plot("/root")
        def root(sales): ...
        """),
        "finance.py",
    )
    made = catalog("""
        import finance
        plots.include(finance.plots, prefix="money/2026")
        @plots.dataset
        def sales(): ...
        @plots.plot
        def revenue(sales): ...
    """)
    assert {plot.name: plot.datasets for plot in made.manifest.plots} == {
        "sales/revenue": ("sales",),
        "money/2026/sales/revenue": ("money/2026/sales",),
        "/root": ("money/2026/sales",),
    }


def test_an_included_plot_may_read_a_dataset_of_those_who_include_it(catalog, write_plots):
    write_plots(START + "@plots.plot\ndef revenue(sales): ...\n", "finance.py")
    made = catalog("""
        import finance
        plots.include(finance.plots, prefix="money")
        @plots.dataset
        def sales(): ...
    """)
    (plot,) = made.manifest.plots
    assert (plot.name, plot.datasets) == ("money/sales/revenue", ("sales",))


def test_what_pages_show_comes_from_the_docstring(catalog):
    made = catalog('''
        @plots.plot
        def revenue_by_week(ax):
            """Revenue per week.

            More of it.
            """
        @plots.plot
        def bare_name(ax): ...
        @plots.plot(title="A title", alt="What it shows")
        def told(ax):
            """Not this."""
    ''')
    assert [(plot.title, plot.alt) for plot in made.manifest.plots] == [
        ("Revenue per week", "Revenue per week"),
        ("Bare name", "Bare name"),
        ("A title", "What it shows"),
    ]


# Parameters of datasets


def test_a_datasets_parameters_join_those_of_every_plot_that_reads_it(catalog):
    made = catalog("""
        @plots.dataset
        def orders(region: str = "EU"): ...
        @plots.dataset
        def revenue(orders, year: int = 2026): ...
        @plots.plot
        def bars(revenue, bins=20): ...
        @plots.plot
        def same(revenue, year: int = 2020): ...
    """)
    bars, same = made.manifest.plots
    assert {p.name: p.default for p in bars.params} == {"bins": 20, "year": 2026, "region": "EU"}
    assert {p.name: p.default for p in same.params} == {"year": 2020, "region": "EU"}


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ('(ttl="forever")', ("constant", "forever", None)),
        ('(version="2026-10")', ("constant", "2026-10", None)),
        ('(ttl="10m")', ("bucket", None, 600.0)),
        ("(version=lambda: 1)", ("polled", None, None)),
        ("", ("content", None, None)),
    ],
)
def test_the_freshness_of_a_dataset(catalog, option, expected):
    made = catalog(f"@plots.dataset{option}\ndef sales(): ...\n")
    (dataset,) = made.manifest.datasets
    assert (dataset.freshness, dataset.version, dataset.ttl) == expected


@pytest.mark.parametrize(
    ("option", "argument", "expected"),
    [
        ("", "sales", ("keyed", None)),
        ('(ttl="1h")', "sales", ("timed", 3600.0)),
        ("", "ax", ("live", None)),
        ("(ttl=90)", "ax", ("timed", 90.0)),
        ('(ttl="forever")', "ax", ("keyed", None)),
    ],
)
def test_the_freshness_of_a_plot(catalog, option, argument, expected):
    made = catalog(f"@plots.dataset\ndef sales(): ...\n@plots.plot{option}\ndef f({argument}): ...\n")
    (plot,) = made.manifest.plots
    assert (plot.freshness, plot.ttl) == expected


def test_a_browser_may_keep_a_picture_for_ever_which_is_a_year(catalog):
    made = catalog('@plots.plot(max_age="forever")\ndef f(ax): ...\n')
    assert made.manifest.plots[0].max_age == 365 * 24 * 3600


@pytest.mark.parametrize(
    ("option", "seconds"),
    [
        ("", None),
        ('(stale="10m")', 600.0),
        ("(stale=90)", 90.0),
        ("(stale=0.5)", 0.5),
        ("(stale=0)", 0.0),
        ('(ttl="1h", stale="1d")', 86_400.0),
        ('(stale="forever")', 365 * 24 * 3600),
    ],
)
def test_how_long_an_outdated_picture_may_be_shown(catalog, option, seconds):
    made = catalog(f"@plots.dataset\ndef sales(): ...\n@plots.plot{option}\ndef f(sales): ...\n")
    assert made.manifest.plots[0].stale == seconds


def test_sources(catalog):
    made = catalog("""
        @plots.dataset(source=True)
        def heights(): ...
        @plots.dataset(source=["at", "temperature"])
        def sensor(): ...
        @plots.dataset(source=True)
        def values(name: str): ...
        @plots.dataset
        def private(): ...
    """)
    assert [dataset.sources for dataset in made.manifest.datasets] == [
        ("heights",),
        ("sensor.at", "sensor.temperature"),
        ("values:",),
        (),
    ]


# Refused, with the cure

TWO = "@plots.plot{}\ndef one(ax): ...\n@plots.plot{}\ndef two(ax): ...\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param(
            TWO.format('("x")', '("x")'),
            ["Two plots", "/plots/x", "one in plots.py, line 3", "two in plots.py, line 5", "another"],
            id="one address twice",
        ),
        pytest.param(
            TWO.format('("x")', '("x.png")'), ["would answer /plots/x.png", '@plots.plot("'], id="suffix"
        ),
        pytest.param(
            TWO.format('("/plots/x.svg")', '("x")'), ["would answer /plots/x.svg"], id="root suffix"
        ),
        pytest.param(
            TWO.format('("x")', '("x.schema.json")') + "", ["where plotroute describes a plot"], id="schema"
        ),
        pytest.param(TWO.format('("x")', '("y", aliases=["x"])'), ["would answer /plots/x:"], id="alias"),
        pytest.param(
            '@plots.plot("<a>/x")\ndef one(a: str): ...\n@plots.plot("<b>/x")\ndef two(b: int): ...\n',
            ["would answer", "one in", "two in"],
            id="parameters of other names",
        ),
        pytest.param(
            "for color in ('red', 'blue'):\n    @plots.plot\n    def f(ax): ...\n",
            ["Two plots have the address /plots/f"],
            id="a loop without paths",
        ),
        pytest.param(
            "@plots.dataset\ndef orders(): ...\n@plots.plot\ndef f(order): ...\n",
            ["plot 'f'", "no dataset named 'order'", "Did you mean 'orders'?", "order: int", "order=20"],
            id="unknown dataset",
        ),
        pytest.param(
            "@plots.dataset\ndef a(b): ...\n@plots.dataset\ndef b(c): ...\n@plots.dataset\ndef c(a): ...\n",
            ["in a circle: a → b → c → a"],
            id="circle",
        ),
        pytest.param("@plots.dataset\ndef a(a): ...\n", ["in a circle: a → a"], id="reads itself"),
        pytest.param(
            "@plots.dataset\ndef a(): ...\n@plots.dataset('a')\ndef b(): ...\n",
            ["Two datasets are named 'a'", "a in plots.py, line 3", "b in plots.py, line 5", "Rename one"],
            id="two datasets of one name",
        ),
        pytest.param(
            "@plots.dataset\ndef d(n: int = 1): ...\n@plots.plot\ndef f(d, n: str = ''): ...\n",
            ["'n'", "dataset 'd'", "str and int", "One name has one type"],
            id="one name of two types",
        ),
        pytest.param(
            "@plots.dataset\ndef d(n: int = 1): ...\n@plots.dataset\ndef e(n: list[int] = [1]): ...\n"
            "@plots.plot\ndef f(d, e): ...\n",
            ["'n'", "dataset 'e'", "One name has one type"],
            id="two datasets with one name of two types",
        ),
        pytest.param(
            '@plots.plot("<customer>/x")\ndef f(ax): ...\n',
            ["<customer>", "no parameter of that name", "customer: str", "out of the path"],
            id="path parameter without a parameter",
        ),
        pytest.param(
            '@plots.plot("<ids>/x")\ndef f(ids: list[int]): ...\n', ["<ids> is a list"], id="list in a path"
        ),
        pytest.param('@plots.plot("a//b")\ndef f(ax): ...\n', ["extra slash"], id="empty segment"),
        pytest.param('@plots.plot("")\ndef f(ax): ...\n', ["empty segment"], id="empty path"),
        pytest.param('@plots.plot("a/../b")\ndef f(ax): ...\n', ["browsers remove"], id="dots"),
        pytest.param('@plots.plot("a b")\ndef f(ax): ...\n', ["'a b'", "letters, digits"], id="space"),
        pytest.param('@plots.plot("a<b>")\ndef f(b: str): ...\n', ["exactly one <parameter>"], id="mixed"),
        pytest.param('@plots.plot("<b>/<b>")\ndef f(b: str): ...\n', ["twice"], id="parameter twice"),
        pytest.param('@plots.plot(aliases=["a?b"])\ndef f(ax): ...\n', ["'a?b'"], id="bad alias"),
        pytest.param(
            "@plots.dataset(ttl='1h', version='1')\ndef d(): ...\n",
            ["ttl= or a version=, not both"],
            id="ttl and version",
        ),
        pytest.param("@plots.plot(ttl='soon')\ndef f(ax): ...\n", ["ttl='soon'", "15m"], id="bad ttl"),
        pytest.param("@plots.plot(ttl='-5m')\ndef f(ax): ...\n", ["ttl='-5m'", "15m"], id="negative ttl"),
        pytest.param("@plots.plot(ttl=-5)\ndef f(ax): ...\n", ["ttl=-5", "15m"], id="ttl below 0"),
        pytest.param("@plots.plot(ttl=[1])\ndef f(ax): ...\n", ["ttl=[1]"], id="ttl of a wrong type"),
        pytest.param("@plots.plot(max_age='x')\ndef f(ax): ...\n", ["max_age='x'", "15m"], id="bad max_age"),
        pytest.param("@plots.dataset(ttl='1y')\ndef d(): ...\n", ["ttl='1y'", "15m"], id="bad dataset ttl"),
        pytest.param("@plots.dataset(poll='x')\ndef d(): ...\n", ["poll='x'", "15m"], id="bad poll"),
        pytest.param("@plots.plot(size=800)\ndef f(ax): ...\n", ["size=800", "(800, 500)"], id="size"),
        pytest.param("@plots.plot(size=(0, 500))\ndef f(ax): ...\n", ["(width, height)"], id="size of 0"),
        pytest.param("@plots.plot(size=(8, 9000))\ndef f(ax): ...\n", ["(width, height)"], id="huge size"),
        pytest.param("@plots.plot(size=(1, 2, 3))\ndef f(ax): ...\n", ["(width, height)"], id="3 sides"),
        pytest.param(
            "@plots.plot(size=(8, float('inf')))\ndef f(ax): ...\n", ["(width, height)"], id="endless size"
        ),
        pytest.param("@plots.plot(min_size='x')\ndef f(ax): ...\n", ["min_size='x'"], id="min_size"),
        pytest.param("@plots.plot(timeout='5s')\ndef f(ax): ...\n", ["timeout='5s'", "number"], id="timeout"),
        pytest.param(
            "@plots.plot(stale='soon')\ndef f(ax): ...\n", ["stale='soon'", "is not a duration"], id="stale"
        ),
        pytest.param("@plots.plot(stale=-1)\ndef f(ax): ...\n", ["stale=-1"], id="stale below 0"),
        pytest.param("@plots.plot(stale=True, ttl=[])\ndef f(ax): ...\n", ["ttl=[]"], id="ttl of a list"),
        pytest.param("@plots.plot(timeout=0)\ndef f(ax): ...\n", ["timeout=0", "above 0"], id="timeout of 0"),
        pytest.param("@plots.plot(max_pixels=-1)\ndef f(ax): ...\n", ["max_pixels=-1"], id="max_pixels"),
        pytest.param(
            "@plots.plot(examples={'bin': 3})\ndef f(bins: int): ...\n",
            ["examples names 'bin'", "not one of its parameters"],
            id="example of nothing",
        ),
        pytest.param(
            "@plots.plot(examples={'bins': 'many'})\ndef f(bins: int): ...\n",
            ["the example of 'bins'", "'many'"],
            id="example of a wrong type",
        ),
        pytest.param(
            "@plots.dataset(source='at')\ndef d(): ...\n", ["source='at'", '["at"'], id="source as a text"
        ),
        pytest.param(
            "@plots.dataset(source=True)\ndef d(region: str): ...\n",
            ["required parameters ('region')", "values(name: str)"],
            id="source with a required parameter",
        ),
        pytest.param("@plots.dataset\ndef ax(): ...\n", ["cannot be named 'ax'"], id="dataset ax"),
        pytest.param("plots.include(plots)\n", ["cannot include itself"], id="include itself"),
        pytest.param(
            "more = Plots()\nmore.include(plots)\nplots.include(more)\n",
            ["or a Plots that includes it"],
            id="include in a circle",
        ),
        pytest.param(
            "plots.include(Plots(), prefix='a b')\n", ["prefix='a b'", "letters, digits"], id="bad prefix"
        ),
        pytest.param(
            "plots.files('sales', 'data/*.xls')\n", ["'data/*.xls'", ".csv", "@plots.dataset"], id="files"
        ),
    ],
)
def test_refused(refusal, source, told):
    message = refusal(source)
    for words in told:
        assert words in message


def test_a_refusal_at_the_decorator_names_the_line(refusal):
    assert refusal("\n@plots.plot(ttl='soon')\ndef f(ax): ...\n").startswith(
        "plot 'f' (f in plots.py, line 4): ttl='soon'"
    )


def test_plots_of_two_files_share_one_set_of_addresses(write_plots, process_state):
    source = START + "@plots.plot\ndef sine(ax): ...\n"
    files = [str(write_plots(source, name)) for name in ("a.py", "b.py")]
    with pytest.raises(BadRegistration, match=r"sine in a\.py, line 3 and sine in b\.py, line 3"):
        complete(loader.load(files).registries)


@pytest.mark.parametrize(
    "around",
    ["def make():\n    return Plots()\nplots = make()\n", "class Charts:\n    plots = Plots()\n"],
)
def test_plots_live_at_the_top_level(write_plots, process_state, around):
    file = write_plots("from plotroute import Plots\n" + around)
    with pytest.raises(SetupError, match="top level of the module"):
        loader.load([str(file)])


# Notebooks


def run_cells(*cells):
    """Run texts as a notebook runs its cells, and return its names."""
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    for number, cell in enumerate(cells, 1):
        code = compile(dedent(cell), f"<cell {number}>", "exec")
        exec(code.replace(co_name=f"<cell line: {number}>"), names)
    return names


def test_a_cell_may_be_run_again():
    first = START
    cell = """
        @plots.dataset
        def sales(): return {}
        @plots.plot
        def revenue(sales, bins={}): ...
    """
    names = run_cells(first, cell.format(1, 20), cell.format(2, 30))
    made = complete([names["plots"].registry])
    (plot,) = made.manifest.plots
    assert (plot.name, plot.params[0].default) == ("sales/revenue", 30)
    assert made.datasets["sales"].declared.function() == 2
    assert made.plots["sales/revenue"].function is names["revenue"]


def test_a_cell_with_files_may_be_run_again():
    cell = "plots.files('sales', 'data/*.csv')"
    names = run_cells(START, cell, cell)
    assert [d.name for d in complete([names["plots"].registry]).manifest.datasets] == ["sales"]


def test_a_cell_that_makes_plots_in_a_loop_may_be_run_again():
    cell = """
        for color in ("red", "blue"):
            @plots.plot(f"lines/{color}")
            def line(ax, color=color): ...
    """
    names = run_cells(START, cell, cell)
    made = complete([names["plots"].registry])
    assert [plot.name for plot in made.manifest.plots] == ["lines/red", "lines/blue"]


# Who asks


def test_who_asks_is_no_parameter_of_a_request(catalog):
    made = catalog("""
        from plotroute import User
        @plots.dataset
        def orders_of(user: User, year: int = 2026): ...
        @plots.plot
        def mine(orders_of, n: int = 3): ...
        @plots.plot
        def anybody(ax, who: User | None = None): ...
    """)
    mine, anybody = made.manifest.plots
    assert [p.name for p in mine.params] == ["n", "year"]
    assert [(p.name, p.required) for p in mine.users] == [("user", True)]
    assert [(p.name, p.required) for p in anybody.users] == [("who", False)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "@plots.plot\ndef a(ax, user: User = 'ann'): ...",
            "without a login it is None: user: User | None = None",
        ),
        ("@plots.plot('of/<user>')\ndef a(ax, user: User): ...", "<user> is the logged-in user (User)"),
        (
            "@plots.plot(examples={'user': 'ann'})\ndef a(ax, user: User): ...",
            "which is the logged-in user (User)",
        ),
        (
            "@plots.dataset\ndef d(user: User): ...\n@plots.plot\ndef a(ax, d, user: str): ...",
            "is not of the type that dataset 'd' declares",
        ),
        ("@plots.dataset(source=True)\ndef d(user: User): ...", "a source of values cannot have required"),
    ],
)
def test_who_asks_cannot_be_written_into_a_plot(refusal, source, said):
    assert said in refusal("from plotroute import User\n" + source)
