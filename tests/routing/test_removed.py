"""What a new version of the code takes away is told, with the cure."""

import logging

import pytest

HEAD = """
from plotroute import Plots
plots = Plots()
@plots.dataset(version="1")
def sales(): return [1]
@plots.dataset(version="1")
def budget(): return [1]
"""
REVENUE = "@plots.plot\ndef revenue(ax, sales, budget): ...\n"


@pytest.fixture
def told(make_client, tmp_path, caplog):
    """Return what the log and the page say of a file that is saved as `after` where it was `before`."""

    def save(before, after):
        client = make_client(HEAD + before, watch=True)
        client.get("/")
        with caplog.at_level(logging.WARNING, "plotroute"):
            (tmp_path / "plots.py").write_text(HEAD + after)
            page = client.get("/").text
        said = [record.getMessage() for record in caplog.records if record.name == "plotroute"]
        shown = page.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
        assert all(line in shown for line in said)
        assert bool(said) == ("Addresses that have changed" in page)
        return said

    return save


@pytest.mark.parametrize(
    "after",
    [
        "@plots.plot\ndef revenue(ax, budget, sales): ...\n",
        "@plots.dataset\ndef other(): ...\n@plots.plot\ndef revenue(other, ax, sales, budget): ...\n",
        REVENUE + "@plots.plot\ndef further(ax): ...\n",
        "@plots.plot('new', aliases=['sales/revenue', 'budget/revenue', 'revenue'])\ndef f(ax): ...\n",
    ],
)
def test_nothing_is_told_where_every_address_still_answers(told, after):
    assert told(REVENUE, after) == []


def test_a_dataset_that_is_not_read_any_more(told):
    assert told(REVENUE, "@plots.plot\ndef revenue(ax, sales): ...\n") == [
        "/plots/budget/revenue was the plot sales/revenue and is a 404 now; "
        "aliases=['/plots/budget/revenue'] in its @plots.plot(…) keeps the address alive."
    ]


def test_a_plot_that_has_another_name(told):
    said = told(REVENUE, "@plots.plot\ndef turnover(ax, sales, budget): ...\n")
    assert len(said) == 3
    assert said[0] == (
        "/plots/sales/revenue was the plot sales/revenue and is a 404 now. If it is the plot sales/turnover now, "
        "aliases=['/plots/sales/revenue'] in its @plots.plot(…) keeps the address alive."
    )


def test_a_plot_that_is_gone(told):
    (first, *_) = told(REVENUE + "@plots.plot\ndef costs(ax): ...\n", "@plots.plot\ndef costs(ax): ...\n")
    assert first.startswith(
        "/plots/sales/revenue was the plot sales/revenue and is a 404 now. If another plot"
    )


def test_an_address_that_another_plot_takes(told):
    (said,) = told(REVENUE, REVENUE + "@plots.plot('revenue')\ndef other(ax): ...\n")
    assert said.startswith("/plots/revenue was the plot sales/revenue and is the plot revenue now: ")


def test_a_value_of_a_parameter_that_becomes_a_plot(told):
    kinds = "@plots.plot('<kind>')\ndef kinds(ax, kind: str): ...\n"
    assert any(
        said.startswith("/plots/revenue was the plot <kind> and is the plot sales/revenue now")
        for said in told(kinds, kinds + REVENUE)
    )


def test_an_address_that_several_plots_imply_now(told):
    other = "more = Plots()\n@more.plot\ndef revenue(ax, budget): ...\nplots.include(more)\n"
    said = told(
        "@plots.plot\ndef revenue(ax, sales): ...\n", "@plots.plot\ndef revenue(ax, sales): ...\n" + other
    )
    assert said == [
        "/plots/revenue was the plot sales/revenue and may be several now (sales/revenue, budget/revenue), so it "
        "is a 404. Add aliases=['/plots/revenue'] to the plot that is to answer there."
    ]


def test_a_plot_that_is_wrong_now(told):
    (mistake, *departures) = told(REVENUE, REVENUE.replace("sales", "sale"))
    assert "there is no dataset named 'sale'. Did you mean 'sales'?" in mistake
    assert departures[0].startswith("/plots/sales/revenue was the plot sales/revenue")
