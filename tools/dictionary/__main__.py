"""Write the data dictionary to standard output: `python -m tools.dictionary`."""

import sys

from tools.dictionary import markdown

sys.stdout.write(markdown())
