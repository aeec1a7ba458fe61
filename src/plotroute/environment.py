"""What decides a picture beside the author's code and data: packages, Python, machine and fonts."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import sys
from hashlib import sha256
from pathlib import Path

_FONTS = ["/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "/opt/local/share/fonts"]
_FONTS += ["/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"]
_FONT_SUFFIXES = (".ttf", ".ttc", ".otf", ".afm")


@functools.cache
def environment_hash() -> str:
    """Return a hash of packages, Python, machine and fonts, once: before author code is on sys.path."""
    facts = {sys.version, sys.implementation.name, platform.machine()}
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
