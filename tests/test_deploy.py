"""The files that deploy the demo, as far as that can be seen without Docker, Heroku and the network."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from conftest import free_port
from plotroute import cli, settings

ROOT = Path(__file__).resolve().parents[1]

# All processes but the render process, with a full cache of 16 MiB: measured with the demo, under load.
OTHERS = 250 * 2**20
DYNO = 512 * 2**20
ROUTER = 30.0


def instructions(stage=None):
    """Return the Dockerfile's instructions as (name, arguments), of all stages or of the last."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    found = [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]
    starts = [index for index, (name, _) in enumerate(found) if name == "FROM"]
    return found[starts[-1] :] if stage == "last" else found


def command(name):
    """Return the exec form of CMD, ENTRYPOINT or HEALTHCHECK."""
    (arguments,) = (arguments for found, arguments in instructions("last") if found == name)
    return json.loads(arguments[arguments.index("[") :])


def copied():
    """Return what is copied from the checkout: (source, destination)."""
    for name, arguments in instructions():
        if name == "COPY" and not arguments.startswith("--from="):
            *sources, destination = arguments.split()
            yield from ((source, destination) for source in sources)


def in_checkout(path):
    """Return the path in the checkout of what is at `path` in the image."""
    for source, destination in copied():
        if path == destination or path.startswith(destination + "/"):
            return str(ROOT / source) + path.removeprefix(destination)
    return path


def is_sent(path):
    """Whether .dockerignore lets `path` into the build: the last pattern that matches it or a parent decides."""
    sent = True
    parts = Path(path).parts
    above = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#"):
            expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
            if any(re.fullmatch(expression, one) for one in above):
                sent = line.startswith("!")
    return sent


def app_json():
    return json.loads((ROOT / "app.json").read_text())


def config_vars():
    return {name: entry["value"] for name, entry in app_json()["env"].items()}


def procfile():
    (line,) = (ROOT / "Procfile").read_text().splitlines()
    process, _, text = line.partition(": ")
    assert process == "web"
    return text


def serving(arguments):
    """Return what `plotroute serve` understands of its arguments."""
    # Below its group, as always: a command keeps the names of `--help` that it is first made with.
    above = cli.main.make_context("plotroute", ["serve"])
    return cli.main.commands["serve"].make_context("serve", list(arguments), parent=above).params


# --- The image ------------------------------------------------------------------------------------


def test_what_the_dockerfile_copies_is_there_and_sent():
    for source, _ in copied():
        path = ROOT / source
        assert path.exists(), source
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        wanted = [file for file in files if "__pycache__" not in file.parts]
        assert wanted, source
        assert [file for file in wanted if not is_sent(file.relative_to(ROOT).as_posix())] == []


@pytest.mark.parametrize(
    "path",
    [".git/config", ".venv/bin/python", "tests/conftest.py", "src/plotroute/__pycache__/cli.pyc", "app.json"],
)
def test_nothing_else_is_sent(path):
    assert not is_sent(path)


def test_the_wheel_is_built_from_what_is_copied():
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r'^(?:readme|license-files|packages) = \[?"([^"]+)"', project, re.M)
    assert {Path(name).parts[0] for name in named} <= {source for source, _ in copied()}


def test_pins_are_installed_with_their_hashes_and_as_wheels():
    installs = [text for name, text in instructions() if name == "RUN" and "pip install" in text]
    pins, own = installs
    assert "--require-hashes --only-binary=:all: -r requirements/demo.txt" in pins
    assert "--no-deps --no-index" in own
    assert "--editable" not in own


def test_the_image_runs_as_a_number():
    (user,) = (arguments for name, arguments in instructions("last") if name == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_image_serves_the_demo_to_all_at_its_port(monkeypatch):
    environment = dict(
        pair.split("=", 1)
        for name, text in instructions("last")
        if name == "ENV"
        for pair in shlex.split(text)
    )
    monkeypatch.setenv("PORT", environment["PORT"])
    program, subcommand, *arguments = command("CMD")
    assert (program, subcommand) == ("plotroute", "serve")
    asked = serving(in_checkout(argument) for argument in arguments)
    assert asked["paths"] == (str(ROOT / "examples/demo"),)
    assert asked["site"] == ROOT / "examples/demo/site"
    assert (asked["host"], asked["port"]) == ("0.0.0.0", int(environment["PORT"]))
    assert ("EXPOSE", environment["PORT"]) in instructions("last")


@pytest.fixture
def entrypoint(tmp_path):
    """The entry point where the image has it, beside a list of fonts."""
    path = tmp_path / "image/bin/entrypoint"
    path.parent.mkdir(parents=True)
    path.write_bytes((ROOT / "deploy/entrypoint").read_bytes())
    path.chmod(0o755)
    return path


def run(*arguments, **environment):
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def test_matplotlib_takes_the_list_of_fonts_of_the_build(entrypoint, tmp_path):
    (build,) = (text for name, text in instructions() if name == "RUN" and "font_manager" in text)
    made = entrypoint.parents[1] / "share/matplotlib"
    assert "MPLCONFIGDIR=/opt/plotroute/share/matplotlib" in build
    assert run(sys.executable, "-c", shlex.split(build)[-1], MPLCONFIGDIR=str(made)).returncode == 0

    used = tmp_path / "tmp/matplotlib"
    say = "import logging; logging.basicConfig(level=10); import matplotlib.font_manager"
    said = run(str(entrypoint), sys.executable, "-c", say, MPLCONFIGDIR=str(used)).stderr
    assert f"Using fontManager instance from {used}" in said
    assert "generated new fontManager" not in said


def test_without_a_list_of_fonts_it_starts_all_the_same(entrypoint, tmp_path):
    said = run(str(entrypoint), "printf", "%s|", "started", "a b", MPLCONFIGDIR=str(tmp_path / "there"))
    assert (said.returncode, said.stdout) == (0, "started|a b|")


# --- Heroku ---------------------------------------------------------------------------------------


def test_both_of_herokus_files_say_the_same():
    text = (ROOT / "heroku.yml").read_text()
    config = dict(re.findall(r'(?m)^    ([A-Z_]+): "([^"]*)"$', text))
    assert config == config_vars()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rest = [line for line in lines if not re.fullmatch(r'    [A-Z_]+: "[^"]*"', line)]
    assert rest == ["setup:", "  config:", "build:", "  docker:", "    web: Dockerfile"]
    assert app_json()["stack"] == "container"


def test_the_guide_sets_what_the_files_set():
    guide = (ROOT / "docs/guide/deploying.md").read_text()
    (lines,) = re.findall(r"heroku config:set((?: \\\n|.)*)", guide)
    assert dict(word.split("=", 1) for word in shlex.split(lines.replace("\\\n", " "))) == config_vars()


def test_one_renderer_fits_a_dyno():
    in_force = settings.resolve(environment=config_vars())
    assert in_force.render_processes == 1
    assert in_force.cache_memory == 16 * 2**20
    assert OTHERS + in_force.render_memory < DYNO


def test_answers_come_before_the_router_gives_up():
    in_force = settings.resolve(environment=config_vars())
    assert in_force.queue_timeout + in_force.load_timeout + in_force.render_timeout < ROUTER


def test_the_buildpack_installs_the_pins():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    asked = [line for line in lines if not line.startswith("#")]
    assert asked == ["--require-hashes", "--only-binary=:all:", "-r requirements/demo.txt"]
    assert (ROOT / "requirements/demo.txt").exists()


def answer(url):
    """Return the status of an answer, or None where there is none yet."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def test_the_procfile_serves_the_demo_and_stops_when_told(tmp_path):
    port = str(free_port())
    environment = {
        **os.environ,
        **config_vars(),
        "PORT": port,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["bash", "-c", procfile()], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 120
        while answer(f"http://127.0.0.1:{port}/readyz") != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        assert answer(f"http://127.0.0.1:{port}/healthz") == 200
        assert answer(f"http://127.0.0.1:{port}/report.html") == 200
        _, *check = command("HEALTHCHECK")
        assert run(sys.executable, *check, PORT=port).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert run(sys.executable, *check, PORT=port).returncode != 0
    finally:
        process.kill()
        process.wait()


# --- A machine of one's own -----------------------------------------------------------------------


def test_the_unit_serves_behind_nginx_and_waits_for_what_was_begun(tmp_path):
    unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", (ROOT / "deploy/plotroute.service").read_text()))
    program, subcommand, *arguments = shlex.split(unit["ExecStart"])
    assert (Path(program).name, subcommand) == ("plotroute", "serve")
    asked = serving(arguments)
    nginx = (ROOT / "deploy/nginx.conf").read_text()
    assert f"proxy_pass http://{asked['host']}:{asked['port']};" in nginx

    defaults = settings.Settings()
    longest = defaults.queue_timeout + defaults.load_timeout + defaults.render_timeout
    assert int(re.search(r"proxy_read_timeout (\d+)s;", nginx)[1]) > longest
    assert int(re.search(r"client_max_body_size (\d+)m;", nginx)[1]) * 2**20 == defaults.max_body
    assert unit["KillMode"] == "mixed"
    assert int(unit["TimeoutStopSec"]) > 30
