"""`python -m plotroute` and the `plotroute` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say in one sentence that this is not Windows' turn."""
    if sys.platform == "win32":
        sys.exit("plotroute does not run on Windows itself; in WSL (wsl --install) it does.")
    from plotroute.cli import run

    run()


if __name__ == "__main__":
    main()
