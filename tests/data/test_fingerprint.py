"""Equal content has an equal fingerprint, and what a plot would show otherwise has another."""

import datetime
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data.test_sharing import orders
from plotroute.data.fingerprint import fingerprint
from plotroute.data.sharing import copy_for_plot

# Authors write it still.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

SAMPLES = {
    "frame": orders,
    "frame of several levels": lambda: orders().set_index(["region", "kind"]),
    "series": lambda: orders()["total"],
    "array": lambda: np.arange(6.0).reshape(2, 3),
    "array of objects": lambda: np.array(["a", None], dtype=object),
    "table": lambda: pa.table({"a": [1, 2], "b": ["x", "y"]}),
    "dict": lambda: {"a": [1, 2.5], "b": datetime.date(2024, 1, 1)},
    "tuple": lambda: (1, "a", None),
    "text": lambda: "text",
    "None": lambda: None,
}


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_equal_content_has_an_equal_fingerprint(make):
    assert fingerprint(make()) == fingerprint(make()) is not None


def test_different_content_has_different_fingerprints():
    found = [fingerprint(make()) for make in SAMPLES.values()]

    assert len(set(found)) == len(found)


def test_a_frame_that_was_handed_out_has_the_same_fingerprint():
    assert fingerprint(copy_for_plot(orders())) == fingerprint(orders())


def test_how_an_array_lies_in_memory_does_not_matter():
    array = np.arange(6.0).reshape(2, 3)

    assert fingerprint(np.asfortranarray(array)) == fingerprint(array)
    assert fingerprint(np.repeat(array, 2, axis=1)[:, ::2]) == fingerprint(array)


def test_the_order_in_which_a_set_was_made_does_not_matter():
    assert fingerprint({0, 8}) == fingerprint({8, 0})


def test_another_process_gives_the_same_fingerprint():
    program = (
        "import pandas as pd; from plotroute.data.fingerprint import fingerprint; "
        "print(fingerprint(pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == fingerprint(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


def changed(edit):
    """The frame after an edit in place."""
    frame = orders()
    exec(edit, {"pd": pd, "df": frame})
    return frame


@pytest.mark.parametrize(
    "edit",
    [
        "df.loc[10, 'total'] = 99",
        "df.loc[10, 'region'] = 'XX'",
        "df.loc[20, 'count'] = 0",
        "df['total'] = df['total'].astype('int32')",
        "df['total'] = df['total'].astype('float64')",
        "df['total'] = df['total'].astype('Int64')",
        "df['kind'] = df['kind'].astype(str)",
        "df['kind'] = df['kind'].cat.reorder_categories(['b', 'a'])",
        "df['kind'] = df['kind'].cat.add_categories(['c'])",
        "df['kind'] = df['kind'].cat.as_ordered()",
        "df['at'] = df['at'].dt.tz_convert('Europe/Berlin')",
        "df['at'] = df['at'].dt.tz_localize(None)",
        "df.columns = ['sum', *df.columns[1:]]",
        "df.columns.name = 'measure'",
        "df.insert(0, 'region', df.pop('region'))",
        "df.pop('total')",
        "df.index = [10, 20, 31]",
        "df.index.name = 'order'",
        "df.index = df.index.astype(str)",
        "df.sort_values('total', inplace=True)",
        "df.drop(index=10, inplace=True)",
    ],
)
def test_a_frame_that_looks_different_has_another_fingerprint(edit):
    assert fingerprint(changed(edit)) != fingerprint(orders())


def test_the_same_instants_in_another_time_zone_are_other_labels():
    utc = pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024-01-01", periods=2, tz="UTC"))

    found = {fingerprint(frame) for frame in (utc, utc.tz_convert("Europe/Berlin"), utc.tz_localize(None))}

    assert len(found) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series([1, 2], dtype=object), pd.Series(["1", "2"], dtype=object)),
        (pd.Series([1, "x"], dtype=object), pd.Series(["1", "x"], dtype=object)),
        (pd.Series([1], name="a"), pd.Series([1], name="b")),
        (pd.Series([1]), pd.DataFrame({0: [1]})),
        (pd.DataFrame({1: [1]}), pd.DataFrame({"1": [1]})),
        (np.zeros(2), np.zeros(2, dtype="float32")),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2), -np.ones(2)),
        (np.zeros(2), np.zeros(2, dtype="int64")),
        (np.zeros(2, dtype=[("a", float)]), np.zeros(2, dtype=[("b", float)])),
        (1, True),
        (1, 1.0),
        ("1", b"1"),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}"[:40],
)
def test_values_that_look_different_have_other_fingerprints(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "value",
    [pd.DataFrame({"tags": [["a"], ["b"]]}), lambda: None, iter([1]), open],
    ids=lambda v: type(v).__name__,
)
def test_data_whose_content_cannot_be_told_is_no_error(value):
    assert fingerprint(value) is None or fingerprint(value) == fingerprint(value)
