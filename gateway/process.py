"""What a process does about itself, once everything in it has started."""

from __future__ import annotations

import gc


def settle() -> None:
    """Take what the start left out of garbage collection: it lives as long as the process, and with litellm among it
    one full collection would hold every stream up for half a second. Only for a process that does nothing else."""
    gc.collect()
    gc.freeze()
