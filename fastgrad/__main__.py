"""``python -m fastgrad``."""

import sys

from .cli import main

if __name__ == "__main__":  # not in the processes that compile
    sys.exit(main())
