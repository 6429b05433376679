"""What the declarations of several operations have in common."""

from __future__ import annotations

import re

from gateway.domain.declaration import (
    ByType,
    Choice,
    Each,
    Field,
    MapOf,
    Number,
    Record,
    Refused,
    Text,
)

COUNT = 10_000_000
"""No count of tokens or characters is larger."""


def choice(*values: str, refused: frozenset[str] = frozenset()) -> Choice:
    """One of `values`."""
    return Choice(frozenset(values), refused)


def text_or_parts(part: Field) -> ByType:
    """A text, or an array of parts."""
    return ByType(string=Text(), array=Each(part))


STOP = text_or_parts(Text())
LOGIT_BIAS = MapOf(Number(-100, 100), key=re.compile(r"[0-9]{1,6}"))
SEED = Number(-(2**63), 2**63, integer=True, inspected=True)
TEMPERATURE = Number(0, 2)
TOP_P = Number(0, 1)
REASONING_EFFORT = choice("none", "minimal", "low", "medium", "high", "xhigh", "max")
VERBOSITY = choice("low", "medium", "high")
SERVICE_TIER = choice("auto", "default", "flex", "scale", "priority", "fast")
PROMPT_CACHE_RETENTION = choice("in_memory", "in-memory", "24h")
PROMPT_CACHE_OPTIONS = Record(
    {"mode": choice("implicit", "explicit"), "ttl": choice("30m"), "comparison_response_id": Refused()}
)
CACHE_BREAKPOINT = Record({"mode": choice("explicit")})
CACHE_CONTROL = Record({"type": choice("ephemeral"), "ttl": choice("5m", "1h")})
