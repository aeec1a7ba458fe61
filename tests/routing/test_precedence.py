"""Which plot answers an address that several could answer."""

import pytest

from plotroute.model import PlotSpec
from plotroute.routing import precedence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/plots/a", "/plots/a"),
        ("/plots/<a>/x", "/plots/<b>/x"),
        ("/plot", "/plot.png"),
        ("/plot.svg", "/plot"),
        ("/<x>/<y>/plot", "/<a>/<b>/plot.webp"),
    ],
)
def test_two_plots_that_would_answer_one_url_collide(one, other):
    specs = [PlotSpec(name="one", addresses=(one,)), PlotSpec(name="other", addresses=(other,))]

    [found] = precedence.collisions(specs)

    assert {found.name, found.other} == {"one", "other"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/plots/a", "/plots/b"),
        ("/plots/a", "/plots/<b>"),
        ("/plots/<a>/b", "/plots/a/<b>"),
        ("/plot.png", "/plot.svg"),
        ("/plots/a", "/plots/a/b"),
        ("/plots/a", "/plots/a.2024"),
    ],
)
def test_plots_that_differ_somewhere_do_not_collide(one, other):
    specs = [PlotSpec(name="one", addresses=(one,)), PlotSpec(name="other", addresses=(other,))]

    assert precedence.collisions(specs) == []


def test_a_plot_does_not_collide_with_itself_but_with_aliases_of_others():
    twice = PlotSpec(name="twice", addresses=("/plots/a", "/plots/a"))
    alias = PlotSpec(name="alias", addresses=("/plots/b", "/plots/a"))

    assert precedence.collisions([twice]) == []
    assert precedence.collisions([twice, alias]) == [precedence.Collision("alias", "twice", "/plots/a")]


HEAD = """
from plotroute import Plots
plots = Plots()
@plots.dataset(version="1")
def sales(region: str = "EU"): return [1, 2, 3]
@plots.dataset(version="1")
def monthly(sales): return sales
@plots.dataset(version="1")
def budget(): return [3, 2, 1]
"""


def answers(client, *addresses):
    """Return the name of the plot that answers each address, or the error there."""
    found = []
    for address in addresses:
        reply = client.get(f"{address}.schema.json").json
        found.append(reply.get("name") or reply["code"])
    return found


def test_a_plot_answers_under_each_dataset_that_it_reads_and_under_none(make_client):
    client = make_client(
        HEAD + "@plots.plot\ndef revenue(ax, monthly, budget, n: int = 1):\n    ax.plot(monthly, budget)\n"
    )
    addresses = [f"/plots/{head}revenue" for head in ("monthly/", "sales/", "budget/", "")]

    for question in ("?region=US&n=2", ".svg?width=300&region=US"):
        replies = [client.get(address + question) for address in addresses]
        assert {reply.status_code for reply in replies} == {200}
        assert len({(reply.headers["ETag"], reply.data) for reply in replies}) == 1
        etag = replies[0].headers["ETag"]
        assert {client.get(a + question, headers={"If-None-Match": etag}).status_code for a in addresses} == {
            304
        }
    assert answers(client, *addresses) == ["monthly/revenue"] * 4
    (listed,) = [plot for plot in client.get("/plots.json").json["plots"] if plot["name"] != ":line"]
    assert listed["address"] == "/plots/monthly/revenue"
    assert sorted(listed["also"]) == ["/plots/budget/revenue", "/plots/revenue", "/plots/sales/revenue"]
    assert (
        client.get("/plots/sales/revenue?on_error=status&regin=US").json["errors"][0]["nearest"] == "region"
    )


def test_what_is_written_or_shown_beats_what_is_implied(make_client):
    client = make_client(
        HEAD
        + "@plots.plot\ndef revenue(ax, sales, budget): ...\n"
        + "@plots.plot('revenue')\ndef written(ax): ...\n"
        + "@plots.plot('x', aliases=['budget/revenue'])\ndef other(ax): ...\n"
        + "@plots.plot\ndef sales_of(ax, sales): ...\n"
        + "@plots.plot('<kind>')\ndef any_kind(ax, kind: str): ...\n"
    )
    assert answers(client, "/plots/sales/revenue", "/plots/revenue", "/plots/budget/revenue") == [
        "sales/revenue",
        "revenue",
        "x",
    ]
    assert answers(client, "/plots/sales_of", "/plots/else") == ["sales/sales_of", "<kind>"]


def test_a_function_may_be_named_as_a_dataset(make_client):
    client = make_client(
        HEAD
        + "def draw(ax, sales): ...\ndraw.__name__ = 'sales'\nplots.plot(draw)\n"
        + "@plots.plot\ndef other(ax, sales): ...\n"
    )
    assert answers(client, "/plots/sales/sales", "/plots/sales", "/plots/other") == [
        "sales/sales",
        "sales/sales",
        "sales/other",
    ]


def test_what_two_plots_imply_is_answered_by_neither_and_says_why(make_client, write_plots):
    source = HEAD + (
        "finance = Plots()\n"
        "@finance.dataset\ndef orders(): ...\n"
        "@finance.plot\ndef revenue(ax, orders, sales): ...\n"
        "@finance.plot\ndef costs(ax, orders): ...\n"
        "plots.include(finance{prefix})\n"
        "@plots.plot\ndef revenue(ax, budget, sales): ...\n"
    )
    client = make_client(source.replace("{prefix}", ""))
    assert answers(client, "/plots/orders/revenue", "/plots/budget/revenue", "/plots/costs") == [
        "orders/revenue",
        "budget/revenue",
        "orders/costs",
    ]
    for address in ("/plots/revenue", "/plots/sales/revenue", "/plots/revenue.svg"):
        reply = client.get(f"{address}?on_error=status")
        assert (reply.status_code, reply.json["code"]) == (404, "unknown_plot")
        assert sorted(reply.json["allowed"]) == ["/plots/budget/revenue", "/plots/orders/revenue"]
        assert "may be the address of several plots" in reply.json["title"]
    page = client.get("/plots/revenue", headers={"Accept": "text/html"}).text
    for address in ("/plots/budget/revenue", "/plots/orders/revenue"):
        assert f'<a href="{address}">{address}</a>' in page


def test_a_prefix_keeps_two_plots_of_one_name_apart(make_client):
    client = make_client(
        HEAD
        + "finance = Plots()\n@finance.plot\ndef revenue(ax, sales): ...\n"
        + "plots.include(finance, prefix='finance')\n@plots.plot\ndef revenue(ax, sales): ...\n"
    )
    assert answers(client, "/plots/revenue", "/plots/finance/revenue", "/plots/finance/sales/revenue") == [
        "sales/revenue",
        "finance/sales/revenue",
        "finance/sales/revenue",
    ]


def test_draw_url_and_warm_take_every_name(write_plots, process_state):
    import sys

    from plotroute.catalog import loader
    from plotroute.errors import UnknownPlot

    loader.load(
        [str(write_plots(HEAD + "@plots.plot\ndef revenue(ax, sales, budget):\n    ax.plot(sales)\n"))]
    )
    plots = sys.modules["plots"].plots
    names = ("sales/revenue", "budget/revenue", "revenue", "/plots/budget/revenue")
    assert {plots.url(name, region="US") for name in names} == {"/plots/sales/revenue?region=US"}
    assert len({plots.draw(name, region="US").body for name in names}) == 1
    with pytest.raises(UnknownPlot, match="did you mean"):
        plots.url("monthly/revenue")
