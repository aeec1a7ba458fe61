"""`python -m plotroute` and the `plotroute` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. On Windows, exit with a sentence that names WSL."""
    if sys.platform == "win32":
        sys.exit("plotroute does not run on Windows itself; in WSL (wsl --install) it does.")
    from plotroute.cli import run

    run()


if __name__ == "__main__":
    main()
