"""The client library: ib_insync, or ib_async in its place.

They share classes, method names and the table of message handlers, and nothing here depends on
which one it is. Never install both: their dependencies bring the same package under two names.
"""

import importlib
import logging
from types import ModuleType
from typing import Final

from domain.errors import UsageError

NAMES: Final = ("ib_insync", "ib_async")


def load() -> ModuleType:
    """Return the library that is installed. Raise UsageError where none is.

    To be called from within an event loop: a dependency of ib_insync looks for one at import, which
    newer versions of Python object to where there is none.
    """
    for name in NAMES:
        try:
            library = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        # it logs what we tell ourselves; whoever sets up logging still gets all of it
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        return library
    message = (
        "the live socket needs a client library: pip install 'brokertruth[ibkr]' (ib_insync) or "
        "'brokertruth[ibkr-async]' (ib_async), not both"
    )
    raise UsageError(message)
