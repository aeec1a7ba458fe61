"""An error as an answer, for the tests of each of its forms."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from flask import Response

from plotroute.errors import (
    AnswerError,
    ParameterError,
)
from plotroute.model import Frame
from plotroute.web.errors.respond import respond
from plotroute.web.negotiate import ErrorForm

FORMS: tuple[ErrorForm, ...] = ("picture", "page", "problem")
SVG = "{http://www.w3.org/2000/svg}"
WRONG = ParameterError(
    "method",
    "not_allowed",
    "“spearmann” is not a method.",
    sent="spearmann",
    allowed=["pearson", "spearman", "kendall"],
    nearest="spearman",
)
SOURCE = 'frame["regoin"]'
TRACEBACK = (
    Frame("Traceback (most recent call last):\n"),
    Frame(
        f'  File "/home/ann/plots.py", line 12, in revenue\n    {SOURCE}\n',
        *("/home/ann/plots.py", 12, "revenue", SOURCE),
        is_authors=True,
    ),
    Frame("KeyError: 'regoin'\n", names_error=True),
)


def answer(
    error: AnswerError,
    form: ErrorForm,
    *,
    request_id: str = "4f2a9b8c",
    size: tuple[int, int] | None = None,
    development: bool = False,
) -> Response:
    return respond(error, form, request_id=request_id, size=size, development=development)


def words(response: Response) -> str:
    """What a picture says, its lines joined."""
    root = ET.fromstring(response.get_data())
    return " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
