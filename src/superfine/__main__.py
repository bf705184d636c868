"""`python -m superfine`: the command line."""

import sys

from superfine.cli import main

sys.exit(main())
