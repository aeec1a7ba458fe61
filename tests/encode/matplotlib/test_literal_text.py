from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from plotroute.encode.base import Target
from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
from plotroute.encode.matplotlib.literal_text import literal_texts


def png(value: Any, texts: tuple[str, ...] = (), **options: Any) -> bytes:
    return MatplotlibEncoder().encode(value, Target(texts=texts, **options)).body


def titled(title: str, parse: bool = True) -> Figure:
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.set_title(title, parse_math=parse)
    return figure


def test_a_text_of_the_query_is_not_mathtext() -> None:
    title = r"cost in $x^2$ and \$y\$"
    literally = png(titled(title), (title,))
    assert literally == png(titled(title, parse=False))
    assert literally != png(titled(title))


def test_nor_in_a_larger_text_wrapped_or_in_capitals() -> None:
    typed = r"$a$ of many b $c$"
    for title in (f"Sales of {typed} today", typed.upper(), typed.replace(" b ", "\nb ")):
        assert png(titled(title), (typed,)) == png(titled(title, parse=False))


@pytest.mark.parametrize("broken", [r"$\frac{", r"$\sin_$", r"$$", "$", r"\$", r"$\hspace{1000000}$"])
def test_no_text_can_break_the_picture(broken: str) -> None:
    figure, ax = plt.subplots(layout="constrained")
    with literal_texts((broken,)):
        ax.bar(["other", broken], [1, 2], label=f"{broken} of")
        ax.legend(title=broken)
        ax.set_title(broken)
    assert png(figure, (broken,))


def test_mathtext_of_the_author_stays_mathtext() -> None:
    assert png(titled(r"$\alpha$"), ("$ 5",)) == png(titled(r"$\alpha$"))


def test_nothing_is_changed_without_a_dollar_and_nothing_afterwards() -> None:
    parse = Text._preprocess_math  # type: ignore[attr-defined]
    with literal_texts(("plain",)):
        assert Text._preprocess_math is parse  # type: ignore[attr-defined]
    with literal_texts(("$",)):
        assert Text._preprocess_math is not parse  # type: ignore[attr-defined]
    assert Text._preprocess_math is parse  # type: ignore[attr-defined]


def test_no_tex_runs_for_a_text_of_the_query() -> None:
    figure, ax = plt.subplots()
    ax.set_title(r"\input{/etc/passwd}$", usetex=True)
    assert png(figure, (r"\input{/etc/passwd}$",))


def legend_of(*labels: str, **options: Any) -> list[str]:
    ax = Figure().subplots()
    for label in labels:
        ax.plot([1, 2], label=label)
    ax.plot([2, 1])  # has a label of Matplotlib's own
    ax.bar([1, 2], [1, 2])
    return [text.get_text() for text in ax.legend(**options).get_texts()]


@pytest.mark.parametrize("typed", ["_x", "_", "__init__", "_child"])
def test_a_label_of_the_query_is_in_the_legend_whatever_it_begins_with(typed: str) -> None:
    with literal_texts((typed,)):
        assert legend_of("a", typed, f"{typed} of 3") == ["a", typed, f"{typed} of 3"]
    assert legend_of("a", typed) == ["a"]


def test_what_an_author_hides_stays_hidden() -> None:
    with literal_texts(("_x", "_nolegend_", "_")):
        assert legend_of("a", "_nolegend_") == ["a"]
    with literal_texts(("_x",)):
        assert legend_of("a", "_hidden") == ["a"]


def test_it_is_so_for_a_plot_s_parameter(make_client: Any) -> None:
    client = make_client(
        """
        from plotroute import Plots
        plots = Plots()

        @plots.plot
        def named(ax, name: str = "a"):
            ax.plot([1, 2], label=name)
            ax.legend()
            ax.set_xlabel(str([text.get_text() for text in ax.get_legend().get_texts()]))

        @plots.plot
        def said(ax, says: list[str] = ["a"]):
            for label in says:
                ax.plot([1, 2], label=label)
            ax.legend()
            ax.set_xlabel(str([text.get_text() for text in ax.get_legend().get_texts()]))
        """
    )
    assert b"<!-- ['_x'] -->" in client.get("/plots/named.svg?name=_x").data
    assert b"<!-- ['$5', '_y', 'z'] -->" in client.get("/plots/said.svg?says=$5,_y,z").data
