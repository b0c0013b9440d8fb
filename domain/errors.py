"""Everything brokertruth raises on purpose.

BrokertruthError
├── UsageError            the request itself is wrong                            exit 2
│   └── NotUnderstoodError    a file that no importer recognises, or a broken one
└── CannotDoError         the request is fine, the world is not                  exit 3
    ├── LogCorruptError       the log or its seals do not verify
    └── ProjectionError       the projection file is missing, failed or of other code
        └── RebuildNeededError    new events cannot be applied to it: it must be made anew

Messages say what, where and what to do. Inside projections errors are rows (`unreadable`,
`drift`), never exceptions.
"""


class BrokertruthError(Exception):
    """Base of every error that the program raises on purpose."""

    exit_code = 3


class UsageError(BrokertruthError):
    """The request cannot be right whatever the state of the book."""

    exit_code = 2


class NotUnderstoodError(UsageError):
    """An input file is of no known form, or breaks off; nothing of it was appended."""


class CannotDoError(BrokertruthError):
    """The request is right, but the book or the machine does not allow it now."""


class LogCorruptError(CannotDoError):
    """The log, a seal or an anchor does not verify."""


class ProjectionError(CannotDoError):
    """The projection file is missing, unfinished, or made by other code."""


class RebuildNeededError(ProjectionError):
    """What is new cannot be applied to a projection; only a full rebuild gives the right one."""
