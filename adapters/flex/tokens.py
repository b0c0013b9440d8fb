"""The token of the Flex web service: reading it with care, and keeping it out of every text.

The service wants it in the address of a request, where libraries log it: `Blotting` takes it out
of what they say.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters import secretfiles
from adapters.flex.service_errors import UnfitTokenError
from adapters.words import plain

BLOT: Final = "[token]"
_FILE_BYTES_MAX: Final = 4096
# Digits, as far as was seen. Nothing that an address would spell in another way.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,200}")
_EXPECTED: Final = (
    "expected is the token alone, as Performance & Reports, Flex Queries, Flex Web Service "
    "Configuration shows it"
)
# What might be a token that stands where something else belongs.
_TOKEN_LIKE: Final = re.compile(r"[0-9]{12}|[A-Za-z0-9_-]{20}")
_SHOWN_CHARACTERS_MAX: Final = 80
_UNSHOWN: Final = "(not repeated here, it might be a token)"
# Libraries that log addresses, or headers that may repeat one.
_TALKATIVE: Final = ("httpx", "httpcore")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Token:
    """The token."""

    text: str

    def __repr__(self) -> str:
        """Return that it is one, and nothing of it."""
        return "Token(…)"

    def blotted(self, text: str) -> str:
        """Return a text without the token. Do this before a text is cut: half of it is too much."""
        return text.replace(self.text, BLOT)


class Blotting(logging.Filter):
    """Takes the token out of what the HTTP libraries log, for as long as it is installed."""

    def __init__(self, token: Token) -> None:
        """Prepare; nothing is installed yet."""
        super().__init__()
        self._token = token
        self._loggers: list[logging.Logger] = []

    def install(self) -> None:
        """Stand before every logger of these libraries that there is."""
        names = [*_TALKATIVE, *logging.root.manager.loggerDict]
        own = {name for name in names if name.partition(".")[0] in _TALKATIVE}
        self._loggers = [logging.getLogger(name) for name in sorted(own)]
        for logger in self._loggers:
            logger.addFilter(self)

    def remove(self) -> None:
        """Step aside; doing so twice does no harm."""
        for logger in self._loggers:
            logger.removeFilter(self)
        self._loggers = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the token."""
        record.msg, record.args = self._token.blotted(record.getMessage()), None
        return True


def shown(text: str) -> str:
    """Return a setting as it may be quoted: nothing of one that might be the token."""
    if _TOKEN_LIKE.search(text):
        return _UNSHOWN
    return repr(plain(text, _SHOWN_CHARACTERS_MAX))


def load(text: str | None, file: Path | None) -> Token:
    """Return the token that is given as text or lies in a file.

    Raise UnfitTokenError where there is none, or it cannot be used as it is.
    """
    if text is not None and file is not None:
        raise UnfitTokenError("the Flex token is given as text and as a file; give one of them")
    if file is not None:
        # Of a token that stands where the file belongs, a path has nothing but a name.
        name = _UNSHOWN if _TOKEN_LIKE.search(file.name) else plain(str(file))
        read = secretfiles.read(
            file, name=name, what="token", bytes_max=_FILE_BYTES_MAX, unfit=UnfitTokenError
        )
        return _token(read.decode("ascii", "replace"), name)
    if text is None:
        raise UnfitTokenError(f"no Flex token; {_EXPECTED}")
    return _token(text, "the Flex token")


def _token(text: str, name: str) -> Token:
    if not _TOKEN.fullmatch(text.strip()):
        raise UnfitTokenError(f"{name}: this is no token of the Flex web service; {_EXPECTED}")
    return Token(text.strip())
