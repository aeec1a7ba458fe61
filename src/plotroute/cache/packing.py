"""A picture as the bytes of one file: unpacking returns the very picture that was packed, or none.

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
"""Upper bound for the label and the image's header together, so that a corrupt length cannot make a reader
allocate more. They have one or two kB, unless an alt text is a book."""

_HEAD = struct.Struct("!4sHIIQ")  # magic, format, bytes of the label, of the image's header, of its body
_MAGIC = b"plrc"
_FORMAT = 1
# Against accidents, not against attacks: other users cannot write into the folder. With 16 bytes no accident
# passes.
_CHECKSUM = 16


class Damaged(ValueError):
    """The bytes are not those that were written under the key."""


def pack(key: str, stored: Stored) -> bytes:
    """Return the bytes of the file of a picture.

    Raises:
        ValueError: The key, the alt text and the versions are too long, or are no valid Unicode.
    """
    label = {
        "key": key,
        "plot": stored.plot,
        "etag": stored.etag,
        "drawn_at": stored.drawn_at,
        "expires_at": stored.expires_at,
        "worth_until": stored.worth_until,
    }
    label_bytes = json.dumps(label, separators=(",", ":")).encode()
    header, body = to_wire(stored.image)
    if len(label_bytes) + len(header) > MOST_WORDS:
        raise ValueError(
            f"its key, its alt text and its versions have {len(label_bytes) + len(header):,} bytes"
        )
    head = _HEAD.pack(_MAGIC, _FORMAT, len(label_bytes), len(header), len(body))
    content = b"".join([head, label_bytes, header, body])
    return content + _checksum(content)


def unpack(data: bytes, key: str) -> Stored | _Missing:
    """Return the picture that was packed under `key`.

    Returns:
        The picture, or MISSING if the file has the format of another version of plotroute, which needs it.

    Raises:
        Damaged: The bytes are any others.
    """
    if len(data) < _HEAD.size + _CHECKSUM:
        raise Damaged(f"it has {len(data)} bytes")
    magic, format, label_size, header, body = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise Damaged("it does not begin as a picture does")
    if format != _FORMAT:
        return MISSING
    if _HEAD.size + label_size + header + body + _CHECKSUM != len(data):
        raise Damaged("it is longer or shorter than it was")
    view = memoryview(data)
    if _checksum(view[:-_CHECKSUM]) != view[-_CHECKSUM:]:
        raise Damaged("its checksum does not match")
    start = _HEAD.size + label_size
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
    """Return the names of the plot of a file's picture, reading its first bytes only; or None."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, format, label_size, _, _ = _HEAD.unpack(head)
    if magic != _MAGIC or format != _FORMAT or label_size > MOST_WORDS:
        return None
    try:
        plot = json.loads(file.read(label_size))["plot"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return plot if isinstance(plot, str) else None


def _checksum(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM).digest()
