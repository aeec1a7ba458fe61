"""Characters without a glyph: one warning per picture that says the cure."""

import warnings

import pytest

from plotroute import Plots

plots = Plots()


@plots.plot
def title(ax, text: str = "日本"):
    ax.plot([1, 2])
    ax.set_title(text)


@plots.plot
def labels(fig):
    ax = fig.subplots()
    ax.bar(["日本", "日本語"], [1, 2])
    fig.canvas.draw()


@plots.plot(size=(900, 600))
def many(ax):
    ax.text(0, 0, "".join(map(chr, range(0x4E00, 0x4E20))))


def warned(name, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plots.draw(name, **options)
    return caught


@pytest.mark.parametrize("options", [{}, {"width": 300}, {"theme": "dark", "dpr": 2}], ids=str)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("title", "日 (U+65E5), 本 (U+672C)."),
        ("labels", "日 (U+65E5), 本 (U+672C), 語 (U+8A9E)."),
        ("many", "and 12 more."),
    ],
)
def test_missing_glyphs_are_one_warning_of_the_plot(name, shown, options):
    (warning,) = warned(name, **options)
    assert str(warning.message).startswith("Glyphs missing from font(s) DejaVu Sans: ")
    assert shown in str(warning.message)
    assert "font.family" in str(warning.message)
    assert warning.filename == __file__


def test_what_has_glyphs_is_no_warning_and_the_next_picture_warns_again():
    assert not warned("title", text="Köln")
    assert len(warned("title")) == len(warned("title")) == 1
