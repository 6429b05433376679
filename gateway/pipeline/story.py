"""The story of one chat request.

    (1) parse     the body becomes a conversation: every text has an address         domain.conversation
    (2) detect    every leaf is looked through, or said to have failed              ports.Detector
    (3) decide    the policy's verdict, and the exact bytes that may be sent         domain.decision
    (4) record    the decision is durable before anything happens because of it      ports.Ledger
    (5) clear     the permit and the receipt make a clearance                        domain.clearance
    (6) send      the cleared bytes to their one destination, or a model inside      ports.ExternalModel, LocalModel
    (7) restore   placeholders back to the caller's values                           dialects.chat
    (8) outcome   what became of it is recorded                                      ports.Ledger

Steps 1 to 4 raise: nothing was decided, nothing was sent. After step 4 every ending is a `Reply` that carries the
decision. The caller of `answer` MUST read a `Streamed` answer to its end or close it: step 8 happens then.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from gateway.dialects.chat import ChatRestorer
from gateway.domain.alias import Alias, resolve
from gateway.domain.clearance import Receipt
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.decision import Case, Decision, KeepLocal, Leave, Masking, Refuse, decide
from gateway.domain.declaration import Field
from gateway.domain.errors import ErrorCode, GatewayError, GatewayFault, PolicyRefusal
from gateway.domain.evidence import Decided, Outcome, Result
from gateway.domain.mask import Vault
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import (
    Clock,
    Detector,
    ExternalModel,
    Ledger,
    LocalModel,
    Observer,
    PolicySource,
    Rejected,
    Streamed,
    Whole,
)
from gateway.pipeline.recording import Asked, Summary, context_of, evidence_of, summary_of

_OUTGOING: Mapping[str, Json] = {"store": False}
_NO_VAULT = Vault({}, frozenset())


@dataclass(frozen=True, slots=True)
class Failure:
    """The request ended without an answer, after a decision was recorded."""

    error: GatewayError


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended, with the decision behind it."""

    summary: Summary
    answer: Whole | Streamed | Rejected | Failure


class ChatPipeline:
    """Answers chat requests. Holds no state of a request."""

    def __init__(
        self,
        *,
        declaration: Field,
        aliases: Mapping[str, Alias],
        detector: Detector,
        ledger: Ledger,
        policies: PolicySource,
        externals: Mapping[str, ExternalModel],
        locals_: Mapping[str, LocalModel],
        masking: Masking,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._declaration = declaration
        self._aliases = aliases
        self._detector = detector
        self._ledger = ledger
        self._policies = policies
        self._externals = externals
        self._locals = locals_
        self._masking = masking
        self._clock = clock
        self._observer = observer
        self._writing: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked) -> Reply:
        """The reply to one request. Raises `CallerError` and `GatewayFault` before a decision, never after."""
        start = self._clock.now()
        # (1) parse
        conversation = read(Operation.CHAT, self._declaration, asked.body)
        alias = resolve(self._aliases, conversation.model)
        # (2) detect
        bundle = self._policies.current()
        custom = bundle.custom_detectors_for(asked.principal.app, asked.principal.tenant)
        report = await self._detector.examine(conversation.leaves, custom)
        examined = self._clock.now()
        # (3) decide
        case = Case(
            decision_id=self._clock.new_id(),
            conversation=conversation,
            report=report,
            context=context_of(asked, examined),
            bundle=bundle,
            alias=alias,
            outgoing=_OUTGOING,
        )
        decision = decide(case, self._masking)
        decided = self._clock.now()
        # (4) record
        evidence = evidence_of(case, decision)
        receipt = await self._ledger.append(evidence)
        self._observe(evidence, {"detect": examined - start, "decide": decided - examined}, since=decided)
        # (5) to (8)
        return await self._act(decision, receipt, _Way(evidence, conversation, decided))

    async def drain(self) -> None:
        """Wait until the outcomes of finished requests are recorded."""
        while self._writing:
            await asyncio.gather(*self._writing, return_exceptions=True)

    async def _act(self, decision: Decision, receipt: Receipt, way: _Way) -> Reply:
        summary = summary_of(way.evidence, receipt)
        match decision:
            case Refuse(status=status, tell_user=tell_user):
                return Reply(summary, Failure(PolicyRefusal(status=status, tell_user=tell_user)))
            case KeepLocal(destination=destination):
                return Reply(summary, await self._answer_inside(destination, way))
            case Leave():
                return Reply(summary, await self._answer_outside(decision, receipt, way))
            case _:
                assert_never(decision)

    async def _answer_inside(self, destination: str, way: _Way) -> Whole | Streamed | Failure:
        try:
            model = self._locals.get(destination)
            if model is None:
                raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE)
            answer = await model.complete(way.conversation)
            return self._given(answer, way, _restorer(way, _NO_VAULT))
        except GatewayError as error:
            self._end(way, Result.FAILED, error.text.status, 0, _restorer(way, _NO_VAULT))
            return Failure(error)
        except asyncio.CancelledError:
            self._end(way, Result.CLIENT_GONE, 0, 0, _restorer(way, _NO_VAULT))
            raise

    async def _answer_outside(self, leave: Leave, receipt: Receipt, way: _Way) -> Whole | Streamed | Rejected | Failure:
        restorer = _restorer(way, leave.vault)
        try:
            # (5) clear
            clearance = leave.permit.clear(receipt)
            model = self._externals.get(clearance.destination)
            if model is None:
                raise GatewayFault(ErrorCode.INTERNAL_ERROR)
            # (6) send
            answer = await model.complete(clearance)
            # (7) restore
            if isinstance(answer, Rejected):
                body = restorer.error(answer.body)
                self._end(way, Result.REJECTED, answer.status, len(body), restorer)
                return Rejected(answer.status, body, answer.retry_after)
            return self._given(answer, way, restorer)
        except GatewayError as error:
            self._end(way, Result.FAILED, error.text.status, 0, restorer)
            return Failure(error)
        except asyncio.CancelledError:
            self._end(way, Result.CLIENT_GONE, 0, 0, restorer)
            raise

    def _given(self, answer: Whole | Streamed, way: _Way, restorer: ChatRestorer) -> Whole | Streamed:
        match answer:
            case Whole(body=body):
                restored = restorer.whole(body)
                self._end(way, Result.COMPLETED, 200, len(restored), restorer)
                return Whole(restored)
            case Streamed():
                never_read = functools.partial(self._end, way, Result.CLIENT_GONE, 200, 0, restorer)
                return Streamed(_Events(self._stream(answer, way, restorer), answer, never_read))
            case _:
                assert_never(answer)

    async def _stream(self, answer: Streamed, way: _Way, restorer: ChatRestorer) -> AsyncGenerator[bytes, None]:
        """The restored events. Whichever way it ends (whole, cut, closed by a caller that left), step 8 follows."""
        sent, result = 0, Result.FAILED
        try:
            async for event in answer.events:
                for piece in restorer.event(event):
                    sent += len(piece)
                    yield piece
            for piece in restorer.finish():
                sent += len(piece)
                yield piece
            result = Result.COMPLETED
        except (GeneratorExit, asyncio.CancelledError):
            result = Result.CLIENT_GONE
            raise
        finally:
            # (8) outcome
            self._end(way, result, 200, sent, restorer)
            with contextlib.suppress(GatewayError):
                await _close(answer)

    def _end(self, way: _Way, result: Result, status: int, size: int, restorer: ChatRestorer) -> None:
        """Record the outcome beside the answer: the caller does not wait for it, `drain` does."""
        now = self._clock.now()
        self._observer.ended(way.evidence.destination, result.value)
        outcome = Outcome(
            decision_id=way.evidence.decision_id,
            at=now,
            tenant=way.evidence.tenant,
            result=result,
            status=status,
            answer_bytes=size,
            restored=restorer.restored,
            duration=max(0, now - way.decided_at),
            prompt_tokens=restorer.usage.prompt,
            completion_tokens=restorer.usage.completion,
        )
        task = asyncio.get_running_loop().create_task(self._write(outcome))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, outcome: Outcome) -> None:
        """An outcome that cannot be recorded leaves its intent open, which is itself a visible fact."""
        with contextlib.suppress(GatewayFault):
            await self._ledger.append(outcome)

    def _observe(self, evidence: Decided, stages: Mapping[str, int], *, since: int) -> None:
        for name, microseconds in {**stages, "record": self._clock.now() - since}.items():
            self._observer.stage(name, microseconds)
        self._observer.decided(evidence.route.value, evidence.destination, evidence.policy.reason)


@dataclass(frozen=True, slots=True)
class _Way:
    """What the second half of a request needs of the first."""

    evidence: Decided
    conversation: Conversation
    decided_at: int


class _Events:
    """A stream that also ends rightly when it is closed before anybody read: a generator that never began runs none of
    its endings."""

    def __init__(self, events: AsyncGenerator[bytes, None], answer: Streamed, never_read: Callable[[], None]) -> None:
        self._events = events
        self._answer = answer
        self._never_read = never_read
        self._begun = False

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        """The next event."""
        self._begun = True
        return await anext(self._events)

    async def aclose(self) -> None:
        """Stop the work behind the stream, and record how it ended."""
        if not self._begun:
            self._begun = True
            self._never_read()
            with contextlib.suppress(GatewayError):
                await _close(self._answer)
        await self._events.aclose()


def _restorer(way: _Way, vault: Vault) -> ChatRestorer:
    """A key with bare quotes cannot stand inside a JSON string, so these bytes are the field itself."""
    body = way.conversation.body
    asked_for_json = b'"response_format":' in body and (b':"json_object"' in body or b':"json_schema"' in body)
    return ChatRestorer(vault, json_content=asked_for_json)


async def _close(answer: Streamed) -> None:
    close = getattr(answer.events, "aclose", None)
    if close is not None:
        await close()
