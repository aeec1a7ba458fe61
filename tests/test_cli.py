"""The command line, as its user types it."""

import io
import os
import subprocess
import sys

import PIL.Image
import pytest

from conftest import free_port
from plotroute import Image, __version__
from plotroute.cache.base import Stored
from plotroute.cache.disk import DiskCache, on_disk

PLOTS = '''
from plotroute import CannotDraw, Plots

print("a word of the author's")
plots = Plots()

@plots.dataset(ttl="forever")
def numbers(factor: int = 1):
    """Numbers."""
    return [factor, 2, 3]

@plots.plot(aliases=["old"])
def line(ax, numbers, color="red", tags: list[str] = []):
    """A line."""
    ax.plot(numbers, color=color)

@plots.plot("customers/<customer>")
def of_customer(ax, numbers, customer: int): ax.plot(numbers)

@plots.plot("/plot.svg")
def fixed(ax, numbers): ax.plot(numbers)

@plots.plot
def empty(ax): raise CannotDraw("no orders in this week")

@plots.plot
def broken(ax): raise ValueError("deep inside")

@plots.plot
def endless(ax):
    while True: pass
'''


@pytest.fixture
def run(tmp_path):
    """Run `plotroute …` in a folder of the test's own and return what it did."""

    def execute(*arguments, cwd=tmp_path, text=True, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PLOTROUTE_")}
        clean.pop("PORT", None)
        return subprocess.run(
            [sys.executable, "-m", "plotroute", *arguments],
            cwd=cwd,
            env={**clean, **environment},
            capture_output=True,
            text=text,
            timeout=60,
        )

    return execute


@pytest.fixture
def folder(write_plots):
    return write_plots(PLOTS).parent


def opened(source):
    """Return the format and size of a picture."""
    with PIL.Image.open(source) as image:
        return image.format, image.size


def refused(done, code=None):
    """Return the message of a command that said what is wrong in words."""
    assert done.returncode == code if code is not None else done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


# --help, --version


def test_help_names_every_command(run):
    done = run("-h")
    assert done.returncode == 0
    for command in ("dev", "serve", "list", "draw", "purge", "new"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("command", ["dev", "serve", "list", "draw", "purge", "new"])
def test_help_of_a_command(run, command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: python -m plotroute {command}")
    if command in ("dev", "serve"):
        assert "--render-timeout" in done.stdout
        assert "PLOTROUTE_RENDER_TIMEOUT" in done.stdout


def test_version(run):
    assert run("--version").stdout == f"plotroute, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["drow"], "No such command 'drow'"),
        (["list", "--nothing"], "--nothing"),
        ([], "Usage:"),
        (["draw"], "Missing argument 'NAME'"),
        (["serve", "--port", "70000"], "70000"),
    ],
)
def test_what_no_command_understands(run, arguments, told):
    assert told in refused(run(*arguments), 2)


# list


def test_list(run, folder):
    done = run("list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    start = lines.index("/plots/numbers/line  A line")
    assert lines[start + 1 : start + 6] == [
        "    also /plots/old",
        "    also /plots/line",
        "    color: str, default red",
        "    tags: list of str, default []",
        "    factor: int, default 1",
    ]
    assert "/plots/customers/<customer>  Of customer" in lines
    assert "    customer: int, required" in lines
    assert "/plot.svg  Fixed" in lines
    assert not any(line.startswith("/plot.png") for line in lines)


def test_list_of_a_folder_elsewhere(run, folder, tmp_path_factory):
    done = run("list", str(folder), cwd=tmp_path_factory.mktemp("elsewhere"))
    assert "/plots/numbers/line  A line" in done.stdout


# draw


def test_draw_into_the_working_directory(run, folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = run("draw", "numbers/line", str(folder / "plots.py"), cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert f"{elsewhere / 'line.png'}: <Image image/png" in done.stdout
    assert [file.name for file in elsewhere.iterdir()] == ["line.png"]
    assert opened(elsewhere / "line.png")[0] == "PNG"


def test_draw_with_parameters_and_options(run, folder):
    arguments = ["-p", "color=blue", "-p", "width=300", "-p", "height=200", "-p", "tags=a", "-p", "tags=b=c"]
    done = run("draw", "line", *arguments, "-o", "small.png")
    assert done.returncode == 0, done.stderr
    assert opened(folder / "small.png") == ("PNG", (300, 200))


@pytest.mark.parametrize(
    ("file", "start"),
    [
        ("x.svg", b"<?xml"),
        ("x.PDF", b"%PDF"),
        ("x.jpeg", b"\xff\xd8"),
        ("plain", b"\x89PNG"),
    ],
)
def test_the_suffix_is_the_format(run, folder, file, start):
    done = run("draw", "line", "-o", file)
    assert done.returncode == 0, done.stderr
    assert (folder / file).read_bytes().startswith(start)


def test_a_name_for_the_file_of_any_plot(run, folder):
    assert run("draw", "customers/<customer>", "-p", "customer=7").returncode == 0
    assert (folder / "customer.png").exists()
    assert run("draw", "/plot.svg").returncode == 0
    assert (folder / "plot.svg").read_bytes().startswith(b"<?xml")


def test_a_picture_on_stdout_and_nothing_else(run, folder):
    done = run("draw", "line", "-o", "-", text=False)
    assert done.returncode == 0, done.stderr
    assert opened(io.BytesIO(done.stdout))[0] == "PNG"
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stdout.endswith(b"IEND\xaeB`\x82")
    assert b"a word of the author's" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lin"], ["no plot named 'lin'", "did you mean 'numbers/line'?"]),
        (
            ["line", "-p", "colour=red", "-p", "factor=x"],
            ["2 parameters are wrong", "colour: ", "did you mean color?", "factor: 'x'"],
        ),
        (["customers/<customer>"], ["customer: is required"]),
        (["line", "-p", "color"], ["-p color", "NAME=VALUE"]),
        (["line", "-o", "x.gif"], ["x.gif", ".png", ".svg"]),
        (["line", "-o", "no/such/folder/x.png"], ["no/such/folder/x.png cannot be written"]),
        (["empty"], ["no orders in this week"]),
        (["line", "nowhere.py"], ["There is no file nowhere.py", "plotroute new"]),
        (["line", "no_such_module:plots"], ["There is no file, folder or module no_such_module"]),
    ],
)
def test_draw_says_what_is_wrong(run, folder, arguments, told):
    done = run("draw", *arguments)
    for words in told:
        assert words in refused(done)
    assert [file.name for file in folder.iterdir()] == ["plots.py"]


def test_the_fault_of_a_plot_is_shown_from_the_authors_line_on(run, folder):
    done = run("draw", "broken")
    assert done.returncode == 1
    assert "ValueError: deep inside" in done.stderr
    assert 'plots.py", line' in done.stderr
    assert "src/plotroute" not in done.stderr


def test_a_plot_that_never_ends_does_not_keep_the_command(run, folder):
    done = run("draw", "endless", PLOTROUTE_RENDER_TIMEOUT="0.2", PLOTROUTE_LOAD_TIMEOUT="0.2")
    assert "Drawing took longer" in refused(done, 1)


def test_without_a_plots_file(run):
    for command in (["list"], ["draw", "line"], ["serve"], ["dev"]):
        message = refused(run(*command), 2)
        assert "There is no file plots.py" in message
        assert "`plotroute new`" in message


# purge


@pytest.fixture
def cache(tmp_path):
    """A cache on disk, with two pictures of each of two plots."""
    cache = DiskCache(tmp_path / "cache", 2**24)
    for plot in ("numbers/line", "/plot.svg", "customers/<customer>"):
        for n in range(2):
            image = Image(body=b"picture", type="image/png")
            cache.put(f"{plot} {n}", Stored(image, f'W/"{n}"', 1000.0, None, plot))
    assert cache.flush()
    return cache


def kept(cache):
    """Return the plots whose pictures are all there, and fail where only some are."""
    plots = ("numbers/line", "/plot.svg", "customers/<customer>")
    found = {plot: [bool(cache.get(f"{plot} {n}")) for n in range(2)] for plot in plots}
    assert all(len(set(there)) == 1 for there in found.values())
    return {plot for plot, there in found.items() if there[0]}


@pytest.mark.parametrize(
    ("given", "plot"),
    [
        ("numbers/line", "numbers/line"),
        ("/plots/numbers/line", "numbers/line"),
        ("plots/numbers/line", "numbers/line"),
        ("customers/<customer>", "customers/<customer>"),
        ("/plots/customers/<customer>", "customers/<customer>"),
        ("/plot.svg", "/plot.svg"),
    ],
)
def test_purge_forgets_the_pictures_of_one_plot(run, cache, given, plot):
    before = kept(cache)
    done = run("purge", given, "--cache-dir", "cache")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Forgot 2 pictures of {plot}; the next request draws a new one.\n"
    assert kept(cache) == before - {plot}
    epochs = on_disk(cache._folder.path, 2**24).epochs
    assert epochs.of(plot)
    assert {epochs.of(other) for other in before - {plot}} == {""}


def test_purge_begins_another_epoch_each_time_and_needs_no_plots_file(run, cache, tmp_path):
    epochs = set()
    for _ in range(2):
        done = run("purge", "numbers/line", PLOTROUTE_CACHE_DIR=str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
        epochs.add(on_disk(tmp_path / "cache", 2**24).epochs.of("numbers/line"))
    assert len(epochs) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["line"], ["Missing option '--cache-dir'", "PLOTROUTE_CACHE_DIR"]),
        (["line", "--cache-dir", "nowhere"], ["--cache-dir", "nowhere", "does not exist"]),
        (["line", "--cache-dir", "plots.py"], ["--cache-dir", "plots.py", "is a file"]),
        (["--cache-dir", "."], ["Missing argument 'NAME'"]),
    ],
)
def test_purge_says_what_is_missing(run, folder, arguments, told):
    done = run("purge", *arguments)
    for words in told:
        assert words in refused(done, 2)


def test_purge_says_so_where_nothing_can_be_purged(run, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    done = run("purge", "line", "--cache-dir", "cache")
    assert "other users may write into it" in refused(done)
    assert "drawn anew" not in done.stdout


# new


def test_new_writes_a_file_that_draws(run, tmp_path):
    done = run("new")
    assert done.stdout == "Wrote plots.py. Now run:  plotroute dev\n"
    assert run("draw", "wave", "-p", "frequency=2").returncode == 0
    assert opened(tmp_path / "wave.png")[0] == "PNG"
    before = (tmp_path / "plots.py").read_text()
    assert "plots.py exists; name another file" in refused(run("new"), 1)
    assert (tmp_path / "plots.py").read_text() == before
    assert run("new", "more.py").stdout == "Wrote more.py. Now run:  plotroute dev more.py\n"
    assert "/plots/wave  A sine wave" in run("list", "more.py").stdout


def test_new_where_nothing_can_be_written(run):
    assert "no/plots.py cannot be written" in refused(run("new", "no/plots.py"), 1)


# serve and dev that cannot start


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_this_name\n", ["plots.py, line 1", "No module named 'nothing_of_this_name'"]),
        ("x = 1\ndef f(:\n", ["plots.py, line 2", "SyntaxError"]),
        ("import sys\nsys.exit(0)\n", ["plots.py, line 2", "sys.exit"]),
        ("x = 1\n", ["no Plots in plots.py", "from plotroute import Plots", "@plots.plot"]),
        (
            "from plotroute import Plots\nplots = Plots()\n@plots.plot\ndef f(oders): ...\n"
            "@plots.dataset\ndef orders(): ...\n",
            ["no dataset named 'oders'. Did you mean 'orders'?"],
        ),
    ],
)
def test_serve_ends_with_a_clear_message(run, write_plots, source, told):
    write_plots(source)
    done = run("serve", "--port", str(free_port()))
    assert done.returncode != 0
    for words in told:
        assert words in done.stderr
    assert "granian" not in done.stderr
    assert "src/plotroute" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--render-timeout", "abc"], {}, ["--render-timeout is 'abc'", "number"]),
        (["--threads", "1"], {}, ["--threads is '1'", "at least 2"]),
        ([], {"PLOTROUTE_THREADS": "1"}, ["PLOTROUTE_THREADS is '1'", "at least 2"]),
        (["--renderers", "many"], {}, ["--renderers is 'many'", "the name is now --render-processes"]),
        ([], {"PLOTROUTE_MAX_URL": "many"}, ["PLOTROUTE_MAX_URL is 'many'", "integer"]),
        ([], {"PLOTROUTE_THREAD": "8"}, ["PLOTROUTE_THREAD is not a setting", "PLOTROUTE_THREADS"]),
        ([], {"PORT": "many"}, ["PORT", "'many'"]),
        (["--site", "nowhere"], {}, ["--site", "nowhere"]),
    ],
)
def test_bad_settings(run, folder, arguments, environment, told):
    done = run("serve", *arguments, **environment)
    for words in told:
        assert words in refused(done, 2)


def test_a_bad_setting_stops_every_command(run, folder):
    for command in (["list"], ["draw", "line"], ["dev"]):
        assert "PLOTROUTE_X is not a setting" in refused(run(*command, PLOTROUTE_X="1"), 2)
