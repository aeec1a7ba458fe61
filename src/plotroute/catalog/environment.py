"""Hash what decides a picture beside the author's code and data: packages, Python, fonts, addresses."""

from __future__ import annotations

import contextlib
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


# Kubernetes sets a variable for each service that there is (tcp://), and proxies decide no picture.
_NO_DATA = re.compile("(tcp|udp)://|.*_proxy$", re.IGNORECASE)


@functools.cache
def environment_hash(namespace: str = "") -> str:
    """Return a hash of packages, Python, machine, fonts and addresses.

    It is made once, before author code runs. Addresses are environment variables such as DATABASE_URL: an
    instance that reads another database shows other pictures, even where `ttl="forever"` says that its own
    data does not change.

    Args:
        namespace: the setting `cache_namespace`, for operators whose instances differ in something else.
    """
    facts = {sys.version, sys.implementation.name, platform.machine(), f"namespace: {namespace}"}
    for name, value in os.environ.items():
        if "://" in value and not (_NO_DATA.match(value) or _NO_DATA.match(name)):
            facts.add(f"{name}={value}")
    for distribution in importlib.metadata.distributions():
        try:
            facts.add(f"{distribution.metadata['Name']}=={distribution.version}")
        except Exception as error:  # A package that was removed in part: what remains counts as well.
            facts.add(f"broken: {type(error).__name__}")
    for folder in (os.path.join(os.environ.get("XDG_DATA_HOME", "~/.local/share"), "fonts"), *_FONTS):
        for place, _, files in os.walk(os.path.expanduser(folder)):
            for font in (Path(place, file) for file in files if file.lower().endswith(_FONT_SUFFIXES)):
                facts.add(f"{font.name}: {font.stat().st_size if font.exists() else 0}")
    for file in _matplotlib_files():
        with contextlib.suppress(OSError):  # it is gone, or may not be read: Matplotlib cannot read it either
            facts.add(f"{file.name}: {sha256(file.read_bytes()).hexdigest()}")
    return sha256("\0".join(sorted(facts)).encode("utf-8", "surrogateescape")).hexdigest()


def _matplotlib_files() -> list[Path]:
    """Return the user's files that Matplotlib reads when it is imported: a `matplotlibrc`, and styles.

    The rules are Matplotlib's own, but for a `matplotlibrc` in the working directory: Matplotlib is kept from
    it (`render/state/reset.py`), or the picture would depend on where the server was started.
    """
    if named := os.environ.get("MPLCONFIGDIR"):
        folder = Path(named)
    elif sys.platform.startswith(("linux", "freebsd")):
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config", "matplotlib")
    else:
        folder = Path("~/.matplotlib")
    folder = Path(os.path.expanduser(folder))
    candidates = [folder / "matplotlibrc"]
    if (chosen := os.environ.get("MATPLOTLIBRC")) is not None:
        candidates = [Path(chosen), Path(chosen, "matplotlibrc"), *candidates]
    settings = [file for file in candidates if file.is_file()]
    return [*settings[:1], *sorted((folder / "stylelib").glob("*.mplstyle"))]
