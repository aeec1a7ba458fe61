"""The documentation: what is generated is up to date, what links leads somewhere, what is shown runs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "demo"

sys.path.insert(0, str(ROOT / "docs"))  # as for a script: it imports the check of words beside it
spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)

PAGES = generate.read_pages()
BLOCK = re.compile(r"(?ms)^```(?P<language>\w+) (?P<mark>run|file=\S+)\n(?P<body>.*?)^```$")
ADDRESS = re.compile(r"localhost:5000(/[^\s`\"']*)")

# What the addresses of a page answer that are there to show an error.
ERRORS = {
    "/plots/orders?month=2024-02": 422,
    "/plots/orders?mnth=2024-02": 400,
}

# For each page, in a fork that no plots were imported in: loads each file of plots, one after the other; asks it
# for what it draws by itself, and for the addresses.
ASK = """
import json, os, sys
from pathlib import Path
import pandas, seaborn
from plotroute.serve.factory import make_pipeline
from plotroute.serve.config import Service
from plotroute.settings import Settings
from plotroute.web.standalone.app import create_app
from plotroute.routing.urls import example

def ask(services, addresses):
    answers = {}
    for target, site in services:
        pipeline = make_pipeline(Service((target,), Settings()))
        client = create_app(pipeline, Settings(), site=site and Path(site)).test_client()
        own = [address for plot in pipeline.manifest().plots if (address := example(plot))]
        for address in [*own, *addresses]:
            response = client.get(address)
            said = "" if response.status_code == 200 else response.get_data(as_text=True)
            answers.setdefault(address, []).append([target, response.status_code, said])
    return answers

for line in sys.stdin:
    folder, services, addresses = json.loads(line)
    if child := os.fork():
        print(os.waitpid(child, 0)[1], flush=True)
        continue
    os.dup2(2, 1)
    os.chdir(folder)
    Path(folder, "answers.json").write_text(json.dumps(ask(services, addresses)))
    os._exit(0)
"""


@dataclass
class Example:
    """What a page shows that runs."""

    page: str
    files: dict[str, str] = field(default_factory=dict)
    plots: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        for name, body in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(body, encoding="utf-8")


def read_example(path: Path, text: str) -> Example:
    example = Example(path.as_posix(), addresses=ADDRESS.findall(text))
    for found in BLOCK.finditer(text):
        if found["mark"] == "run":
            example.steps.append((found["language"], found["body"]))
        else:
            name = found["mark"].removeprefix("file=")
            example.files[name] = found["body"]
            if found["language"] == "python":
                example.plots.append(name)
    return example


EXAMPLES = {
    example.page: example
    for path, text in PAGES.items()
    if path != Path("CONTRIBUTING.md")
    for example in [read_example(path, text)]
    if example.plots
}


def clean_environment() -> dict[str, str]:
    """Return an environment without settings, in which `plotroute` and `python` are those of the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLOTROUTE_")}
    return environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}


def run(arguments: list[str], folder: Path) -> str:
    """Run a command in `folder`; return what it prints."""
    done = subprocess.run(
        arguments, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


# --- The pages and the code ---------------------------------------------------------------------------


def test_the_pages_say_what_the_code_says():
    assert generate.found_problems() == []


def test_every_page_that_shows_a_plots_file_is_run():
    assert {"README.md", "docs/quickstart.md", "docs/guide/parameters.md"} <= EXAMPLES.keys()


def copy_pages(folder: Path) -> Path:
    for path, text in PAGES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return copy_pages(tmp_path)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is found in a copy as it is: the pages link to files that are not copied."""
    return generate.found_problems(copy_pages(tmp_path_factory.mktemp("as-it-is")))


@pytest.mark.parametrize(
    ("page", "old", "new", "said"),
    [
        ("docs/reference/settings.md", "`--threads`", "`--fibres`", "run `python docs/generate.py`"),
        ("docs/reference/errors.md", "| `cannot_draw` | 422 |", "| `cannot_draw` | 421 |", "421"),
        ("docs/architecture.md", "pipeline.py  ", "pipelines.py ", "pipelines.py"),
        ("docs/reference/http.md", "| `/readyz` |", "| `/readiness` |", "what /readyz answers"),
        ("docs/reference/http.md", "| `Server-Timing` |", "| `Timing` |", "the header Server-Timing"),
        ("README.md", "(docs/quickstart.md)", "(docs/slowstart.md)", "docs/slowstart.md, which is not there"),
        ("README.md", "pictures.md#sizes", "pictures.md#seizes", "no such heading"),
        ("README.md", "plotroute serve plots.py", "plotroute server plots.py", "which is no command"),
        ("docs/quickstart.md", "--host 0.0.0.0", "--hosts 0.0.0.0", "has no such flag"),
        ("docs/guide/errors.md", "PLOTROUTE_ERROR_PICTURES", "PLOTROUTE_NO_PICTURES", "is no setting"),
        ("docs/architecture.md", "`data/files.py` |", "`data/lost.py` |", "look in data/lost.py"),
        ("CHANGELOG.md", "## 0.1.0", "## 0.0.9", "no section `## 0.1.0`"),
    ],
)
def test_a_page_that_drifts_is_found(
    copied: Path, before: list[str], page: str, old: str, new: str, said: str
):
    text = (copied / page).read_text(encoding="utf-8")
    assert old in text
    (copied / page).write_text(text.replace(old, new), encoding="utf-8")

    after = generate.found_problems(copied)

    assert any(said in problem for problem in after if problem not in before)


def test_a_decision_is_short(copied: Path):
    decision = copied / "docs" / "decisions" / "9999-too-long.md"
    decision.parent.mkdir(exist_ok=True)
    decision.write_text("line\n" * 26)
    assert any("9999-too-long.md has 26 lines" in problem for problem in generate.found_problems(copied))


def test_check_fails_with_what_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate, "found_problems", lambda: ["a page is old"])
    assert generate.main(["--check"]) == 1
    assert "a page is old" in capsys.readouterr().err


def test_a_word_of_our_own_is_found_in_prose_only(tmp_path: Path):
    package = tmp_path / "src"
    package.mkdir()
    (tmp_path / "page.md").write_text(
        "<!-- begin x: y -->\nwho\n<!-- end x -->\n[a](who.md)\n\nNobody knocks.\n"
    )
    (package / "plain.py").write_text('who = one_that = "who"\n')
    (package / "odd.py").write_text(
        'def f():\n    """Run.\n\n    Whoever asks.\n    """\n    return f"{1} for whom"\n'
    )
    (package / "told.py").write_text("x = 1  # who asks\n")
    found = [problem.partition(" is not")[0] for problem in generate.plain_english.problems(tmp_path)]
    assert found == [
        "page.md:6: 'Nobody'",
        "page.md:6: 'knocks'",
        "src/odd.py:4: 'Whoever'",
        "src/odd.py:6: 'whom'",
        "src/told.py:1: 'who'",
    ]


def test_the_list_of_files_that_are_not_plain_yet_only_shrinks(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    listed = tmp_path / "docs" / "not_plain_yet.txt"
    listed.write_text("# pages\nodd.md\nplain.md\ngone.md\n")
    (tmp_path / "odd.md").write_text("Nobody knows.\n")
    (tmp_path / "plain.md").write_text("The operator knows.\n")
    gone, plain = generate.plain_english.problems(tmp_path)
    assert "gone.md, which is not there" in gone
    assert "plain.md is plain now" in plain

    assert generate.plain_english.shorten_list(tmp_path)

    assert listed.read_text() == "# pages\nodd.md\n"
    assert not generate.plain_english.shorten_list(tmp_path)
    assert list(generate.plain_english.problems(tmp_path)) == []


# --- What the pages show ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory):
    """Ask the plots of a page, in a process that has imported what takes seconds."""
    folder = tmp_path_factory.mktemp("pages")
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", ASK],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def ask(folder: Path, services: list[list[str | None]], addresses: list[str]):
        process.stdin.write(json.dumps([str(folder), services, addresses]) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0\n", Path(log.name).read_text()
        return json.loads((folder / "answers.json").read_text())

    yield ask
    process.communicate()


@pytest.mark.parametrize("page", EXAMPLES)
def test_every_plot_and_address_of_a_page_answers(ask, tmp_path: Path, page: str):
    example = EXAMPLES[page]
    example.write(tmp_path)
    services = [[str(tmp_path / file), None] for file in example.plots]
    if page == "README.md":  # it shows the demo too
        services.append([str(DEMO), str(DEMO / "site")])

    answers = ask(tmp_path, services, example.addresses)

    for address, given in answers.items():
        wanted = ERRORS.get(address, 200)
        # One file of the page gives it; what the others say is no matter.
        assert any(status == wanted for _, status, _ in given), (address, given)
    assert any(status == 200 for given in answers.values() for _, status, _ in given)


@pytest.mark.parametrize("page", [e.page for e in EXAMPLES.values() if e.steps])
def test_every_step_of_a_page_runs(tmp_path: Path, page: str):
    EXAMPLES[page].write(tmp_path)
    for language, body in EXAMPLES[page].steps:
        run([sys.executable, "-c", body] if language == "python" else ["sh", "-ec", body], tmp_path)


def test_the_plots_file_of_the_readme_gives_its_picture(tmp_path: Path):
    EXAMPLES["README.md"].write(tmp_path)
    run(["plotroute", "draw", "correlation_matrix", "-p", "method=spearman", "-o", "out.png"], tmp_path)
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_plots_file_of_the_readme_is_short():
    lines = [line for line in EXAMPLES["README.md"].files["plots.py"].splitlines() if line.strip()]
    assert len(lines) <= 10
