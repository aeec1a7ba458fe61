"""`TimeRange.mask`: which times of a column lie in a range, in every library and kind of column."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest

from plotroute import TimeRange

JANUARY = TimeRange("2024-01-01..2024-02-01")
ALWAYS = TimeRange("0001-01-01..9999-12-31")
NAIVE = pd.Series(
    pd.to_datetime(
        ["2023-12-31T23:30", "2024-01-01T00:00", "2024-01-31T23:59", "2024-02-01T00:00", None],
        format="ISO8601",
    ),
    name="at",
)
IN_UTC = [False, True, True, False, False]
IN_BERLIN = [False, False, True, True, False]

FORMS = {
    "Series": lambda column: column,
    "Index": pd.DatetimeIndex,
    "array": lambda column: column.to_numpy() if column.dt.tz is None else column,
    "Polars": pl.from_pandas,
    "Arrow": lambda column: column.convert_dtypes(dtype_backend="pyarrow"),
}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("form", FORMS)
def test_times_with_and_without_a_zone(form, unit):
    make, column = FORMS[form], NAIVE.astype(f"datetime64[{unit}]")

    assert list(JANUARY.mask(make(column))) == IN_UTC
    assert list(JANUARY.mask(make(column), tz="Europe/Berlin")) == IN_BERLIN
    assert list(JANUARY.mask(make(column.dt.tz_localize("UTC")))) == IN_UTC
    berlin = make(column.dt.tz_localize("Europe/Berlin"))
    assert list(JANUARY.mask(berlin)) == IN_BERLIN
    assert list(JANUARY.mask(berlin, tz=ZoneInfo("Asia/Tokyo"))) == IN_BERLIN
    assert list(ALWAYS.mask(make(column))) == [True] * 4 + [False]


def test_the_mask_chooses_rows():
    table = pd.DataFrame({"at": NAIVE.array, "n": range(5)}, index=list("abcde"))

    assert list(table[JANUARY.mask(table["at"])].index) == ["b", "c"]
    assert list(table.set_index("at").loc[lambda t: JANUARY.mask(t.index), "n"]) == [1, 2]
    assert pl.from_pandas(table).filter(JANUARY.mask(pl.from_pandas(NAIVE)))["n"].to_list() == [1, 2]


@pytest.mark.parametrize(
    "times",
    [
        pd.Series([date(2023, 12, 31), date(2024, 1, 1), None]),
        pl.Series([date(2023, 12, 31), date(2024, 1, 1), None]),
        pd.Series([datetime(2024, 1, 1), datetime(2024, 1, 1, 1), None]).dt.tz_localize("Europe/Berlin"),
        pd.Series([datetime(2024, 2, 1), datetime(2024, 1, 1), None], dtype=object),
        np.array(["2023-12-31", "2024-01-01", "NaT"], "datetime64[D]"),
        pd.Series(pd.period_range("2023-12", periods=3, freq="M")),
        pd.PeriodIndex(["2023-12", "2024-01", "2024-02"], freq="M"),
    ],
    ids=lambda times: f"{type(times).__module__.partition('.')[0]}-{times.dtype}",
)
def test_days_objects_and_periods(times):
    assert list(JANUARY.mask(times)) == [False, True, False]


@pytest.mark.parametrize(
    "empty",
    [pd.Series([], dtype=object), pd.Series([None]).astype(object), NAIVE[:0], pl.Series([], dtype=pl.Date)],
)
def test_no_time_is_in_the_range_where_there_is_none(empty):
    assert not JANUARY.mask(empty).any()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (pd.Series(["2024-01-01"], name="at"), r"'at' holds .*: read it with parse_dates=\[…\]"),
        (pd.Series([1.5], name="at"), "'at' holds float64, not times"),
        (pl.Series("at", ["2024-01-01"]), "'at' holds String, not times"),
        (
            pd.DataFrame({"at": NAIVE}),
            r"pandas.DataFrame is no column of times.*period.mask\(orders\['at'\]\)",
        ),
        (pl.col("at"), "polars.Expr is no column"),
        (np.array([1.0]), "numpy.ndarray is no column"),
        ([datetime(2024, 1, 1)], "builtins.list is no column"),
    ],
    ids=str,
)
def test_what_holds_no_times_is_refused_with_the_cure(times, said):
    with pytest.raises(TypeError, match=said):
        JANUARY.mask(times)


COMPARISONS = """
import pandas as pd
import numpy as np
import polars as pl
from datetime import datetime
from plotroute import Plots, TimeRange

plots = Plots()
AT = pd.Series(pd.to_datetime(["2024-01-01", "2024-03-01"]), name="at")

@plots.dataset
def orders(period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    return pd.DataFrame({"at": AT[AT >= period.start]})

@plots.plot
def of_a_dataset(ax, orders):
    ax.plot([1, 2])

@plots.plot
def pandas(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.plot(AT[(AT >= period.start) & (AT < period.end)])

@plots.plot
def index(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.plot(pd.Series([1, 2], index=AT)[period.start:])

@plots.plot
def polars(ax, span: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.plot(pl.DataFrame({"at": [datetime(2024, 1, 1)]}).filter(pl.col("at") >= span.start))

@plots.plot
def numpy(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.plot(AT[AT.to_numpy() >= period.start])

@plots.plot
def other(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    raise TypeError("unhashable type: 'list'")

@plots.plot
def masked(ax, period: TimeRange = TimeRange("2024-01-01..2024-02-01")):
    ax.set_title(len(AT[period.mask(AT)]))
"""


def test_a_comparison_that_cannot_work_is_told_with_the_cure(make_client):
    client = make_client(COMPARISONS, watch=True)

    def detail(name):
        return client.get(f"/plots/{name}?on_error=status").get_json()["detail"]

    for name in ("pandas", "index", "numpy", "orders/of_a_dataset"):
        assert "orders[period.mask(orders['at'])]" in detail(name), name
    assert "orders[span.mask(orders['at'])]" in detail("polars")
    assert "mask" not in detail("other")
    assert client.get("/plots/masked").status_code == 200
