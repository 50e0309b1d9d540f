"""`python -m petricore.cli`."""

import sys

from petricore.cli import main

sys.exit(main())
