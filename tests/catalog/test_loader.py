"""The loader: what is the author's code, and what happens when it is imported again and again."""

import dataclasses
import inspect
import os
import pickle
import subprocess
import sys
from textwrap import dedent

import pytest

from catalog.authoring import ONE_PLOT, write
from plotroute.catalog import author_code, loader
from plotroute.catalog.catalog import complete
from plotroute.errors import BadRegistration, CannotLoad

# Leave the import system as it was.
pytestmark = pytest.mark.usefixtures("process_state")


def names(loaded):
    return [plot.function.__name__ for registry in loaded.registries for plot in registry.plots]


def failure(*targets):
    with pytest.raises(CannotLoad) as caught:
        loader.load(targets)
    return caught.value


# Targets


def test_a_file(folder):
    file = write(folder / "plots.py", ONE_PLOT)
    loaded = loader.load(["plots.py"])
    assert names(loaded) == ["sine"]
    assert loaded.root == folder
    assert loaded.files == (file,)
    assert sys.modules["plots"].sine.__module__ == "plots"


@pytest.mark.parametrize(
    "name", ["my-plots.py", "2024.py", "a.b.py", "plots.txt", "größe.py", "with space.py"]
)
def test_a_file_by_any_name(folder, name):
    write(folder / name, ONE_PLOT)
    loaded = loader.load([name])
    assert names(loaded) == ["sine"]
    assert folder / name in author_code.code_files([name])
    sine = loaded.registries[0].plots[0].function
    assert inspect.getsource(sine).endswith("def sine(): ...\n")
    assert pickle.loads(pickle.dumps(sine)) is sine


def test_one_plots_of_a_file(folder):
    write(folder / "plots.py", ONE_PLOT + "    others = Plots()\n    @others.plot\n    def cosine(): ...\n")
    assert names(loader.load(["plots.py"])) == ["sine", "cosine"]
    assert names(loader.load(["plots.py:others"])) == ["cosine"]


def test_a_folder(folder):
    write(folder / "b.py", ONE_PLOT)
    write(folder / "a.py", ONE_PLOT.replace("sine", "cosine"))
    write(folder / "_draft.py", "raise SystemExit")
    write(folder / "train.py", "raise SystemExit  # a script that knows nothing of plotroute")
    write(folder / "deeper" / "c.py", ONE_PLOT)
    loaded = loader.load(["."])
    assert names(loaded) == ["cosine", "sine"]
    assert loaded.files == (folder / "a.py", folder / "b.py")


@pytest.mark.parametrize("first", ["base", "zbase"])
def test_a_folder_whose_files_share_one_plots(folder, first):
    write(folder / f"{first}.py", ONE_PLOT)
    write(folder / "more.py", f"from {first} import plots as mine\n@mine.plot\ndef more(): ...\n")
    loaded = loader.load([str(folder)])
    assert len(loaded.registries) == 1
    assert sorted(names(loaded)) == ["more", "sine"]


def test_a_folder_whose_plots_include_the_others(folder):
    write(folder / "finance.py", ONE_PLOT)
    write(
        folder / "plots.py",
        """
        import finance
        from plotroute import Plots
        plots = Plots()
        plots.include(finance.plots, prefix="money")
        """,
    )
    for targets in (["."], ["plots.py"], ["finance.py", "plots.py"]):
        (registry,) = loader.load(targets).registries
        assert [prefix for prefix, _ in registry.walk()] == ["", "money/"]


def test_a_module(folder):
    write(folder / "shop" / "__init__.py", "")
    write(folder / "shop" / "numbers.py", "one = 1")
    write(folder / "shop" / "charts.py", "from .numbers import one\n" + dedent(ONE_PLOT))
    loaded = loader.load(["shop.charts:plots"])
    assert names(loaded) == ["sine"]
    assert loaded.root == folder
    assert names(loader.load(["shop.charts"])) == ["sine"]
    assert {file.name for file in author_code.code_files(["shop.charts"])} == {
        "__init__.py",
        "charts.py",
        "numbers.py",
    }


def test_a_module_of_a_namespace_package(folder):
    write(folder / "shop" / "charts.py", ONE_PLOT)
    first = loader.load(["shop.charts:plots"])
    assert loader.load(["shop.charts:plots"]).registries[0] is not first.registries[0]
    assert author_code.code_files(["shop.charts:plots"]) == (folder / "shop" / "charts.py",)


def test_a_module_elsewhere_on_the_path(folder, tmp_path):
    write(tmp_path / "lib" / "shopcharts.py", ONE_PLOT)
    sys.path.append(str(tmp_path / "lib"))
    assert loader.load(["shopcharts:plots"]).root == tmp_path / "lib"
    assert sys.path[-1] == str(tmp_path / "lib")


def test_an_installed_module_is_its_own_code_only(folder, tmp_path):
    site = tmp_path / "site-packages"
    file = write(site / "shopcharts.py", ONE_PLOT)
    write(site / "somebody_elses.py", "")
    sys.path.append(str(site))
    assert author_code.code_files(["shopcharts:plots"]) == (file,)
    assert loader.load(["shopcharts:plots"]).root == folder


def test_several_targets(folder):
    write(folder / "a" / "plots.py", "import helpers_of_a\n" + dedent(ONE_PLOT))
    write(folder / "a" / "helpers_of_a.py", "")
    write(folder / "b" / "plots.py", ONE_PLOT.replace("sine", "cosine"))
    loaded = loader.load(["a/plots.py", "b/plots.py", "a/plots.py"])
    assert names(loaded) == ["sine", "cosine"]
    assert loaded.root == folder / "a"
    assert sys.path[:2] == [str(folder / "a"), str(folder / "b")]


def test_two_folders_with_helpers_of_one_name_are_refused(folder):
    for name in "ab":
        write(folder / name / "plots.py", f"import helpers\n{dedent(ONE_PLOT)}")
        write(folder / name / "helpers.py", "")
    assert "helpers.py have the same name" in str(failure("a/plots.py", "b/plots.py"))


def test_targets_that_survive_a_change_of_directory(folder, monkeypatch):
    write(folder / "deep" / "plots.py", ONE_PLOT)
    write(folder / "shop" / "__init__.py", ONE_PLOT)
    targets = ["deep/plots.py", "deep", "shop:plots", "deep/plots.py:plots", "deep/plots"]
    spelled = author_code.absolute(targets)
    roots = [author_code.root_of([target]) for target in targets]
    assert roots == [folder / "deep", folder / "deep", folder, folder / "deep", folder / "deep"]
    monkeypatch.chdir("/")
    assert author_code.absolute(spelled) == spelled
    assert [author_code.root_of([target]) for target in spelled] == roots
    assert len(loader.load(spelled).registries) == 2


# The import


def test_helpers_are_found_while_loading_and_later(folder):
    write(folder / "helpers.py", "answer = 42")
    write(folder / "later.py", "answer = 43")
    write(
        folder / "plots.py",
        ONE_PLOT + "    import helpers\n    def late():\n        import later\n        return later\n",
    )
    loader.load(["plots.py"])
    plots = sys.modules["plots"]
    assert plots.helpers.answer == 42
    assert plots.late().answer == 43
    assert sys.path[0] == str(folder)


def test_no_bytecode_beside_the_authors_files(folder):
    write(folder / "helpers.py", "")
    write(folder / "plots.py", "import helpers\n" + dedent(ONE_PLOT))
    loader.load(["plots.py"])
    assert sorted(os.listdir(folder)) == ["helpers.py", "plots.py"]


@pytest.mark.parametrize("name", ["random", "pytest", "json", "plotroute", "sys"])
def test_a_file_with_the_name_of_another_module(folder, name):
    write(folder / f"{name}.py", f"import {name} as other\n{dedent(ONE_PLOT)}")
    other = sys.modules[name]
    loaded = loader.load([f"{name}.py"])
    assert names(loaded) == ["sine"]
    assert sys.modules[name] is other
    function = loaded.registries[0].plots[0].function
    assert function.__module__ == f"plotsfile1_{name}"
    assert function.__globals__["other"] is other
    assert pickle.loads(pickle.dumps(function)) is function


def test_a_file_with_the_name_of_a_package_that_it_imports(folder, tmp_path):
    write(tmp_path / "lib" / "drawing.py", "real = True")
    sys.path.append(str(tmp_path / "lib"))
    write(folder / "drawing.py", "from drawing import real\n" + dedent(ONE_PLOT))
    assert names(loader.load(["drawing.py"])) == ["sine"]
    assert sys.modules["drawing"].__file__ == str(tmp_path / "lib" / "drawing.py")


def test_dataclasses_and_postponed_hints(folder):
    write(
        folder / "plots.py",
        """
        from __future__ import annotations
        from dataclasses import dataclass
        import typing
        from plotroute import Plots
        plots = Plots()
        @dataclass
        class Span:
            first: int
        def span(s: Span): ...
        hints = typing.get_type_hints(span)
        """,
    )
    loader.load(["plots.py"])
    module = sys.modules["plots"]
    assert module.hints == {"s": module.Span}
    assert pickle.loads(pickle.dumps(module.Span(1))) == module.Span(1)
    assert dataclasses.fields(module.Span)


def test_odd_objects_in_the_module_are_no_obstacle(folder):
    write(
        folder / "plots.py",
        ONE_PLOT
        + """
    class Odd:
        def __getattr__(self, name): raise RuntimeError(name)
    odd = Odd()
    import unittest.mock
    mock = unittest.mock.MagicMock()
    """,
    )
    assert names(loader.load(["plots.py"])) == ["sine"]


# Again


def test_reload_sees_two_saves_within_a_second_of_one_size(folder):
    helpers = write(folder / "helpers.py", "answer = 1")
    write(folder / "plots.py", "from helpers import answer\n" + dedent(ONE_PLOT))
    # Bytecode that someone else left, of the very second and size.
    subprocess.run([sys.executable, "-c", "import helpers"], cwd=folder, check=True)
    for answer in (1, 2, 3):
        helpers.write_text(f"answer = {answer}")
        os.utime(helpers, (1_700_000_000, 1_700_000_000))
        loader.load(["plots.py"])
        assert sys.modules["plots"].answer == answer
    assert inspect.getsource(sys.modules["helpers"]).strip() == "answer = 3"


def test_reload_forgets_modules_that_are_gone(folder):
    write(folder / "helpers.py", "")
    plots = write(folder / "plots.py", "import helpers\n" + dedent(ONE_PLOT))
    loader.load(["plots.py"])
    (folder / "helpers.py").unlink()
    assert "plots.py, line 1: ModuleNotFoundError: No module named 'helpers'" in str(failure("plots.py"))
    assert "helpers" in sys.modules
    plots.write_text(dedent(ONE_PLOT))
    loader.load(["plots.py"])
    assert "helpers" not in sys.modules


@pytest.mark.parametrize(
    "broken", ["import helpers, new\n1/0", "import new\ndef", "import new\nraise KeyboardInterrupt"]
)
def test_a_failed_reload_leaves_the_version_before(folder, broken):
    write(folder / "helpers.py", "")
    write(folder / "new.py", "")
    plots = write(folder / "plots.py", "import helpers\n" + dedent(ONE_PLOT))
    loader.load(["plots.py"])
    before, path = dict(sys.modules), sys.path[:]
    plots.write_text(broken)
    with pytest.raises((CannotLoad, KeyboardInterrupt)):
        loader.load(["plots.py"])
    assert sys.modules == before
    assert all(sys.modules[name] is before[name] for name in ("plots", "helpers"))
    assert sys.path == path
    plots.write_text(dedent(ONE_PLOT))
    assert names(loader.load(["plots.py"])) == ["sine"]
    assert sys.modules["plots"] is not before["plots"]


def test_reload_leaves_installed_packages_alone(folder):
    write(folder / ".venv" / "lib" / "hidden_installed.py", "")
    write(folder / "env" / "pyvenv.cfg", "")
    write(folder / "env" / "lib" / "env_installed.py", "")
    write(folder / "plots.py", "import hidden_installed, env_installed, json\n" + dedent(ONE_PLOT))
    sys.path += [str(folder / ".venv" / "lib"), str(folder / "env" / "lib")]
    loader.load(["plots.py"])
    before = [sys.modules[name] for name in ("hidden_installed", "env_installed", "json", "plotroute")]
    loader.load(["plots.py"])
    assert [sys.modules[module.__name__] for module in before] == before


def test_another_target_replaces_the_one_before(folder):
    write(folder / "a" / "plots.py", ONE_PLOT)
    write(folder / "b" / "plots.py", ONE_PLOT)
    loader.load(["a/plots.py"])
    loader.load(["b/plots.py"])
    assert sys.modules["plots"].__file__ == str(folder / "b" / "plots.py")
    assert str(folder / "a") not in sys.path


# What goes wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef (", "plots.py, line 2: SyntaxError: invalid syntax"),
        ("if 1:\nx = 1", "plots.py, line 2: IndentationError: expected an indented block"),
        ("x = 1\n\n1/0", "plots.py, line 3: ZeroDivisionError: division by zero"),
        ("import helpers", "helpers.py, line 2: NameError: name 'nowhere' is not defined"),
        ("import deep.broken", os.path.join("deep", "broken.py") + ", line 1: SyntaxError"),
        ("import json\njson.loads('{')", "plots.py, line 2: json.decoder.JSONDecodeError: Expecting"),
        ("eval('1 +')", "plots.py, line 1: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(2)", "plots.py, line 2: the file ends the program (sys.exit)"),
        ("import argparse\np = argparse.ArgumentParser()\np.error('no')", "plots.py, line 3: the file ends"),
        ("raise ValueError('one\\ntwo')", "plots.py, line 1: ValueError: one"),
        ("class E(Exception):\n def __str__(self): 1/0\nraise E", "plots.py, line 3: plots.E"),
        ("raise ExceptionGroup('several', [ValueError('one')])", "plots.py, line 1: ExceptionGroup: several"),
        ("from . import sales", "package.module:plots"),
    ],
)
def test_what_is_wrong_and_where(folder, text, message):
    write(folder / "plots.py", text)
    write(folder / "helpers.py", "\nnowhere")
    write(folder / "deep" / "broken.py", "def (")
    error = failure("plots.py")
    assert message in str(error)
    assert "\n" not in str(error)
    assert "loader.py" not in error.detail
    assert "importlib" not in error.detail


def test_the_traceback_begins_with_the_author(folder):
    write(
        folder / "helpers.py",
        """\
        def deep():
            try:
                1/0
            except ZeroDivisionError as error:
                raise ValueError("no") from error
        """,
    )
    write(folder / "plots.py", "import helpers\nhelpers.deep()")
    detail = failure("plots.py").detail
    frames = [line.strip() for line in detail.splitlines() if line.startswith("  File ")]
    assert frames == [
        f'File "{folder / "helpers.py"}", line 3, in deep',
        f'File "{folder / "plots.py"}", line 2, in <module>',
        f'File "{folder / "helpers.py"}", line 5, in deep',
    ]
    assert "helpers.deep()" in detail
    assert detail.endswith("ValueError: no\n")


def test_a_bad_registration_keeps_its_words(folder):
    write(
        folder / "plots.py",
        """\
        from plotroute import Plots
        plots = Plots()
        @plots.dataset
        def sales(): ...
        @plots.dataset
        def sales(): ...
        """,
    )
    with pytest.raises(BadRegistration, match=r"^Two datasets are named 'sales': .*line 3 and .*line 5"):
        complete(loader.load(["plots.py"]).registries)


def test_a_package_that_is_not_installed(folder):
    plots = write(folder / "plots.py", "import no_such_package.sub")
    assert f"{sys.executable} -m pip install no_such_package" in str(failure("plots.py"))
    plots.write_text("import json.no_such_part")
    assert "pip install" not in str(failure("plots.py"))
    plots.write_text("raise ModuleNotFoundError('skimage', name='skimage')")
    assert "pip install scikit-image" in str(failure("plots.py"))


@pytest.mark.parametrize(
    "target", ["plots.py", "no/folder", "nowhere", "nowhere.charts:plots", "no/nowhere:plots"]
)
def test_nothing_there(folder, target):
    error = failure(target)
    assert target.split("/")[-1].split(":")[0] in str(error)
    assert str(folder) in str(error)
    assert "`plotroute new`" in str(error)


def test_a_script_without_plots(folder):
    write(folder / "script.py", "print")
    for target in ("script.py", "script:plots", "."):
        text = str(failure(target))
        for line in ("from plotroute import Plots", "plots = Plots()", "@plots.plot"):
            assert line in text


def test_another_attribute(folder):
    write(folder / "charts.py", ONE_PLOT.replace("plots", "sales"))
    assert "charts:plots is not a Plots. The module has charts:sales." in str(failure("charts:plots"))


def test_a_notebook(folder):
    write(folder / "analysis.ipynb", "{}")
    text = str(failure("analysis.ipynb"))
    assert "jupyter nbconvert --to script analysis.ipynb" in text
    assert "@plots.plot" in text


def test_a_file_that_is_no_text(folder):
    (folder / "plots.py").write_bytes(b"\x89PNG\x00\xff")
    assert str(failure("plots.py")).startswith("plots.py")


def test_a_module_that_does_not_know_its_file_yet_is_asked_again(folder, monkeypatch):
    write(folder / "plots.py", ONE_PLOT)
    loader.load(["."])

    class Lazy:
        ready = False

        @property
        def __file__(self):
            if not self.ready:
                raise RuntimeError
            return str(folder / "lazy.py")

    lazy = Lazy()
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    assert lazy not in loader.modules()
    lazy.ready = True
    assert lazy in loader.modules()
