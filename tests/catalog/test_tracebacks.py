"""Tracebacks as data: pieces that are together what Python prints, each known for what it is."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable

import pytest

from plotroute.catalog.tracebacks import author_traceback
from plotroute.errors import AnswerError, PlotFailed, from_wire


def library(text: str) -> None:
    """Run `text` as the code of an installed library."""
    exec(compile(text, "/srv/.venv/lib/python3.11/site-packages/pandas/frame.py", "exec"), {})


def author(text: str) -> None:
    """Run `text` as the code of an author."""
    exec(compile(text, "/home/ann/plots.py", "exec"), {"library": library})


def a_chain() -> None:
    author("try:\n    library('{}[1]')\nexcept KeyError:\n    raise ValueError('no column\\nat all')")


def a_cause() -> None:
    author("try:\n    1/0\nexcept ZeroDivisionError as error:\n    raise TypeError('no') from error")


def a_group() -> None:
    author("raise ExceptionGroup('several', [ValueError('one'), ExceptionGroup('more', [KeyError('two')])])")


def a_note() -> None:
    author("error = ValueError('no')\nerror.add_note('Try another.\\nOr none.')\nraise error")


def a_recursion() -> None:
    author("def f():\n    f()\nf()")


def a_syntax_error() -> None:
    author("def broken(:\n    pass")


FAILURES = [a_chain, a_cause, a_group, a_note, a_recursion, a_syntax_error]


def raised(failure: Callable[[], None]) -> Exception:
    try:
        failure()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("failure", FAILURES)
def test_the_texts_of_the_frames_are_what_python_prints(failure: Callable[[], None]) -> None:
    error = raised(failure)
    printed = "".join(traceback.format_exception(error))
    assert "".join(frame.text for frame in author_traceback(error)) == printed


@pytest.mark.parametrize("failure", FAILURES)
def test_the_last_call_of_the_author_is_known(failure: Callable[[], None]) -> None:
    calls = [frame for frame in author_traceback(raised(failure)) if frame.is_authors]
    assert calls[-1].file == "/home/ann/plots.py"
    assert calls[-1].place.startswith("plots.py, line ")


def test_a_syntax_error_is_at_the_line_that_is_wrong() -> None:
    call = [frame for frame in author_traceback(raised(a_syntax_error)) if frame.is_authors][-1]
    assert (call.place, call.source) == ("plots.py, line 1", "def broken(:")


@pytest.mark.parametrize(
    ("failure", "names"),
    [
        (a_chain, ["KeyError: 1", "ValueError: no column\nat all"]),
        (a_cause, ["ZeroDivisionError: division by zero", "TypeError: no"]),
        (a_note, ["ValueError: no\nTry another.\nOr none."]),
        (a_syntax_error, ["SyntaxError: invalid syntax"]),
    ],
)
def test_each_error_of_a_chain_is_named(failure: Callable[[], None], names: list[str]) -> None:
    frames = author_traceback(raised(failure))
    assert [frame.text.rstrip("\n") for frame in frames if frame.names_error] == names


def test_the_standard_library_and_installed_libraries_are_not_the_authors() -> None:
    error = raised(lambda: author("import json\nlibrary('import json; json.loads(\"{\")')"))
    assert {frame.file for frame in author_traceback(error) if frame.is_authors} == {
        __file__,
        "/home/ann/plots.py",
    }


def test_a_long_traceback_is_cut_but_names_its_error() -> None:
    frames = author_traceback(raised(lambda: author("raise ValueError('x' * 100_000)")))
    assert sum(len(frame.text) for frame in frames) < 9000
    assert frames[-1].names_error
    assert frames[-1].text.startswith("ValueError: xxx")


def test_a_chain_of_thousands_is_cut_but_begins_and_ends_as_it_does() -> None:
    text = "def f(n):\n    try:\n        1/0\n    except Exception:\n        if n: f(n - 1)\n        raise\nf(50)"
    frames = author_traceback(raised(lambda: author(text)))
    assert sum(len(frame.text) for frame in frames) < 9000
    assert frames[0].text.startswith("Traceback (")
    assert frames[-1].text == "ZeroDivisionError: division by zero\n"


def test_another_process_gets_the_frames() -> None:
    error = PlotFailed("It failed", detail=author_traceback(raised(a_chain)))
    there: AnswerError = from_wire(json.loads(json.dumps(error.to_wire())))
    assert there.frames == error.frames
    assert there.detail == error.detail
