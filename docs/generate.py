"""Write the generated parts of the documentation, and check all of it against the code.

    python docs/generate.py           rewrites what lies between the markers in docs/**/*.md
    python docs/generate.py --check   changes nothing; says what is not as the code has it, and fails

The markers are `<!-- begin NAME: … -->` and `<!-- end NAME -->`; NAME is a function of `BLOCKS`.

More than 400 lines, because it is run as one script: first the blocks, then the checks, then what both ask.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import itertools
import json
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import plain_english
from click.testing import CliRunner

import plotroute
from plotroute import cli, errors, params, settings
from plotroute.cache.memory import in_memory
from plotroute.catalog import catalog
from plotroute.data import freshness
from plotroute.model import IMAGE_TYPES, Image, Job, Manifest, PlotSpec
from plotroute.params import picture_options
from plotroute.pipeline import PictureRequest, Pipeline, Result, single_flight
from plotroute.routing import routes
from plotroute.routing.representations import REPRESENTATIONS
from plotroute.web import headers, negotiate, responses
from plotroute.web.errors import respond
from plotroute.web.own_pages import OWN_PAGES
from plotroute.web.standalone.app import create_app

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(plotroute.__file__).parent

# Wide enough for every option beside its help, narrow enough for a page.
HELP_WIDTH = 100
DECISION_LINES = 25


# --- The blocks: what the code says, as Markdown --------------------------------------------------


def settings_table() -> str:
    """Every row of the settings' table."""
    sections = []
    for row in settings.TABLE:
        flag = f"{row.flag}` / `--no-{row.flag[2:]}" if row.type is bool else row.flag
        bounds = [f"at least {in_units(row, row.least)}"] if row.least is not None else []
        bounds += [f"at most {in_units(row, row.most)}"] if row.most is not None else []
        allowed = f" ({', '.join(bounds)})" if bounds else ""
        sections.append(
            f"### `{row.name}`\n\n{tags(row.help)}\n\n"
            f"- flag: `{flag}`\n- variable: `{row.variable}`\n"
            f"- default: {in_units(row, row.default)}{allowed}\n- why: {row.reason}{former_name(row)}"
        )
    return "\n\n".join(sections)


def former_name(row: settings.Setting) -> str:
    """Return the line about a name that a setting had before, if it had one."""
    if not row.former_name:
        return ""
    flag, variable = settings.flag_of(row.former_name), settings.variable_of(row.former_name)
    return f"\n- former name: `{row.former_name}` (`{flag}`, `{variable}`), which still works"


def in_units(row: settings.Setting, value: Any) -> str:
    """Return a value of a setting with its unit. The number to type comes first."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return f"`{value}`" if value else "none"
    number = f"`{value:g}`" if value < 10_000 else f"`{value:.0f}`"
    if row.name.endswith("_timeout"):
        return f"{number} s"
    if "Bytes" in row.help and value >= 2**20:
        return f"{number} ({value / 2**20:g} MiB)"
    if value >= 1_000_000:
        return f"{number} ({value / 1e6:g} million)"
    return number


def error_table() -> str:
    """Every error that a request may be answered with."""
    kept = f"{single_flight.SHARE_FAILURES_FOR:g} s"
    rows = [
        (f"`{leaf.code}`", str(leaf.status), f"`{leaf.__name__}`", leaf.cure, kept if leaf.shared else "")
        for leaf in leaves(errors.AnswerError)
    ]
    return table(("code", "status", "class", "what to do about it", "kept"), rows)


def setup_errors() -> str:
    """Errors that no request sees."""
    rows = [(f"`{leaf.__name__}`", first_line(leaf)) for leaf in leaves(errors.SetupError)]
    return table(("class", "when"), rows)


def error_example() -> str:
    """A problem+json response, as the code sends it."""
    wrong = errors.ParameterError(
        parameter="method",
        code="not_allowed",
        sent="spearmann",
        allowed=["pearson", "spearman", "kendall"],
        nearest="spearman",
        message="'spearmann' is not one of pearson, spearman, kendall",
    )
    error = errors.InvalidParameters([wrong])
    response = respond.respond(error, "problem", request_id="4f0c2b", size=None, development=False)
    body = json.loads(response.get_data())
    return (
        f"```http\nHTTP/1.1 {response.status}\nContent-Type: {response.content_type}\n"
        f"Cache-Control: {response.headers['Cache-Control']}\n```\n\n"
        f"```json\n{json.dumps(body, indent=2, ensure_ascii=False)}\n```"
    )


def error_forms() -> str:
    """Which clients get a picture, a page or JSON, as the code decides it."""
    safari = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    cases = [
        ("an `<img>`, over HTTPS or on localhost", "`Sec-Fetch-Dest: image`", ("image", "image/*,*/*")),
        (
            "an `<img>`, over plain HTTP",
            "`Accept: image/avif,image/webp,*/*`",
            (None, "image/avif,image/webp,*/*"),
        ),
        ("a browser's window", "`Sec-Fetch-Dest: document`", ("document", safari)),
        ("a page, over plain HTTP", "`Accept: text/html,…`", (None, safari)),
        ("`fetch()` in a page", "`Sec-Fetch-Dest: empty`", ("empty", "*/*")),
        ("`curl`, a program", "`Accept: */*`", (None, "*/*")),
        ("a program that reads JSON", "`Accept: application/json`", (None, "application/json")),
        ("a program that takes PNG only", "`Accept: image/png`", (None, "image/png")),
    ]
    words = {"picture": "SVG picture", "page": "HTML page", "problem": "problem+json"}
    rows = []
    for client, sent, (destination, accept) in cases:
        forms = [
            negotiate.error_form(
                sec_fetch_dest=destination, accept=accept, on_error=on_error, pictures=pictures
            )
            for on_error, pictures in ((None, True), ("status", True), (None, False))
        ]
        assert forms[1] == forms[2], "on_error=status and error_pictures=off no longer do the same"
        rows.append((client, sent, words[forms[0]], words[forms[1]]))
    quiet = "with `on_error=status`, or `PLOTROUTE_ERROR_PICTURES=off`"
    return table(("client", "recognised by", "gets", quiet), rows)


def commands() -> str:
    """The help of every command."""
    runner = CliRunner()

    def shown(*names: str) -> str:
        result = runner.invoke(
            cli.main, [*names, "--help"], prog_name="plotroute", terminal_width=HELP_WIDTH, color=False
        )
        assert result.exit_code == 0, result.output
        lines = "\n".join(line.rstrip() for line in result.output.rstrip().splitlines())
        return f"## `{' '.join(('plotroute', *names))}`\n\n```text\n{lines}\n```"

    return "\n\n".join([shown(), *(shown(name) for name in cli.main.commands)])


def suffixes() -> str:
    """The formats of a picture."""
    rows = [(f"`.{suffix}`", each.contents) for suffix, each in REPRESENTATIONS.items()]
    return table(("suffix", "answer"), rows)


def adhoc() -> str:
    """The built-in plots of values in the query."""
    charts = importlib.import_module("plotroute.charts").plots.registry
    rows, listed = [], []
    for plot in catalog.complete([charts]).manifest.plots:
        for address in plot.addresses:
            # Values in a path and values in a body would be two answers to one question.
            post = "" if routes.parameters(address) else f"`POST {address}`"
            rows.append((f"`GET {address}`", post, plot.title))
        for name, schema in params.json_schema(plot.params)["properties"].items():
            meaning = schema.get("description") or f"text, up to {schema['maxLength']} characters"
            listed.append((f"`{name}`", meaning))
    return table(("address", "or", "draws"), rows) + "\n\n" + table(("parameter", "meaning"), listed)


def image_options() -> str:
    """What every plot takes besides its own parameters."""
    rows = []
    for option in picture_options.PARAMS:
        takes = " or ".join(f"`{choice}`" for choice in option.choices) or {
            "int": "a whole number",
            "float": "a number",
            "bool": "`true` or `false`",
        }.get(option.kind, option.kind)
        if option.bounds:
            takes += f", {option.bounds['ge']:,} to {option.bounds['le']:,}"
        own = "yes" if option.name in picture_options.DECLARABLE else ""
        rows.append((f"`{option.name}`", takes, tags(option.description), own))
    return table(("option", "takes", "meaning", "a function may ask for it"), rows)


def caching() -> str:
    """How long a picture is valid, by the way in which its author declared the plot."""
    cases = [
        ("reads datasets, or takes `Values`", None, True),
        ('`ttl="forever"`', "forever", False),
        ('`ttl="1h"`', "1h", False),
        ('`ttl="1h"`, reads datasets', "1h", True),
        ("neither", None, False),
    ]
    words = {
        "keyed": ("hash of everything that decides the picture", "304 before anything is loaded or drawn"),
        "timed": ("hash of the bytes", "304 while the stored picture is fresh"),
        "live": ("hash of the bytes", "drawn anew; 304 if the bytes are the same"),
    }
    rows = []
    for declared, ttl, reads in cases:
        kind, seconds = freshness.plot_freshness(freshness.ttl(ttl), reads)
        plot = PlotSpec(name="", addresses=(), freshness=kind, ttl=seconds)
        known = PictureRequest(plot, _job(), Manifest(), epoch="", reads=(), at=0.0).etag is not None
        assert known is (kind == "keyed"), "the ETag is known ahead for other plots than this table says"
        rows.append((declared, kind, *words[kind], f"`{headers.cache_control(plot)}`"))
    return table(("the plot", "freshness", "ETag (weak)", "the next request", "Cache-Control"), rows)


def public_names() -> str:
    """The public names and their methods, from their docstrings."""
    sections = []
    for name in sorted(plotroute.__all__):
        thing = getattr(plotroute, name)
        sections.append(f"## `{name}`")
        if not isinstance(thing, type):
            sections += called(name, thing) if inspect.isfunction(thing) else [docstring(thing)]
            continue
        if issubclass(thing, Exception):
            sections += [docstring(thing), f"Status {thing.status}, code `{thing.code}`."]
            continue
        has_arguments = "\nArgs:" in (inspect.getdoc(thing) or "")
        sections += called(name, thing) if has_arguments else [docstring(thing)]
        sections += members(name if name != "Plots" else "plots", thing)
    return "\n\n".join(section for section in sections if section)


def members(name: str, thing: type) -> list[str]:
    """Return a list of the properties of a class, and a section for each method."""
    public = {
        member: value
        for part in reversed(thing.__mro__[:-1])
        for member, value in vars(part).items()
        if not member.startswith("_") and inspect.getdoc(value) and not inspect.ismemberdescriptor(value)
    }
    properties = [
        f"- `{member}`: {first_line(value)}"
        for member, value in public.items()
        if isinstance(value, property)
    ]
    sections = ["\n".join(properties)]
    for member, value in public.items():
        if inspect.isfunction(value):
            sections += [f"### `{name}.{member}`", *called(f"{name}.{member}", value)]
    return sections


def called(name: str, function: Callable[..., Any]) -> list[str]:
    """Return how something is called, and its docstring."""
    return [f"```python\n{signature(name, function)}\n```", docstring(function)]


def signature(name: str, function: Callable[..., Any]) -> str:
    """Return `name(…)` as an author would read it, an argument a line if it is long."""
    items, keyword_only = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            items.append("*")
        items.append(argument(parameter))
        if parameter.kind is parameter.POSITIONAL_ONLY:
            items.append("/")
    one_line = f"{name}({', '.join(items)})"
    return one_line if len(one_line) <= 88 else f"{name}(\n" + "".join(f"    {i},\n" for i in items) + ")"


def argument(parameter: inspect.Parameter) -> str:
    """Return an argument with its hint (Any says nothing) and its default."""
    stars = {parameter.VAR_KEYWORD: "**", parameter.VAR_POSITIONAL: "*"}.get(parameter.kind, "")
    hint = "" if parameter.annotation in ("Any", parameter.empty) else f": {parameter.annotation}"
    if parameter.default is parameter.empty:
        return f"{stars}{parameter.name}{hint}"
    default = json.dumps(parameter.default) if isinstance(parameter.default, str) else parameter.default
    return f"{parameter.name}{hint}{' = ' if hint else '='}{default}"


SECTIONS = {"Args": "Arguments", "Attributes": "Attributes", "Raises": "Errors", "Returns": "Returns"}
"""Sections of a docstring in Google's style → their names in the pages."""


def docstring(thing: Any) -> str:
    """Return a docstring in Google's style as Markdown: its sections as lists, its examples as code."""
    lines = [*(inspect.getdoc(thing) or "").splitlines(), "end:"]
    starts = [n for n, line in enumerate(lines) if re.fullmatch(r"[A-Za-z]+:", line)]
    parts = [prose("\n".join(lines[: starts[0]]))]
    for start, end in itertools.pairwise(starts):
        title, body = lines[start][:-1], textwrap.dedent("\n".join(lines[start + 1 : end])).strip()
        if title == "Example":
            parts.append(prose(body))
        elif title == "Returns":
            parts.append(f"Returns: {one_line(body)}")
        else:
            entries = re.split(r"\n(?! )", body)
            items = (re.sub(r"^(\w+): ", r"- `\1`: ", one_line(entry)) for entry in entries)
            parts.append(f"{SECTIONS[title]}:\n\n" + "\n".join(items))
    return "\n\n".join(part for part in parts if part)


def one_line(text: str) -> str:
    """Return a wrapped text as one line."""
    return re.sub(r"\s*\n\s*", " ", text).strip()


def prose(text: str) -> str:
    """Return paragraphs of a docstring as Markdown, an example (`>>>`) as code with what it returns."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.splitlines()
        if lines and lines[0].startswith(">>> "):
            code = [line[4:] if line.startswith((">>> ", "... ")) else f"# {line}" for line in lines]
            # As `ruff format` has it, which formats the Python in Markdown too.
            spaced = re.sub(r"(?<=.)\n@", "\n\n\n@", "\n".join(code)).replace("\nplots.", "\n\nplots.")
            paragraphs.append(f"```python\n{spaced}\n```")
        elif lines:
            paragraphs.append(one_line(paragraph))
    return "\n\n".join(paragraphs)


def tree() -> str:
    """The files of the package, each with the first sentence of its docstring."""
    entries: list[tuple[str, str]] = []

    def walk(folder: Path, depth: int) -> None:
        files = [path for path in folder.iterdir() if path.suffix == ".py" and path.name != "__init__.py"]
        folders = [path for path in folder.iterdir() if (path / "__init__.py").exists()]
        for path in sorted([*files, *folders], key=lambda path: path.name):
            if path.is_dir():
                entries.append(("    " * depth + path.name + "/", summary(path / "__init__.py")))
                walk(path, depth + 1)
            else:
                entries.append(("    " * depth + path.name, summary(path)))

    entries.append(("src/plotroute/", summary(SOURCE / "__init__.py")))
    walk(SOURCE, 1)
    width = max(len(name) for name, _ in entries) + 2
    return "```text\n" + "\n".join(f"{name:{width}}{text}".rstrip() for name, text in entries) + "\n```"


def summary(file: Path) -> str:
    """Return the first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].strip().rstrip(".")


def layers() -> str:
    """The import contracts, as import-linter enforces them."""
    layered, others = [], []
    for contract in pyproject()["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            layered.append(f"{contract['name']}:\n\n```text\n" + "\n".join(contract["layers"]) + "\n```")
        elif contract["type"] == "forbidden":
            forbidden = ", ".join(f"`{name}`" for name in contract["forbidden_modules"])
            others.append(f"- {contract['name']} (forbidden elsewhere: {forbidden}).")
        elif contract["type"] == "protected":
            behind = ", ".join(f"`{name}`" for name in contract["protected_modules"])
            others.append(f"- {contract['name']} (imported from nowhere else: {behind}).")
        else:
            others.append(f"- {contract['name']}.")
    return "\n\n".join(layered) + "\n\n" + "\n".join(others)


BLOCKS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "errors": error_table,
    "setup-errors": setup_errors,
    "error-example": error_example,
    "error-forms": error_forms,
    "commands": commands,
    "suffixes": suffixes,
    "adhoc": adhoc,
    "options": image_options,
    "caching": caching,
    "python": public_names,
    "tree": tree,
    "layers": layers,
}

MARKED = re.compile(r"<!-- begin ([a-z-]+): [^\n]*-->\n(.*?)<!-- end \1 -->", re.S)


def filled(text: str) -> str:
    """Return a page with every block as the code has it."""

    def fill(found: re.Match[str]) -> str:
        start = found[0].partition("\n")[0]
        return f"{start}\n\n{BLOCKS[found[1]]()}\n\n<!-- end {found[1]} -->"

    return MARKED.sub(fill, text)


# --- The checks: what is wrong with the pages, a sentence each ------------------------------------

Pages = dict[Path, str]
"""Path from the root → text."""


def read_pages(root: Path = ROOT) -> Pages:
    """Return every page of the documentation."""
    files = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.md")]
    return {file.relative_to(root): file.read_text(encoding="utf-8") for file in sorted(files)}


def stale(pages: Pages) -> Iterator[str]:
    """Generated parts that are not what the code says; blocks that no page shows."""
    shown: set[str] = set()
    for path, text in pages.items():
        unknown = {found[1] for found in MARKED.finditer(text)} - BLOCKS.keys()
        shown |= {found[1] for found in MARKED.finditer(text)}
        if unknown:
            yield f"{path} has markers of unknown blocks: {', '.join(sorted(unknown))}"
            continue
        if text.count("<!-- begin ") != len(MARKED.findall(text)):
            yield f"{path} has a begin marker without its end"
            continue
        expected = filled(text)
        if expected != text:
            difference = difflib.unified_diff(
                text.splitlines(), expected.splitlines(), f"{path}", f"{path}, generated", lineterm="", n=1
            )
            yield f"{path} is not what the code says; run `python docs/generate.py`:\n" + "\n".join(
                f"    {line}" for line in difference
            )
    for name in sorted(BLOCKS.keys() - shown):
        yield f"no page has the generated block {name}"


def undocumented(pages: Pages) -> Iterator[str]:
    """Settings, errors, routes, commands, flags and headers that no page names."""
    everything = "\n".join(text for path, text in pages.items() if path != Path("CHANGELOG.md"))
    wanted: list[tuple[str, str]] = []
    for row in settings.TABLE:
        wanted += [("setting", row.variable), ("flag", row.flag)]
    wanted += [("error", leaf.code) for leaf in leaves(errors.AnswerError)]
    wanted += [("parameter error", code) for code in parameter_codes()]
    wanted += [("public name", name) for name in plotroute.__all__]
    for name, command in cli.main.commands.items():
        wanted.append(("command", f"plotroute {name}"))
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                wanted += [("flag", flag) for flag in (*parameter.opts, *parameter.secondary_opts)]
    for kind, word in wanted:
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", everything):
            yield f"the {kind} {word} is in no page"
    http = pages.get(Path("docs/reference/http.md"), "")
    for route in own_routes():
        if f"`{route}`" not in http and f"`GET {route}`" not in http:
            yield f"docs/reference/http.md does not say what {route} answers"
    for header in sorted(response_headers()):
        if f"`{header}`" not in http:
            yield f"docs/reference/http.md does not explain the header {header}"


def invented(pages: Pages) -> Iterator[str]:
    """Settings, commands and flags that a page names and the code does not have."""
    variables = {settings.variable_of(name) for row in settings.TABLE for name in row.names}
    variables |= settings.RESERVED_VARIABLES
    for path, text in pages.items():
        for variable in sorted(set(re.findall(r"\bPLOTROUTE_[A-Z_]*[A-Z]\b", text)) - variables):
            yield f"{path} names {variable}, which is no setting"
        for line in shell_lines(text):
            for name, rest in re.findall(r"(?:^|[\s/])plotroute ([a-z]+)([^|&;#]*)", line):
                command = cli.main.commands.get(name)
                if command is None:
                    yield f"{path} runs `plotroute {name}`, which is no command"
                    continue
                flags = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"--help"}
                for flag in re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest):
                    if flag not in flags:
                        yield f"{path} runs `plotroute {name} {flag}`, which has no such flag"


def broken_links(pages: Pages, root: Path = ROOT) -> Iterator[str]:
    """Relative links to what is not there, and to headings that a page does not have."""
    for path, text in pages.items():
        prose = re.sub(r"(?ms)^```.*?^```$", "", text)
        for target in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            where = (root / path.parent / file).resolve() if file else (root / path)
            if not where.exists():
                yield f"{path} links to {target}, which is not there"
            elif anchor and where.suffix == ".md" and anchor not in anchors(where.read_text("utf-8")):
                yield f"{path} links to {target}, which has no such heading"


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    headings = re.findall(r"(?m)^#+ (.+)$", prose)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def lost_places(pages: Pages) -> Iterator[str]:
    """Files and folders that architecture.md sends a newcomer to, and that are not there."""
    path = Path("docs/architecture.md")
    table = pages.get(path, "").partition("## Where to look")[2].partition("\n## ")[0]
    for place in re.findall(r"`([\w/]+(?:\.py|/))`", table):
        if place != "base.py" and not (SOURCE / place).exists() and not (ROOT / place).exists():
            yield f"{path} says to look in {place}, which is not there"


def long_decisions(pages: Pages) -> Iterator[str]:
    """Decisions that are more than a decision."""
    for path, text in pages.items():
        lines = len(text.splitlines())
        if path.parent == Path("docs/decisions") and lines > DECISION_LINES:
            yield f"{path} has {lines} lines; a decision has at most {DECISION_LINES}"


def versions(pages: Pages) -> Iterator[str]:
    """The version, in the three places that say it."""
    version = pyproject()["project"]["version"]
    if plotroute.__version__ != version:
        yield f"plotroute.__version__ is {plotroute.__version__}, but pyproject.toml says {version}"
    if not re.search(rf"(?m)^## {re.escape(version)}\b", pages.get(Path("CHANGELOG.md"), "")):
        yield f"CHANGELOG.md has no section `## {version}`"


def found_problems(root: Path = ROOT) -> list[str]:
    """Return everything that is wrong with the documentation under `root`."""
    pages = read_pages(root)
    checks: Iterable[Iterator[str]] = (
        stale(pages),
        undocumented(pages),
        invented(pages),
        broken_links(pages, root),
        long_decisions(pages),
        versions(pages),
        lost_places(pages),
        plain_english.problems(root),
    )
    return [problem for check in checks for problem in check]


# --- What the code has ----------------------------------------------------------------------------


def leaves(root: type[Any]) -> list[Any]:
    """Return the classes below `root` that have none below them, in the order of the file."""
    below = [child for child in root.__subclasses__() if not child.__name__.startswith("_")]
    return [leaf for child in below for leaf in leaves(child)] if below else [root]


def parameter_codes() -> list[str]:
    """Return the codes of the entries in `errors`, which ParameterError's docstring lists."""
    listed = re.search(r"is one of: ([a-z_,\s]+)\.", inspect.getdoc(errors.ParameterError) or "")
    assert listed is not None, "ParameterError no longer lists its codes"
    return [code.strip() for code in listed[1].split(",")]


def own_routes() -> list[str]:
    """Return the addresses of plotroute's own pages."""
    return [page.address for page in OWN_PAGES]


def _no_plots() -> Pipeline:
    """Return a pipeline without plots."""
    renderer: Any = SimpleNamespace(manifest=Manifest)
    return Pipeline(renderer, in_memory(0), settings.Settings())


def _job(format: str = "png") -> Job:
    return Job(plot="", values={}, format=format)


def response_headers() -> set[str]:
    """Return the names of the headers of pictures, 304s and errors, as the code sends them."""
    found: set[str] = set()
    plot = PlotSpec(name="a", addresses=("/plots/a",))
    for format, kind in IMAGE_TYPES.items():
        wanted = PictureRequest(plot, _job(format), Manifest(), epoch="", reads=(), at=0.0)
        answer = Result(Image(body=b"", type=kind), 'W/"key"', "miss")
        found |= set(responses.picture(wanted, answer, negotiated=True).headers.keys())
    found |= set(responses.not_modified(plot, 'W/"key"', True, drawn=False).headers.keys())
    found |= set(responses.options(("GET",)).headers.keys())
    for form in ("picture", "page", "problem"):
        error = errors.QueueFull("busy", headers={"Retry-After": "2"})
        response = respond.respond(error, form, request_id="x", size=None, development=False)
        found |= set(response.headers.keys())
    client = create_app(_no_plots(), settings.Settings()).test_client()
    found |= set(client.get("/healthz").headers.keys())
    return found - {"Content-Length", "Content-Type"}


def pyproject() -> dict[str, Any]:
    """Return the project's configuration."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def tags(text: str) -> str:
    """Return a sentence whose HTML tags are shown, not obeyed."""
    return re.sub(r"(?<!`)<([a-z]+)>", r"`<\1>`", text)


def first_line(thing: Any) -> str:
    """Return the first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").replace("\n", " ").partition(". ")[0].rstrip(".") + "."


def shell_lines(text: str) -> list[str]:
    """Return the commands in a page's shell examples, a line each."""
    blocks = re.findall(r"(?ms)^```(?:sh|console)[^\n]*\n(.*?)^```$", text)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main(arguments: list[str]) -> int:
    """Rewrite or check the pages; return the exit code."""
    if arguments == ["--check"]:
        wrong = found_problems()
        for problem in wrong:
            print(problem, file=sys.stderr)
        print(f"docs: {len(wrong)} problems" if wrong else "docs: as the code says")
        return 1 if wrong else 0
    if arguments:
        print(textwrap.dedent(__doc__ or ""), file=sys.stderr)
        return 2
    for path, text in read_pages().items():
        if (new := filled(text)) != text:
            (ROOT / path).write_text(new, encoding="utf-8")
            print(f"wrote {path}")
    if plain_english.shorten_list(ROOT):
        print("took files off docs/not_plain_yet.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
