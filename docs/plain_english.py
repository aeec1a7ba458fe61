"""Find words of our own in our prose: docstrings, comments and messages in the code, and the pages.

Plain English names the thing that acts (request, browser, user, author, operator, web worker, render server),
so that a sentence needs no second reading. `docs/generate.py --check` fails with what is found here.

`docs/not_plain_yet.txt` lists the files that are not cleaned yet. The list only shrinks: a file on it that
has become clean fails the check, and `python docs/generate.py` takes it off.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

PEOPLE = "name what acts: request, browser, user, author, operator, web worker, render server"

WORDS = {
    r"who(?:m|ever|mever)?": PEOPLE,
    r"(?:no|some|any|every)body(?:'s)?": PEOPLE,
    r"one that": "repeat the noun",
    r"what (?:is|was) asked(?: for)?": "say request, or what it names",
    r"dress(?:es|ed)?": "say appearance",
    r"(?<!tests/)journeys?": "say test, or way of a request",
    r"knock(?:s|ed|ing)?": "say connect, or probe",
    r"footings?": "say validity, or validators",
}
"""Expression of a word → what to write in its place."""

_FOUND = re.compile("|".join(rf"\b(?P<w{n}>{word})\b" for n, word in enumerate(WORDS)), re.I)
_GENERATED = re.compile(r"<!-- begin ([a-z-]+): [^\n]*-->\n.*?<!-- end \1 -->", re.S)
_OUTPUT = re.compile(r"^```text\n.*?^```$", re.M | re.S)
_ADDRESS = re.compile(r"\]\([^)\s]+\)")
_PLACES = (
    "src/**/*.py",
    "src/**/*.html",
    "examples/**/*.py",
    "benchmarks/*.py",
    "*.md",
    "docs/**/*.md",
    "examples/**/*.md",
)
_DECISIONS = Path("docs/decisions")
"""A decision is not rewritten."""


def files(root: Path) -> Iterator[Path]:
    """Yield every file with prose of our own, as a path from `root`."""
    for place in _PLACES:
        for file in sorted(root.glob(place)):
            path = file.relative_to(root)
            if _DECISIONS not in path.parents and not any(part.startswith(".") for part in path.parts):
                yield path


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each word that is not plain, and for each listed file that is clean."""
    listed = _listed(root)
    known = set(files(root))
    for path in sorted(listed - known):
        yield f"{_list_of(root).name} names {path}, which is not there; run `python docs/generate.py`"
    for path in sorted(known):
        found = list(words(path, (root / path).read_text(encoding="utf-8")))
        if path in listed:
            if not found:
                yield f"{path} is plain now: run `python docs/generate.py`, which takes it off the list"
            continue
        for line, word, instead in found:
            yield f"{path}:{line}: {word!r} is not plain English: {instead}"


def shorten_list(root: Path) -> bool:
    """Take the files that have become clean off the list; return whether there were any."""
    text = _list_of(root).read_text(encoding="utf-8")
    kept = []
    for line in text.splitlines():
        file = root / line
        if (
            line
            and not line.startswith("#")
            and not (file.exists() and any(words(Path(line), file.read_text(encoding="utf-8"))))
        ):
            continue
        kept.append(line)
    shorter = "\n".join(kept) + "\n"
    _list_of(root).write_text(shorter, encoding="utf-8")
    return shorter != text


def words(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line, word, what to write instead) for each word in the prose of a file that is not plain."""
    for line, prose in _prose(path, text):
        for found in _FOUND.finditer(prose):
            instead = list(WORDS.values())[int(str(found.lastgroup)[1:])]
            yield line + prose.count("\n", 0, found.start()), found[0], instead


def _prose(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield (first line, text) of each part of a file that people read: not the names in code."""
    if path.suffix != ".py":
        # Generated text is checked in its source, output of programs in theirs, and addresses name files. The
        # numbers of lines stay.
        blank = text
        for part in (_GENERATED, _OUTPUT):
            blank = part.sub(lambda found: "\n" * found[0].count("\n"), blank)
        yield 1, _ADDRESS.sub("]", blank)
        return
    for node in ast.walk(ast.parse(text)):
        # A text without a space is a name: a key, a path, a header.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _list_of(root: Path) -> Path:
    return root / "docs" / "not_plain_yet.txt"


def _listed(root: Path) -> set[Path]:
    file = _list_of(root)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else ()
    return {Path(line) for line in lines if line and not line.startswith("#")}
