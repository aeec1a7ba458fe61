"""What decides a picture beside the author's code and data: packages, Python, machine, fonts, addresses."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import sys
from hashlib import sha256
from pathlib import Path

_FONTS = ["/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "/opt/local/share/fonts"]
_FONTS += ["/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"]
_FONT_SUFFIXES = (".ttf", ".ttc", ".otf", ".afm")


# Kubernetes sets one for each service that there is (tcp://), and proxies decide no picture.
_NO_DATA = re.compile("(tcp|udp)://|.*_proxy$", re.IGNORECASE)


@functools.cache
def environment_hash(namespace: str = "") -> str:
    """Return a hash of packages, Python, machine, fonts and addresses, once: before author code runs.

    Addresses are environment variables such as DATABASE_URL: an instance that reads another database shows
    other pictures, though `ttl="forever"` says that its own data does not change. `namespace` is what an
    operator sets where that is told in some other way.
    """
    facts = {sys.version, sys.implementation.name, platform.machine(), f"namespace: {namespace}"}
    for name, value in os.environ.items():
        if "://" in value and not (_NO_DATA.match(value) or _NO_DATA.match(name)):
            facts.add(f"{name}={value}")
    for distribution in importlib.metadata.distributions():
        try:
            facts.add(f"{distribution.metadata['Name']}=={distribution.version}")
        except Exception as error:  # A package that was removed half; its remains are an environment as well.
            facts.add(f"broken: {type(error).__name__}")
    for folder in (os.path.join(os.environ.get("XDG_DATA_HOME", "~/.local/share"), "fonts"), *_FONTS):
        for place, _, files in os.walk(os.path.expanduser(folder)):
            for font in (Path(place, file) for file in files if file.lower().endswith(_FONT_SUFFIXES)):
                facts.add(f"{font.name}: {font.stat().st_size if font.exists() else 0}")
    return sha256("\0".join(sorted(facts)).encode("utf-8", "surrogateescape")).hexdigest()
