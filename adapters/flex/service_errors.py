"""What can go wrong between us and the Flex web service.

CannotDoError
└── FlexError                 no statement was had                              exit 3
    ├── RefusedError              an error that no repetition can help
    │   └── TokenRefusedError         and that every other query would meet as well
    └── UnreachableError          no usable answer before the time was up
UsageError
└── UnfitTokenError           the token cannot be used as it is                 exit 2

No message holds the token, and none of these errors has a cause or a context: what httpx raises
carries the address, and the token is a part of that.
"""

from typing import Final

from domain.errors import CannotDoError, UsageError


class FlexError(CannotDoError):
    """The service gave no statement."""

    def __init__(self, message: str, code: str | None = None) -> None:
        """Keep the service's code beside the message."""
        super().__init__(message)
        self.code = code


class RefusedError(FlexError):
    """The service will not give this statement, however often it is asked."""


class TokenRefusedError(RefusedError):
    """The service does not accept the token, from here or at all."""


class UnreachableError(FlexError):
    """No usable answer came before the time was up."""


class UnfitTokenError(UsageError):
    """The token is missing, cannot be read, lies open to others, or is none."""


IN_PROGRESS: Final = "1019"
"""The statement is being made: an ordinary answer, not a failure."""

PASSING: Final = frozenset(
    {"1001", "1004", "1005", "1006", "1007", "1008", "1009", "1018", IN_PROGRESS, "1021"}
)
"""Codes that pass. All others end the matter, those that nobody has listed too."""

ABOUT_TOKEN: Final = frozenset({"1011", "1012", "1013", "1015"})

_CONFIGURATION: Final = "Performance & Reports, Flex Queries, Flex Web Service Configuration"
_QUERY: Final = "Performance & Reports, Flex Queries"
ADVICE: Final = {
    "1003": "the query's period has no statement: look at the period in its settings",
    "1010": f"make the query anew as an Activity Flex Query ({_QUERY})",
    "1011": f"switch the Flex web service on ({_CONFIGURATION})",
    "1012": f"make a new token ({_CONFIGURATION}); it may be valid for up to a year",
    "1013": f"the token is for another IP address; make one for this machine ({_CONFIGURATION})",
    "1014": f"compare the number with the Query ID that is shown beside the query ({_QUERY})",
    "1015": f"compare it with the current token ({_CONFIGURATION}); a new one ends the old one",
    "1016": "the account is closed or the query does not include it: look at the query's accounts",
    "1017": "the service has forgotten its own reference: fetch again",
    "1020": "the service did not understand the request: compare query and token with the portal",
}
"""What to do about a code that does not pass."""
