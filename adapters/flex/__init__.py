"""Flex statements of Interactive Brokers: XML becomes events, or the whole of it is refused.

A file is read twice: `survey` looks at all of it and refuses what is wrong, `batches` then makes
the events, a few thousand at a time. Nothing of a file has been appended before all of it was seen.

survey    file -> Survey: what it holds, its digest, what is to be said about it
batches   file and Survey -> lists of events, the fetch event last
"""

from adapters.flex.reading import BYTES_MAX, Progress, Survey, batches, survey

__all__ = ["BYTES_MAX", "Progress", "Survey", "batches", "survey"]
