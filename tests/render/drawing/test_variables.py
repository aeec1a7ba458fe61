"""Variables of the author's modules: which of them have changed, and which a function may use."""

from __future__ import annotations

from types import ModuleType

import pytest

from plotroute.render.drawing.variables import Variables, changed

CODE = """
import functools

CACHE = {}
ROWS = []
NAME = "a"
UNUSED = []

class Store:
    def __init__(self):
        self.rows = []
    def load(self):
        return ROWS

STORE = Store()

def helper():
    return CACHE

@functools.cache
def cached():
    return NAME

def plot(ax):
    helper()
    cached()

def plot_of_a_store(ax):
    return STORE.load()
"""


@pytest.fixture
def module():
    made = ModuleType("authors")
    exec(CODE, vars(made))
    return made


CHANGES = {
    "a new entry": ("CACHE['day'] = object()", "CACHE"),
    "another entry": ("CACHE['old'] = object()", "CACHE"),
    "an item of a list": ("ROWS.append(1)", "ROWS"),
    "an attribute": ("STORE.name = object()", "STORE"),
    "a list in an object": ("STORE.rows.append(1)", "STORE"),
    "a new variable": ("LATER = object()", "LATER"),
    "another value": ("NAME = ''.join('bc')", "NAME"),
}


@pytest.mark.parametrize(("code", "name"), CHANGES.values(), ids=CHANGES)
def test_a_variable_with_another_content_has_changed(module, code, name):
    module.CACHE["old"] = object()
    variables = Variables(lambda: [module])
    before = variables.shapes()
    assert changed(before, variables.shapes()) == []
    exec(code, vars(module))
    assert changed(before, variables.shapes()) == [name]


def test_a_function_uses_the_variables_that_its_code_leads_to(module):
    variables = Variables(lambda: [module])
    assert {"helper", "CACHE", "cached", "NAME"} <= variables.used_by(module.plot)
    assert {"STORE", "ROWS"} <= variables.used_by(module.plot_of_a_store)
    assert "UNUSED" not in variables.used_by(module.plot) | variables.used_by(module.plot_of_a_store)
