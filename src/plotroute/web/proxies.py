"""Proxies in front: whose word about a request is believed, and the path that they put the server under.

Werkzeug's ProxyFix applies what a proxy says; here is only decided whether, and whether it can be true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from plotroute.routing.routes import ROOT
from plotroute.settings import PATH, Settings

App = Callable[..., Iterable[bytes]]

_FORWARDED = tuple(f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PORT", "PREFIX"))

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

# No address: gunicorn and granian say nothing of a peer on a Unix socket, Werkzeug's server says this.
_ON_A_SOCKET = ("", "<local>")


def behind_proxies(app: App, settings: Settings) -> App:
    """Return `app` as the proxies of the settings show it; without any, `app` itself.

    Nothing of plotroute's reads a forwarded header, so where no proxy is trusted nothing is to be removed.
    """
    base = _base_path(settings)
    return _Behind(app, settings, base) if base or settings.trusted_proxies else app


def link_prefix(environ: Mapping[str, Any], settings: Settings) -> str:
    """Return what plotroute's addresses have in front in links: `https://example.org/charts`, or nothing.

    Without a `base_url` it is the path that the app is mounted at, or that a trusted proxy has said.
    """
    return settings.base_url or link_path(environ)


def link_path(environ: Mapping[str, Any]) -> str:
    """Return the path that the app is mounted at, for links; nothing if it cannot be one."""
    mounted = environ.get("SCRIPT_NAME", "").encode("latin-1", "replace")
    path = quote(mounted, safe="/%@:+=~").rstrip("/")
    return path if PATH.fullmatch(path) else ""


def header_user(environ: Mapping[str, Any], settings: Settings) -> str | None:
    """Return the user that a trusted proxy names in `user_header`, or None.

    Other clients could name any user. So the peer of the connection must be trusted, not the address that
    its headers name.
    """
    if not settings.user_header:
        return None
    connected = environ.get("werkzeug.proxy_fix.orig") or environ
    if not _trusted(settings.trusted_proxies).have(connected.get("REMOTE_ADDR")):
        return None
    sent: str = environ.get(_variable(settings.user_header), "")
    if "," in sent:  # servers join a header that was sent twice: it is unknown which user is meant
        return None
    try:
        user = sent.encode("latin-1").decode("utf-8")
    except UnicodeError:
        user = sent
    user = user.strip(" ")
    return user if user and user.isprintable() else None


class _Behind:
    """The WSGI app of a server behind proxies."""

    def __init__(self, app: App, settings: Settings, base: str) -> None:
        self._app = app
        self._base = base
        self._trusted = _trusted(settings.trusted_proxies)
        # A base_url says the path already.
        prefixes = 0 if settings.base_url else 1
        self._told = ProxyFix(self._sound, x_for=1, x_proto=1, x_host=1, x_prefix=prefixes)
        self._not_a_strangers = [*_FORWARDED]
        if settings.user_header:
            self._not_a_strangers.append(_variable(settings.user_header))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if self._trusted.have(environ.get("REMOTE_ADDR")):
            return self._told(environ, start_response)
        for name in self._not_a_strangers:
            environ.pop(name, None)
        return self._below(environ, start_response)

    def _sound(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Take back what cannot be: many a proxy passes on what a reader has sent."""
        before = environ["werkzeug.proxy_fix.orig"]
        wrong = []
        if environ["wsgi.url_scheme"] not in ("http", "https"):
            wrong.append("wsgi.url_scheme")
        if not _HOST.fullmatch(environ.get("HTTP_HOST") or ""):
            wrong += ["HTTP_HOST", "SERVER_NAME", "SERVER_PORT"]
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").rstrip("/")
        if not PATH.fullmatch(environ["SCRIPT_NAME"]):
            wrong.append("SCRIPT_NAME")
        for name in wrong:
            if before[name] is None:
                environ.pop(name, None)
            else:
                environ[name] = before[name]
        return self._below(environ, start_response)

    def _below(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer below the base path, wherever it was not taken off before."""
        path = environ.get("PATH_INFO", "")
        if self._base and (path == self._base or path.startswith(self._base + "/")):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._base
            environ["PATH_INFO"] = path.removeprefix(self._base) or "/"
        return self._app(environ, start_response)


class _Proxies:
    """The proxies that `trusted_proxies` names."""

    def __init__(self, text: str) -> None:
        words = set(text.replace(",", " ").split())
        self._all = "*" in words
        self._on_a_socket = "unix" in words
        self._networks = [_network(word) for word in words - {"*", "unix"}]

    def have(self, peer: str | None) -> bool:
        """Say whether a peer, by its REMOTE_ADDR, is one of them."""
        if self._all:
            return True
        if peer is None or peer in _ON_A_SOCKET:
            return self._on_a_socket
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in known for known in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    found = ip_network(text)
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and found.network_address.ipv4_mapped:
        return IPv4Network(f"{found.network_address.ipv4_mapped}/{found.prefixlen - 96}")
    return found


_trusted = lru_cache(maxsize=8)(_Proxies)


def _base_path(settings: Settings) -> str:
    """Return the path to take off, as WSGI spells it; none where plotroute's own paths begin so."""
    path = unquote_to_bytes(urlsplit(settings.base_url).path).decode("latin-1")
    return "" if f"{path}/".startswith(ROOT) else path


def _variable(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")
