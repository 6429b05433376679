"""The endpoints of the providers that this gateway does not serve, each with the reason. None is ever forwarded."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from gateway.domain.errors import CallerError, ErrorCode
from gateway.wire.voice import voice_at

_STORED = "What is stored at the provider comes back later without passing this gateway."
_UNREADABLE = "The gateway cannot look into this kind of content."

UNSERVED: Mapping[str, str] = {
    "/v1/files": f"Files are not served: {_STORED} Put the text into the request.",
    "/v1/uploads": f"Uploads are not served: {_STORED} Put the text into the request.",
    "/v1/batches": f"Batches are not served: their requests lie in files. {_STORED} Send them one by one.",
    "/v1/messages/batches": f"Message batches are not served: {_STORED} Send the messages one by one.",
    "/v1/messages/count_tokens": "Counting tokens of messages is not served. The answer's usage holds the count.",
    "/v1/realtime": "Realtime sessions are not served: the gateway cannot inspect what crosses a socket.",
    "/v1/vector_stores": f"Vector stores are not served: {_STORED} Put the passages into the request.",
    "/v1/assistants": f"Assistants are not served: {_STORED} Use /v1/responses or /v1/chat/completions.",
    "/v1/threads": f"Threads are not served: {_STORED} Use /v1/responses or /v1/chat/completions.",
    "/v1/conversations": f"Conversations are not served: {_STORED} Resend the conversation with each request.",
    "/v1/containers": f"Containers are not served: {_STORED}",
    "/v1/skills": f"Skills are not served: {_STORED}",
    "/v1/chatkit": f"ChatKit is not served: {_STORED}",
    "/v1/evals": f"Evaluations are not served: {_STORED}",
    "/v1/fine_tuning": f"Fine-tuning is not served: {_STORED}",
    "/v1/images": f"Images are not served: {_UNREADABLE}",
    "/v1/videos": f"Videos are not served: {_UNREADABLE}",
    "/v1/audio": f"Audio is not served: {_UNREADABLE}",
    "/v1/responses": f"Stored responses are not served: {_STORED} POST to this path is, and keeps nothing.",
    "/v1/chat/completions": f"Stored completions are not served: {_STORED} POST to this path is, and keeps nothing.",
    "/v1/organization": "The provider's administration is not served.",
}
"""Path -> why it and everything below it is refused."""


def unserved_response(path: str) -> Response:
    """404 `unknown_endpoint`, with the reason where the path is one that clients know. Constant words."""
    known = [prefix for prefix in UNSERVED if path == prefix or path.startswith(f"{prefix}/")]
    message = UNSERVED[max(known, key=len)] if known else ""
    error = CallerError(ErrorCode.UNKNOWN_ENDPOINT)
    return Response(voice_at(path).error(error, message), status_code=error.status, media_type="application/json")
