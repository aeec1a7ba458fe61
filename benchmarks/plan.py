"""The requests of each part, and their numbers."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

LINE = "/line.png?x=1,2,3,4&y=100,200,300,400"
MATRIX = "/matrix.png"

_numbers = itertools.count(time.time_ns() % 10**12)


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    times: int
    """How often it is drawn in a row, in one round."""
    varied: bool = False
    """Whether data, title and labels differ from picture to picture: what is kept between them helps less."""

    def address(self, number: int) -> str:
        """Return the path of its picture of that number, which no cache has."""
        if not self.varied:
            return fresh(self.path)
        return fresh(f"{self.path}{'&' if '?' in self.path else '?'}vary={number + 1}")


PICTURES = (
    Picture("line", LINE, 20),
    Picture("line, varied", LINE, 20, varied=True),
    Picture("matrix", MATRIX, 4),
    Picture("matrix, varied", MATRIX, 4, varied=True),
)


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    quick: bool = False

    @property
    def seconds(self) -> int:
        """Of one run of wrk."""
        return 1 if self.quick else 2

    def turns(self, most: int | None = None, seconds: float = 40.0) -> Iterator[int]:
        """Go through the rounds of a part; at `most` so many where one is long. A slow machine does fewer."""
        rounds = self.rounds if most is None else 1 if self.quick else min(most, self.rounds)
        ends = time.monotonic() + seconds
        for number in range(rounds):
            if number and time.monotonic() > ends:
                return
            yield number


def fresh(path: str) -> str:
    """Return an address of the same picture that no cache has: never the same one, in any run."""
    return f"{path}{'&' if '?' in path else '?'}fresh={next(_numbers)}"
