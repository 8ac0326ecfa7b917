"""`python -m wayhook`."""

import sys

from wayhook.cli.command import main

sys.exit(main())
