"""An error as a page, for a browser's window."""

from __future__ import annotations

import re

from plotroute.errors import AnswerError
from plotroute.web.errors.wording import MOST_CHOICES, advice, is_list, text_of, title_of, wrongs
from plotroute.web.pages.html import problem_page


def page(error: AnswerError, request_id: str, development: bool, home: str) -> str:
    """Return the HTML of an error; `home` is the address of the list of plots, or empty."""
    nearest, allowed = error.members.get("nearest"), error.members.get("allowed")
    # `allowed` may hold formats and types as well: those are choices, but no addresses.
    meant = [text_of(one) for one in (allowed if is_list(allowed) else [nearest]) if one]
    # One slash in front: two would lead to another server. A path with <parameters> cannot be followed.
    links = meant if all(re.match(r"/(?!/)[^<]*$", one) for one in meant) else []
    return problem_page(
        title=title_of(error),
        status=error.status,
        code=error.code,
        request_id=request_id,
        advice=list(advice(error, development, linked=bool(links))),
        meant=links[:MOST_CHOICES],
        wrong=wrongs(error),
        detail=error.frames if development else (),
        home=home,
    )
