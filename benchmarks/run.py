"""`make bench`: plotroute beside the plain Flask + Matplotlib view and nginx, in one run, as ratios.

All servers are on this machine, on loopback. Rounds alternate between them; a figure is the median of the
rounds, and a ratio the median of the ratios of each round. docs/benchmarks.md says what each part measures.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clients
import cold
import crowds
import embedded
import granian_settings
import hits
import servers
import upkeep
from plan import Plan
from tables import Table

PARTS: dict[str, Callable[[Plan], Table]] = {
    "hit": hits.latency,
    "throughput": hits.throughput,
    "waiting": crowds.waiting,
    "embedded": embedded.embedded,
    "cold": cold.cold,
    "herd": crowds.herd,
    "scale": cold.scale,
    "start": upkeep.start,
    "memory": upkeep.held,
    "granian": granian_settings.granian,
}
# Run when no part is named.
USUAL = [name for name in PARTS if name != "granian"]

# The load above which other programs are using the machine.
BUSY = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds per server (default 5; long parts take fewer)"
    )
    parser.add_argument("--only", type=_parts, default=USUAL, help=f"some of {','.join(PARTS)}, with commas")
    parser.add_argument(
        "--quick", action="store_true", help="two short rounds: does it work, and roughly what comes out"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures, with those of each round"
    )
    asked = parser.parse_args()
    plan = Plan(min(asked.rounds, 2) if asked.quick else asked.rounds, asked.quick)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every `finally` is run
    machine = describe()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    if os.getloadavg()[0] > BUSY:
        print(
            "Others use this machine: times are too long, ratios uncertain; trust processor times.",
            flush=True,
        )
    started = time.monotonic()
    try:
        tables = measure(asked.only, plan)
    except KeyboardInterrupt:
        sys.exit(130)
    took = round(time.monotonic() - started)
    print(f"\n{took} s; load {_load()} at the end.")
    if asked.json:
        command = ["make bench", *(["ARGS=" + " ".join(sys.argv[1:])] if sys.argv[1:] else [])]
        document: dict[str, Any] = {
            "command": " ".join(command),
            "machine": machine,
            "seconds": took,
            "parts": {name: table.data() for name, table in tables.items()},
        }
        asked.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def measure(parts: list[str], plan: Plan) -> dict[str, Table]:
    """Run the parts, print each table as it comes, and leave no file behind."""
    tables = {}
    with tempfile.TemporaryDirectory(prefix="plotroute-bench-") as folder:
        # Whatever a server keeps on disk, it begins with nothing and is not found by the next run.
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        os.environ["XDG_CACHE_HOME"] = folder
        for name in parts:
            tables[name] = PARTS[name](plan)
            print(f"\n{tables[name]}", flush=True)
    return tables


def describe() -> dict[str, str]:
    """Return what the figures depend on."""
    found = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processors": str(os.cpu_count()),
        "load": _load(),
        "Linux": platform.release(),
        "Python": platform.python_version(),
    }
    for package in ("plotroute", "matplotlib", "flask", "granian"):
        found[package] = importlib.metadata.version(package)
    for name, program, asked in (("nginx", servers.find_nginx(), "-v"), ("wrk", clients.find_wrk(), "-v")):
        said = subprocess.run([program, asked], capture_output=True, text=True) if program else None
        version = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr) if said else None
        found[name] = version[0] if version else "missing"
    return found


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _parts(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"{name} is no part; the parts are {', '.join(PARTS)}")
    return names


if __name__ == "__main__":
    main()
