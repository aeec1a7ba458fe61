"""What plots give without plotroute: the pictures that all others are compared with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from adversarial.servers import PLOTS, Reply

# A script as everybody writes it: import, call, savefig. Plotroute's decorators return functions unchanged.
_SCRIPT = """
import json
import sys
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import plain
for name, arguments, file in json.load(sys.stdin):
    getattr(plain, name)(**arguments).savefig(file, backend="module://plotroute.encode.matplotlib.agg_canvas")
    plt.close("all")
"""


def drawn_alone(requests: Sequence[str]) -> dict[str, bytes]:
    """Draw what each `GET /sine.png?freq=2` asks for, one after the other in an interpreter of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = {request: Path(folder, f"{number}.png") for number, request in enumerate(requests)}
        calls = [(*_call(request), str(file)) for request, file in files.items()]
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            input=json.dumps(calls).encode(),
            cwd=PLOTS,
            check=True,
            capture_output=True,
            env={**os.environ, "ADVERSARIAL_NOTES": os.devnull},
        )
        return {request: file.read_bytes() for request, file in files.items()}


def other_than(golden: bytes, reply: Reply) -> str:
    """Return "" for the golden picture, else where both are kept, to be looked at, with the headers."""
    if reply.body == golden:
        return ""
    folder = Path(tempfile.mkdtemp(prefix="plotroute-not-golden-"))
    (folder / "answered.png").write_bytes(reply.body)
    (folder / "golden.png").write_bytes(golden)
    (folder / "headers.txt").write_text(str(reply.headers))
    return f"{reply.request} is not golden: {folder}"


def _call(request: str) -> tuple[str, dict[str, float]]:
    """Return the function and the arguments: a picture of `plain.py` with numbers alone."""
    url = urlsplit(request.removeprefix("GET "))
    return Path(url.path).stem, {name: float(value) for name, value in parse_qsl(url.query)}
