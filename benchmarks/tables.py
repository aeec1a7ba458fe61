"""A table of figures: printed for people, and as JSON for programs."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MISSING = "–"


@dataclass
class Table:
    title: str
    columns: dict[str, str]
    """Heading → format of its numbers, such as `.2f`."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """What stands under no heading is for the JSON only."""
    notes: list[str] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        """Add a row; `_` in a name stands for a space in the heading."""
        self.rows.append({name.replace("_", " "): value for name, value in row.items()})

    def __str__(self) -> str:
        cells = [[_spell(row.get(name), form) for name, form in self.columns.items()] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = [self.title]
        for line in ([*self.columns], *cells):
            padded = (
                cell.rjust(width) if form else cell.ljust(width)
                for cell, width, form in zip(line, widths, self.columns.values(), strict=True)
            )
            lines.append("  " + "  ".join(padded).rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def data(self) -> dict[str, Any]:
        return {"title": self.title, "rows": self.rows, "notes": self.notes}


def _spell(value: Any, form: str) -> str:
    if value is None:
        return MISSING
    return value if isinstance(value, str) else format(value, form)


def median(values: Iterable[float | None]) -> float | None:
    """Return the median of those that are there, or None."""
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' ratios: the two of a round stand side by side in time."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
