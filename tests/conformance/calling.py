"""One text for the synchronous and the asynchronous client of an SDK."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator
from typing import Any

EMAIL = "dana.whitfield@example.com"
TEXT = f"Write to Dana Whitfield at {EMAIL} about it"
"""What users say here: through the gateway it leaves with placeholders and comes back as it was."""


async def done(result: Any) -> Any:
    """A result, awaited where it has to be."""
    return await result if inspect.isawaitable(result) else result


async def listed(stream: Any, into: list[Any] | None = None) -> list[Any]:
    """Everything that a stream or a page gives; what came before an error is `into`."""
    found: list[Any] = [] if into is None else into
    stream = await done(stream)
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            found.append(item)  # noqa: PERF401 - an error leaves what came before it
    else:
        for item in stream:
            found.append(item)  # noqa: PERF402 - as above
    return found


@contextlib.asynccontextmanager
async def opened(manager: Any) -> AsyncIterator[Any]:
    """The inside of a context manager of either kind."""
    if hasattr(manager, "__aenter__"):
        async with manager as inside:
            yield inside
    else:
        with manager as inside:
            yield inside
