"""What the plots note about themselves: lines of JSON in the file that the environment names."""

import json
import os
import time


def note(plot: str, **what: object) -> None:
    """Append a line, in one write, so that lines of several processes do not mix."""
    line = json.dumps({"plot": plot, "pid": os.getpid(), "at": time.time(), **what}) + "\n"
    file = os.open(os.environ["ADVERSARIAL_NOTES"], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
