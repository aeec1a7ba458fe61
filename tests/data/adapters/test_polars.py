"""Polars behind the seam of data libraries."""

import polars as pl

from data.adapters.conformance import AdapterConformance


def frame():
    return pl.DataFrame({"n": [1, 2, 3], "t": ["a", "b", None]})


class TestPolars(AdapterConformance):
    adapter = "Polars"
    shareable = {"frame": frame, "series": lambda: frame()["n"]}
    queries = {"lazy frame": lambda: frame().lazy()}
    edits = {
        "frame": [
            "value.insert_column(0, value['n'].alias('m'))",
            "value.drop_in_place('n')",
            "value.columns = ['a', 'b']",
            "value[0, 'n'] = 9",
        ],
        "series": ["value[0] = 9", "value.rename('m')", "value.append(value)"],
    }
    same = {
        "a slice": lambda: (frame().head(2), pl.DataFrame({"n": [1, 2], "t": ["a", "b"]})),
        "a clone": lambda: (frame().clone(), frame()),
    }
    different = {
        "values": lambda: (frame(), frame().reverse()),
        "names": lambda: (frame(), frame().rename({"n": "m"})),
        "types": lambda: (frame(), frame().with_columns(pl.col("n").cast(pl.Int32))),
    }


def test_python_objects_in_a_column_are_copied_with_it():
    # No fingerprint tells what is in them, so the conformance suite does not see them.
    from plotroute.data.sharing import copy_for_plot, is_shareable

    original = pl.DataFrame({"o": pl.Series([{"a": [1]}, None], dtype=pl.Object)})
    assert is_shareable(original)
    for copy in (copy_for_plot(original)["o"], copy_for_plot(original["o"])):
        copy[0]["a"].append(2)
    assert original["o"][0] == {"a": [1]}


def test_python_objects_that_cannot_be_copied_are_not_shared():
    from plotroute.data.sharing import is_shareable

    assert not is_shareable(pl.Series([iter([1]), (n for n in [1])], dtype=pl.Object))
