"""What a server serves. Plain data: each of the server's processes puts together its own part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plotroute.settings import Settings

BUILT_IN = ("plotroute.charts:plots",)
"""Targets of the plots that come with plotroute: loaded beside the author's in each process that draws."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a server serves."""

    targets: tuple[str, ...]
    settings: Settings
    site: Path | None = None
    development: bool = False
