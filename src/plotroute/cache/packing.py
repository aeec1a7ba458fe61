"""A picture as the bytes of one file: who unpacks them gets the very picture that was packed, or none.

head: magic, format, lengths │ label: JSON │ header of the image: JSON │ its body │ checksum of all
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import BinaryIO

from plotroute.cache.base import MISSING, Stored, _Missing
from plotroute.model import Image, from_wire, to_wire

MOST_WORDS = 2**20
"""The label and the header of the image have at most a megabyte; they have one or two kB, unless somebody
writes a book into an alt text. So whoever reads a file knows what he may have to read."""

_HEAD = struct.Struct("!4sHIIQ")  # magic, format, bytes of the label, of the image's header, of its body
_MAGIC = b"plrc"
_FORMAT = 1
# Against accidents, not against people: nobody else writes into the folder. 16 bytes are missed never.
_CHECKSUM = 16


class Damaged(ValueError):
    """These are not the bytes that were written under that key."""


def pack(key: str, stored: Stored) -> bytes:
    """Return the bytes of a file; a ValueError where a picture cannot be told in them."""
    label = {
        "key": key,
        "plot": stored.plot,
        "etag": stored.etag,
        "drawn_at": stored.drawn_at,
        "expires_at": stored.expires_at,
        "worth_until": stored.worth_until,
    }
    told = json.dumps(label, separators=(",", ":")).encode()
    header, body = to_wire(stored.image)
    if len(told) + len(header) > MOST_WORDS:
        raise ValueError(f"its key, its alt text and its versions have {len(told) + len(header):,} bytes")
    content = b"".join([_HEAD.pack(_MAGIC, _FORMAT, len(told), len(header), len(body)), told, header, body])
    return content + _checksum(content)


def unpack(data: bytes, key: str) -> Stored | _Missing:
    """Return the picture that was packed under `key`; Damaged if these are any other bytes.

    MISSING if a plotroute wrote them that has another format: they are good for that one.
    """
    if len(data) < _HEAD.size + _CHECKSUM:
        raise Damaged(f"it has {len(data)} bytes")
    magic, format, told, header, body = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise Damaged("it does not begin as a picture does")
    if format != _FORMAT:
        return MISSING
    if _HEAD.size + told + header + body + _CHECKSUM != len(data):
        raise Damaged("it is longer or shorter than it was")
    view = memoryview(data)
    if _checksum(view[:-_CHECKSUM]) != view[-_CHECKSUM:]:
        raise Damaged("its checksum does not match")
    start = _HEAD.size + told
    label = json.loads(data[_HEAD.size : start])
    if label["key"] != key:
        raise Damaged("it is the picture of another key")
    image = from_wire(Image, data[start : start + header], data[start + header : -_CHECKSUM])
    # A file of an earlier version has no `worth_until`.
    return Stored(
        image,
        label["etag"],
        label["drawn_at"],
        label["expires_at"],
        label["plot"],
        label.get("worth_until"),
    )


def plot_of(file: BinaryIO) -> str | None:
    """Return the names of the plot whose picture a file has, from its first bytes, or None."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, format, told, _, _ = _HEAD.unpack(head)
    if magic != _MAGIC or format != _FORMAT or told > MOST_WORDS:
        return None
    try:
        plot = json.loads(file.read(told))["plot"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return plot if isinstance(plot, str) else None


def _checksum(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM).digest()
