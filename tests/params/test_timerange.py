from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plotroute.params.timerange import TimeRange, moment

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
NOWS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024-01-31T06:00", datetime(2024, 1, 31, 6)),
        ("2024-01-31 06:00:01", datetime(2024, 1, 31, 6, 0, 1)),
        ("2024-01-31T06:00:01.5", datetime(2024, 1, 31, 6, 0, 1, 500000)),
        ("2024-01-31T06:00Z", utc(2024, 1, 31, 6)),
        ("2024-01-31T06:00+02:00", utc(2024, 1, 31, 4)),
        ("2024-01-31T06:00 02:00", utc(2024, 1, 31, 4)),
        ("2024-01-31 06:00 02:00", utc(2024, 1, 31, 4)),
        ("2024-01-31T06:00-02:30", utc(2024, 1, 31, 8, 30)),
    ],
)
def test_moment(text: str, expected: datetime) -> None:
    assert moment(text) == expected
    assert (moment(text).tzinfo is None) == (expected.tzinfo is None)


BAD_MOMENTS = [
    "",
    "now",
    "1704067200",
    "20240131",
    "2024-W05-3",
    "2024-1-31",
    "2024-02-30",
    "0000-01-01",
    "2024-01-31T06",
    "2024-01-31T0600",
    "2024-01-31T24:00",
    "2024-01-31T06:00:00.1234567",
    "2024-01-31T06:00+0200",
    "2024-01-31T06:00+24:00",
    "2024-01-31T06:00z",
    " 2024-01-31",
    "2024-01-31\n",
    "２０２４-01-31",
    "0001-01-01T00:00+05:00",
    "9999-12-31T23:00-05:00",
]


@pytest.mark.parametrize("text", BAD_MOMENTS)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024-01-01..2024-02-01", utc(2024, 1, 1), utc(2024, 2, 1)),
        ("2024-01-01T06:00Z..2024-01-01T07:00", utc(2024, 1, 1, 6), utc(2024, 1, 1, 7)),
        ("2024-01-01T00:00:00 02:00..2024-02-01", utc(2023, 12, 31, 22), utc(2024, 2, 1)),
        ("0001-01-01..9999-12-31T23:59:59.999999", utc(1, 1, 1), utc(9999, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_an_absolute_range_is_not_rounded(text: str, start: datetime, end: datetime) -> None:
    period = TimeRange(text)
    assert (period.start, period.end, period.duration) == (start, end, end - start)
    assert not period.relative
    assert period.resolve(NOW) == period
    assert TimeRange(text, step="1d").resolve(NOW).start == start


@pytest.mark.parametrize("text", ["-7d", "now-7d..now", "-1w", "-P7D", "now-P7D..now", "-168h"])
def test_one_range_has_several_spellings(text: str) -> None:
    assert TimeRange(text) == TimeRange("-7d")
    assert hash(TimeRange(text)) == hash(TimeRange("-7d"))
    assert TimeRange(text).relative
    assert TimeRange(text).resolve(NOW).duration == timedelta(days=7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "now",
        "7d",
        "P7D",
        "+7d",
        "--7d",
        "-7",
        "-7 d",
        "-0s",
        "-1y",
        "-99999999d",
        "-400000d",
        "now..now",
        "now-1d..now-7d",
        "now..now-1d",
        "now+1d..now+2d",
        "now 1d..now",
        "-7d..now",
        "2024-02-01..2024-01-01",
        "2024-01-01..2024-01-01",
        "2024-01-01..",
        "2024-01-01...2024-02-01",
        "2024-01-01..2024-02-01..2024-03-01",
        "1704067200..now",
        "yesterday..now",
        "x" * 100_000,
        *(f"{text}..now" for text in BAD_MOMENTS if text != "now"),
    ],
)
def test_what_is_no_range_shows_the_spellings(text: str) -> None:
    with pytest.raises(ValueError, match="-7d") as caught:
        TimeRange(text)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=60))
@example("now-" + "9" * 30 + "w..now")
@example("-999999999d")
def test_any_text_is_a_range_or_a_value_error(text: str) -> None:
    try:
        period = TimeRange(text).resolve(NOW)
    except ValueError:
        return
    assert period.start < period.end


def test_from_moments_and_from_two_texts() -> None:
    east = timezone(timedelta(hours=2))
    assert TimeRange(datetime(2024, 1, 1), date(2024, 2, 1)) == TimeRange("2024-01-01..2024-02-01")
    assert TimeRange(datetime(2024, 1, 1, 2, tzinfo=east), utc(2024, 2, 1)).start == utc(2024, 1, 1)
    assert TimeRange("now-7d", "now") == TimeRange("-7d")
    assert TimeRange("2024-01-01", utc(2024, 2, 1)) == TimeRange("2024-01-01..2024-02-01")
    with pytest.raises(TypeError, match="both"):
        TimeRange(datetime(2024, 1, 1))
    with pytest.raises(TypeError, match="int"):
        TimeRange("now-7d", 5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="calendar"):
        TimeRange(datetime(1, 1, 1, tzinfo=east), utc(2024, 1, 1))


def test_the_step() -> None:
    assert TimeRange("-7d").step is None
    assert TimeRange("-7d", step="90m").step == "1h30m"
    assert TimeRange("-7d", step="1h").resolve(NOW).end == utc(2026, 3, 4, 6)
    assert TimeRange("-7d", step="1d").resolve(utc(2026, 3, 4)).end == utc(2026, 3, 4)
    for bad in ("0s", "1ms", "soon"):
        with pytest.raises(ValueError):
            TimeRange("-7d", step=bad)


@pytest.mark.parametrize(
    "step", ["1500ms", "1.5s", "PT2.000001S", timedelta(seconds=90, microseconds=1), "999ms"]
)
def test_a_step_is_whole_seconds(step: str | timedelta) -> None:
    with pytest.raises(ValueError, match=r"^step must be whole seconds, at least 1s, not "):
        TimeRange("-7d", step=step)


@pytest.mark.parametrize("step", ["1s", "PT2S", "2000ms", "90s", timedelta(hours=1)])
def test_any_whole_number_of_seconds_is_a_step(step: str | timedelta) -> None:
    period = TimeRange("-7d", step=step).resolve(NOW)
    assert period.end.microsecond == 0
    assert period.duration == timedelta(days=7)


def test_the_default_step_is_a_500th_and_at_least_a_minute() -> None:
    day = timedelta(days=1)
    assert TimeRange("-1h").resolve(NOW).end == utc(2026, 3, 4, 5, 7)
    assert TimeRange("-500d").resolve(NOW).end == utc(2026, 3, 5)
    assert TimeRange("now-501d..now-1d").resolve(NOW).end == utc(2026, 3, 4)
    growing = TimeRange("2024-01-01..now").resolve(NOW)
    assert growing.start == utc(2024, 1, 1)
    assert NOW <= growing.end <= NOW + growing.duration / 500
    assert TimeRange("now-1d..2026-03-04T07:00").resolve(NOW).start == utc(2026, 3, 3, 5, 8)
    assert TimeRange("-7d").resolve(NOW).duration == 7 * day


RANGES = st.sampled_from(
    ["-1h", "-7d", "-7d1h", "-365d", "now-7d..now-1d", "1971-01-01..now", "1970-12-31T23:59:30..now"]
)


@given(RANGES, NOWS, st.floats(0, 1))
def test_all_moments_within_a_step_get_one_range(text: str, now: datetime, fraction: float) -> None:
    period = TimeRange(text)
    first = period.resolve(now)
    if text.endswith("now"):
        assert first.end >= now
        # Any later moment up to that end is in the same step.
        later = now + (first.end - now) * fraction
        assert period.resolve(later) == first
    assert period.resolve(now.astimezone(timezone(timedelta(hours=-7)))) == first


@given(RANGES, st.sampled_from([None, "1s", "7s", "1m", "1h"]), NOWS)
def test_a_range_turns_at_whole_seconds_only(text: str, step: str | None, now: datetime) -> None:
    """What is kept for a range is looked at again at every whole second, and at no other moment."""
    period = TimeRange(text, step=step)
    second = now.replace(microsecond=0)
    moments = [second + timedelta(microseconds=n) for n in (1, 500_000, 999_999)]
    if text == "1971-01-01..now" and now.year == 1971:
        return  # it may end before it starts
    assert len({period.resolve(moment) for moment in moments}) == 1
    assert period.resolve(second) in (
        period.resolve(moments[0]),
        period.resolve(second - timedelta(microseconds=1)),
    )


def test_resolving_needs_an_aware_now_on_the_calendar() -> None:
    with pytest.raises(ValueError, match="aware"):
        TimeRange("-7d").resolve(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="calendar"):
        TimeRange("-2d").resolve(utc(1, 1, 1))
    with pytest.raises(ValueError, match="calendar"):
        TimeRange("-2d").resolve(utc(9999, 12, 31, 23, 59, 59))
    with pytest.raises(ValueError, match="end after"):
        TimeRange("2030-01-01..now").resolve(NOW)


def test_a_relative_range_follows_the_clock() -> None:
    before = datetime.now(UTC)
    period = TimeRange("-7d")
    assert before <= period.end <= datetime.now(UTC) + timedelta(days=7) / 500
    assert period.start.tzinfo is UTC
    assert period.duration == timedelta(days=7)


def test_it_is_a_value() -> None:
    period = TimeRange("-7d", step="1h")
    assert repr(period) == "TimeRange('-7d', step='1h')"
    assert str(period) == "-7d"
    assert period != TimeRange("-7d")
    assert period != "-7d"
    assert len({period, TimeRange("-1w", step="60m")}) == 1
    for same in (pickle.loads(pickle.dumps(period)), copy.deepcopy(period), eval(repr(period))):
        assert same == period
    absolute = TimeRange(utc(2024, 1, 1), utc(2024, 2, 1))
    assert TimeRange(str(absolute)) == absolute
    with pytest.raises(AttributeError):
        period.start = NOW  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del period._start
