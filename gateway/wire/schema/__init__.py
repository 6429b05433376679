"""The declaration of every field of every operation: one readable table each.

Text is inspected, control has a closed shape, opaque content is a policy question, and what is refused is named. A
field that is not here is answered with 400 `unsupported_field`. docs/coverage.md and `GET /v1/gateway/coverage` come
from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.declaration import Field
from gateway.wire.schema.chat import CHAT
from gateway.wire.schema.messages import MESSAGES
from gateway.wire.schema.responses import INPUT_TOKENS, RESPONSES
from gateway.wire.schema.small import COMPLETIONS, EMBEDDINGS, MODERATIONS

__all__ = [
    "CHAT",
    "COMPLETIONS",
    "EMBEDDINGS",
    "INPUT_TOKENS",
    "MESSAGES",
    "MODERATIONS",
    "OPERATIONS",
    "RESPONSES",
]

OPERATIONS: Mapping[str, Field] = {
    "POST /v1/chat/completions": CHAT,
    "POST /v1/responses": RESPONSES,
    "POST /v1/responses/input_tokens": INPUT_TOKENS,
    "POST /v1/completions": COMPLETIONS,
    "POST /v1/embeddings": EMBEDDINGS,
    "POST /v1/moderations": MODERATIONS,
    "POST /v1/messages": MESSAGES,
}
"""Every operation that is served with a body, and its declaration."""
