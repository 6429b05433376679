"""Answers are looked at too, where a policy says so: before the caller gets a word of one.

An inspected stream is read to its end first, since a finding may begin in one piece and end in the next; its events
are then given on as they came, or the request fails before the first of them. Policies without `answers` cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from gateway.dialects.answers import answer_object, tells_failure
from gateway.dialects.plain import PLAIN
from gateway.dialects.registry import Telling, readable
from gateway.dialects.texts import AnswerText, drop_spelled, texts_of
from gateway.domain.answer_rules import Cut, Guard, judge
from gateway.domain.conversation import Conversation, Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.detectors import CustomDetector
from gateway.domain.errors import ErrorCode, GatewayFault, PolicyRefusal, UpstreamError
from gateway.domain.evidence import Decided, Result
from gateway.domain.finding import Address, Examined, LeafReport
from gateway.domain.labels import DataClass, Entity
from gateway.domain.mask import fold
from gateway.domain.policy import Bundle
from gateway.domain.sensitivity import classify
from gateway.domain.strict_json import dump_json
from gateway.pipeline.ports import Detector, Streamed
from gateway.pipeline.streaming import ToldFailure, close, told

MAX_HELD_BYTES = 16 * 1024 * 1024
"""How much of an answer is held back to be inspected. A longer one is not given on."""
_WITHHELD_STATUS = 403
_NOTHING = Examined(())


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was given on of an answer, and the rules that cut something out of it."""

    documents: tuple[bytes, ...]
    rules: tuple[str, ...]
    failed: bool = False
    """Whether the answer, or its last event, said that it failed."""

    @property
    def result(self) -> Result:
        """How the request ended."""
        return Result.FAILED if self.failed else Result.COMPLETED

    @property
    def size(self) -> int:
        """Bytes of all documents."""
        return sum(len(document) for document in self.documents)


class Withheld(PolicyRefusal):
    """A policy does not let this answer be shown. `rules` are the ids of those that say so."""

    def __init__(self, rules: tuple[str, ...]) -> None:
        super().__init__(status=_WITHHELD_STATUS, tell_user="")
        self.code = ErrorCode.ANSWER_WITHHELD
        self.rules = rules


class AnswerInspector:
    """Inspects the answer to one request."""

    def __init__(self, detector: Detector, guard: Guard, custom: Sequence[CustomDetector], *, plain: bool) -> None:
        self._detector = detector
        self._guard = guard
        self._custom = custom
        self._plain = plain  # vectors and counts, in which a detector would find secrets by chance

    @property
    def has_rules(self) -> bool:
        """Whether an answer has to be held until it was inspected."""
        return bool(self._guard.rules)

    async def read(self, answer: Streamed, telling: Telling) -> Inspection:
        """A stream, read to its end and inspected. Raises as `inspect` does, and `UpstreamError` for more than may be
        held back. The stream is closed in any case."""
        held: list[bytes] = []
        size = 0
        failed = False
        try:
            async with aclosing(told(answer, telling)) as events:
                async for event in events:
                    held.append(event)
                    size += len(event)
                    if size > MAX_HELD_BYTES:
                        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        except ToldFailure:
            failed = True
        finally:
            await close(answer)
        return replace(await self.inspect(held), failed=failed)

    async def whole(self, document: bytes) -> Inspection:
        """An answer in one piece, inspected. Raises as `inspect` does."""
        shown = Inspection((document,), ()) if self._plain else await self.inspect([document])
        return replace(shown, failed=tells_failure(document))

    async def inspect(self, documents: Sequence[bytes]) -> Inspection:
        """The documents of an answer with what may not be shown cut out; the same bytes where nothing is.

        Raises `Withheld`; `GatewayFault(ANSWER_UNINSPECTED)` when it could not be examined.
        """
        if not self._guard.rules or not documents:
            return Inspection(tuple(documents), ())
        if sum(map(len, documents)) > MAX_HELD_BYTES:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        parsed = [answer_object(document) for document in documents]
        with readable():
            texts = texts_of(parsed)
        fired: set[str] = set()
        touched: set[int] = set()
        withheld = False
        for text, report in zip(texts, await self._reports(texts), strict=True):
            judged = judge(text.text, report, self._guard)
            fired |= judged.rules
            withheld |= judged.withheld
            touched |= _cut(text, judged.cuts)
        if withheld:
            raise Withheld(tuple(sorted(fired)))
        if touched:
            for document in parsed:
                drop_spelled(document)
        given = tuple(dump_json(document) for document in parsed) if touched else tuple(documents)
        return Inspection(given, tuple(sorted(fired)))

    async def _reports(self, texts: Sequence[AnswerText]) -> list[LeafReport]:
        if not self._guard.looks_for_findings:
            return [_NOTHING] * len(texts)
        # A stream tells the same text several times: it is looked through once.
        numbers = {said: number for number, said in enumerate(dict.fromkeys(text.text for text in texts))}
        leaves = [_leaf(number, said) for said, number in numbers.items()]
        report = await self._detector.examine(leaves, self._custom)
        told = [report.of(leaf.address) for leaf in leaves]
        if not all(isinstance(each, Examined) for each in told):
            raise GatewayFault(ErrorCode.ANSWER_UNINSPECTED)
        return [told[numbers[text.text]] for text in texts]


def inspector_of(detector: Detector, bundle: Bundle, conversation: Conversation, evidence: Decided) -> AnswerInspector:
    """What the policies in scope say of the answer to this request."""
    app, tenant = evidence.app, evidence.tenant
    policies = bundle.in_scope(app, tenant)
    rules = tuple(rule for policy in policies for rule in policy.answers)

    def classes(entity: Entity) -> frozenset[DataClass]:
        return classify(entity, policies, bundle.scale).classes

    asked = fold("\n".join(leaf.text for leaf in conversation.leaves)) if rules else ""
    guard, custom = Guard(rules, classes, asked), bundle.custom_detectors_for(app, tenant)
    return AnswerInspector(detector, guard, custom, plain=conversation.operation in PLAIN)


def _cut(text: AnswerText, cuts: Sequence[Cut]) -> set[int]:
    """Cut, and say which documents changed."""
    if not cuts:
        return set()
    text.cut(cuts)
    return {slot.document for slot in text.slots}


def _leaf(number: int, text: str) -> Leaf:
    return Leaf(Address(f"/answer/{number}"), "/answer", text, Source.ASSISTANT, LeafKind.VALUE, ())
