"""What can go wrong between us and the gateway.

CannotDoError
└── GatewayError              nothing, or not all, could be asked            exit 3
    ├── LostError                 there is no connection, or none any more
    ├── RefusedError              the gateway says no
    └── SilentError               no answer, or no end of one, within the time limit
"""

from domain.errors import CannotDoError


class GatewayError(CannotDoError):
    """The gateway gave no usable answer."""


class LostError(GatewayError):
    """There is no connection, or there is none any more."""


class RefusedError(GatewayError):
    """The gateway says no."""


class SilentError(GatewayError):
    """The answer, or the end of it, did not come within the time limit."""
