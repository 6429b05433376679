"""What a caller is told of the limits, and how long a request holds its place."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.pipeline.limiting import Kind, Left

_TOLD = {Kind.REQUESTS_PER_MINUTE: "requests", Kind.TOKENS_PER_MINUTE: "tokens", Kind.TOKENS_PER_DAY: "tokens"}


class Holding:
    """An ASGI response that gives back what the request holds once it was sent, whichever way that ends."""

    def __init__(self, response: ASGIApp, held: contextlib.ExitStack) -> None:
        self._response = response
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        with self._held:
            await self._response(scope, receive, send)


def limit_headers(left: Sequence[Left]) -> dict[str, str]:
    """OpenAI's `x-ratelimit-*` headers: of each sort the limit of which least is left. Empty without limits."""
    tightest: dict[str, Left] = {}
    for each in left:
        sort = _TOLD.get(each.kind)
        if sort is not None and (sort not in tightest or each.remaining < tightest[sort].remaining):
            tightest[sort] = each
    headers: dict[str, str] = {}
    for sort, each in tightest.items():
        headers[f"x-ratelimit-limit-{sort}"] = str(each.most)
        headers[f"x-ratelimit-remaining-{sort}"] = str(each.remaining)
        headers[f"x-ratelimit-reset-{sort}"] = duration(each.clear_in)
    return headers


def duration(seconds: float) -> str:
    """A time as OpenAI writes it: `120ms`, `6s`, `2m59s`, `23h0m5s`. Rounded up."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
