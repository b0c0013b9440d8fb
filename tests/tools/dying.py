"""A verb in a process that is killed at one of the moments at which a file changes its place.

    python -m tests.tools.dying STEP --book BOOK switch

Every link, rename, removal and flush of the process is a step. At step number STEP it kills itself
with SIGKILL instead of taking the step; where it never comes so far, it ends as the verb does. Any
book counts as a large one, which keeps a twin.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from tools import building, cli

STEPS: Final = ("link", "replace", "unlink", "fsync")


def die_at(step: int) -> None:
    """Count the steps from now on."""
    taken = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - those of the real one
            nonlocal taken
            taken += 1
            if taken == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counting(getattr(os, name)))


if __name__ == "__main__":
    building.STANDBY_BYTES = 0  # type: ignore[misc]
    die_at(int(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    cli.main()
