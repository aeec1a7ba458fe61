"""pandas behind the seam of data libraries; tests/data/test_sharing.py has more edits of frames."""

import numpy as np
import pandas as pd
import pytest

from data.adapters.conformance import AdapterConformance

# pandas deprecates writing into `.array` and the like; plots do it still.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def frame():
    value = pd.DataFrame({"n": [1, 2], "t": ["a", "b"], "at": pd.date_range("2024-01-01", periods=2)})
    value.attrs["unit"] = {"n": "EUR"}
    return value


class TestPandas(AdapterConformance):
    adapter = "Pandas"
    shareable = {
        "frame": frame,
        "frame of constant objects": lambda: pd.DataFrame(
            {"o": pd.Series([1, "a", None, (1,)], dtype=object)}
        ),
        "numbers of NumPy in a column of objects": lambda: pd.Series(
            [np.float32(1), np.int8(2)], dtype=object
        ),
        "series": lambda: frame()["n"],
    }
    not_shareable = {
        "frame of lists": lambda: pd.DataFrame({"tags": [["a"], ["b"]]}),
        "series of dicts": lambda: pd.Series([{"a": 1}]),
        "frame with two columns of one name": lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
        "array inside of a cell": lambda: pd.Series([(np.zeros(2),)]),
        "index": lambda: pd.Index([1, 2]),
    }
    edits = {
        "frame": ["value['n'] = 0", "value.attrs['unit']['n'] = 'USD'", "value['n'].array[0] = 9"],
        "frame of lists": ["value['tags'][0].append('c')"],
        "frame with two columns of one name": ["value.iloc[0, 1] = 9"],
        "array inside of a cell": ["value[0][0][0] = 9"],
        "series": ["value.iloc[0] = 9", "value.name = 'm'", "value.index.name = 'x'"],
        "series of dicts": ["value[0]['a'] = 2"],
        "index": ["value.name = 'x'"],
    }
    different = {
        "texts and numbers": lambda: (pd.Series([1], dtype=object), pd.Series(["1"], dtype=object)),
        "names": lambda: (pd.Series([1], name="a"), pd.Series([1], name="b")),
        "types": lambda: (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]})),
    }
