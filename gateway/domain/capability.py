"""What a request may ask of a model that not every model can do, and which model inside cannot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """Something that a request asks for. A model that cannot do it answers otherwise, or not at all."""

    TOOLS = "tools"
    VISION = "vision"
    JSON_SCHEMA = "json_schema"
    CONTEXT = "context"  # the request is longer than the model reads


class Recourse(StrEnum):
    """What became of a request that was to be answered inside by a model that cannot do what is asked."""

    NONE = "none"  # it can, or the request is not answered inside
    REFUSED = "refused"
    DEGRADED = "degraded"
    SENT = "sent"  # with stand-ins, as the rules allow


@dataclass(frozen=True, slots=True)
class Lack:
    """A destination inside that cannot do something that the request asks for."""

    destination: str
    capability: Capability
