"""What `import plotroute` gives, and what it does not cost."""

import importlib.metadata
import importlib.resources
import inspect
import json
import re
import subprocess
import sys

import pytest

import plotroute

NAMES = ["CannotDraw", "Image", "Picture", "Plots", "TimeRange", "User", "Values", "figure_response", "files"]


def in_a_fresh_interpreter(program):
    """What `program` prints as JSON; warnings are errors there too."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_public_names_are_exactly_these():
    program = (
        "import json, plotroute; print(json.dumps([n for n in dir(plotroute) if not n.startswith('_')]))"
    )

    assert in_a_fresh_interpreter(program) == NAMES


def functions():
    """Each public function, class and method that is called with arguments."""
    for name in NAMES:
        thing = getattr(plotroute, name)
        if inspect.isfunction(thing) or name in ("Picture", "Plots", "TimeRange", "files"):
            yield name, thing
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            for method, function in inspect.getmembers(thing, inspect.isfunction):
                if not method.startswith("_"):
                    yield f"{name}.{method}", function


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented_with_an_example(name):
    text = inspect.getdoc(getattr(plotroute, name))
    assert "\nExample:\n    >>> " in text


@pytest.mark.parametrize(
    ("name", "function"), list(functions()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_argument_is_documented(name, function):
    """In the order of the signature."""
    section = re.search(r"(?ms)^Args:\n(.*?)(?=^\S|\Z)", inspect.getdoc(function))
    documented = re.findall(r"(?m)^    (\w+): ", section[1]) if section else []
    assert documented == [
        argument for argument in inspect.signature(function).parameters if argument != "self"
    ]


@pytest.mark.parametrize(
    "heavy", ["flask", "werkzeug", "matplotlib", "pandas", "numpy", "seaborn", "click", "granian"]
)
def test_importing_plotroute_loads_nothing_heavy(heavy, loaded_by_import):
    assert heavy not in loaded_by_import


@pytest.fixture(scope="module")
def loaded_by_import():
    return in_a_fresh_interpreter(
        # But for figure_response, which is for views: an app that has views has Flask.
        "import json, sys, plotroute; names = set(plotroute.__all__) - {'figure_response'}; "
        "[getattr(plotroute, name) for name in names]; print(json.dumps(sorted(sys.modules)))"
    )


def test_importing_plotroute_starts_nothing():
    program = (
        "import json, os, threading; before = os.getcwd(), dict(os.environ); import plotroute; "
        "print(json.dumps([threading.active_count(), before == (os.getcwd(), dict(os.environ))]))"
    )

    assert in_a_fresh_interpreter(program) == [1, True]


def test_a_name_that_it_does_not_offer_is_no_attribute():
    with pytest.raises(AttributeError, match="'plotroute' has no attribute 'Plot'"):
        plotroute.Plot  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    assert plotroute.__version__ == importlib.metadata.version("plotroute")


def test_plotroute_is_typed():
    assert importlib.resources.files("plotroute").joinpath("py.typed").is_file()
