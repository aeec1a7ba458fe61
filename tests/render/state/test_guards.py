"""An import that happens once in a process, in a notebook or a test: each drawing sees what the first one saw."""

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

LIBRARIES = {
    "wide_lines.py": """
        import matplotlib
        matplotlib.rcParams["lines.linewidth"] = 7
        """,
    "gold.py": """
        import matplotlib
        from matplotlib.colors import ListedColormap
        matplotlib.colormaps.register(ListedColormap(["red", "gold"], name="gold"))
        class Gold:
            pass
        """,
    "many/__init__.py": """
        import importlib
        def __getattr__(name):
            if name != "silver":
                raise AttributeError(name)
            return importlib.import_module("many.silver")
        """,
    "many/silver.py": """
        import gold
        """,
    "keeping.py": """
        import functools, importlib
        _lib = None
        def variable():
            global _lib
            if _lib is None:
                import gold
                _lib = gold
        _ready = False
        def flag():
            global _ready
            if not _ready:
                import wide_lines
                _ready = True
        _kept = {}
        def by_name(name):
            if name not in _kept:
                _kept[name] = importlib.import_module(name)
        _seen = set()
        def seen(name):
            if name not in _seen:
                importlib.import_module(name)
                _seen.add(name)
        class Style:
            used = False
            def use(self):
                if not Style.used:
                    import wide_lines
                    Style.used = True
        class Loader:
            @functools.cached_property
            def lib(self):
                import gold
                return gold
            @functools.lru_cache
            def style(self):
                import wide_lines
        loader = Loader()
        def _enclosing():
            done = False
            def use():
                nonlocal done
                if not done:
                    import wide_lines
                    done = True
            return use
        enclosed = _enclosing()
        _sizes = {}
        def unseen(name):
            if hash(name) not in _sizes:
                _sizes[hash(name)] = len(importlib.import_module(name).__name__)
        """,
}

PLOTS = """
import functools, sys
import keeping, many
import matplotlib.pyplot as plt
from plotroute import Plots

plots = Plots()
_gold = _first = None
_styled = False
count, cached = 0, {}

def own_variable():
    global _gold
    if _gold is None:
        import gold as _gold

def own_thing():
    global _first
    if _first is None:
        from gold import Gold
        _first = Gold()

def own_flag():
    global _styled
    if not _styled:
        _styled = True  # before, as against recursion
        import wide_lines

@functools.cache
def own_cache():
    import wide_lines

def styled():
    import wide_lines

def each_time():
    import gold

def counting():
    global count
    import gold
    count += 1
    cached[count] = "kept"

WAYS = {
    "each time": each_time,
    "an author's variable": own_variable,
    "an author's object": own_thing,
    "an author's flag": own_flag,
    "an author's cache": own_cache,
    "a variable": keeping.variable,
    "a flag": keeping.flag,
    "a dict": lambda: keeping.by_name("gold"),
    "a set": lambda: keeping.seen("wide_lines"),
    "a class": lambda: keeping.Style().use(),
    "a property": lambda: keeping.loader.lib,
    "a cached method": lambda: keeping.loader.style(),
    "a closure": keeping.enclosed,
    "a lazy package": lambda: many.silver,
    "a counter beside it": counting,
    "edited": lambda: styled(),
    "nothing": lambda: None,
    "a style unseen": lambda: keeping.unseen("wide_lines"),
    "a colormap unseen": lambda: keeping.unseen("gold"),
}

@plots.plot(ttl="forever")
def look(way: str, n: int = 0):
    WAYS[way]()
    words = [plt.rcParams["lines.linewidth"], "gold" in plt.colormaps()]
    if way == "a colormap unseen":
        plt.colormaps["gold"]
    figure = plt.figure(figsize=(1, 1))
    figure.text(0, 0, "|".join(map(str, words)))
    return figure
"""

# What a fresh process would show.
STYLED = {
    "edited",
    "an author's flag",
    "an author's cache",
    "a flag",
    "a set",
    "a class",
    "a cached method",
    "a closure",
}
UNSEEN = {"a style unseen", "a colormap unseen"}

PROGRAM = """
import json, re
import plots
from plotroute.errors import PlotFailed

def look(way, **more):
    try:
        svg = plots.plots.draw("look", way=way, format="svg", **more).body.decode()
        return re.search("<!-- (.*?[|].*?) -->", svg)[1]
    except PlotFailed as error:
        return f"{error} {error.detail}"

found = {}
for turn, ways in enumerate([list(plots.WAYS), list(plots.WAYS)[::-1], list(plots.WAYS)]):
    for way in ways:
        found.setdefault(way, []).append(look(way, n=0 if "unseen" in way else turn))
        found.setdefault("nothing", []).append(look("nothing", n=turn))

# As a notebook does where a cell is edited.
edited = [look("edited")]
exec("def styled(): pass", vars(plots))
edited.append(look("edited"))
print(json.dumps({"edited": edited, "found": found, "count": plots.count, "cached": len(plots.cached)}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    author, installed = (tmp_path_factory.mktemp(name) for name in ("author", "installed"))
    (author / "plots.py").write_text(PLOTS)
    for name, text in LIBRARIES.items():
        (installed / name).parent.mkdir(exist_ok=True)
        (installed / name).write_text(dedent(text))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=author,
        env={**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": f"{author}{os.pathsep}{installed}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


WAYS = [
    line.split('"')[1] for line in PLOTS.partition("WAYS = {")[2].splitlines() if line.startswith('    "')
]


@pytest.mark.parametrize("way", [way for way in WAYS if way not in UNSEEN])
def test_each_drawing_has_what_an_import_sets_up_wherever_the_module_is_kept(told, way):
    expected = "7.0|False" if way in STYLED else "1.5|False" if way == "nothing" else "1.5|True"
    assert set(told["found"][way]) == {expected}


def test_what_a_plot_counts_and_caches_beside_an_import_is_kept(told):
    assert (told["count"], told["cached"]) == (3, 3)


def test_a_drawing_without_an_import_that_it_had_before_is_an_error_with_the_cure(told):
    first, *later = told["found"]["a style unseen"]
    assert first == "7.0|False"
    for text in later:
        assert "another than before" in text
        assert "`import wide_lines` at the top" in text
    first, *later = told["found"]["a colormap unseen"]
    assert first == "1.5|True"
    for text in later:
        assert "KeyError" in text
        assert "`import gold` at the top" in text


def test_a_function_that_no_longer_imports_is_no_error(told):
    assert told["edited"] == ["7.0|False", "1.5|False"]
