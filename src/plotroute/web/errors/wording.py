"""What an error says to a reader: its title, what is wrong with the request, and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from plotroute.errors import AnswerError, RenderError
from plotroute.web.pages.html import Wrong, author_place, error_line

ADVICE = {
    "invalid_parameters": "Please correct the address and load it again.",
    "unauthorized": "Please log in and load the page again.",
    "forbidden": "The people in charge of this site decide which readers may see it.",
    "unknown_plot": "Please check the address for a spelling mistake.",
    "unknown_format": "Please change the end of the address to a format that this plot has.",
    "unknown_source": "Please check the names in the address for a spelling mistake.",
    "method_not_allowed": "This address can be looked at, but not changed.",
    "not_acceptable": "Please ask for another type, or end the address in one, such as .png.",
    "body_too_slow": "Please try again.",
    "precondition_failed": "You have this picture already.",
    "body_too_large": "Please send fewer values.",
    "url_too_long": "Please send fewer values, or send them in the body of the request.",
    "unsupported_media_type": "Please send the values as JSON.",
    "cannot_draw": "Another choice may give a picture.",
    "plot_failed": "The program that draws this picture has a fault. The people in charge of it find the "
    "cause in the log under the number of this request.",
    "plot_crashed": "The program that draws this picture has crashed. The people in charge of it find the "
    "cause in the log under the number of this request.",
    "circuit_open": "Drawing this picture took too long several times. Please try again later.",
    "out_of_memory": "This picture needs more memory than it may use. Fewer points or a smaller picture "
    "may work.",
    "queue_full": "Many pictures are being drawn right now. Please load the page again in a moment.",
    "draining": "The server is being restarted. Please load the page again in a moment.",
    "dataset_loading": "The data for this picture is still being loaded. Please load the page again in a "
    "moment.",
    "dataset_unavailable": "The data for this picture could not be loaded. The people in charge of it find "
    "the cause in the log under the number of this request.",
    "render_timeout": "Drawing this picture takes too long. A smaller range of data may work.",
}
"""What a reader can do about an error, by its code (an error's `cure` is for web developers)."""

MOST_CHOICES = 20
"""How many allowed values a sentence names. More are a list, which is in `/plots.json`."""


def title_of(error: AnswerError) -> str:
    """Return the title as text: authors raise CannotDraw with any object, another exception included."""
    return text_of(error.title).strip() or "This picture cannot be drawn."


def wrongs(error: AnswerError) -> list[Wrong]:
    """Return each thing that is wrong with the request."""
    entries = error.members.get("errors")
    return [_wrong(entry) for entry in entries if isinstance(entry, Mapping)] if is_list(entries) else []


def _wrong(entry: Mapping[Any, Any]) -> Wrong:
    words = {name: text_of(entry[name]) for name in ("parameter", "message", "nearest") if entry.get(name)}
    if "message" not in words:
        words["message"] = "This value cannot be used." if "parameter" in words else "Something is wrong."
    # Many messages name the parameter and the nearest value themselves: a reader should not read them twice.
    for name in ("parameter", "nearest"):
        if name in words and _mentions(words["message"], words[name]):
            del words[name]
    allowed = entry.get("allowed")
    return Wrong(**words, allowed=[text_of(item) for item in allowed] if is_list(allowed) else ())


def _mentions(text: str, word: str) -> bool:
    """Whether `text` holds `word` as a whole word: "spearmann" does not hold "spearman"."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def advice(error: AnswerError, development: bool, *, linked: bool = False) -> Iterator[str]:
    """Yield the sentences that help, for after the title and what is wrong.

    Args:
        error: The error.
        development: Yield where in the author's code to look, in place of advice for readers.
        linked: The page shows the addresses that were probably meant as links already.
    """
    if development and error.detail:
        place = author_place(error.frames)
        yield error_line(error.frames) + (f" ({place.place})" if place else "")
        return
    nearest, allowed = error.members.get("nearest"), error.members.get("allowed")
    title = title_of(error)
    if nearest and not linked and not _mentions(title, text_of(nearest)):
        yield f"Did you mean “{text_of(nearest)}”?"
    are_known = linked or (is_list(allowed) and all(_mentions(title, text_of(item)) for item in allowed))
    if is_list(allowed) and not are_known:
        named, more = ", ".join(map(text_of, allowed[:MOST_CHOICES])), len(allowed) - MOST_CHOICES
        yield f"The choices are: {named}" + (f" and {more} more." if more > 0 else ".")
    general = "Please try again later." if isinstance(error, RenderError) else "Please check the address."
    yield ADVICE.get(error.code, general)
    seconds = text_of(error.headers.get("Retry-After", ""))
    if re.fullmatch(r"[0-9]{1,6}", seconds) and int(seconds):
        yield f"It is worth trying again in {int(seconds)} second{'s' * (int(seconds) != 1)}."


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether a member of an error holds several values."""
    return isinstance(value, list | tuple)


def text_of(value: Any) -> str:
    """Return `str(value)`, or its type where it has no text."""
    try:
        return str(value)
    except Exception:  # an author's object, or an int of more digits than Python spells
        return f"a value of type {type(value).__name__}"
