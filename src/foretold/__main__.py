"""``python -m foretold`` is the command ``foretold``."""

import sys

from foretold.book.cli import main

sys.exit(main())
