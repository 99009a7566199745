"""``python -m adamsym`` and the command ``adamsym``."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line on ``argv`` (the process's own arguments if omitted) and return the exit code."""
    from adamsym.cli.app import run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
