"""PyArrow behind the seam of data libraries."""

import pyarrow as pa
import pyarrow.dataset

from data.adapters.conformance import AdapterConformance


def table():
    return pa.table({"n": [1, None, 3], "t": ["a", "b", "c"], "l": [[1], [], [2, 3]]})


class TestPyArrow(AdapterConformance):
    adapter = "PyArrow"
    shareable = {
        "table": table,
        "batch": lambda: table().to_batches()[0],
        "column": lambda: table()["t"],
        "array": lambda: pa.array([1, 2]),
        "table without rows": lambda: table().slice(0, 0),
        "table without columns": lambda: pa.table({}),
        "categories": lambda: pa.table({"k": pa.array(["a", "b", "a"]).dictionary_encode()}),
    }
    queries = {
        "dataset": lambda: pyarrow.dataset.dataset(table()),
        "scanner": lambda: pyarrow.dataset.dataset(table()).scanner(),
    }
    edits = {
        "table": [
            "value['n'][0] = 9",
            "frame = value.to_pandas(); frame['t'] = 'x'",
            "value['n'].to_numpy()[0] = 9",
        ],
        "array": ["value.to_numpy()[0] = 9"],
    }
    same = {
        "a slice": lambda: (
            table().slice(1, 2),
            pa.table({"n": [None, 3], "t": ["b", "c"], "l": [[], [2, 3]]}),
        ),
        "pieces": lambda: (pa.concat_tables([table().slice(0, 1), table().slice(1)]), table()),
        "a slice of an array": lambda: (pa.array([1, 2, 3]).slice(1), pa.array([2, 3])),
    }
    different = {
        "values": lambda: (table(), table().set_column(0, "n", [[1, 2, 3]])),
        "order": lambda: (table(), table().sort_by([("n", "descending")])),
        "names": lambda: (table(), table().rename_columns(["m", "t", "l"])),
        "types": lambda: (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
        "metadata": lambda: (table(), table().replace_schema_metadata({"unit": "EUR"})),
        "rows of no columns": lambda: (table().select([]), table().slice(1).select([])),
    }
