"""What a request may ask of a model that not every model can do, and which model inside cannot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.conversation import Conversation
from gateway.domain.declaration import Source

_OF_TOOLS = frozenset({Source.TOOL_ARGUMENTS, Source.TOOL_RESULT})
_DEFINED = ("/tools", "/functions")  # what defines a schema for the answer is no tool


class Capability(StrEnum):
    """Something that a request asks for. A model that cannot do it answers otherwise, or not at all."""

    TOOLS = "tools"
    VISION = "vision"
    JSON_SCHEMA = "json_schema"
    CONTEXT = "context"  # the request is longer than the model reads


class Instead(StrEnum):
    """What a policy may say of a request that the model inside cannot answer as asked, beside refusing it."""

    DEGRADE = "degrade"  # answered inside without what it cannot do
    SEND = "send"  # sent with stand-ins for all that was found, where the rules let what is left leave


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


def asked_for(conversation: Conversation, most_characters: int = 0) -> frozenset[Capability]:
    """What a request asks for. It is too long for a model that reads `most_characters`, where that is known (not 0)."""
    length = sum(len(leaf.text) for leaf in conversation.leaves)
    asked = {
        # A key with bare quotes cannot stand inside of a JSON string, so these bytes are the field itself.
        Capability.JSON_SCHEMA: b':"json_schema"' in conversation.body,
        Capability.TOOLS: any(
            leaf.source in _OF_TOOLS or leaf.schema.startswith(_DEFINED) for leaf in conversation.leaves
        ),
        Capability.VISION: bool(conversation.opaque),
        Capability.CONTEXT: 0 < most_characters < length,
    }
    return frozenset(each for each, is_asked in asked.items() if is_asked)
