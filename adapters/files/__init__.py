"""Files: the bytes of one input become events, or the whole of it is refused.

read_input   bytes -> Input: recognised by content, rows verbatim, one fetch event
expand       what the user named -> the files to read
shown        a file name as text
"""

from adapters.files.paths import STANDARD_INPUT, expand, shown
from adapters.files.reading import BYTES_MAX, Input, read_input

__all__ = ["BYTES_MAX", "STANDARD_INPUT", "Input", "expand", "read_input", "shown"]
