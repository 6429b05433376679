"""The story of one request, whatever its operation.

    (1) parse     the body becomes a conversation: every text has an address         pipeline.reading
    (2) detect    every leaf is looked through, or said to have failed              ports.Detector
    (3) decide    the policy's verdict, and the exact bytes that may be sent         domain.decision
    (4) record    the decision is durable before anything happens because of it      ports.Ledger
    (5) clear     the permit and the receipt make a clearance                        domain.clearance
    (6) send      the cleared bytes to their one destination, or a model inside      ports.ExternalModel, LocalModel
    (7) restore   placeholders back to the caller's values, in the caller's dialect   gateway.dialects
    (8) outcome   what became of it is recorded                                      ports.Ledger

Steps 1 to 4 raise: nothing was decided, nothing was sent. After step 4 every ending is a `Reply` that carries the
decision. The caller of `answer` MUST read a `Streamed` answer to its end or close it: step 8 happens then.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.dialects.plain import PlainAnswer
from gateway.dialects.registry import RESTORERS, AsItIs, Telling, asks_for_json
from gateway.domain.clearance import Receipt
from gateway.domain.conversation import Operation
from gateway.domain.decision import Case, Decision, KeepLocal, Leave, Refuse
from gateway.domain.errors import ErrorCode, GatewayError, GatewayFault, PolicyRefusal
from gateway.domain.evidence import Decided, Outcome, Result
from gateway.domain.mask import Vault
from gateway.domain.policy import Bundle
from gateway.domain.strict_json import Json
from gateway.pipeline.costs import Costing, external_tokens
from gateway.pipeline.excepting import Decider
from gateway.pipeline.inspecting import Withheld, inspector_of
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
from gateway.pipeline.reading import Request, RequestReader
from gateway.pipeline.recording import Asked, Summary, context_of, evidence_of, summary_of
from gateway.pipeline.streaming import Watched, close, replayed, told

_OUTGOING: Mapping[Operation, Mapping[str, Json]] = {
    Operation.CHAT: {"store": False},
    Operation.RESPONSES: {"store": False},
}
"""Nothing that leaves is kept by the provider for later requests: it would come back without passing here."""
_NO_VAULT = Vault({}, frozenset())
_NOT_TOLD = Telling(PlainAnswer(_NO_VAULT), AsItIs())


@dataclass(frozen=True, slots=True)
class Failure:
    """The request ended without an answer, after a decision was recorded."""

    error: GatewayError


Answer = Whole | Streamed | Rejected


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended, with the decision behind it."""

    summary: Summary
    answer: Answer | Failure


class Story:
    """Answers requests. Holds no state of one."""

    def __init__(
        self,
        *,
        reader: RequestReader,
        detector: Detector,
        ledger: Ledger,
        policies: PolicySource,
        externals: Mapping[str, ExternalModel],
        locals_: Mapping[str, LocalModel],
        decider: Decider,
        costing: Costing,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._ledger = ledger
        self._policies = policies
        self._externals = externals
        self._locals = locals_
        self._decider = decider
        self._costing = costing
        self._clock = clock
        self._observer = observer
        self._writing: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked) -> Reply:
        """The reply to one request. Raises `CallerError` and `GatewayFault` before a decision, never after."""
        start = self._clock.now()
        # (1) parse
        request = self._reader.read(asked.operation, asked.body)
        conversation = request.conversation
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
            alias=request.alias,
            outgoing=_OUTGOING.get(conversation.operation, {}),
            lacking=self._reader.lacking(conversation),
        )
        decision = await self._decider.decide(case, asked.allowance.check_tokens)
        decided = self._clock.now()
        # (4) record
        evidence = evidence_of(case, decision, asked.body)
        receipt = await self._ledger.append(evidence)
        self._observe(evidence, {"detect": examined - start, "decide": decided - examined}, since=decided)
        # (5) to (8)
        return await self._act(decision, receipt, _Way(asked, evidence, request, bundle, decided))

    async def drain(self) -> None:
        """Wait until the outcomes of finished requests are recorded."""
        while self._writing:
            await asyncio.gather(*self._writing, return_exceptions=True)

    async def _act(self, decision: Decision, receipt: Receipt, way: _Way) -> Reply:
        summary = summary_of(way.evidence, receipt, decision.judgement)
        match decision:
            case Refuse(status=status, tell_user=tell_user):
                return Reply(summary, Failure(PolicyRefusal(status=status, tell_user=tell_user)))
            case KeepLocal():
                return Reply(summary, await self._settled(self._answer_inside(decision, way), way))
            case Leave():
                return Reply(summary, await self._settled(self._answer_outside(decision, receipt, way), way))
            case _:
                assert_never(decision)

    async def _settled(self, answering: Awaitable[Answer], way: _Way) -> Answer | Failure:
        """The answer, which records its own end; else the failure, recorded here. Nothing leaves an intent open."""
        try:
            return await answering
        except GatewayError as error:
            failure = Failure(error)
        except BaseException as error:
            gone = isinstance(error, asyncio.CancelledError)
            self._end(way, _End(Result.CLIENT_GONE, 0) if gone else _End(Result.FAILED, 500))
            raise
        self._end(way, _end_of(failure.error))
        return failure

    async def _answer_inside(self, keep: KeepLocal, way: _Way) -> Answer:
        model = self._locals.get(keep.destination)
        if model is None:
            raise self._model_down(way)
        request = self._reader.inside(way.request, keep.destination, keep.degraded)
        try:
            answer = await model.complete(request.conversation)
        except GatewayFault as error:
            raise (self._model_down(way) if error.code is ErrorCode.LOCAL_MODEL_UNAVAILABLE else error) from None
        return await self._given(answer, way, _telling(request, _NO_VAULT))

    def _model_down(self, way: _Way) -> GatewayFault:
        """A model inside that cannot answer. Nothing goes elsewhere because of it; the policy says the status."""
        status = way.bundle.local_model_down_status(way.evidence.app, way.evidence.tenant)
        return GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE, status=status)

    async def _answer_outside(self, leave: Leave, receipt: Receipt, way: _Way) -> Answer:
        telling = _telling(way.request, leave.vault)
        # (5) clear
        clearance = leave.permit.clear(receipt)
        model = self._externals.get(clearance.destination)
        if model is None:
            raise GatewayFault(ErrorCode.INTERNAL_ERROR)
        # (6) send
        answer = await model.complete(clearance)
        # (7) restore
        return await self._given(answer, way, telling)

    async def _given(self, answer: Answer, way: _Way, telling: Telling) -> Answer:
        inspector = inspector_of(self._detector, way.bundle, way.request.conversation, way.evidence)
        match answer:
            case Rejected(status=status, body=body):
                shown = await inspector.inspect([telling.error(body)])
                self._end(way, _End(Result.REJECTED, status, shown.size, shown.rules), telling)
                return replace(answer, body=shown.documents[0])
            case Whole(body=body):
                shown = await inspector.whole(telling.whole(body))
                self._end(way, _End(shown.result, 200, shown.size, shown.rules), telling)
                return Whole(shown.documents[0])
            case Streamed() if inspector.has_rules:
                shown = await inspector.read(answer, telling)
                self._end(way, _End(shown.result, 200, shown.size, shown.rules), telling)
                return Streamed(replayed(shown.documents, failed=shown.failed))
            case Streamed():
                never_read = functools.partial(self._end, way, _End(Result.CLIENT_GONE, 200), telling)
                return Streamed(Watched(self._stream(answer, way, telling), answer, never_read))
            case _:
                assert_never(answer)

    async def _stream(self, answer: Streamed, way: _Way, telling: Telling) -> AsyncGenerator[bytes, None]:
        """The restored events. Whichever way it ends (whole, cut, closed by a caller that left), step 8 follows."""
        end = _End(Result.FAILED, 200)
        try:
            async with aclosing(told(answer, telling)) as events:
                async for event in events:
                    end = replace(end, size=end.size + len(event))
                    yield event
            end = replace(end, result=Result.COMPLETED)
        except (GeneratorExit, asyncio.CancelledError):
            end = replace(end, result=Result.CLIENT_GONE)
            raise
        finally:
            # (8) outcome
            self._end(way, end, telling)
            await close(answer)

    def _end(self, way: _Way, end: _End, telling: Telling = _NOT_TOLD) -> None:
        """Record the outcome beside the answer: the caller does not wait for it, `drain` does."""
        now = self._clock.now()
        outcome = Outcome(
            decision_id=way.evidence.decision_id,
            at=now,
            tenant=way.evidence.tenant,
            result=end.result,
            status=end.status,
            answer_bytes=end.size,
            answer_rules=end.rules,
            restored=telling.restored,
            duration=max(0, now - way.decided_at),
            prompt_tokens=telling.usage.prompt,
            completion_tokens=telling.usage.completion,
        )
        self._observer.ended(way.evidence, outcome)
        task = asyncio.get_running_loop().create_task(self._write(way, outcome, telling.usage.events))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, way: _Way, outcome: Outcome, events: int) -> None:
        """An outcome that cannot be recorded leaves its intent open, which is itself a visible fact."""
        conversation = way.request.conversation
        with suppress(GatewayFault):
            await self._ledger.append(self._costing.told(way.evidence, conversation, outcome, events))
        await way.asked.allowance.spend(external_tokens(way.evidence, conversation, outcome, events))

    def _observe(self, evidence: Decided, stages: Mapping[str, int], *, since: int) -> None:
        self._observer.decided(evidence, {**stages, "record": self._clock.now() - since})


@dataclass(frozen=True, slots=True)
class _Way:
    """What the second half of a request needs of the first."""

    asked: Asked
    evidence: Decided
    request: Request
    bundle: Bundle
    decided_at: int


@dataclass(frozen=True, slots=True)
class _End:
    """How the way of a request ended, with the bytes that the caller got and the answer rules that matched."""

    result: Result
    status: int
    size: int = 0
    rules: tuple[str, ...] = ()


def _end_of(error: GatewayError) -> _End:
    if isinstance(error, Withheld):
        return _End(Result.WITHHELD, error.status, rules=error.rules)
    return _End(Result.FAILED, error.status)


def _telling(request: Request, vault: Vault) -> Telling:
    operation, body = request.conversation.operation, request.conversation.body
    return Telling(RESTORERS[operation](vault, asks_for_json(operation, body)), request.telling)
