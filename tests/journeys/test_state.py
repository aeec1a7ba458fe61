"""What a plot imports, sets up, changes and leaves behind, in a real server: the next picture does not know of it."""

import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from textwrap import dedent

import matplotlib
import pytest
from fontTools.ttLib import TTFont

MODULES = {
    "house_style.py": """
        import matplotlib
        matplotlib.rcParams["axes.facecolor"] = "#ffe0c0"
        matplotlib.rcParams["xtick.color"] = "black"  # as it is, but for a dark theme
        matplotlib.style.library["house"] = matplotlib.RcParams({"lines.linewidth": 9})
        """,
    "house_font.py": """
        import pathlib
        import matplotlib
        from matplotlib import font_manager
        font_manager.fontManager.addfont(pathlib.Path(__file__).with_name("house.ttf"))
        matplotlib.rcParams["font.family"] = "House Sans"
        """,
    "house_units.py": """
        import numpy as np
        from matplotlib import units
        class Money:
            def __init__(self, cents): self.cents = cents
        class Converter(units.ConversionInterface):
            @staticmethod
            def convert(value, unit, axis):
                found = [getattr(one, "cents", one) for one in np.atleast_1d(value)]
                return np.array(found) if np.iterable(value) else found[0]
            @staticmethod
            def axisinfo(unit, axis):
                return units.AxisInfo(label="euros")
            @staticmethod
            def default_units(value, axis):
                return "cents"
        units.registry[Money] = Converter()
        """,
    "house_context.py": """
        import matplotlib.pyplot as plt
        import seaborn as sns
        with plt.style.context("ggplot"), sns.axes_style("darkgrid"):
            pass
        """,
    # One that imports others, and one that patches.
    "house.py": """
        import house_style, house_font
        import matplotlib.axes
        matplotlib.axes.Axes.house = lambda self: self.set_title("House")
        """,
}

# Libraries: not in the author's folder. They come to an import once, in a thread, or in a circle.
LIBRARIES = {
    "keeping.py": """
        import importlib
        _kept = {}
        def get(name):
            if name not in _kept:
                _kept[name] = importlib.import_module(name)
        """,
    "kept_style.py": """
        import matplotlib
        matplotlib.rcParams["lines.linewidth"] = 7
        """,
    "lazy/__init__.py": """
        import importlib
        def __getattr__(name):
            if name != "colors":
                raise AttributeError(name)
            return globals().setdefault(name, importlib.import_module("lazy.colors"))
        """,
    "lazy/colors.py": """
        import matplotlib
        from matplotlib.colors import ListedColormap
        matplotlib.colormaps.register(ListedColormap(["red", "gold"], name="lazy"))
        name = "lazy"
        """,
    "threaded.py": """
        import matplotlib
        matplotlib.rcParams["axes.facecolor"] = "lavender"
        """,
    "cached_style.py": """
        import matplotlib
        matplotlib.rcParams["axes.facecolor"] = "honeydew"
        """,
    "memo_style.py": """
        import matplotlib
        matplotlib.rcParams["lines.linewidth"] = 6
        """,
    "circle_one.py": """
        import circle_two
        import matplotlib
        matplotlib.rcParams["axes.facecolor"] = "azure"
        """,
    "circle_two.py": """
        import circle_one
        import matplotlib
        matplotlib.rcParams["lines.linewidth"] = 5
        """,
    "settings_of_python.py": """
        import decimal, os, sys, time
        decimal.getcontext().prec = 5
        sys.setrecursionlimit(4321)
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        """,
    "own/__init__.py": """
        import matplotlib
        matplotlib.rcParams["lines.linewidth"] = 8
        """,
    "own/part.py": """
        def use():
            import own
        """,
    "drawing_lots.py": """
        import random
        import numpy as np
        lots = [random.random(), np.random.rand(), np.random.default_rng().random()]
        """,
}

LIBRARY_PLOTS = """
import functools, threading
import keeping, lazy
import matplotlib.pyplot as plt
import numpy as np
from plotroute import Plots

plots = Plots()

def line(title=""):
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.plot([1, 3, 2])
    axes.set_title(title, fontsize=6)
    return figure

@plots.plot(ttl="forever")
def plain(n: int = 0):
    return line()

@plots.plot(ttl="forever")
def kept(n: int = 0):
    keeping.get("kept_style")
    return line()

@plots.plot(ttl="forever")
def lazily(n: int = 0):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.imshow([[1, 2]], cmap=lazy.colors.name)
    return figure

@plots.plot(ttl="forever")
def in_thread(n: int = 0):
    def load():
        import threaded
    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    return line()

@functools.cache
def once():
    import cached_style

@plots.plot(ttl="forever")
def by_cached_function(n: int = 0):
    once()
    return line()

@plots.plot(ttl="forever")
def circle_from_one(n: int = 0):
    import circle_one
    return line()

@plots.plot(ttl="forever")
def circle_from_two(n: int = 0):
    import circle_two
    return line()

@plots.plot(ttl="forever")
def python(n: int = 0):
    import settings_of_python, decimal, sys, time
    return line(f"{decimal.Decimal(1) / 3} {sys.getrecursionlimit()} {time.tzname}")

@plots.plot
def lots():
    import drawing_lots
    return line(f"{drawing_lots.lots}")

_lengths = {}

@plots.plot
def unseen(n: int = 0):
    if not _lengths:
        import memo_style
        _lengths[1] = len(memo_style.__name__)
    return line()

@plots.plot
def own_package():
    from own import part
    part.use()
    return line()

@plots.plot
def pandas_():
    import pandas as pd
    pd.Series([1, 2, 3]).plot()
    plt.gcf().set_size_inches(2, 2)
    return plt.gcf()
"""

PLOTS = """
import decimal, os, re, resource, signal, sys, time
import pandas as pd, sklearn, xarray as xr
import matplotlib, matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from plotroute import CannotDraw, Plots

plots = Plots()

def image(cmap):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.imshow([[1, 2], [3, np.nan]], cmap=cmap)
    return figure

def line(**more):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([1, 3, 2], **more)
    axes.set_title("Title")
    return figure

@plots.plot
def plain():
    return line()

@plots.plot
def cmocean_():
    import cmocean
    return image("cmo.thermal")

@plots.plot
def colorcet_():
    import colorcet
    return image("cet_fire")

@plots.plot
def cmcrameri_():
    from cmcrameri import cm
    return image("cmc.batlow")

@plots.plot
def by_importlib():
    import importlib
    importlib.import_module("cmocean.cm")
    return image("cmo.haline")

@plots.plot
def style():
    import house_style
    return line()

@plots.plot
def context():
    import house_context
    return line()

_cmocean, _styled = None, False

@plots.plot
def kept_by_author():
    global _cmocean
    if _cmocean is None:
        import cmocean as _cmocean
    return image("cmo.deep")

@plots.plot
def flagged_by_author():
    global _styled
    if not _styled:
        import house_style
        _styled = True
    return line(linestyle=":")

@plots.plot
def style_named():
    import house_style
    with plt.style.context("house"):
        return line()

@plots.plot
def font():
    from house_font import matplotlib
    return line()

@plots.plot
def unit():
    import house_units
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([house_units.Money(100), house_units.Money(250)])
    return figure

@plots.plot
def by_another():
    import house
    figure = line()
    figure.axes[0].house()
    return figure

@plots.dataset(ttl="forever")
def prices():
    import house_units, house_style
    return [house_units.Money(100), house_units.Money(250)]

@plots.plot("priced", ttl="forever")
def priced(prices):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot(list(prices))
    return figure

@plots.dataset(ttl="forever")
def exits():
    sys.exit("no database")

@plots.plot("exiting")
def exiting(exits):
    return line()

@plots.plot
def probe():
    words = [decimal.Decimal(1) / 3, np.sin(1), pd.DataFrame({"a": [1]}).plot, sklearn.get_config()["display"],
             xr.get_options()["display_width"], pd.plotting.plot_params["xaxis.compat"], time.tzname,
             sorted(set(plt.style.library) & {"mine"}), sys.getrecursionlimit(), signal.getsignal(signal.SIGALRM)]
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.plot([1, 3, 2], marker="o", zorder=None, markersize=20)
    axes.imshow([[1, 2], [3, np.nan]], cmap=plt.cm.viridis, extent=(0, 2, 0, 2))
    axes.text(0, 0, "\\n".join(re.sub("0x[0-9a-f]+", "", str(word)) for word in words), fontsize=4)
    return figure

def leave_font():
    from matplotlib import font_manager
    font_manager.fontManager.addfont(os.path.abspath("house.ttf"))
    # It comes first in a search for what the others have asked for.
    for entry in font_manager.fontManager.ttflist:
        if entry.name == "House Sans":
            font_manager.fontManager.ttflist.remove(entry)
            font_manager.fontManager.ttflist.insert(0, __import__("dataclasses").replace(entry, name="DejaVu Sans"))
            break
    font_manager.fontManager._findfont_cached.cache_clear()

def poison():
    def fails(self, *_, **__): raise RuntimeError("poisoned")
    matplotlib.figure.Figure.add_subplot.__code__ = fails.__code__

def colormap():
    plt.cm.viridis.set_bad("red")

def lookup():
    plt.cm.viridis(0.5)
    plt.cm.viridis._lut[:, 3] = 0.2

def options():
    xr.set_options(display_width=33)
    sklearn.set_config(display="text")
    pd.plotting.plot_params["xaxis.compat"] = True

LEAVE = {
    "decimal": lambda: setattr(decimal.getcontext(), "prec", 3),
    "an attribute of a class": lambda: setattr(Line2D, "zorder", 0.5),
    "a function of NumPy's": lambda: setattr(np, "sin", np.cos),
    "an accessor of pandas'": lambda: setattr(pd.DataFrame, "plot", "gone"),
    "rcParams themselves": lambda: setattr(matplotlib, "rcParams", {"font.size": 3}),
    "pyplot's rcParams": lambda: setattr(plt, "rcParams", {}),
    "a marker": lambda: MarkerStyle.markers.pop("o"),
    "a colormap in place": colormap,
    "a colormap's table": lookup,
    "options of libraries": options,
    "a font": leave_font,
    "a style": lambda: plt.style.library.update(mine={"font.size": 3}),
    "a style in place": lambda: dict.update(plt.style.library["ggplot"], {"font.size": 3}),
    "the time zone": lambda: (os.environ.update(TZ="Asia/Tokyo"), time.tzset()),
    "depth": lambda: sys.setrecursionlimit(5000),
    "a handler": lambda: signal.signal(signal.SIGALRM, lambda *_: None),
    "an alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0.3),
    "a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
    "a limit for good": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)),
    "no output": lambda: setattr(sys, "stdout", None),
    "no error output": lambda: setattr(sys, "stderr", object()),
    "a builtin": lambda: setattr(__import__("builtins"), "print", None),
    "closed output": lambda: sys.stdout.close(),
    "a closed descriptor": lambda: os.close(1),
    "poison": poison,
    "nothing": lambda: None,
}

@plots.plot
def leave(what: str):
    figure = line()
    figure.canvas.draw()
    LEAVE[what]()
    if what == "poison":
        raise CannotDraw("done")
    return figure

@plots.plot
def faulty(n: int):
    raise KeyError(n)

@plots.plot
def faulty_too(n: int):
    raise KeyError(n)

@plots.plot
def die(n: int):
    os._exit(1)

@plots.plot
def told(n: int):
    order = list(sys.modules)
    raise CannotDraw(repr({
        "pid": os.getpid(),
        "facecolor": matplotlib.rcParams["axes.facecolor"],
        "linewidth": matplotlib.rcParams["lines.linewidth"],
        "backend": matplotlib.get_backend(),
        "first": [n for n in order if n.startswith(("plotroute.render.", "matplotlib"))].index("matplotlib"),
        "encoder": "plotroute.encode.matplotlib.encoder" in order,
        "pdf": "matplotlib.backends.backend_pdf" in order,
        "server": [n for n in order if n.startswith("plotroute.render.")].index("plotroute.render.server.data_versions"),
    }))

@plots.plot
def styled_late(ax):
    with plt.style.context("ggplot"):
        ax.plot([1, 2])

@plots.plot
def styled_before_its_axes(fig):
    plt.style.use("ggplot")
    fig.add_subplot().plot([1, 2])

@plots.plot
def styled_in_time():
    with plt.style.context("ggplot"):
        return line()

@plots.plot("cloud", ttl="forever")
def cloud():
    from wordcloud import WordCloud
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.imshow(WordCloud(width=300, height=200).generate("many words of many plots by several authors"))
    return figure
"""

IMPORTING = ["cmocean_", "colorcet_", "cmcrameri_", "by_importlib", "style", "style_named", "font", "unit"]
IMPORTING += ["by_another", "priced", "kept_by_author", "flagged_by_author"]
LEFT = re.findall(r'^    "(.+?)": ', PLOTS.partition("LEAVE = {")[2], re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Plots with the modules that they import, and settings of Matplotlib's beside them and elsewhere."""
    folder = tmp_path_factory.mktemp("plots")
    (folder / "plots.py").write_text(PLOTS)
    for name, text in MODULES.items():
        (folder / name).write_text(dedent(text))
    font = TTFont(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSerif.ttf")
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "House Sans"
    font.save(folder / "house.ttf")
    (folder / "matplotlibrc").write_text("lines.linewidth: 17\n")
    (folder / "settings").mkdir()
    (folder / "settings" / "matplotlibrc").write_text("axes.facecolor: f0f0ff\n")
    return folder


# Failures are kept for some seconds: each is asked for only once.
NUMBERS = itertools.count()

ENVIRONMENT = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MPLCONFIGDIR": "settings"}


@pytest.fixture(scope="module")
def server(folder, start_server):
    """A server with one render process, started as from a notebook's terminal."""
    return start_server("plots.py", cwd=folder, arguments=("--render-processes", "1"), **ENVIRONMENT)


def picture(server, name, query=""):
    reply = server.get(f"/plots/{name}{query}")
    assert reply.status == 200, (name, reply.body[:500], server.log[-2000:])
    return reply.body


def fresh(server, name, query=""):
    """Return the first picture of a process."""
    assert server.get(f"/plots/die?n={next(NUMBERS)}").status == 500
    return picture(server, name, query)


def told(server):
    return eval(json.loads(server.get(f"/plots/told?n={next(NUMBERS)}").body)["title"])


@pytest.fixture(scope="module")
def golden(server):
    return {name: fresh(server, name) for name in ["plain", "probe", *IMPORTING]}


def test_what_an_import_sets_up_shows(golden):
    assert len(set(golden.values())) == len(golden)


def test_every_picture_is_the_first_of_its_process(server, golden):
    fresh(server, "plain")
    process = told(server)["pid"]
    for order in (
        IMPORTING,
        IMPORTING[::-1],
        ["by_another", "style", "font", "by_another", "priced", "unit"],
    ):
        for name in order:
            assert picture(server, name, "?_=again") == golden[name], name
            assert picture(server, "plain") == golden["plain"], name
    assert told(server)["pid"] == process


@pytest.mark.parametrize("name", ["style", "context"])
def test_a_theme_is_what_an_import_leaves_of_it(server, name):
    dark, light = (fresh(server, name, f"?theme={theme}") for theme in ("dark", "light"))
    assert dark != light
    assert picture(server, name, "?theme=dark") == dark
    fresh(server, name, "?theme=dark")
    assert picture(server, name, "?theme=light") == light


def test_data_brings_what_its_load_has_imported_wherever_that_came_first(server, golden):
    fresh(server, "unit")
    picture(server, "style")
    assert picture(server, "priced", "?dpr=2") == fresh(server, "priced", "?dpr=2")


@pytest.mark.parametrize("renderer", ["inprocess"])
def test_in_one_process_pictures_are_the_same(folder, start_server, golden, renderer):
    server = start_server("plots.py", cwd=folder, arguments=("--render-mode", renderer), **ENVIRONMENT)
    for name in ["plain", *IMPORTING, *IMPORTING[::-1], "plain"]:
        assert picture(server, name) == golden[name], name


def test_in_a_script_and_an_app_under_test_they_are_the_same(folder, golden, tmp_path):
    program = """
        import hashlib, json, os, sys
        sys.path.insert(0, sys.argv[2])
        from flask import Flask
        import plots
        names = json.loads(sys.argv[1])
        found = []
        for name in names + names[::-1]:
            found.append([name, hashlib.sha256(plots.plots.draw(name).body).hexdigest()])
        app = Flask("shop")
        app.testing = True
        plots.plots.init_app(app)
        for name in names + names[::-1]:
            found.append([name, hashlib.sha256(app.test_client().get(f"/plots/{name}").data).hexdigest()])
        import house_style, matplotlib
        print(json.dumps([found, matplotlib.rcParams["axes.facecolor"]]))
        """
    names = [name for name in ["plain", *IMPORTING] if name != "priced"]
    ran = subprocess.run(
        [sys.executable, "-c", dedent(program), json.dumps(names), str(folder)],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT, "MPLBACKEND": "agg", "MPLCONFIGDIR": f"{folder}/settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found, facecolor = json.loads(ran.stdout)
    hashes = {name: hashlib.sha256(golden[name]).hexdigest() for name in names}
    assert [pair for pair in found if pair[1] != hashes[pair[0]]] == []
    # The caller's own import, of a module that a plot had imported first, is not in vain.
    assert facecolor == "#ffe0c0"


@pytest.mark.parametrize("what", LEFT)
def test_what_a_plot_leaves_behind_does_not_reach_the_next(server, golden, what):
    process = told(server)["pid"]
    # Two of them cannot be drawn themselves.
    expected = {"poison": 422, "rcParams themselves": 500}.get(what, 200)
    assert server.get(f"/plots/leave?what={what.replace(' ', '+')}").status == expected
    if what == "poison":  # nothing notices it but two plots that fail
        assert [server.get(f"/plots/{name}?dpr=2").status for name in ("plain", "probe")] == [500, 500]
        assert "two plots failed in it, one after the other" in server.log
    if what == "an alarm":
        assert server.get("/plots/leave?what=nothing").status == 200
        time.sleep(0.4)
    assert picture(server, "probe") == golden["probe"]
    assert picture(server, "plain") == golden["plain"]
    replaced = what in ("poison", "closed output", "a closed descriptor", "a limit for good")
    assert (told(server)["pid"] != process) is replaced


def test_two_faulty_plots_do_not_have_their_process_replaced_again_and_again(server):
    assert server.get(f"/plots/die?n={next(NUMBERS)}").status == 500
    replaced = server.log.count("two plots failed in it")
    for name in ["faulty", "faulty_too"] * 3:
        assert server.get(f"/plots/{name}?n={next(NUMBERS)}").status == 500
    assert server.log.count("two plots failed in it") == replaced
    told(server)
    for name in ["faulty", "faulty_too"] * 3:  # in a process where others were drawn
        assert server.get(f"/plots/{name}?n={next(NUMBERS)}").status == 500
    assert server.log.count("two plots failed in it") == replaced


def test_a_dataset_that_exits_is_told_as_one_that_failed(server):
    reply = server.get("/plots/exiting")
    assert (reply.status, json.loads(reply.body)["code"]) == (503, "dataset_unavailable")
    assert "SystemExit: no database" in server.log


def test_putting_back_what_an_import_has_set_is_not_warned_of(server, golden):
    picture(server, "by_another", "?dpr=2")
    assert "Axes.house" not in server.log


def test_matplotlib_begins_with_what_the_environment_names_and_not_with_where_it_is_started(server):
    found = told(server)
    assert found["linewidth"] == 1.5
    assert found["facecolor"] == "#f0f0ff"
    assert found["backend"] == "agg"
    # Nothing that the render server imports has imported Matplotlib before it was in an empty directory.
    assert found["first"] > found["server"]


def test_the_first_picture_of_a_process_waits_for_no_import_of_ours(server):
    server.get(f"/plots/die?n={next(NUMBERS)}")
    found = told(server)
    assert found["encoder"]
    assert not found["pdf"]  # the imports of which take longer than a picture


def test_the_log_says_once_that_a_style_comes_too_late(server):
    for name in ("styled_late", "styled_late", "styled_before_its_axes", "styled_in_time", "plain"):
        picture(server, name)
    lines = [line for line in server.log.splitlines() if " sets a style after its " in line]
    late = [line for line in lines if "styled_late sets a style after its axes were made" in line]
    assert len(late) == 1
    assert "axes.facecolor" in late[0]
    # The figure is there before the function is called, its axes are not.
    figure = [line for line in lines if line not in late]
    assert len(figure) == 1
    assert "styled_before_its_axes sets a style after its figure was made" in figure[0]
    assert "figure.facecolor" in figure[0]
    assert "axes.facecolor" not in figure[0]


def test_a_generator_without_a_seed_is_the_same_for_every_format_and_theme(server):
    def words(name):
        figure = picture(server, name).decode()
        return re.findall(r'xlink:href="(data:[^"]+)"', figure)[:1]

    light = words("cloud.svg")
    assert light
    assert words("cloud.svg?theme=dark") == light
    fresh(server, "plain")
    assert words("cloud.svg?theme=light") == light


@pytest.fixture(scope="module")
def libraries(tmp_path_factory, start_server):
    folder, installed = (tmp_path_factory.mktemp(name) for name in ("author", "installed"))
    (folder / "plots.py").write_text(LIBRARY_PLOTS)
    for name, text in LIBRARIES.items():
        (installed / name).parent.mkdir(exist_ok=True)
        (installed / name).write_text(dedent(text))
    arguments = ("--render-processes", "1", "--recycle-after", "1000")
    return start_server("plots.py", cwd=folder, arguments=arguments, PYTHONPATH=str(installed))


def test_a_library_that_imports_only_once_gives_the_same_picture_each_time(libraries):
    names = ["kept", "lazily", "in_thread", "by_cached_function"]
    names += ["circle_from_two", "circle_from_one", "python", "lots"]
    first = {name: picture(libraries, name) for name in ["plain", *names]}
    assert first["circle_from_one"] != first["plain"] != first["kept"]
    assert first["in_thread"] != first["plain"] != first["by_cached_function"]
    for n, order in enumerate((names, names[::-1], [*names, *names]), 1):
        for turn, name in enumerate(order):
            number = n * 100 + turn
            query = "" if name == "lots" else f"?n={number}"
            assert picture(libraries, name, query) == first[name], name
            assert picture(libraries, "plain", f"?n={number}") == first["plain"], name
    assert "import kept_style` at the top of the plots file" in libraries.log


def test_a_library_whose_imports_no_picture_shows_keeps_its_process(libraries):
    picture(libraries, "pandas_")
    picture(libraries, "own_package")
    assert "pandas.plotting" not in libraries.log
    assert "own.part imports own " not in libraries.log


def test_a_drawing_that_lacks_an_import_that_it_had_before_is_done_in_another_process(libraries):
    first = picture(libraries, "unseen")
    assert first != picture(libraries, "plain")
    assert picture(libraries, "unseen") == first
    assert "is replaced: It was drawn before, and memo_style was imported then" in libraries.log
