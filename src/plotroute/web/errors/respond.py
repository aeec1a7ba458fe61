"""The answer to a request that went wrong: a picture, a page or a problem, whichever serves who asked.

The status tells the truth in each of them, none is ever stored, and outside development none shows a
traceback, a path or a version.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from flask import Response

from plotroute.errors import AnswerError, RenderError
from plotroute.web.headers import PAGE_POLICY, PICTURE_POLICY
from plotroute.web.negotiate import ErrorForm
from plotroute.web.pages.html import (
    Wrong,
    author_place,
    error_line,
    problem_page,
    readable,
    render,
)

DEFAULT_SIZE = (640, 400)

ADVICE = {
    "invalid_parameters": "Please correct the address and load it again.",
    "unauthorized": "Please log in and load the page again.",
    "forbidden": "Those who look after this site decide who may see it.",
    "unknown_plot": "Please check the address for a spelling mistake.",
    "unknown_format": "Please change the end of the address to a format that this plot has.",
    "unknown_source": "Please check the names in the address for a spelling mistake.",
    "method_not_allowed": "This address can be looked at, but not changed.",
    "not_acceptable": "Please ask for another type, or end the address in one, such as .png.",
    "body_too_slow": "Please try again.",
    "precondition_failed": "This picture is the one that you have already.",
    "body_too_large": "Please send fewer values.",
    "url_too_long": "Please send fewer values, or send them in the body of the request.",
    "unsupported_media_type": "Please send the values as JSON.",
    "cannot_draw": "Another choice may give a picture.",
    "plot_failed": "The program that draws this picture has a fault. Those who look after it find the cause "
    "in their log under the number of this request.",
    "plot_crashed": "The program that draws this picture has crashed. Those who look after it find the cause "
    "in their log under the number of this request.",
    "circuit_open": "Drawing this picture took too long several times. Please try again later.",
    "out_of_memory": "This picture needs more memory than it may use. Fewer points or a smaller picture "
    "may work.",
    "queue_full": "Many pictures are being drawn right now. Please load the page again in a moment.",
    "draining": "The server is being restarted. Please load the page again in a moment.",
    "dataset_loading": "The data for this picture is still being loaded. Please load the page again in a "
    "moment.",
    "dataset_unavailable": "The data for this picture could not be loaded. Those who look after it find the "
    "cause in their log under the number of this request.",
    "render_timeout": "Drawing this picture takes too long. A smaller range of data may work.",
}
"""What whoever looks at the error can do, in words for everybody (`cure` is for developers)."""


def respond(
    error: AnswerError,
    form: ErrorForm,
    *,
    request_id: str,
    size: tuple[int, int] | None,
    development: bool,
    theme: str | None = None,
    home: str = "/",
) -> Response:
    """Return `error` as an answer in one of its three forms. Needs neither a request nor an app.

    `size` is what was asked of the picture, in CSS pixels; with `theme="dark"` it is light on dark.
    `development` shows the traceback. `home` is where the list of plots is; empty where there is none.
    """
    request_id = _header(request_id)
    if form == "picture":
        body = _picture(error, request_id, size, development, theme)
        kind, policy = "image/svg+xml", PICTURE_POLICY
    elif form == "page":
        body, kind, policy = _page(error, request_id, development, home), "text/html", PAGE_POLICY
    else:
        body, kind, policy = _problem(error, request_id, development), "application/problem+json", ""

    response = Response(body.encode("utf-8"), status=error.status, mimetype=kind)
    for name, value in error.headers.items():
        if _TOKEN.fullmatch(name) and name.lower() not in _OURS:
            response.headers[name] = _header(value)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Sec-Fetch-Dest"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Request-ID"] = request_id
    if policy:
        response.headers["Content-Security-Policy"] = policy
    return response


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = {"content-type", "content-length"}


def _header(value: object) -> str:
    """Return what a header can hold of a text: no line end can start another header."""
    return re.sub(r"[^\x20-\x7e]", "", str(value))[:1000]


# --- application/problem+json ---------------------------------------------------------------------

_RESERVED = {"type", "title", "status", "code", "request_id", "detail"}
# Invisible or direction-turning characters may be in a string of JSON; a terminal should not obey them.
_INVISIBLE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _problem(error: AnswerError, request_id: str, development: bool) -> str:
    problem: dict[str, Any] = {
        "type": f"urn:plotroute:{error.code}",
        "title": _title(error),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    problem |= {name: value for name, value in error.members.items() if name not in _RESERVED}
    if development and error.detail:
        problem["detail"] = error.detail
    text = json.dumps(_plain(problem), ensure_ascii=False, allow_nan=False, indent=2)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as what every JSON parser reads: no NaN, no half characters, no Python objects."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Keeps a pair of surrogates together and replaces a half of one.
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int) and value.bit_length() <= 1024:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth < 10:  # ours have three levels; one that holds itself must end somewhere
        if isinstance(value, Mapping):
            return {_plain(_text(key)): _plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, depth + 1) for item in value]
    return _plain(_text(value))


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # an author's object, or an int of more digits than Python spells
        return f"a value of type {type(value).__name__}"


# --- what is wrong, in words ----------------------------------------------------------------------


def _title(error: AnswerError) -> str:
    """Return the title; authors raise CannotDraw with whatever they have, another exception included."""
    return _text(error.title).strip() or "This picture cannot be drawn."


def _wrongs(error: AnswerError) -> list[Wrong]:
    """Return the single things that are wrong with the request."""
    entries = error.members.get("errors")
    return [_wrong(entry) for entry in entries if isinstance(entry, Mapping)] if _is_list(entries) else []


def _wrong(entry: Mapping[Any, Any]) -> Wrong:
    words = {name: _text(entry[name]) for name in ("parameter", "message", "nearest") if entry.get(name)}
    if "message" not in words:
        words["message"] = "This value cannot be used." if "parameter" in words else "Something is wrong."
    # Many messages name the parameter and the nearest value themselves: nobody reads them twice.
    for name in ("parameter", "nearest"):
        if name in words and _mentions(words["message"], words[name]):
            del words[name]
    allowed = entry.get("allowed")
    return Wrong(**words, allowed=[_text(item) for item in allowed] if _is_list(allowed) else ())


def _mentions(text: str, word: str) -> bool:
    """Say whether `word` is in `text` as a whole: "spearman" is not in "spearmann"."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _advice(error: AnswerError, development: bool, *, linked: bool = False) -> Iterator[str]:
    """Yield the sentences that help, after the title and what is wrong: in development, where to look.

    `linked`: what was most likely meant is shown as a link already.
    """
    if development and error.detail:
        place = author_place(error.detail)
        yield error_line(error.detail) + (f" ({place})" if place else "")
        return
    nearest, allowed = error.members.get("nearest"), error.members.get("allowed")
    title = _title(error)
    if nearest and not linked and not _mentions(title, _text(nearest)):
        yield f"Did you mean “{_text(nearest)}”?"
    told = linked or (_is_list(allowed) and all(_mentions(title, _text(item)) for item in allowed))
    if _is_list(allowed) and not told:
        named, more = ", ".join(map(_text, allowed[:_MOST_CHOICES])), len(allowed) - _MOST_CHOICES
        yield f"The choices are: {named}" + (f" and {more} more." if more > 0 else ".")
    general = "Please try again later." if isinstance(error, RenderError) else "Please check the address."
    yield ADVICE.get(error.code, general)
    seconds = _text(error.headers.get("Retry-After", ""))
    if re.fullmatch(r"[0-9]{1,6}", seconds) and int(seconds):
        yield f"It is worth trying again in {int(seconds)} second{'s' * (int(seconds) != 1)}."


_MOST_CHOICES = 20
"""Of what is allowed, as many are named: more are a list that is in `/plots.json`."""


def _is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


# --- text/html ------------------------------------------------------------------------------------


def _page(error: AnswerError, request_id: str, development: bool, home: str) -> str:
    nearest, allowed = error.members.get("nearest"), error.members.get("allowed")
    # Formats and types are choices too, and no addresses.
    meant = [_text(one) for one in (allowed if _is_list(allowed) else [nearest]) if one]
    # One slash: two would lead to another server. A path with <parameters> leads nowhere.
    links = meant if all(re.match(r"/(?!/)[^<]*$", one) for one in meant) else []
    return problem_page(
        title=_title(error),
        status=error.status,
        code=error.code,
        request_id=request_id,
        advice=list(_advice(error, development, linked=bool(links))),
        meant=links[:_MOST_CHOICES],
        wrong=_wrongs(error),
        detail=error.detail if development else "",
        home=home,
    )


# --- image/svg+xml --------------------------------------------------------------------------------

_SMALLEST, _LARGEST = 100, 2000
_MOST_SENTENCES, _MOST_CHARACTERS = 12, 600
_LEADING, _BOLD = 1.35, 1.1

# The edge says who can act: the reader (amber), nobody needs to (blue), the server's people (red).
_COLOURS = {4: "#d08a1d", 422: "#4f7ca8", 5: "#b8473d"}

_LIGHT = {"fill": "#fbf9f5", "stroke": "#d8d2c8", "ink": "#2b2a28", "faint": "#6a645c"}
_DARK = {"fill": "#16191d", "stroke": "#3a424c", "ink": "#e6e9ed", "faint": "#a3acb7"}  # as in theme.py

_HINTS = ("… Open this picture's address to read all of it.", "… Open it to read more.", "… more", "…")


@dataclass(frozen=True, slots=True)
class _Line:
    kind: Literal["title", "text", "hint", "id"]
    text: str
    size: float
    y: float
    """Of the baseline."""


def _picture(
    error: AnswerError, request_id: str, size: tuple[int, int] | None, development: bool, theme: str | None
) -> str:
    width, height = (min(max(int(side), _SMALLEST), _LARGEST) for side in size or DEFAULT_SIZE)
    title, sentences = _short(_title(error)), [_short(text) for text in _sentences(error, development)]
    if len(sentences) > _MOST_SENTENCES:
        left_out = len(sentences) - _MOST_SENTENCES + 1
        sentences[_MOST_SENTENCES - 1 :] = [f"… and {left_out} more."]
    padding = min(max(min(width, height) * 0.06, 8), 28)
    left = padding + 6  # the coloured edge
    return render(
        "problem.svg",
        width=width,
        height=height,
        left=round(left, 1),
        paper=_DARK if theme == "dark" else _LIGHT,
        colour=_COLOURS.get(error.status) or _COLOURS.get(error.status // 100, _COLOURS[5]),
        words=" ".join([title, *sentences]),
        lines=_lines(title, sentences, request_id, width - left - padding, height, padding),
    )


def _sentences(error: AnswerError, development: bool) -> list[str]:
    """Return what the picture says below its title."""
    return [wrong.sentence for wrong in _wrongs(error)] or list(_advice(error, development))


def _short(text: str) -> str:
    """Return `text` on one line, and bounded: fitting it costs time, and a picture is no page."""
    text = " ".join(readable(text[: 2 * _MOST_CHARACTERS]).split())
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _lines(
    title: str, sentences: list[str], request_id: str, room: float, height: int, padding: float
) -> list[_Line]:
    """Lay the words out in the largest type in which all of them fit; at the smallest, end with a hint."""
    tail = _id_line(request_id, room, height - padding)
    bottom = (tail[0].y - tail[0].size * 1.5) if tail else height - padding
    wanted = round(min(max(math.sqrt(room * height) / 30, 11), 22))
    least = 10 if min(room, height) < 200 else 12
    for size in range(max(wanted, least), least - 1, -1):
        lines = _paragraphs(title, sentences, size, room, padding)
        if lines[-1].y + size * 0.3 <= bottom:
            return lines + tail
    hint_y = bottom - least * 0.3
    kept = [line for line in lines if line.y + least * _LEADING <= hint_y]
    hint = next(text for text in _HINTS if _width(text) * least <= room or text == _HINTS[-1])
    y = min(hint_y, kept[-1].y + least * 1.5) if kept else hint_y
    return [*kept, _Line("hint", hint, least, round(y, 1)), *tail]


def _id_line(request_id: str, room: float, bottom: float) -> list[_Line]:
    """Return the request's number on one line, small; nothing where it would be cut."""
    for text in (f"Request {request_id}", request_id):
        for size in (11, 10, 9, 8, 7):
            # 0.61 em: the widest of the usual monospaced faces is a little narrower.
            if request_id and len(text) * 0.61 * size <= room:
                return [_Line("id", text, size, round(bottom, 1))]
    return []


def _paragraphs(title: str, sentences: list[str], size: int, room: float, top: float) -> list[_Line]:
    lines: list[_Line] = []
    heading = round(size * 1.25, 1)
    if any(_width(word) * heading * _BOLD > room for word in title.split()):
        heading = float(size)  # a smaller title is better than a broken word
    y = top + heading * 0.8 - heading * _LEADING
    for text in _wrapped(title, room / heading / _BOLD):
        y += heading * _LEADING
        lines.append(_Line("title", text, heading, round(y, 1)))
    for sentence in sentences:
        y += size * 0.4
        for text in _wrapped(sentence, room / size):
            y += size * _LEADING
            lines.append(_Line("text", text, size, round(y, 1)))
    return lines


def _wrapped(text: str, room: float) -> list[str]:
    """Return `text` in lines of at most `room` em."""
    lines, line, used = [], "", 0.0
    for word in text.split(" "):
        for piece in _pieces(word, room):
            width = _width(piece)
            if line and used + _width(" ") + width > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = (f"{line} {piece}", used + _width(" ") + width) if line else (piece, width)
    return [*lines, line]


def _pieces(word: str, room: float) -> Iterable[str]:
    """Yield `word`, or what fits on a line of it at a time."""
    piece, used = "", 0.0
    for character in word:
        width = _width(character)
        if piece and used + width > room:
            yield piece
            piece, used = "", 0.0
        piece, used = piece + character, used + width
    yield piece


def _width(text: str) -> float:
    """Return the width of `text` in em, on the safe side: whose fonts draw it is not known here."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> float:
    # Rounded up from DejaVu Sans, the widest of the faces that the picture asks for.
    if character in "iljI.,:;'|!’":
        return 0.36
    if character in 'frt()[]{}/-"“” ':
        return 0.48
    if character in "mwMW@%…—":
        return 1.02
    if character.isascii():
        return 0.79 if character.isupper() else 0.65
    return 1.1 if unicodedata.east_asian_width(character) in "WF" else 0.85
