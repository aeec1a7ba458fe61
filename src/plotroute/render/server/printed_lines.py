"""What author code prints, on its way to the log: a line for each, and not without end."""

from __future__ import annotations

import logging
import os

log = logging.getLogger("plotroute.render")

_AT_ONCE = 2**16
# What a line of the log holds beside the text: the time, the request's id, the plot's name.
_LINE_COSTS = 100


class Prints:
    """The prints of one process."""

    def __init__(self, output: int, most: int) -> None:
        """`output` is the reading end of its standard output; `most` are the bytes of one `begin`."""
        self.output = output
        self._most = most
        self._printed = 0

    def begin(self) -> None:
        """Count anew: what comes now is printed for something else."""
        self._printed = 0

    def take(self, head: str) -> bool:
        """Put what there is into the log, each line behind `head`; False when there will be no more."""
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
        """Let it go."""
        os.close(self.output)
