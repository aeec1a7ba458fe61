"""Python's own values behind the seam of data libraries, and the table of adapters."""

import datetime
import subprocess
import sys
from collections import namedtuple
from decimal import Decimal

import numpy as np

from data.adapters.conformance import AdapterConformance
from plotroute.data import adapters
from plotroute.data.fingerprint import fingerprint
from plotroute.data.sharing import Copies

Split = namedtuple("Split", "train test")


class Report:
    """A class of an author's."""

    def __init__(self, lines):
        self.lines = lines


class TestPython(AdapterConformance):
    adapter = "Python"
    shareable = {
        "None": lambda: None,
        "number": lambda: 1.5,
        "decimal": lambda: Decimal("1.5"),
        "text": lambda: "text",
        "bytes": lambda: b"bytes",
        "date": lambda: datetime.date(2024, 1, 1),
        "tuple": lambda: (1, ("a", None)),
        "tuple of arrays": lambda: (np.zeros(2), "a"),
        "named tuple": lambda: Split(np.zeros(2), np.ones(2)),
        "frozenset": lambda: frozenset({1, 2}),
    }
    not_shareable = {
        "list": lambda: [1, [2]],
        "dict": lambda: {"a": {"b": 1}},
        "set": lambda: {1, 2},
        "bytearray": lambda: bytearray(b"a"),
        "tuple of lists": lambda: ([1], 2),
        "object": lambda: Report(["a"]),
    }
    edits = {
        "tuple of arrays": ["value[0][0] = 9"],
        "named tuple": ["value.train[0] = 9"],
        "list": ["value.append(3)", "value[1].append(3)"],
        "dict": ["value['a']['b'] = 2", "value.clear()"],
        "set": ["value.add(3)"],
        "bytearray": ["value += b'b'"],
        "tuple of lists": ["value[0].append(2)"],
        "object": ["value.lines.append('b')", "value.lines = []"],
    }
    same = {"sets made in another order": lambda: ({0, 8}, {8, 0})}
    different = {
        "list and tuple": lambda: ([1, 2], (1, 2)),
        "number and bool": lambda: (1, True),
        "number and text": lambda: ([1], ["1"]),
        "order of a dict": lambda: ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        "depth": lambda: ([[1], 2], [[1, 2]]),
        "what an object holds": lambda: (Report(["a"]), Report(["b"])),
    }


def test_what_cannot_be_copied_says_why_and_is_for_one_drawing():
    with open(__file__) as file:
        for value in (file, (n for n in [1])):
            copies = Copies(value)
            assert fingerprint(value) is None
            assert "cannot be pickled" in copies.why
            assert copies.next_copy() is value


def test_no_library_is_imported_that_the_process_does_not_have():
    program = (
        "import sys; from plotroute.data.fingerprint import fingerprint; "
        "from plotroute.data.sharing import Copies; "
        "value = {'a': [1, (2.5, None)], 'b': {1}}; Copies(value).next_copy(); assert fingerprint(value); "
        f"print([library for library in {list(adapters.TABLE)} if library in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_library_that_cannot_be_imported_is_passed_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "ibis", None)
    assert type(adapters.find([1])).__name__ == "Python"
