"""One copy of the data serves many plots, and none sees what another did to it."""

from collections import namedtuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plotroute.data.sharing import copy_for_plot, is_shareable

# Authors write it still, so it must be safe still.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

Split = namedtuple("Split", "train test")


def orders():
    """A frame with something of everything."""
    frame = pd.DataFrame(
        {
            "total": [3, 1, 2],
            "share": [0.5, 0.2, 0.3],
            "region": ["EU", "US", "EU"],
            "kind": pd.Categorical(["a", "b", "a"]),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "at": pd.date_range("2024-01-01", periods=3, tz="UTC"),
        },
        index=pd.Index([10, 20, 30], name="id"),
    )
    frame.attrs["unit"] = {"total": "EUR"}
    return frame


def as_text(frame):
    """Everything that a plot could see of a frame."""
    index, columns = frame.index, frame.columns
    labels = [list(index), list(index.names), list(columns), list(columns.names)]
    flags = frame.flags.allows_duplicate_labels
    return repr((frame.to_dict("list"), [repr(t) for t in frame.dtypes], labels, frame.attrs, flags))


# What plots do to a frame `df`, as they would write it.
EDITS = [
    "df['new'] = 1",
    "df['total'] = 0",
    "df['total'] *= 2",
    "df['total'] += df['total']",
    "df.loc[10, 'total'] = 99",
    "df.loc[:, 'share'] = 0.0",
    "df.loc[40] = df.loc[30]",
    "df.iloc[0, 0] = 99",
    "df.at[10, 'region'] = 'XX'",
    "df.iat[0, 1] = 99.0",
    "df.insert(0, 'first', 1)",
    "df.pop('total')",
    "del df['total']",
    "df.columns = list('abcdef')",
    "df.columns.name = 'measure'",
    "df.columns.names = ['measure']",
    "df.columns.rename('measure', inplace=True)",
    "df.index = [1, 2, 3]",
    "df.index.name = 'order'",
    "df.index.names = ['order']",
    "df.rename(columns={'total': 'sum'}, inplace=True)",
    "df.rename_axis('order', inplace=True)",
    "df.rename_axis(columns='measure', inplace=True)",
    "df.set_index('region', inplace=True)",
    "df.reset_index(inplace=True)",
    "df.drop(columns='total', inplace=True)",
    "df.drop(index=10, inplace=True)",
    "df.sort_values('total', inplace=True)",
    "df.sort_index(ascending=False, inplace=True)",
    "df.fillna({'count': 0}, inplace=True)",
    "df.replace({'region': {'EU': 'XX'}}, inplace=True)",
    "df.update(pd.DataFrame({'total': [7]}, index=[10]))",
    "df.drop_duplicates('region', inplace=True)",
    "df.dropna(inplace=True)",
    "df.query('total > 1', inplace=True)",
    "df.eval('twice = total * 2', inplace=True)",
    "df.attrs['title'] = 'Orders'",
    "df.attrs['unit']['total'] = 'USD'",
    "df.attrs.clear()",
    "df.flags.allows_duplicate_labels = False",
    "total = df['total']; total.iloc[0] = 99",
    "total = df['total']; total.name = 'sum'",
    "total = df['total']; total.index.name = 'order'",
    "total = df['total'].to_numpy(copy=True); total[0] = 99",
    "df['kind'] = df['kind'].cat.rename_categories({'a': 'z'})",
    "df['total'].array[0] = 99",
    "df['count'].array[0] = 99",
    "df['count'].values[0] = 99",
    "df['kind'].array[0] = 'b'",
    "df['at'].array[0] = pd.Timestamp('2020-01-01', tz='UTC')",
]

# Writing into what pandas keeps read-only raises: the plot gets an error, and no other sees a change.
REFUSED = [
    "df['total'].to_numpy()[0] = 99",
    "df['total'].values[0] = 99",
    "df.index.values[0] = 99",
    "df.columns.values[0] = 'x'",
]


@pytest.mark.parametrize("edit", EDITS)
def test_what_a_plot_does_to_a_frame_shows_nowhere_else(edit):
    original, untouched = orders(), as_text(orders())
    before = copy_for_plot(original)

    exec(edit, {"pd": pd, "df": copy_for_plot(original)})

    assert as_text(original) == untouched
    assert as_text(before) == untouched
    assert as_text(copy_for_plot(original)) == untouched


@pytest.mark.parametrize("edit", REFUSED)
def test_arrays_inside_a_frame_are_read_only(edit):
    original = orders()

    with pytest.raises(ValueError, match="read-only"):
        exec(edit, {"df": copy_for_plot(original)})

    assert as_text(original) == as_text(orders())


def test_a_frame_of_mutable_cells_is_not_shared():
    assert not is_shareable(pd.DataFrame({"tags": [["a"], ["b"]]}))
    assert not is_shareable(pd.Series([{"a": 1}]))


def test_a_large_frame_is_handed_out_without_copying_its_values():
    original = pd.DataFrame({"total": np.zeros(5_000_000)})

    copy = copy_for_plot(original)
    assert np.shares_memory(original["total"].to_numpy(), copy["total"].to_numpy())
    copy.loc[0, "total"] = 1.0
    copy.columns.name = "measure"
    assert original.loc[0, "total"] == 0.0
    assert original.columns.name is None


def test_what_is_handed_out_is_what_was_loaded():
    original = orders()

    pd.testing.assert_frame_equal(copy_for_plot(original), original)
    assert as_text(copy_for_plot(original)) == as_text(original)


def test_labels_of_several_levels_are_handed_out_safely():
    original = orders().set_index(["region", "kind"])
    original.columns = pd.MultiIndex.from_product([["x", "y"], ["a", "b"]], names=["one", "two"])
    untouched = as_text(original)

    copy = copy_for_plot(original)
    copy.index.names = ["r", "k"]
    copy.columns.names = ["o", "t"]
    copy.index.rename(["s", "l"], inplace=True)
    copy.columns = list("abcd")

    assert as_text(original) == untouched


@pytest.mark.parametrize(
    "edit",
    [
        "s.iloc[0] = 99",
        "s.name = 'sum'",
        "s.index.name = 'order'",
        "s.index = [1, 2, 3]",
        "s *= 2",
        "s.loc[40] = 1",
        "s.sort_values(inplace=True)",
        "s.attrs['a'] = 1",
        "s.drop(10, inplace=True)",
    ],
)
def test_what_a_plot_does_to_a_series_shows_nowhere_else(edit):
    original = orders()["total"]

    exec(edit, {"s": copy_for_plot(original)})

    pd.testing.assert_series_equal(original, orders()["total"])
    assert original.attrs == orders().attrs


def test_an_array_is_handed_out_read_only_and_stays_writable_itself():
    original = np.arange(3)

    with pytest.raises(ValueError, match="read-only"):
        copy_for_plot(original)[0] = 9

    original[0] = 9
    assert copy_for_plot(original)[0] == 9


def test_a_masked_array_is_not_shared_because_views_of_it_share_the_mask():
    assert not is_shareable(np.ma.array([1.0, 2.0], mask=[False, False]))


def test_a_table_of_pyarrow_is_shared_because_nothing_can_change_it():
    table = pa.table({"a": [1, 2]})

    assert is_shareable(table)
    assert copy_for_plot(table) is table


def test_a_tuple_is_handed_out_piece_by_piece():
    original = (orders(), np.arange(3), "text")

    frame, array, text = copy_for_plot(original)
    frame["total"] = 0

    assert as_text(original[0]) == as_text(orders())
    assert not array.flags.writeable
    assert text == "text"


def test_a_named_tuple_of_frames_is_handed_out_as_safely_as_a_tuple():
    original = Split(orders(), np.arange(3))
    if not is_shareable(original):
        return

    copy = copy_for_plot(original)
    copy.train["total"] = 0

    assert type(copy) is Split
    assert not copy.test.flags.writeable
    assert as_text(original.train) == as_text(orders())


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, 1j, "a", b"a", frozenset({1}), (), (1, ("a", None))], ids=repr
)
def test_what_nothing_can_change_is_shared_as_it_is(value):
    assert is_shareable(value)
    assert copy_for_plot(value) == value


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1], {}], dtype=object),
        np.array([("a", 1)], dtype=[("name", object), ("n", int)]),
        {},
        {"a": 1},
        [],
        [1],
        {1},
        bytearray(b"a"),
        ([1],),
        (np.array([{}], dtype=object),),
        object(),
        iter([1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_be_changed_is_not_shared_as_it_is(value):
    assert not is_shareable(value)
