"""The in-network model that llama.cpp runs, in a child process of its own: a crash, a long generation or a full queue
there is a typed refusal here, and the gateway goes on.

One job generates at a time; the others wait in order, up to a limit. A caller that leaves frees the model at the next
token.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from gateway.adapters.llamacpp_dialect import Choice, Dialect, Failure, Job, Speaker, Usage, read_job
from gateway.adapters.model_manifest import ModelFile, ModelFileRefused, NarrowModels
from gateway.adapters.worker_process import End, Part, WorkerDied, WorkerProcess
from gateway.domain.capability import Capability, asked_for
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import CallerError, ErrorCode, GatewayError, GatewayFault
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import Health, LocalAnswer, Streamed, Whole

_WORKER = "gateway.adapters.llamacpp_worker"
_CANNOT = frozenset({Capability.TOOLS, Capability.VISION, Capability.CONTEXT})
_CHARACTERS_A_TOKEN = (
    64  # no tokenizer packs more into each of many tokens: longer texts need not be tokenised to be refused
)

_RESTART_S = 5.0  # a request that finds the child between two lives waits this long for it

_Callback = Callable[[], None]


class LocalModelUnavailable(GatewayFault):
    """The model is down, busy beyond its queue, or too slow."""

    def __init__(self, *, retry_after: int = 1) -> None:
        super().__init__(ErrorCode.LOCAL_MODEL_UNAVAILABLE, retry_after=retry_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCppOptions:
    """How to run a model. `context` and `answer_limit` are in tokens, `deadline_s` is for a whole answer, waiting
    included, and `queue` is how many requests may wait. `gpu_layers` is -1 for all; `template` is a file with a chat
    template (empty: the model's own), `lora` a low-rank adapter; `reuse_prefix` lets a prompt that begins like the one
    before it be read from where they part. `narrow` are encoders that answer narrow jobs, so that
    the model generates only what they cannot say."""

    model: ModelFile
    narrow: NarrowModels | None = None
    lora: ModelFile | None = None
    lora_scale: float = 1.0
    template: str = ""
    gpu_layers: int = 0
    reuse_prefix: bool = True
    context: int = 8192
    threads: int = 2
    queue: int = 16
    deadline_s: float = 120.0
    start_s: float = 60.0
    answer_limit: int = 1024


@dataclass(frozen=True, slots=True)
class _Text:
    at: int
    text: str = field(repr=False)
    logprobs: list[Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Finish:
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Done:
    completion: int


@dataclass(frozen=True, slots=True)
class _Prompt:
    tokens: int
    cached: int

    def usage(self, completion: int) -> Usage:
        return Usage(self.tokens, completion, self.cached)


class LlamaCppLocal:
    """A `LocalModel` over one llama.cpp process."""

    def __init__(self, options: LlamaCppOptions) -> None:
        self._options = options
        model = options.model
        context = min(options.context, model.context)
        environment = {"OMP_NUM_THREADS": str(options.threads), "OMP_WAIT_POLICY": "passive"}
        lora = options.lora.sha256 if options.lora is not None else ""
        narrow = json.dumps(
            [[str(each.path), each.sha256] for each in options.narrow.files()] if options.narrow else []
        )
        arguments = (str(model.path), model.sha256, _loading(options, context), lora, str(options.answer_limit), narrow)
        self._worker = WorkerProcess(_WORKER, arguments, environment)
        self._most_characters = context * _CHARACTERS_A_TOKEN
        self._open = 0

    @property
    def pid(self) -> int:
        """The child's process id, 0 while there is none."""
        return self._worker.pid

    @property
    def open_requests(self) -> int:
        """How many requests are being answered or wait."""
        return self._open

    async def start(self) -> None:
        """Check the model file, start the child and wait until it is ready.

        Raises `ModelFileRefused` for an altered or missing file, `LocalModelUnavailable` when the child does not start.
        """
        options = self._options
        others = (options.lora, *(options.narrow.files() if options.narrow is not None else ()))
        for file in (options.model, *(other for other in others if other is not None)):
            await asyncio.to_thread(file.verify)
        self._worker.start()
        try:
            await self._worker.wait_ready(self._options.start_s)
        except WorkerDied:
            raise LocalModelUnavailable from None

    async def stop(self) -> None:
        """End the child; requests in flight fail."""
        await self._worker.stop()

    async def models(self) -> tuple[str, ...]:
        """The one model file, by the name that callers use."""
        return (f"local/{self._options.model.name}",)

    async def health(self) -> Health:
        """Whether the child is ready."""
        return Health(ok=True, detail="") if self._worker.ready else Health(ok=False, detail="the model is not running")

    @property
    def speaks(self) -> frozenset[Operation]:
        """Chat: the other operations are translated to it."""
        return frozenset({Operation.CHAT})

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """Whatever is no text, what is longer than its context, and tools where its chat template takes none."""
        can = {Capability.TOOLS} if self._takes_tools else set()
        return (asked_for(conversation, self._most_characters) & _CANNOT) - can

    @property
    def _takes_tools(self) -> bool:
        """What the child found out when it tried its template; nothing before it was ready."""
        match self._worker.greeting:
            case {"tools": True}:
                return True
            case _:
                return False

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The answer. Raises `LocalModelUnavailable`; `CallerError` for what the model cannot do or read at once."""
        job = read_job(conversation, tools=self._takes_tools)
        if job.characters > self._most_characters:
            raise CallerError(ErrorCode.CONTEXT_LENGTH_EXCEEDED, param="/messages")
        dialect = Dialect.of(conversation, int(time.time()), job.offer)
        generation = self._admit(job)
        try:
            prompt = await generation.begin()
            if conversation.stream:
                return Streamed(_Events(generation, dialect, prompt, job.choices))
            return Whole(await _collect(generation, dialect, prompt, job.choices))
        except BaseException:
            await generation.close()
            raise

    def _admit(self, job: Job) -> _Generation:
        if self._open > self._options.queue:
            raise LocalModelUnavailable
        self._open += 1
        deadline = asyncio.get_running_loop().time() + self._options.deadline_s
        return _Generation(self._worker, job, deadline, self._leave)

    def _leave(self) -> None:
        self._open -= 1


class _Generation:
    """One job in the child. Closed exactly once, by its end or by whoever gives it up."""

    def __init__(self, worker: WorkerProcess, job: Job, deadline: float, left: _Callback) -> None:
        self._worker = worker
        self._frames = worker.ask(job.frame())
        self._deadline = deadline
        self._left = left
        self._closed = False

    async def begin(self) -> _Prompt:
        """Wait for the model to take the job up and read its prompt."""
        try:
            async with asyncio.timeout_at(min(self._deadline, asyncio.get_running_loop().time() + _RESTART_S)):
                await self._worker.until_ready()
        except TimeoutError:
            raise LocalModelUnavailable from None
        frame = await self._frame()
        match frame:
            case Part(value={"prompt": int(tokens), "cached": int(cached)}):
                return _Prompt(tokens, cached)
            case Part():
                raise LocalModelUnavailable
            case End(value=value):
                raise _error(value)
            case _:
                assert_never(frame)

    async def next(self) -> _Text | _Finish | _Done:
        """The next piece of a choice, how one ended, or the end of all. Raises `LocalModelUnavailable` when cut."""
        frame = await self._frame()
        match frame:
            case Part(value={"at": int(at), "text": str(text), "logprobs": [*logprobs]}):
                return _Text(at, text, logprobs)
            case Part(value={"at": int(at), "finish": str(reason)}):
                return _Finish(at, reason)
            case Part():
                raise LocalModelUnavailable
            case End(value={"completion": int(completion)}):
                return _Done(completion)
            case End(value=value):
                raise _error(value)
            case _:
                assert_never(frame)

    async def close(self) -> None:
        """Give the job up, if it is not over, and the place in the queue."""
        if not self._closed:
            self._closed = True
            self._left()
            await self._frames.aclose()

    async def _frame(self) -> Part | End:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(self._frames)
        except (TimeoutError, WorkerDied, StopAsyncIteration):
            raise LocalModelUnavailable from None


class _Events(AsyncIterator[bytes]):
    """The chunks of a streamed answer. A class: closing a generator that nobody has read yet would free nothing."""

    def __init__(self, generation: _Generation, dialect: Dialect, prompt: _Prompt, choices: int) -> None:
        self._generation = generation
        self._dialect = dialect
        self._prompt = prompt
        self._pending = deque(dialect.opening(at) for at in range(choices))
        self._speakers = [Speaker(dialect, at) for at in range(choices)]
        self._ended = False

    async def __anext__(self) -> bytes:
        """The next chunk. Raises `LocalModelUnavailable` when the answer was cut."""
        while not self._pending:
            if self._ended:
                raise StopAsyncIteration
            self._pending.extend(await self._more())
        return self._pending.popleft()

    async def _more(self) -> list[bytes]:
        """The chunks of the next piece, if any: what may become a call is held back."""
        try:
            piece = await self._generation.next()
        except BaseException:
            await self.aclose()
            raise
        match piece:
            case _Text(at=at, text=text, logprobs=logprobs):
                return self._speakers[at].text(text, logprobs)
            case _Finish(at=at, reason=reason):
                return self._speakers[at].closing(reason)
            case _Done(completion=completion):
                await self.aclose()
                return self._dialect.usage(self._prompt.usage(completion))
            case _:
                assert_never(piece)

    async def aclose(self) -> None:
        """Stop the work behind the stream."""
        self._ended = True
        self._pending.clear()
        await self._generation.close()


async def _collect(generation: _Generation, dialect: Dialect, prompt: _Prompt, choices: int) -> bytes:
    texts: list[list[str]] = [[] for _ in range(choices)]
    logprobs: list[list[Json]] = [[] for _ in range(choices)]
    reasons = [""] * choices
    while True:
        piece = await generation.next()
        match piece:
            case _Text(at=at, text=text, logprobs=told):
                texts[at].append(text)
                logprobs[at] += told
            case _Finish(at=at, reason=reason):
                reasons[at] = reason
            case _Done(completion=completion):
                await generation.close()
                made = zip(texts, reasons, logprobs, strict=True)
                told_choices = [Choice("".join(text), reason, tuple(told)) for text, reason, told in made]
                return dialect.whole(told_choices, prompt.usage(completion))
            case _:
                assert_never(piece)


def _loading(options: LlamaCppOptions, context: int) -> str:
    """What the child is told of how to load its model. Raises `ModelFileRefused` for a template that cannot be read."""
    try:
        template = Path(options.template).read_text(encoding="utf-8") if options.template else ""
    except (OSError, ValueError):
        raise ModelFileRefused("the chat template of a destination cannot be read") from None
    return json.dumps(
        {
            "context": context,
            "threads": options.threads,
            "gpu_layers": options.gpu_layers,
            "template": template,
            "lora": str(options.lora.path) if options.lora is not None else "",
            "lora_scale": options.lora_scale,
            "reuse_prefix": options.reuse_prefix,
        }
    )


def _error(value: Json) -> GatewayError:
    """What the child's last word means. A word that it cannot say means that it is broken."""
    match value:
        case {"error": Failure.TOO_LONG}:
            return CallerError(ErrorCode.CONTEXT_LENGTH_EXCEEDED, param="/messages")
        case {"error": Failure.TEMPLATE}:
            return CallerError(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param="/messages")
        case {"error": Failure.GRAMMAR}:
            return CallerError(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param="/response_format")
        case {"error": Failure.TOOLS}:
            return CallerError(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param="/tools")
        case {"error": Failure.LOGPROBS}:
            return CallerError(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param="/logprobs")
        case _:
            return LocalModelUnavailable()
