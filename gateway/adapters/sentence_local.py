"""Embeddings from inside: a sentence encoder in a child process of its own, started by the first request for one.

OpenAI's dialect: one text or several, floats or base64, fewer dimensions on request. Vectors have unit length.
"""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from gateway.adapters.model_manifest import ModelFile
from gateway.adapters.worker_process import WorkerDied, WorkerProcess
from gateway.domain.capability import Capability
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault, refuse
from gateway.domain.strict_json import Json, dump_json, parse_json
from gateway.pipeline.ports import Health, LocalAnswer, Whole

_WORKER = "gateway.adapters.sentence_worker"
_MOST_TEXTS = 2048
"""As many texts as OpenAI takes in one request."""

_START_S = 20.0
"""As long may the child take to load its model, the first time and after it died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceOptions:
    """How to run an encoder. `deadline_s` is for a whole request, waiting included; `queue` is how many may wait."""

    model: ModelFile
    queue: int = 16
    deadline_s: float = 60.0


class SentenceLocal:
    """A `LocalModel` that answers embeddings and nothing else."""

    def __init__(self, options: SentenceOptions) -> None:
        self._options = options
        model = options.model
        self._worker = WorkerProcess(_WORKER, (str(model.path), model.sha256))
        self._starting = 0.0
        self._open = 0

    @property
    def pid(self) -> int:
        """The child's process id, 0 while there is none."""
        return self._worker.pid

    async def start(self) -> None:
        """Check the model file. Raises `ModelFileRefused`."""
        await asyncio.to_thread(self._options.model.verify)

    async def stop(self) -> None:
        """End the child; requests in flight fail."""
        await self._worker.stop()

    async def models(self) -> tuple[str, ...]:
        """The one model, by the name that callers use."""
        return (f"local/{self._options.model.name}",)

    async def health(self) -> Health:
        """Whether the child lives, once one was needed and has had its time to start."""
        waited = asyncio.get_running_loop().time() - self._starting
        if self._starting and not self._worker.ready and waited > _START_S:
            return Health(ok=False, detail="the sentence encoder is not running")
        return Health(ok=True, detail="")

    @property
    def speaks(self) -> frozenset[Operation]:
        """Embeddings."""
        return frozenset({Operation.EMBEDDINGS})

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """Nothing that a request for embeddings can ask for by capability."""
        del conversation
        return frozenset()

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The vectors. Raises `GatewayFault(LOCAL_MODEL_UNAVAILABLE)`; `CallerError` for what cannot be embedded."""
        body = parse_json(conversation.body)
        asked = _Asked.of(body if isinstance(body, dict) else {})
        if self._open > self._options.queue:
            raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE, retry_after=1)
        self._open += 1
        try:
            async with asyncio.timeout(self._options.deadline_s):
                answer = await self._ask({"texts": list(asked.texts), "most": self._options.model.context})
        except (TimeoutError, WorkerDied):
            raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE, retry_after=1) from None
        finally:
            self._open -= 1
        return Whole(dump_json(asked.told(conversation.model, answer)))

    async def _ask(self, job: Json) -> Json:
        if not self._starting:
            self._starting = asyncio.get_running_loop().time()
            self._worker.start()
        async with asyncio.timeout(_START_S):
            await self._worker.until_ready()
        return await self._worker.ask_once(job)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for embeddings. `dimensions` is 0 for all that there are."""

    texts: tuple[str, ...]
    dimensions: int
    as_base64: bool

    @classmethod
    def of(cls, body: dict[str, Json]) -> _Asked:
        given = body.get("input")
        texts = given if isinstance(given, list) else [given]
        if not 0 < len(texts) <= _MOST_TEXTS:
            refuse(ErrorCode.INVALID_FIELD, "/input")
        dimensions = body.get("dimensions")
        return cls(
            tuple(_text(text) for text in texts),
            int(dimensions) if isinstance(dimensions, int | float) else 0,
            body.get("encoding_format") == "base64",
        )

    def told(self, model: str, answer: Json) -> dict[str, Json]:
        """The answer in OpenAI's words. Raises `CallerError`, and `GatewayFault` for an answer that is none."""
        match answer:
            case {"vectors": [*vectors], "tokens": int(tokens)} if len(vectors) == len(self.texts):
                data: list[Json] = [self._entry(index, str(vector)) for index, vector in enumerate(vectors)]
                usage: Json = {"prompt_tokens": tokens, "total_tokens": tokens}
                return {"object": "list", "data": data, "model": model, "usage": usage}
            case {"error": "too_long"}:
                raise CallerError(ErrorCode.CONTEXT_LENGTH_EXCEEDED, param="/input")
            case _:
                raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE, retry_after=1)

    def _entry(self, index: int, encoded: str) -> Json:
        data = base64.b64decode(encoded)
        width = len(data) // 4
        if self.dimensions > width:
            refuse(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, "/dimensions")
        vector = struct.unpack(f"<{width}f", data)
        if 0 < self.dimensions < width:
            vector = _unit(vector[: self.dimensions])
            encoded = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
        embedding: Json = encoded if self.as_base64 else list(vector)
        return {"object": "embedding", "index": index, "embedding": embedding}


def _text(value: Json) -> str:
    if not isinstance(value, str):
        refuse(ErrorCode.TOKEN_IDS_UNREADABLE, "/input")
    return value or refuse(ErrorCode.INVALID_FIELD, "/input")


def _unit(vector: Sequence[float]) -> tuple[float, ...]:
    length = sqrt(sum(each * each for each in vector)) or 1.0
    return tuple(each / length for each in vector)
