"""What the adapters of OpenAI-compatible servers share: where operations live, and reading an answer within bounds and
without believing it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import SplitResult, urlsplit

from gateway.domain.conversation import Operation
from gateway.domain.strict_json import Json

OPENAI_PATHS: Mapping[Operation, str] = {
    Operation.CHAT: "chat/completions",
    Operation.RESPONSES: "responses",
    Operation.INPUT_TOKENS: "responses/input_tokens",
    Operation.COMPLETIONS: "completions",
    Operation.EMBEDDINGS: "embeddings",
    Operation.MODERATIONS: "moderations",
}
"""The path of each operation below a base URL in OpenAI's dialect."""

_NAME = re.compile(r"[A-Za-z0-9_.:/@+-]{1,256}")
_MOST_MODELS = 10_000
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024


class AnswerError(Exception):
    """An answer is larger than the limit, or not what the dialect promises. Carries no text of it."""


def wants_stream(body: bytes) -> bool:
    """Whether a request body asks for a streamed answer. The parse is skipped where the word does not occur."""
    return b'"stream"' in body and json_object(body).get("stream") is True


def json_object(data: bytes) -> dict[str, Json]:
    """The JSON object in `data`. Raises `AnswerError`."""
    try:
        value: Json = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise AnswerError("not a JSON object")
    return value


def is_object(data: bytes) -> bool:
    """Whether `data` is one JSON object in UTF-8."""
    try:
        json_object(data)
    except AnswerError:
        return False
    return True


def listed_models(data: bytes) -> tuple[str, ...]:
    """The ids in a list of models; what is no plain name is left out. Raises `AnswerError`."""
    listed = json_object(data).get("data")
    ids = [each.get("id") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(name for name in ids if isinstance(name, str) and _NAME.fullmatch(name))[:_MOST_MODELS]


async def read_bounded(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """Everything that arrives, at most `limit` bytes. Raises `AnswerError` beyond."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise AnswerError("larger than the limit")
        parts.append(chunk)
    return b"".join(parts)


def split_base_url(base_url: str) -> SplitResult:
    """The parts of a configured base URL, path without its last slash.

    Raises `ValueError` when it has user info, a query or a fragment, no host, or another scheme than http and https.
    """
    url = urlsplit(base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("base_url is an absolute http or https URL")
    if url.username is not None or url.password is not None or url.query or url.fragment:
        raise ValueError("base_url has no user info, query or fragment")
    if url.port == 0:
        raise ValueError("base_url has no port 0")
    return url._replace(path=url.path.rstrip("/"))
