"""Check values of settings that are more than a number or a word: URLs, networks, names of headers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PATH = re.compile(
    r"(?:/(?!\.\.?(?:/|\Z))(?:[A-Za-z0-9._~@:+=-]|%(?!0|1|2[EeFf]|5[Cc]|7[Ff])[0-9A-Fa-f]{2})+)+"
)
"""A path that can stand before a link: it cannot end an HTML attribute, name a host or climb up (`..`)."""

_ORIGIN = re.compile(
    r"(?i:https?)://(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
)


def base_url(text: str) -> str:
    """Return a `base_url` without its last slash; a ValueError says what is wrong with it."""
    origin = _ORIGIN.match(text)
    path = text[origin.end() if origin else 0 :].removesuffix("/")
    if path and not PATH.fullmatch(path):
        raise ValueError(
            "it must be a URL such as https://example.org/charts or a path such as /charts, and no more"
        )
    _ = urlsplit(text).port  # raises a ValueError for a port out of range
    return text.removesuffix("/")


def trusted_proxies(text: str) -> str:
    """Return a list of addresses, networks, `unix` and `*`, separated by commas, or raise a ValueError."""
    from ipaddress import ip_network  # imported here: most servers trust no proxy

    words = text.replace(",", " ").split()
    for word in words:
        if word not in ("*", "unix"):
            ip_network(word)
    return ", ".join(words)


def header_name(text: str) -> str:
    """Return the name of a header; a ValueError if it is none."""
    if text and not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError("it must be the name of a header, of letters, digits and hyphens")
    return text
