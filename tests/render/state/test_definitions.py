"""What a plot replaces in the libraries that draw is put back, and nothing else is touched."""

import json
import logging
import subprocess
import sys
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns

from plotroute.render.state.definitions import Definitions
from plotroute.render.state.reset import State


@pytest.fixture
def definitions():
    """Those of now, with something to put back that even Definitions that do not work leave to us."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in REPLACED.values():
            patch.setattr(owner, name, vars(owner)[name])
        State()  # sets, once per process, what plotroute itself replaces: no drawing does
        yield Definitions()


REPLACED = {
    "a method": (mpl.axes.Axes, "plot"),
    "a property": (mpl.artist.Artist, "mouseover"),
    "a static method": (mpl.ticker.Formatter, "fix_minus"),
    "a class method": (mpl.path.Path, "unit_circle"),
    "a function": (plt, "subplots"),
    "a class": (mpl.lines, "Line2D"),
    "a function of seaborn's": (sns, "heatmap"),
}
MEANT = {name: vars(owner)[key] for name, (owner, key) in REPLACED.items()}


@pytest.mark.parametrize("name", REPLACED)
@pytest.mark.parametrize("by", [lambda *_: None, None, mock.Mock(), 3], ids=["function", "None", "Mock", "3"])
def test_what_is_replaced_is_put_back(definitions, name, by):
    owner, key = REPLACED[name]
    setattr(owner, key, by)

    assert definitions.put_back() == [f"{owner.__name__}.{key}"]

    assert vars(owner)[key] is MEANT[name]
    assert definitions.put_back() == []


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_deleted_is_put_back(definitions, name):
    owner, key = REPLACED[name]
    delattr(owner, key)

    assert definitions.put_back() == [f"{owner.__name__}.{key}"]

    assert vars(owner)[key] is MEANT[name]
    assert definitions.put_back() == []


def test_what_hides_an_inherited_method_is_removed(definitions):
    mpl.lines.Line2D.get_visible = lambda _: False

    assert definitions.put_back() == ["Line2D.get_visible"]

    assert "get_visible" not in vars(mpl.lines.Line2D)
    assert mpl.lines.Line2D.get_visible is mpl.artist.Artist.get_visible


def test_several_are_put_back_at_once(definitions):
    mpl.axes.Axes.plot = plt.subplots = sns.heatmap = None

    assert sorted(definitions.put_back()) == [
        "Axes.plot",
        "matplotlib.pyplot.subplots",
        "seaborn.heatmap",
    ]


def test_caches_and_submodules_of_the_libraries_are_theirs(definitions, monkeypatch):
    monkeypatch.setattr(mpl.figure, "_log", logging.getLogger("mine"))
    monkeypatch.setattr(mpl, "figure", mpl.axes)
    monkeypatch.setattr(plt, "of_mine", lambda: None, raising=False)

    assert definitions.put_back() == []

    assert sys.modules["matplotlib.figure"]._log.name == "mine"
    assert mpl.figure is mpl.axes
    assert plt.of_mine() is None


def test_other_modules_are_not_looked_at(definitions, monkeypatch):
    monkeypatch.setattr(np.linalg, "norm", len)
    monkeypatch.setattr(json, "dumps", len)

    assert definitions.put_back() == []
    assert np.linalg.norm is json.dumps is len


def test_what_the_author_has_replaced_at_the_top_of_the_file_stays(monkeypatch):
    monkeypatch.setattr(mpl.axes.Axes, "plot", mpl.axes.Axes.step)
    definitions = Definitions()
    mpl.axes.Axes.plot = None

    assert definitions.put_back() == ["Axes.plot"]
    assert mpl.axes.Axes.plot is mpl.axes.Axes.step


def test_drawing_replaces_nothing(definitions, caplog):
    state = State()
    with state.clean():
        plt.switch_backend("svg")
        for projection in (None, "polar", "3d"):
            plt.figure(layout="constrained").add_subplot(projection=projection).set_title(r"$\alpha$")
        sns.heatmap([[1.0, 2.0]], ax=plt.figure().add_subplot())
        plt.savefig("/dev/null", format="pdf")

    assert caplog.messages == []
    assert definitions.put_back() == []


def test_the_log_says_what_was_put_back(definitions, caplog):
    with State().clean():
        mpl.axes.Axes.plot = None

    (message,) = caplog.messages
    assert "Axes.plot" in message
    assert "at the top of the plots file" in message


def test_a_library_that_a_plot_is_the_first_to_import_counts_from_then_on():
    code = """
import matplotlib.pyplot as plt
from plotroute.render.state.definitions import Definitions
definitions = Definitions()
import seaborn
assert definitions.put_back() == []
seaborn.heatmap = None
assert definitions.put_back() == ["seaborn.heatmap"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
