"""An error as a small SVG, for an `<img>`."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from plotroute.errors import AnswerError
from plotroute.web.errors.wording import advice, title_of, wrongs
from plotroute.web.pages.html import readable, render

DEFAULT_SIZE = (640, 400)

_SMALLEST, _LARGEST = 100, 2000
_MOST_SENTENCES, _MOST_CHARACTERS = 12, 600
_LEADING, _BOLD = 1.35, 1.1

# The colour of the edge says whose turn it is: the reader's (amber), no one's (blue), the operator's (red).
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


def picture(
    error: AnswerError, request_id: str, size: tuple[int, int] | None, development: bool, theme: str | None
) -> str:
    """Return the SVG of an error: its words in the largest type in which all of them fit.

    Args:
        error: The error.
        request_id: Shown below the words, so that an operator finds the log's lines.
        size: The size that the request asked of the picture, in CSS pixels; None: `DEFAULT_SIZE`.
        development: Show the author's line instead of advice for readers.
        theme: `dark` for light text on a dark ground.
    """
    width, height = (min(max(int(side), _SMALLEST), _LARGEST) for side in size or DEFAULT_SIZE)
    title, sentences = _short(title_of(error)), [_short(text) for text in _sentences(error, development)]
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
    return [wrong.sentence for wrong in wrongs(error)] or list(advice(error, development))


def _short(text: str) -> str:
    """Return `text` on one line, cut at a bound: fitting a text costs time, and a picture is no page."""
    text = " ".join(readable(text[: 2 * _MOST_CHARACTERS]).split())
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _lines(
    title: str, sentences: list[str], request_id: str, room: float, height: int, padding: float
) -> list[_Line]:
    """Lay out the words in the largest type in which all of them fit; in the smallest, end with a hint."""
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
    """Return the request id on one line, in small type; nothing where it would be cut off."""
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
    """Yield `word`, in pieces where it is longer than a line."""
    piece, used = "", 0.0
    for character in word:
        width = _width(character)
        if piece and used + width > room:
            yield piece
            piece, used = "", 0.0
        piece, used = piece + character, used + width
    yield piece


def _width(text: str) -> float:
    """Return an upper bound of the width of `text` in em: the reader's fonts are not known here."""
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
