"""One spelling of durations."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.params import durations


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0s", timedelta(0)),
        ("500ms", timedelta(milliseconds=500)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("1.5h", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1w2d3h4m5s6ms", timedelta(9, 5, 0, 6, 4, 3)),
        ("P7D", timedelta(days=7)),
        ("P2W", timedelta(weeks=2)),
        ("PT1H", timedelta(hours=1)),
        ("PT15M", timedelta(minutes=15)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("P1DT2H3M4S", timedelta(1, 4, 0, 0, 3, 2)),
    ],
)
def test_a_duration_is_numbers_with_units_or_iso_8601(text, duration):
    assert durations.parse(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "7 d",
        " 7d",
        "7d ",
        "7d\n",
        "-7d",
        "+7d",
        "7D",
        "1H",
        "7days",
        "1h1h",
        "1h30",
        "1,5h",
        ".5h",
        "1.h",
        "1e3s",
        "1_000s",
        "nans",
        "infs",
        "1mo",
        "1y",
        "1us",
        "٣h",
        "P",
        "PT",
        "P1",
        "P1DT",
        "P1M",
        "P1Y",
        "p7d",
        "P-7D",
        "PT1.5H",
        "P٣D",
        "1" * 39 + "sh",
        "9" * 38 + "w",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        durations.parse(text)


def test_a_refusal_shows_the_spelling():
    with pytest.raises(ValueError, match=r"'a week' is not a duration: write .* 90s, 15m, 1h, 7d or 2w"):
        durations.parse("a week")


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=90), "90ms"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(hours=36), "1d12h"),
        (timedelta(days=7), "1w"),
        (timedelta(days=365), "52w1d"),
        (timedelta(seconds=1, milliseconds=1), "1s1ms"),
    ],
)
def test_a_duration_has_one_canonical_spelling(duration, text):
    assert durations.spell(duration) == text


@given(st.integers(0, 100 * 366 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms)))
def test_what_is_spelled_can_be_read(duration):
    assert durations.parse(durations.spell(duration)) == duration


@given(st.text(alphabet="0123456789.PTWDHMSwdhms -", max_size=50))
def test_any_text_is_a_duration_or_refused(text):
    try:
        duration = durations.parse(text)
    except ValueError:
        return
    assert duration >= timedelta(0)
