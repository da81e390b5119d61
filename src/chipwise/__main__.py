"""`python -m chipwise` is the command `chipwise`."""

import sys

from chipwise.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
