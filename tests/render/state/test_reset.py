"""What a plot does to the process is gone before the next one is drawn."""

import contextlib
import copy
import io
import json
import locale
import os
import subprocess
import sys
import tempfile
import warnings
from datetime import datetime, timedelta
from textwrap import dedent

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from matplotlib import cycler, dates, units
from matplotlib.colors import ListedColormap

from plotroute.render.state.reset import State


def picture():
    """A picture that shows whatever one of the plots below may have left behind."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(4, 2))
    start = datetime(2024, 1, 1)
    # Seconds, because there Matplotlib's labels and those of pandas' converters differ.
    left.plot([start + timedelta(seconds=n) for n in range(4)], [1, 3, 2, 4], "b")
    right.plot([0, 1], [0, 1])
    left.set_title(r"$a=b$")
    right.imshow([[1.0, 2.0], [3.0, np.nan]], cmap=plt.cm.viridis)
    right.set_title(str(pd.Series([1.23456])) + str(np.array([1.23456])), fontsize=5)
    return png(figure)


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.fixture
def state():
    """The process as it is now, put back afterwards even by a State that does not work."""
    before = os.getcwd(), dict(os.environ), warnings.filters[:], locale.setlocale(locale.LC_ALL)
    numbers, printing = np.geterr(), np.get_printoptions()
    rc, converters = copy.deepcopy(dict(mpl.rcParams)), dict(units.registry)
    pd.plotting.deregister_matplotlib_converters()  # other tests may have plotted with pandas
    plt.close("all")
    yield State()
    plt.close("all")
    mpl.rcParams.update(rc)
    units.registry.clear()
    units.registry.update(converters)
    plt.switch_backend("agg")
    os.chdir(before[0])
    os.environ.clear()
    os.environ.update(before[1])
    warnings.filters[:] = before[2]
    locale.setlocale(locale.LC_ALL, before[3])
    np.seterr(**numbers)
    np.set_printoptions(**printing)


def broken_formula():
    figure, axes = plt.subplots()
    axes.set_title(r"$\sin_$")
    with contextlib.suppress(ValueError):
        figure.canvas.draw()


def plot_of_pandas_with_dates():
    pd.Series(range(4), index=pd.date_range("2024-01-01", periods=4)).plot()
    # What pandas does when it first plots, which in this process may be long ago.
    pd.plotting.register_matplotlib_converters()


def error_in_the_middle():
    plt.subplots()
    plt.rcParams["axes.facecolor"] = "red"
    with contextlib.suppress(RuntimeError), plt.rc_context({"lines.linewidth": 9}):
        raise RuntimeError


LEAVES_TRACES = {
    "rcParams": lambda: plt.rcParams.update({"lines.linewidth": 9, "axes.facecolor": "red"}),
    "rc": lambda: plt.rc("font", size=20),
    "rcParams, a list in place": lambda: plt.rcParams["font.sans-serif"].insert(0, "DejaVu Serif"),
    "rcParams, the cycle": lambda: plt.rcParams.update({"axes.prop_cycle": cycler(color=["red"])}),
    "rcdefaults": lambda: (plt.rcParams.update({"font.size": 30}), mpl.rcdefaults()),
    "style.use": lambda: plt.style.use("ggplot"),
    "style.use dark": lambda: plt.style.use("dark_background"),
    "sns.set_theme": lambda: sns.set_theme(style="darkgrid", color_codes=True),
    "sns.set_palette": lambda: sns.set_palette("Set2", color_codes=True),
    "sns.set_context": lambda: sns.set_context("poster"),
    "plt.xkcd": lambda: plt.xkcd(),
    "a broken formula": broken_formula,
    "dates of pandas": plot_of_pandas_with_dates,
    "a converter of units": lambda: units.registry.update({datetime: units.registry[str]}),
    "an option of pandas": lambda: pd.set_option("display.precision", 2),
    "np.set_printoptions": lambda: np.set_printoptions(precision=2),
    "a colormap": lambda: mpl.colormaps.register(
        ListedColormap(["red", "blue"], name="viridis_of_mine"), name="of_mine"
    ),
    "figures left open": lambda: [plt.figure() for _ in range(3)],
    "an error in the middle": error_in_the_middle,
    "another backend": lambda: mpl.use("svg"),
    "plt.ion": lambda: plt.ion(),
    "np.seterr": lambda: np.seterr(all="raise"),
    "a method of Matplotlib's": lambda: setattr(mpl.axes.Axes, "plot", lambda *_, **__: []),
    "a method over an inherited one": lambda: setattr(mpl.lines.Line2D, "get_visible", lambda _: False),
    "a class of Matplotlib's": lambda: setattr(
        mpl.image, "AxesImage", type("Empty", (mpl.image.AxesImage,), {"draw": lambda *_: None})
    ),
    "nothing": lambda: None,
}
# What does not show in this picture, or keeps it from being drawn.
INVISIBLE = {
    *("a colormap", "figures left open", "another backend", "plt.ion", "np.seterr", "nothing", "rcdefaults"),
    "a converter of units",
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", LEAVES_TRACES)
def test_the_next_picture_is_what_it_would_have_been(state, name):
    with state.clean():
        expected = picture()

    with state.clean():
        LEAVES_TRACES[name]()

    with state.clean():
        assert picture() == expected


@pytest.mark.parametrize("name", [name for name in LEAVES_TRACES if name not in INVISIBLE])
def test_without_a_reset_the_next_picture_would_be_another(state, name):
    with state.clean():
        expected = picture()

    with state.clean():
        LEAVES_TRACES[name]()
        assert picture() != expected


def test_a_picture_drawn_twice_is_the_same(state):
    pictures = set()
    for _ in range(3):
        with state.clean():
            pictures.add(picture())

    assert len(pictures) == 1


def test_what_an_author_sets_at_the_top_of_the_file_stays():
    with mpl.rc_context():
        sns.set_theme(style="darkgrid", color_codes=False)  # those are of all tests
        np_before = np.geterr()
        state = State()
        with state.clean():
            mpl.rcdefaults()
        assert mpl.rcParams["axes.facecolor"] == "#EAEAF2"
        assert np.geterr() == np_before


def changes(state, change, look):
    """(before, during, after) of what `look` sees of a change."""
    before = look()
    with state.clean():
        change()
        during = look()
    return before, during, look()


PUT_BACK = {
    "rcParams": (lambda: plt.rcParams.update({"font.size": 33}), lambda: mpl.rcParams["font.size"]),
    "the backend": (lambda: mpl.use("svg"), lambda: mpl.get_backend().lower()),
    "interactive mode": (lambda: plt.ion(), mpl.is_interactive),
    "np.seterr": (lambda: np.seterr(all="raise"), np.geterr),
    "the working directory": (lambda: os.chdir("/"), os.getcwd),
    "a new variable": (lambda: os.environ.update(PLOT_OF_MINE="1"), lambda: os.environ.get("PLOT_OF_MINE")),
    "a variable": (lambda: os.environ.update(PATH="/nowhere"), lambda: os.environ["PATH"]),
    "a deleted variable": (lambda: os.environ.pop("PATH"), lambda: os.environ.get("PATH")),
    "variables of subprocesses": (
        lambda: os.environ.update(PLOT_OF_MINE="1"),
        lambda: subprocess.run(["printenv", "PLOT_OF_MINE"], capture_output=True, check=False).stdout,
    ),
    "filters of warnings": (lambda: warnings.simplefilter("ignore"), lambda: warnings.filters[:]),
    "the locale": (lambda: other_locale(), lambda: locale.setlocale(locale.LC_ALL)),
    "options of pandas": (
        lambda: pd.set_option("display.max_rows", 3),
        lambda: pd.get_option("display.max_rows"),
    ),
    "colormaps": (
        lambda: mpl.colormaps.register(ListedColormap(["red"], name="of_mine")),
        lambda: "of_mine" in mpl.colormaps,
    ),
    "the registry of units": (lambda: units.registry.clear(), lambda: dict(units.registry)),
    "colour codes": (
        lambda: sns.set_color_codes("colorblind"),
        lambda: mpl.colors.get_named_colors_mapping()["b"],
    ),
    "open figures": (plt.figure, lambda: list(plt.get_fignums())),
    "the epoch of dates": (
        lambda: (dates._reset_epoch_test_example(), dates.set_epoch("2024-01-01")),
        dates.get_epoch,
    ),
}


def other_locale():
    locale.setlocale(locale.LC_CTYPE, "C" if "C." in locale.setlocale(locale.LC_CTYPE) else "C.UTF-8")


@pytest.mark.parametrize("name", PUT_BACK)
def test_everything_is_put_back(state, name):
    before, during, after = changes(state, *PUT_BACK[name])

    assert during != before
    assert after == before


@pytest.mark.parametrize("name", PUT_BACK)
def test_everything_is_put_back_after_an_error_too(state, name):
    change, look = PUT_BACK[name]
    before = look()

    with pytest.raises(RuntimeError), state.clean():
        change()
        raise RuntimeError

    assert look() == before


@pytest.mark.parametrize("name", PUT_BACK)
def test_a_plot_starts_from_the_state_whatever_happened_before_it(state, name):
    change, look = PUT_BACK[name]
    before = look()
    change()

    with state.clean():
        assert look() == before


def test_a_working_directory_that_is_gone_is_left(state):
    before = os.getcwd()

    with state.clean(), tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)

    assert os.getcwd() == before


def test_restoring_closes_figures(state):
    plt.figure()

    state.restore()

    assert plt.get_fignums() == []


def test_figures_that_were_open_before_survive(state):
    first, second = plt.figure(), plt.figure("mine")
    first.add_subplot().plot([1, 2, 3])
    plt.figure(first.number)
    drawn = png(first)

    with state.clean():
        assert plt.get_fignums() == []
        plt.figure().add_subplot()
        plt.close("all")

    assert [plt.figure(number) for number in plt.get_fignums()] == [first, second]
    assert png(first) == drawn


def test_the_current_figure_is_the_current_one_again(state):
    first, _ = plt.figure(), plt.figure()
    plt.figure(first.number)

    with state.clean():
        plt.figure()

    assert plt.gcf() is first


def test_figures_survive_an_error(state):
    figure = plt.figure()

    with pytest.raises(RuntimeError), state.clean():
        plt.figure()
        raise RuntimeError

    assert [plt.figure(number) for number in plt.get_fignums()] == [figure]


def test_a_figure_of_a_plot_is_drawn_the_same_whatever_is_open(state):
    with state.clean():
        expected = picture()
    plt.figure(figsize=(9, 9), facecolor="red")

    with state.clean():
        assert picture() == expected


@pytest.mark.parametrize("action", ["default", "error", "ignore", "always"])
def test_filters_of_warnings_are_put_back_whichever_there_were(action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        before = warnings.filters[:]
        state = State()

        for _ in range(3):
            with state.clean():
                warnings.simplefilter("ignore", UserWarning)

        assert warnings.filters == before


LAZY = {
    "a colormap of the plot's own": """
        import matplotlib as mpl
        from matplotlib.colors import ListedColormap
        mpl.colormaps.register(ListedColormap(["red", "blue"], name="of_mine"))
        figure, axes = plt.subplots()
        axes.imshow([[1, 2], [3, 4]], cmap="of_mine")
        return figure
        """,
    "a colormap of seaborn": """
        import seaborn as sns
        return sns.heatmap([[1, 2], [3, 4]], cmap="rocket").figure
        """,
    "dates of pandas": """
        import pandas as pd
        figure, axes = plt.subplots()
        pd.Series(range(40), index=pd.date_range("2024-01-01", periods=40)).plot(ax=axes)
        return figure
        """,
    "dates of pandas in another plot": """
        import pandas as pd
        figure, (left, right) = plt.subplots(1, 2)
        dates = pd.date_range("2024-01-01", periods=40)
        pd.DataFrame({"at": dates, "n": range(40)}).plot.scatter("at", "n", ax=left)
        right.plot(dates, range(40))
        return figure
        """,
}


@pytest.mark.parametrize("body", LAZY.values(), ids=LAZY)
def test_what_a_library_sets_up_when_a_plot_first_imports_it_is_there_for_the_next(body):
    program = dedent("""
        import hashlib, io, json
        from plotroute.render.state.reset import State, import_matplotlib
        import_matplotlib()
        import matplotlib.pyplot as plt
        state, found = State(), []
        for _ in range(2):
            with state.clean():
                file = io.BytesIO()
                draw().savefig(file, format="png")
                found.append(hashlib.sha256(file.getvalue()).hexdigest())
        print(json.dumps(found))
        """)
    function = "def draw():\n" + "\n".join("    " + line for line in dedent(body).strip().splitlines())
    ran = subprocess.run(
        [sys.executable, "-c", function + "\n" + program],
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    first, second = json.loads(ran.stdout)
    assert first == second


def test_a_matplotlibrc_in_the_working_directory_is_not_read(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 33\n")
    program = (
        "from plotroute.render.state.reset import import_matplotlib; import_matplotlib(); import_matplotlib(); "
        "import json, os, matplotlib; print(json.dumps([matplotlib.rcParams['font.size'], os.getcwd()]))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert json.loads(ran.stdout) == [10.0, str(tmp_path)]
