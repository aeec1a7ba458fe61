"""Every error: unique, documented, and the same on the other side of a process boundary."""

import json
import re

import pytest

from plotroute import errors
from plotroute.errors import AnswerError, InvalidParameters, ParameterError, RenderError, RequestError

LEAVES = [kind for kind in errors.answer_errors() if kind.__module__ == "plotroute.errors"]
LEAF = pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)

ENTRY = {
    "parameter": "method",
    "code": "not_allowed",
    "sent": "spearmann",
    "allowed": ["pearson", "spearman"],
    "nearest": "spearman",
    "message": "method must be one of pearson, spearman",
}


def make(kind, **rest):
    return kind([ENTRY], **rest) if kind is InvalidParameters else kind("no orders – this week", **rest)


def over_the_wire(error):
    return errors.from_wire(json.loads(json.dumps(error.to_wire())))


@LEAF
def test_every_error_has_a_status_and_says_what_to_do(kind):
    assert 400 <= kind.status < 600
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert kind.cure.endswith(".")


def test_every_error_has_a_code_of_its_own():
    assert len({kind.code for kind in LEAVES}) == len(LEAVES)


def test_the_tree_at_the_top_of_the_module_is_the_tree():
    drawn = re.findall(r"[├└]── (\w+) +(\d{3}) (\w+)", errors.__doc__)

    assert [(name, int(status), code) for name, status, code in drawn] == [
        (kind.__name__, kind.status, kind.code) for kind in LEAVES
    ]


@LEAF
def test_the_side_that_can_cure_an_error_decides_its_branch(kind):
    assert issubclass(kind, RequestError if kind.status < 500 else RenderError)


def test_failures_are_shared_where_trying_again_at_once_is_in_vain():
    shared = {kind.code for kind in LEAVES if kind.shared}

    assert {"cannot_draw", "plot_failed", "out_of_memory", "render_timeout"} <= shared
    assert not [kind.code for kind in LEAVES if kind.shared and kind.status == 503]


@LEAF
def test_an_error_is_the_same_in_another_process(kind):
    members = {} if kind is InvalidParameters else {"allowed": ["a", "b"], "nearest": "a"}
    error = make(kind, detail="Traceback …", headers={"Retry-After": "5"}, **members)

    arrived = over_the_wire(error)

    assert type(arrived) is kind
    assert str(arrived) == str(error)
    for name in ("title", "detail", "headers", "members"):
        assert getattr(arrived, name) == getattr(error, name)
    assert arrived.to_wire() == error.to_wire()


@LEAF
def test_an_error_without_details_is_the_same_too(kind):
    error = make(kind)

    assert over_the_wire(error).to_wire() == error.to_wire()
    assert error.detail == ""
    assert error.headers == {}


def test_the_title_is_all_that_everyone_may_read():
    error = errors.PlotFailed("The plot's code raised an error", detail="Traceback: secret")

    assert str(error) == error.title == "The plot's code raised an error"
    assert "secret" not in str(error) + repr(error.members)


def test_members_that_do_not_apply_are_left_out():
    assert errors.UnknownPlot("?", nearest=None, allowed=[]).members == {"allowed": []}


def test_authors_say_in_their_own_words_why_there_is_no_picture():
    error = errors.CannotDraw("no orders in this week")

    assert (error.status, error.title) == (422, "no orders in this week")


@pytest.mark.parametrize(
    ("count", "title"),
    [(1, "1 parameter is wrong"), (2, "2 parameters are wrong"), (3, "3 parameters are wrong")],
)
def test_invalid_parameters_are_counted(count, title):
    error = InvalidParameters([ParameterError(f"p{n}", "unknown", "?") for n in range(count)])

    assert error.title == title
    assert [entry["parameter"] for entry in error.errors] == [f"p{n}" for n in range(count)]
    assert error.members == {"errors": error.errors}


def test_the_text_of_invalid_parameters_says_which_and_why():
    wrong = [
        ParameterError("n", "malformed", "'x' is not a whole number"),
        ParameterError("", "malformed", "no"),
    ]

    assert str(InvalidParameters(wrong)) == "2 parameters are wrong: n: 'x' is not a whole number; no"
    assert str(errors.from_wire(InvalidParameters(wrong[:1]).to_wire())).endswith(
        "wrong: n: 'x' is not a whole number"
    )
    assert str(InvalidParameters([])) == "0 parameters are wrong"


def test_an_entry_has_everything_that_applies():
    error = ParameterError(
        "method",
        "not_allowed",
        ENTRY["message"],
        sent="spearmann",
        allowed=("pearson", "spearman"),
        nearest="spearman",
    )

    assert error.to_json() == ENTRY
    assert InvalidParameters([error]).errors == [ENTRY]


def test_an_entry_has_nothing_that_does_not_apply():
    assert ParameterError("bins", "missing", "bins is missing").to_json() == {
        "parameter": "bins",
        "code": "missing",
        "message": "bins is missing",
    }


def test_an_empty_text_that_was_sent_is_shown_as_sent():
    assert ParameterError("bins", "malformed", "?", sent="").to_json()["sent"] == ""


@pytest.mark.parametrize("kind", [errors.BadRegistration, errors.BadSetting, errors.CannotLoad])
def test_an_error_of_the_set_up_never_answers_a_request(kind):
    assert issubclass(kind, errors.SetupError)
    assert not issubclass(kind, AnswerError)
    assert str(kind("rename one of them")) == "rename one of them"


def test_one_except_catches_everything_that_is_raised_on_purpose():
    assert issubclass(AnswerError, errors.PlotrouteError)
    assert issubclass(errors.SetupError, errors.PlotrouteError)


def test_a_file_that_does_not_load_brings_its_traceback():
    assert errors.CannotLoad("plots.py does not load", "Traceback …").detail == "Traceback …"
