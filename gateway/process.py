"""What a process does about itself."""

from __future__ import annotations

import contextlib
import gc
import resource
import sys

_SWITCH_S = 0.0005


def settle() -> None:
    """Once everything has started: take what the start left out of garbage collection. It lives as long as the process,
    and with litellm among it one full collection would hold every stream up for half a second. Only for a process that
    does nothing else."""
    gc.collect()
    gc.freeze()


def hand_over_sooner() -> None:
    """The event loop and the ledger's thread share one interpreter lock. Each hands it over within half a millisecond,
    not within Python's 5 ms, which would be most of what an idle request takes."""
    sys.setswitchinterval(_SWITCH_S)


def allow_many_connections() -> None:
    """As many open files as the system lets this process have: a connection of a caller is one, and so is one to a
    provider. The usual soft limit of 1,024 would be reached with five hundred of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
