"""NumPy behind the seam of data libraries."""

import numpy as np

from data.adapters.conformance import AdapterConformance


class TestNumPy(AdapterConformance):
    adapter = "NumPy"
    shareable = {
        "array": lambda: np.arange(6.0).reshape(2, 3),
        "records": lambda: np.zeros(2, dtype=[("a", float), ("b", int)]),
        "dates": lambda: np.array(["2024-01-01"], dtype="datetime64[D]"),
        "number": lambda: np.float32(1.5),
    }
    not_shareable = {
        "array of objects": lambda: np.array([[1], {}], dtype=object),
        "records with objects": lambda: np.array([("a", 1)], dtype=[("name", object), ("n", int)]),
        "masked array": lambda: np.ma.array([1.0, 2.0], mask=[False, True]),
    }
    edits = {
        "array": ["value[0] = 9", "value += 1", "value.sort(axis=1)", "value.shape = (6,)"],
        "records": ["value['a'][0] = 9"],
        "array of objects": ["value[0].append(2)", "value[0] = 9"],
        "masked array": ["value.mask[0] = True", "value[0] = 9"],
    }
    same = {
        "Fortran's order": lambda: (np.ones((2, 3)), np.asfortranarray(np.ones((2, 3)))),
        "every second item": lambda: (np.zeros(3), np.zeros(6)[::2]),
    }
    different = {
        "types": lambda: (np.zeros(2), np.zeros(2, dtype="float32")),
        "shapes": lambda: (np.zeros(4), np.zeros((2, 2))),
        "masks": lambda: (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    }
