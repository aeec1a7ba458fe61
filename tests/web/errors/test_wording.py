"""What an error says to a reader, in any of its forms."""

from __future__ import annotations

from plotroute.errors import (
    CannotDraw,
    InvalidParameters,
    ParameterError,
    QueueFull,
    UnknownPlot,
    answer_errors,
)
from plotroute.web.errors.wording import ADVICE
from web.errors.answers import FORMS, answer, words


def test_every_error_has_a_word_for_the_reader() -> None:
    assert set(ADVICE) == {kind.code for kind in answer_errors()}
    assert all(sentence.endswith(".") for sentence in ADVICE.values())


def test_an_error_without_parameters_says_what_helps() -> None:
    unknown = words(answer(UnknownPlot("There is no plot “revenu”", nearest="revenue"), "picture"))
    assert "Did you mean “revenue”?" in unknown
    busy = words(answer(QueueFull("Busy", headers={"Retry-After": "5"}), "picture"))
    assert "It is worth trying again in 5 seconds." in busy
    assert "Please load the page again in a moment." in busy


def test_a_message_that_names_its_parameter_is_not_told_it_twice() -> None:
    def said(message: str) -> str:
        wrong = ParameterError("bins", "malformed", message, nearest="20")
        return words(answer(InvalidParameters([wrong]), "picture", request_id=""))

    assert said("bins must be a whole number, such as 20.") == (
        "1 parameter is wrong bins must be a whole number, such as 20."
    )
    assert said("Cabins!") == "1 parameter is wrong bins: Cabins! Did you mean “20”?"


def test_an_author_may_raise_cannot_draw_with_anything() -> None:
    for title in (ValueError("no orders"), 5, ""):
        for form in FORMS:
            answer(CannotDraw(title), form)  # type: ignore[arg-type]
    assert "This picture cannot be drawn." in words(answer(CannotDraw("  "), "picture"))
