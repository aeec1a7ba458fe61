"""Copy what author code prints into the log: a line for each line, up to a limit."""

from __future__ import annotations

import logging
import os

log = logging.getLogger("plotroute.render")

_AT_ONCE = 2**16
# What a line of the log holds beside the text: the time, the request's id, the plot's name.
_LINE_COSTS = 100


class Prints:
    """The standard output of one zygote or worker."""

    def __init__(self, output: int, most: int) -> None:
        """Read from the descriptor `output`, and log at most `most` bytes after each `begin`."""
        self.output = output
        self._most = most
        self._printed = 0

    def begin(self) -> None:
        """Start a new count: a new job begins."""
        self._printed = 0

    def log_lines(self, head: str) -> bool:
        """Log the lines that have come, each behind `head`; False once the output has ended."""
        while True:
            try:
                data = os.read(self.output, _AT_ONCE)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._put(data.decode("utf-8", "backslashreplace"), head)

    def _put(self, text: str, head: str) -> None:
        for line in text.splitlines():
            room = self._most - self._printed
            if room < 0:
                return
            log.info("%s | %s", head, line[:room])
            self._printed += len(line) + _LINE_COSTS
            if self._printed > self._most:
                log.warning("%s prints too much; the rest is left out", head)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.output)
