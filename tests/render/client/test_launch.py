"""How a render server is started, and the environment that author code sees in it."""

import gc
import os
import sys

import pytest

from plotroute.render.client.launch import launch, render_environment

# What author code sees of the environment


def test_settings_and_secrets_of_plotroute_are_kept_from_author_code():
    given = {
        "PATH": "/bin",
        "DATABASE_URL": "postgres://",
        "MY_PLOTROUTE_KEY": "mine",
        "PLOTROUTE_SOCKET": "/tmp/render.sock",
        "PLOTROUTE_PARENT": "1",
        "PLOTROUTE_RENDER_PROCESSES": "2",
        "PLOTROUTE_ANYTHING": "secret",
        "PLOTROUTE_ROLE": "web",
    }
    before = dict(given)
    found = render_environment(given)
    assert given == before
    assert {name: found[name] for name in ("PATH", "DATABASE_URL", "MY_PLOTROUTE_KEY")} == {
        "PATH": "/bin",
        "DATABASE_URL": "postgres://",
        "MY_PLOTROUTE_KEY": "mine",
    }
    assert {name for name in found if name.startswith("PLOTROUTE_")} == {"PLOTROUTE_ROLE"}
    assert found["PLOTROUTE_ROLE"] == "render"


def test_the_name_of_a_release_is_for_author_code_too():
    assert render_environment({"PLOTROUTE_RELEASE": "v7"})["PLOTROUTE_RELEASE"] == "v7"


def test_sets_have_one_order_in_every_process_unless_the_user_says_otherwise():
    assert render_environment({})["PYTHONHASHSEED"] == "0"
    assert render_environment({"PYTHONHASHSEED": "42"})["PYTHONHASHSEED"] == "42"


def test_what_a_plot_really_sees(write_plots, tmp_path, start_server):
    write_plots("""
        import os
        from plotroute import CannotDraw, Plots
        plots = Plots()
        @plots.plot(ttl="forever")
        def sees():
            names = sorted(name for name in os.environ if name.startswith("PLOTROUTE_"))
            raise CannotDraw(f"{os.environ['OF_THE_AUTHOR']}: {' '.join(names)}")
    """)
    server = start_server("plots.py", cwd=tmp_path, PLOTROUTE_RENDER_PROCESSES="1", OF_THE_AUTHOR="kept")
    assert b'"kept: PLOTROUTE_ROLE"' in server.get("/plots/sees").body


# The interpreter


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """Have a program, in the shell's language, in place of Python."""

    def put(program):
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{program}\n")
        file.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(file))
        monkeypatch.chdir(tmp_path)

    return put


def test_it_is_told_what_it_needs_and_nothing_is_left_open(interpreter, tmp_path):
    interpreter('echo "$@" "$PYTHONPATH" > arguments; cat > configuration')
    assert launch({"path": ["/a", "/b"], "words": "\udcff"}).wait(60) == 0
    assert (tmp_path / "arguments").read_text() == "-P -m plotroute.render.server /a:/b\n"
    assert (tmp_path / "configuration").read_text().count("\n") == 1
    gc.collect()  # a pipe that was not closed would be a warning, and so a failure


@pytest.mark.parametrize("size", [10, 10_000_000])
def test_one_that_ends_before_it_has_listened_is_no_exception(interpreter, size):
    interpreter("exit 7")
    assert launch({"words": "x" * size}).wait(60) == 7
    gc.collect()


def test_a_detached_one_is_not_in_its_parents_group(interpreter, tmp_path):
    interpreter("cut -d ' ' -f 5 /proc/$$/stat > group")
    for detached in (False, True):
        child = launch({}, detached=detached)
        assert child.wait(60) == 0
        group = int((tmp_path / "group").read_text())
        assert group == (child.pid if detached else os.getpgid(0))
