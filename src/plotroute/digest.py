"""Hash contents for keys, ETags, versions and names of files.

16 bytes of BLAKE2b, in hexadecimal. Among 10^12 pictures, two have the same hash with a probability of
10^-15.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

_SIZE = 16


def hasher() -> hashlib.blake2b:
    """Return a hash object to `update` piece by piece, for content that is not in memory as a whole."""
    return hashlib.blake2b(digest_size=_SIZE)


def of_bytes(content: bytes | memoryview) -> str:
    """Return the hash of bytes."""
    return hashlib.blake2b(content, digest_size=_SIZE).hexdigest()


def of_text(text: str) -> str:
    """Return the hash of a text. It may have lone surrogates, as parameters of requests may."""
    return of_bytes(text.encode("utf-8", "surrogatepass"))


def of_json(*parts: Any) -> str:
    """Return the hash of JSON values. The order of the keys in a mapping does not matter."""
    return of_text(json.dumps(parts, sort_keys=True, separators=(",", ":"), default=dict))
